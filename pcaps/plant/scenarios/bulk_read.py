"""A known client asks far more than it ever did: the HMI's polls of a PLC come twenty times as fast."""

SPEED = 6
STANDING = ("cleartext.protocol",)


def play(stage):
    stage.plc("plc2")
    stage.hmi(480, "--period", 4, "--operator", 0, plc="plc2")
    stage.wait(400)
    stage.learned()
    with stage.step(
        "every register is read five times a second",
        actors=("hmi",),
        targets=("plc2",),
        techniques=("T0801", "T0814"),
        expected=("baseline.traffic",),
        also=("period.doubled", "availability.flood"),
        evidence="modbus && ip.src == {hmi}",
    ):
        stage.done(stage.python("hmi", "hmi.py", "10.40.0.12", 30, "--period", 0.2, "--operator", 0))
    stage.wait(30)
