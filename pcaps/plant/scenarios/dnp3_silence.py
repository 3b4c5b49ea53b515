"""DNP3: a second master disables unsolicited reporting."""

SPEED = 5
STANDING = ("cleartext.protocol",)


def play(stage):
    stage.rtu(160, "--unsolicited")
    stage.master(150, "--command", 40, "--unsolicited")
    stage.wait(110)
    stage.learned()
    with stage.step(
        "disable unsolicited",
        actors=("guest",),
        targets=("rtu",),
        techniques=("T1691.002", "T0848"),
        expected=("commands.disable_unsolicited", "new_writer.control"),
        also=("commands.two_masters", "new_writer.write", "scan.integrity_poll"),
        evidence="dnp3.al.func == 21 && ip.src == {guest}",
    ):
        stage.done(stage.python("guest", "attack_dnp3.py", "10.40.0.21", "silence"))
    stage.wait(20)
