"""A connect scan of one PLC's ports by a host that was plugged into the cell."""

STANDING = ("cleartext.protocol",)


def play(stage):
    stage.plc()
    stage.hmi(25)
    stage.wait(8)
    with stage.step(
        "60 ports of the PLC are tried",
        actors=("intruder",),
        targets=("plc1",),
        techniques=("T0846.001", "T0846"),
        expected=("scan.ports",),
        also=("scan.controllers",),
        evidence="tcp.flags.syn == 1 && tcp.flags.ack == 0 && ip.src == {intruder}",
    ):
        stage.done(stage.python("intruder", "attack_scan.py", "ports", "10.40.0.11", 60))
    stage.wait(5)
