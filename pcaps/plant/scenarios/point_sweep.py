"""Modbus discovery: a plugged-in host reads a PLC's registers and coils block by block, most of which it does not have."""

SPEED = 3
STANDING = ("cleartext.protocol",)


def play(stage):
    stage.plc()
    stage.host("intruder")
    stage.hmi(60, "--period", 2)
    stage.wait(35)
    stage.learned()
    with stage.step(
        "registers and coils up to 1600 are read in blocks of 25",
        actors=("intruder",),
        targets=("plc1",),
        techniques=("T0861", "T0802"),
        expected=("scan.points",),
        also=("scan.functions", "availability.exception_storm", "exfiltration.volume"),
        evidence="modbus && ip.src == {intruder}",
    ):
        stage.done(stage.python("intruder", "attack_modbus.py", "10.40.0.11", "registers", 1600))
    stage.wait(12)
