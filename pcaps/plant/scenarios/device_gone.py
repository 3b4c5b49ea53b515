"""A PLC hangs: its network card acknowledges, its program answers nothing any more. Nobody is seen to have done it."""

import signal

SPEED = 2
STANDING = ("cleartext.protocol",)


def play(stage):
    plc = stage.plc()
    stage.hmi(150, "--operator", 30, "--stubborn")
    stage.wait(80)
    stage.learned()
    with stage.step(
        "requests are acknowledged and not answered",
        actors=("plc1",),
        targets=("hmi",),
        expected=("availability.unresponsive",),
        also=("commands.unanswered", "assets.vanished", "period.missing", "period.late"),
        evidence="modbus && ip.src == {hmi}",
    ):
        plc.send_signal(signal.SIGSTOP)
        stage.wait(60)
    plc.send_signal(signal.SIGCONT)
    stage.wait(5)
