"""From one workstation to many: SSH to six hosts that it never logged in to, within minutes."""

SPEED = 5
STANDING = ("cleartext.protocol",)
OPENED = (("control", "dmz", "22"), ("control", "enterprise", "22"))


def play(stage):
    targets = ("edge", "registry", "training", "historian", "broker", "server")
    for host in targets:
        stage.shell(host)
    stage.plc()
    stage.hmi(190, "--operator", 30)
    stage.done(stage.ssh("ews", "edge", "uname", "-a"))
    stage.wait(100)
    stage.learned()
    with stage.step(
        "six logins",
        actors=("guest",),
        targets=targets,
        techniques=("T0886", "T0859", "T0866"),
        expected=("lateral.fan_out",),
        also=("lateral.new_admin_edge", "lateral.relay", "lateral.chain", "boundary.conduit", "boundary.it_ot", "boundary.push_only",
              "credentials.privileged_session", "boundary_shape.drift"),
        evidence="tcp.dstport == 22 && ip.src == {guest}",
    ):  # fmt: skip
        for host in targets:
            stage.done(stage.ssh("guest", host, "uname", "-a"))
            stage.wait(5)
    stage.wait(15)
