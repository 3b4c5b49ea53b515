"""DNP3: a second master initialises and stops the outstation's application."""

SPEED = 5
STANDING = ("cleartext.protocol",)


def play(stage):
    stage.rtu(160)
    stage.master(150, "--command", 40)
    stage.wait(110)
    stage.learned()
    with stage.step(
        "initialise application, stop application",
        actors=("guest",),
        targets=("rtu",),
        techniques=("T0858", "T1692.001", "T0848"),
        expected=("commands.stop", "commands.mode_change"),
        also=("commands.two_masters", "new_writer.control", "new_writer.write", "scan.integrity_poll"),
        every=True,
        evidence="dnp3.al.func in {{16,18}} && ip.src == {guest}",
    ):
        stage.done(stage.python("guest", "attack_dnp3.py", "10.40.0.21", "stop"))
    stage.wait(20)
