"""A step is left out: set points are released by one coil and ended by another, and then somebody writes without."""

SPEED = 5
STANDING = ("cleartext.protocol",)


def play(stage):
    stage.plc()
    stage.hmi(270, "--period", 2, "--operator", 10, "--release", 8, 9, "--skip", 110)
    stage.wait(218)
    stage.learned()
    with stage.step(
        "set points are written without being released",
        actors=("hmi",),
        targets=("plc1",),
        techniques=("T1692.001", "T0836"),
        expected=("commands.order",),
        also=("period.missing",),
        evidence="modbus.func_code == 6 && ip.src == {hmi}",
    ):
        stage.wait(40)
    stage.wait(10)
