"""OPC UA over Basic256, a security policy that rests on SHA-1 and is deprecated."""

STANDING = ()


def play(stage):
    stage.opcua(40, "weak")
    certificate = stage.authority.issue("ews", kind="rsa", uri="urn:example:client")
    with stage.step("a channel with a deprecated policy", actors=("ews",), targets=("gateway",),
                    expected=("cleartext.opcua_weak",), evidence='opcua.security.spu contains "Basic256"'):  # fmt: skip
        stage.done(stage.python("ews", "opcua_client.py", "10.40.0.31", 10, "--policy", "weak", "--trust", stage.trust,
                                "--certificate", *certificate))  # fmt: skip
