"""OPC UA with users: names and certificates, signed, and signed and encrypted. As it should be done.

Three sessions of the engineering workstation and the HMI; the password is encrypted for the server on every channel.
"""

STANDING = ("cleartext.protocol", "cleartext.opcua_signed")
LOOK_ALIKE = "opcua_guessing"
SILENT = ("cleartext.credentials", "cleartext.opcua_none", "scan", "boundary", "parser_anomaly")


def play(stage):
    own = stage.authority.issue("ews", kind="rsa", uri="urn:example:client")
    person = stage.authority.issue("hmi", kind="rsa", name="Shift engineer")
    stage.opcua(50, "sign", "encrypt", users=(person[0],))
    sessions = (
        ("sign", "--user", "operator", "pump-line-1"),
        ("encrypt", "--user", "engineer", "commissioning", "--write", 1455),
        ("encrypt", "--user-certificate", *person, "--write", 1445),
    )
    for policy, *who in sessions:
        client = stage.python("ews", "opcua_client.py", "10.40.0.31", 8, "--policy", policy, "--trust", stage.trust,
                              "--certificate", *own, *who)  # fmt: skip
        stage.done(client)
        stage.wait(2)
