"""Brute-force I/O: every output of the PLC is switched on and off, again and again."""

SPEED = 5
STANDING = ("cleartext.protocol",)


def play(stage):
    stage.plc()
    stage.hmi(130, "--operator", 20)
    stage.wait(95)
    stage.learned()
    with stage.step(
        "sixteen coils are written twelve times",
        actors=("guest",),
        targets=("plc1",),
        techniques=("T0806", "T1692.001"),
        expected=("commands.brute_force", "new_writer.write"),
        also=("values.step",),
        evidence="modbus.func_code == 5 && ip.src == {guest}",
    ):
        stage.done(stage.python("guest", "attack_modbus.py", "10.40.0.11", "outputs", 12))
    stage.wait(15)
