"""A second publisher of the sensor's topic: false readings between the true ones, and a model that believes them."""

SPEED = 240
STANDING = ("cleartext.protocol",)
DRIFT = "input_manipulation"


def play(stage):
    stage.host("guest")
    stage.inference(3 * 3600, period=30)
    stage.wait(5400)
    stage.learned()
    with stage.step(
        "readings published by a host that is not the sensor",
        actors=("guest",),
        targets=("broker",),
        techniques=("T1692.002", "T0848", "AML.T0043"),
        expected=("spoofing.two_publishers", "new_writer.write"),
        also=("values.step", "values.range", "period.doubled"),
        evidence="mqtt.msgtype == 3 && ip.src == {guest}",
    ):
        stage.done(stage.python("guest", "attack_mqtt.py", "10.20.0.10", 4200, "spoof", 2.2, "--period", 14))
    stage.wait(600)
