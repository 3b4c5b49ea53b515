"""A host on a trunk port: the edge node's card is a member of the office VLAN as well, past the firewall."""

SPEED = 2
STANDING = ("cleartext.protocol",)


def play(stage):
    stage.inference(40, period=4)
    stage.host("office")
    stage.wait(16)
    with stage.step(
        "the same card answers in the office VLAN",
        actors=("edge",),
        targets=("office", "10.10.0.150"),
        techniques=("T0886",),
        expected=("boundary_shape.dual_homed",),
        also=("assets.new", "assets.changed", "lateral.relay"),
        evidence="ip.addr == 10.10.0.150",
    ):
        address = stage.also_in("edge", "enterprise", 150, trunk=True)
        web = stage.python("edge", "web.py", address, 8081)
        stage.listening(web, 8081)
        stage.done(stage.python("office", "attack_beacon.py", address, 8081, 3))
    stage.wait(8)
