"""Adversarially shaped input: the sensor's identity is taken over, readings stay in range, the score falls.

The attacker has the model (see exfiltration_model) and moves each reading by less than one standard deviation of
its training data along the model's gradient. A worn bearing looks healthy.
"""

SPEED = 240
STANDING = ("cleartext.protocol",)
DRIFT = "input_manipulation"


def play(stage):
    stage.line(wear=0.62)
    stage.host("intruder")
    sensor = stage.inference(3 * 3600)
    stage.wait(5400)
    stage.learned()
    with stage.step(
        "the sensor's client identifier connects from another host",
        actors=("intruder",),
        targets=("broker",),
        techniques=("T1692.002", "T0859", "AML.T0043", "AML.T0015"),
        expected=("spoofing.takeover", "spoofing.two_publishers"),
        also=("new_writer.write", "values.step", "period.doubled"),
        evidence="ip.src == {intruder} && (mqtt.msgtype == 1 || mqtt.msgtype == 3)",
    ):
        sensor.terminate()
        stage.done(stage.python("intruder", "attack_mqtt.py", "10.20.0.10", 4200, "shape", stage.model(), "--id",
                                "sensor-line1", "--period", 20))  # fmt: skip
    stage.wait(600)
