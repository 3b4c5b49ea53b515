"""A host that was never a client writes to the PLC and commands a coil.

A minute and a half of normal life comes first: long enough to learn who writes.
"""

SPEED = 5
STANDING = ("cleartext.protocol",)


def play(stage):
    stage.plc()
    stage.hmi(150, "--operator", 20)
    stage.wait(115)
    stage.learned()
    with stage.step(
        "the speed set point is overwritten, three times",
        actors=("guest",),
        targets=("plc1",),
        techniques=("T0848", "T1692.001", "T0836"),
        expected=("new_writer.write",),
        also=("commands.range", "values.step"),
        evidence="modbus.func_code == 6 && ip.src == {guest}",
    ):
        stage.done(stage.python("guest", "attack_modbus.py", "10.40.0.11", "write", 1750))
    with stage.step(
        "the pump is stopped",
        actors=("guest",),
        targets=("plc1",),
        techniques=("T0848", "T1692.001"),
        expected=("new_writer.write", "commands.stop"),
        also=("values.step",),
        evidence="modbus.func_code == 5 && ip.src == {guest}",
    ):
        stage.done(stage.python("guest", "attack_modbus.py", "10.40.0.11", "stop", 0))
    stage.wait(30)
