"""A recording in place of readings: the sensor's last fifty values are sent once more, in the same order."""

SPEED = 5
STANDING = ("cleartext.protocol",)


def play(stage):
    stage.broker()
    stage.historian(220)
    sensor = stage.telemetry(200, "--replay", 50)
    stage.wait(98)
    stage.learned()
    with stage.step(
        "the readings are those of a minute and a half ago",
        actors=("sensor1",),
        targets=("broker", "historian"),
        techniques=("T1692.002", "T0831", "AML.T0043"),
        expected=("values.replay",),
        evidence="mqtt.msgtype == 3 && ip.src == {sensor1}",
    ):
        stage.wait(95)
    stage.done(sensor)
    stage.wait(8)
