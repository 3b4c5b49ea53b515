"""A known master does what it never did: a set point far out of range, and functions it has never used."""

SPEED = 5
STANDING = ("cleartext.protocol",)


def play(stage):
    stage.plc()
    stage.hmi(150, "--operator", 10)
    stage.wait(115)
    stage.learned()
    with stage.step(
        "the HMI writes 3000 rpm, masks a register and reads and writes at once",
        actors=("hmi",),
        targets=("plc1",),
        techniques=("T0836", "T1692.001"),
        expected=("commands.range", "commands.new_function"),
        also=("values.range", "values.step"),
        every=True,
        evidence="modbus.func_code in {{22,23}} && ip.src == {hmi}",
    ):
        stage.done(stage.python("hmi", "attack_modbus.py", "10.40.0.11", "odd", 3000))
    stage.wait(20)
