"""MQTT discovery: a new client subscribes to everything, the broker's own topics too."""

SPEED = 3
STANDING = ("cleartext.protocol",)


def play(stage):
    stage.inference(90, period=3)
    stage.python("sensor1", "sparkplug.py", "10.20.0.10", 70)
    stage.wait(40)
    with stage.step(
        "subscription to # and $SYS/#",
        actors=("guest",),
        targets=("broker",),
        techniques=("T0861", "T0842", "AML.T0040"),
        expected=("scan.wildcard", "exfiltration.subscription"),
        evidence='mqtt.topic == "#" && ip.src == {guest}',
    ):
        stage.done(stage.python("guest", "attack_mqtt.py", "10.20.0.10", 20, "listen"))
    stage.wait(10)
