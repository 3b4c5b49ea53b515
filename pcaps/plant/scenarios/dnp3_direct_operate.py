"""DNP3: a second master operates outputs directly, without selecting them first."""

SPEED = 5
STANDING = ("cleartext.protocol",)


def play(stage):
    stage.rtu(180)
    stage.master(170, "--command", 40)
    stage.wait(110)
    stage.learned()
    with stage.step(
        "the pump is switched off by direct operate",
        actors=("guest",),
        targets=("rtu",),
        techniques=("T0848", "T1692.001"),
        expected=("commands.direct_operate", "new_writer.control"),
        also=("commands.two_masters", "new_writer.write", "scan.integrity_poll"),
        evidence="dnp3.al.func == 5 && ip.src == {guest}",
    ):
        stage.done(stage.python("guest", "attack_dnp3.py", "10.40.0.21", "operate"))
    with stage.step(
        "all outputs, again and again",
        actors=("guest",),
        targets=("rtu",),
        techniques=("T0806", "T1692.001"),
        expected=("commands.brute_force", "commands.direct_operate", "new_writer.control"),
        also=("commands.two_masters", "new_writer.write", "values.step"),
        evidence="dnp3.al.func == 5 && ip.src == {guest}",
    ):
        stage.done(stage.python("guest", "attack_dnp3.py", "10.40.0.21", "outputs"))
    stage.wait(15)
