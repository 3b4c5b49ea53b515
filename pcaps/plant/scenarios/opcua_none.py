"""OPC UA with policy None and with signatures only.

An anonymous session and one with a user name on the open channel, then one that is signed but not encrypted.
"""

STANDING = ("cleartext.protocol",)


def play(stage):
    stage.opcua(60, "none", "sign")
    certificate = stage.authority.issue("ews", kind="rsa", uri="urn:example:client")
    with stage.step(
        "services on a channel with policy None",
        actors=("hmi",),
        targets=("gateway",),
        expected=("cleartext.opcua_none",),
        evidence="opcua.servicenodeid.numeric == 631",
    ):
        stage.done(stage.python("hmi", "opcua_client.py", "10.40.0.31", 8))
    with stage.step(
        "a user name on a channel with policy None",
        actors=("ews",),
        targets=("gateway",),
        techniques=("T0859",),
        expected=("cleartext.credentials", "credentials.cleartext"),
        also=("new_writer.write",),
        evidence="opcua.UserName",
    ):
        stage.done(stage.python("ews", "opcua_client.py", "10.40.0.31", 5, "--user", "operator", "pump-line-1",
                                "--write", 1455))  # fmt: skip
    with stage.step(
        "signed, not encrypted",
        actors=("ews",),
        targets=("gateway",),
        expected=("cleartext.opcua_signed",),
        evidence='opcua.security.spu contains "Basic256Sha256"',
    ):
        stage.done(stage.python("ews", "opcua_client.py", "10.40.0.31", 5, "--policy", "sign", "--trust", stage.trust,
                                "--certificate", *certificate))  # fmt: skip
