"""A model is copied by its answers: a workstation that reads the score now and then asks for it five times a second."""

SPEED = 4
STANDING = ("cleartext.protocol", "cleartext.opcua_none")


def play(stage):
    stage.broker()
    edge = stage.edge(290, "--serve", "10.50.0.10")
    stage.listening(edge, 4840)
    stage.telemetry(270, "--period", 10)
    reader = stage.python("ews", "opcua_client.py", "10.50.0.10", 130, "--score", "--quiet", "--period", 15)
    stage.wait(130)
    stage.done(reader)
    stage.learned()
    with stage.step(
        "the score is asked for 400 times within a minute and a half",
        actors=("ews",),
        targets=("edge",),
        techniques=("AML.T0024.002", "AML.T0040"),
        expected=("exfiltration.query_volume",),
        also=("availability.flood", "period.doubled", "period.late", "period.missing"),
        evidence="opcua.servicenodeid.numeric == 631 && ip.src == {ews}",
    ):
        stage.done(stage.python("ews", "opcua_client.py", "10.50.0.10", 80, "--score", "--quiet", "--period", 0.2))
    stage.wait(10)
