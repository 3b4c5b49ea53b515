"""A computer of the AI zone in the office's VLAN: the training server hangs on a switch port of the wrong network."""

SPEED = 2
STANDING = ("cleartext.protocol",)


def play(stage):
    stage.names_and_time()
    stage.host("office")
    stage.ask("office")
    stage.wait(12)
    with stage.step(
        "the training server is heard in the office's VLAN",
        actors=("training",),
        targets=("office",),
        techniques=("T0886",),
        expected=("boundary_shape.shared_vlan",),
        also=("assets.new", "assets.changed"),
        evidence="arp.src.proto_ipv4 == {training} && vlan.id == 10",
    ):
        stage.misplugged("training", "enterprise")
        for _ in range(3):
            stage.done(stage.python("training", "attack_arp.py", "announce", "10.50.0.30"))
            stage.wait(3)
    stage.ask("office")
    stage.wait(12)
