"""ARP flood: a plugged-in host announces 150 addresses of the cell again and again, those of controllers among them."""

SPEED = 5
STANDING = ("cleartext.protocol",)


def play(stage):
    stage.plc()
    stage.host("intruder")
    stage.hmi(130, "--operator", 30)
    stage.wait(95)
    stage.learned()
    with stage.step(
        "600 announcements",
        actors=("intruder",),
        targets=("plc1", *(f"10.40.0.{last}" for last in range(100, 250))),
        techniques=("T0830", "T0814"),
        expected=("spoofing.arp_storm", "spoofing.many_addresses"),
        also=("spoofing.arp_move", "availability.flood"),
        evidence="arp.opcode == 2 && eth.src == {mac[intruder]}",
    ):
        stage.done(stage.python("intruder", "attack_arp.py", "flood", "10.40.0", 600))
    stage.wait(15)
