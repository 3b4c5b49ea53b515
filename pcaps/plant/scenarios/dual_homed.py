"""A dual-homed edge node: a second cable joins it to the office network, past the firewall."""

SPEED = 2
STANDING = ("cleartext.protocol",)


def play(stage):
    stage.shell("edge")
    stage.inference(60, period=3)
    stage.host("office")
    stage.wait(20)
    with stage.step(
        "the edge node answers in the office network",
        actors=("edge",),
        targets=("office", "10.10.0.150"),
        techniques=("T0886",),
        expected=(
            "assets.new",
            "assets.changed",
            "boundary_shape.dual_homed",
        ),
        also=("lateral.relay",),
        evidence="ip.addr == 10.10.0.150",
    ):
        address = stage.also_in("edge", "enterprise", 150)
        web = stage.python("edge", "web.py", address, 8081)
        stage.listening(web, 8081)
        stage.done(stage.python("office", "attack_beacon.py", address, 8081, 3))
    stage.wait(8)
