"""A password of OPC UA is guessed: twenty sessions, all refused."""

STANDING = ("cleartext.protocol", "cleartext.opcua_none")


def play(stage):
    stage.opcua(60)
    stage.python("hmi", "opcua_client.py", "10.40.0.31", 35)
    stage.wait(8)
    with stage.step(
        "twenty refused log-ins",
        actors=("guest",),
        targets=("gateway",),
        techniques=("T0859", "T0886"),
        expected=(
            "cleartext.credentials",
            "credentials.cleartext",
            "credentials.guessing",
        ),
        also=("credentials.default", "credentials.shared"),
        evidence="opcua.servicenodeid.numeric == 467 && ip.src == {guest}",
    ):
        stage.done(stage.python("guest", "attack_opcua.py", "10.40.0.31", 20))
    stage.wait(3)
