"""A search for controllers: a network is pinged, then ports 102, 502, 20000 and 44818 of what could be there.

The office host reaches the cell because a firewall rule is too wide.
"""

STANDING = ("cleartext.protocol", "boundary.it_ot", "boundary.conduit")
OPENED = (("enterprise", "cell", "any"),)


def play(stage):
    stage.plc()
    stage.hmi(40)
    stage.wait(8)
    with stage.step(
        "80 addresses of the cell are tried",
        actors=("office",),
        targets=("plc1",),
        techniques=("T0846.001", "T0846"),
        expected=("scan.addresses",),
        evidence="ip.src == {office} && (icmp || tcp.flags.syn == 1)",
    ):
        stage.done(stage.python("office", "attack_scan.py", "addresses", "10.40.0", 80))
    with stage.step(
        "ports of controllers are tried at 20 addresses",
        actors=("office",),
        targets=("plc1",),
        techniques=("T0846.001", "T0888"),
        expected=("scan.controllers", "scan.addresses"),
        also=("scan.ports",),
        evidence="ip.src == {office} && tcp.flags.syn == 1 && tcp.dstport in {{102,502,20000,44818}}",
    ):
        stage.done(stage.python("office", "attack_scan.py", "controllers", "10.40.0", 20))
    stage.wait(5)
