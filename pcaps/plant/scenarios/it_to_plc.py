"""An office computer reads and writes a PLC through a firewall rule that is too wide."""

SPEED = 2
STANDING = ("cleartext.protocol",)
OPENED = (("enterprise", "cell", "502"),)


def play(stage):
    stage.plc()
    stage.hmi(40)
    stage.wait(12)
    with stage.step(
        "Modbus from enterprise IT to the cell",
        actors=("office",),
        targets=("plc1",),
        techniques=("T0886", "T0885", "T1692.001"),
        expected=("boundary.it_ot", "boundary.conduit", "new_writer.write"),
        also=("commands.range", "values.step"),
        evidence="modbus && ip.src == {office}",
    ):
        stage.done(stage.python("office", "attack_modbus.py", "10.40.0.11", "read", 10))
        stage.done(stage.python("office", "attack_modbus.py", "10.40.0.11", "write", 1500))
    stage.wait(8)
