"""Denial of inference: a client takes the edge node's identifier again and again, then floods its input."""

SPEED = 4
STANDING = ("cleartext.protocol",)


def play(stage):
    stage.host("guest")
    stage.inference(170, period=3)
    stage.wait(90)
    stage.learned()
    with stage.step(
        "the edge node is thrown out by its own client identifier",
        actors=("guest",),
        targets=("broker", "edge"),
        techniques=("T0814", "AML.T0029"),
        expected=("spoofing.takeover", "availability.restarts"),
        also=("availability.unresponsive", "period.missing", "period.late"),
        evidence="mqtt.msgtype == 1 && ip.src == {guest}",
    ):
        stage.done(stage.python("guest", "attack_mqtt.py", "10.20.0.10", 30, "oust", "edge-ai-1", "--period", 2))
    with stage.step(
        "a flood of readings",
        actors=("guest",),
        targets=("broker", "edge"),
        techniques=("T0814", "AML.T0029"),
        expected=("availability.flood",),
        also=("spoofing.two_publishers", "new_writer.write", "period.doubled", "feeds.new_source"),
        evidence="mqtt.msgtype == 3 && ip.src == {guest}",
    ):
        stage.done(stage.python("guest", "attack_mqtt.py", "10.20.0.10", 20, "flood", "--period", 2))
    stage.wait(10)
