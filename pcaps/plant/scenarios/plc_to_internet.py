"""The cell's controller host reports to a server in the internet, and is answered."""

SPEED = 2
STANDING = ("cleartext.protocol",)
OPENED = (("cell", "internet", "any"),)


def play(stage):
    stage.plc()
    stage.hmi(40)
    cloud = stage.python("cloud", "web.py", "192.31.196.80", 80)
    stage.listening(cloud, 80)
    stage.wait(10)
    with stage.step(
        "HTTP from the PLC to a public address",
        actors=("plc1",),
        targets=("cloud",),
        techniques=("T0883", "T0822"),
        expected=("boundary.internet", "exfiltration.new_destination"),
        also=("lateral.beacon", "boundary.conduit"),
        evidence="ip.src == {plc1} && ip.dst == {cloud}",
    ):
        for _ in range(3):
            stage.done(stage.python("plc1", "attack_beacon.py", "192.31.196.80", 80, 1))
            stage.wait(3)
    stage.wait(5)
