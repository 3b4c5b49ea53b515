"""DNP3: a second master orders a cold restart of the outstation."""

SPEED = 5
STANDING = ("cleartext.protocol",)


def play(stage):
    stage.rtu(160, "--unsolicited")
    stage.master(150, "--command", 40, "--unsolicited")
    stage.wait(110)
    stage.learned()
    with stage.step(
        "cold restart",
        actors=("guest",),
        targets=("rtu",),
        techniques=("T0816", "T0848", "T1692.001"),
        expected=("commands.restart", "new_writer.control"),
        also=("commands.two_masters", "new_writer.write", "scan.integrity_poll", "availability.restarts"),
        evidence="dnp3.al.func == 13 && ip.src == {guest}",
    ):
        stage.done(stage.python("guest", "attack_dnp3.py", "10.40.0.21", "restart"))
    stage.wait(20)
