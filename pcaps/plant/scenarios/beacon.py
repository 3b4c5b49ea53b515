"""An implant in the edge node reports to a server in the internet every half a minute, by the clock."""

SPEED = 20
STANDING = ("cleartext.protocol",)
OPENED = (("edge", "internet", "any"),)


def play(stage):
    cloud = stage.python("cloud", "web.py", "192.31.196.80", 80)
    stage.listening(cloud, 80)
    stage.inference(1300, period=10)
    stage.wait(300)
    stage.learned()
    with stage.step(
        "thirty reports",
        actors=("edge",),
        targets=("cloud",),
        techniques=("T0869", "T0885", "T0883"),
        expected=("lateral.beacon", "boundary.internet"),
        also=("exfiltration.new_destination", "exfiltration.volume", "boundary.conduit", "lateral.relay"),
        evidence="tcp.flags.syn == 1 && ip.src == {edge} && ip.dst == {cloud}",
    ):
        for _ in range(30):
            stage.done(stage.python("edge", "attack_beacon.py", "192.31.196.80", 80, 1))
            stage.wait(24)
    stage.wait(30)
