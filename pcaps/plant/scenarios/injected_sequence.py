"""Sparkplug: somebody puts false readings between a node's own; the sequence numbers tell."""

SPEED = 5
STANDING = ("cleartext.protocol",)


def play(stage):
    stage.host("guest")
    stage.broker()
    stage.historian(160, "--sparkplug")
    stage.python("sensor1", "sparkplug.py", "10.20.0.10", 150, "--period", 2)
    stage.wait(110)
    stage.learned()
    with stage.step(
        "ten messages in the node's name",
        actors=("guest",),
        targets=("broker", "sensor1"),
        techniques=("T1692.002", "T0848", "AML.T0043"),
        expected=("spoofing.sequence", "spoofing.two_publishers"),
        also=("new_writer.write", "values.step", "period.doubled"),
        evidence="mqtt.msgtype == 3 && ip.src == {guest}",
    ):
        stage.done(stage.python("guest", "sparkplug.py", "10.20.0.10", 30, "--period", 3, "--inject", "--id", "tool-3"))
    stage.wait(10)
