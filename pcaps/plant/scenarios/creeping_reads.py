"""Slow growth: a program reads a controller a few times every two hours, and from the eighth day on a little more each day.

Thirteen days, of which the first seven are those of commissioning. Each step is too small for a baseline that adapts.
"""

SPEED = 28800
STANDING = ("cleartext.protocol",)
DAYS = 24 * 3600


def play(stage):
    stage.plc("plc2", standing=True)
    program = stage.python("ews", "rounds.py", "10.40.0.12", 12.6, "--creep", 8)
    stage.wait(6.75 * DAYS)
    stage.learned()
    with stage.step(
        "one read more in each round, every day",
        actors=("ews",),
        targets=("plc2",),
        techniques=("T0801", "T0831"),
        expected=("baseline.slow_drift",),
        also=("period.doubled",),
        evidence="modbus && ip.src == {ews}",
    ):
        stage.done(program)
    stage.wait(6 * 3600)
