"""Discovery by broadcast: a plugged-in host calls upon all devices of the cell to name themselves."""

SPEED = 4
STANDING = ("cleartext.protocol",)


def play(stage):
    stage.plc()
    stage.host("intruder")
    stage.hmi(100, "--period", 2)
    stage.wait(70)
    stage.learned()
    with stage.step(
        "List Identity of EtherNet/IP and Who-Is of BACnet, to everybody",
        actors=("intruder",),
        targets=("255.255.255.255",),
        techniques=("T0846.002", "T0888"),
        expected=("scan.broadcast",),
        evidence="udp && ip.src == {intruder}",
    ):
        stage.done(stage.python("intruder", "attack_scan.py", "call", "255.255.255.255", 3))
    stage.wait(12)
