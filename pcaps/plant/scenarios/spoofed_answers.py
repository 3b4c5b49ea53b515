"""Somebody answers in a PLC's place: the PLC's address moves to another host, whose answers nobody asked for."""

STANDING = ("cleartext.protocol",)


def play(stage):
    plc = stage.plc("plc2")
    first = stage.hmi(12, plc="plc2")
    stage.done(first)
    plc.terminate()
    plc.wait(timeout=10)
    with stage.step(
        "the address of the PLC is announced by another host",
        actors=("intruder",),
        targets=("plc2",),
        techniques=("T0830",),
        expected=("spoofing.arp_move",),
        also=("spoofing.arp_storm", "assets.changed"),
        evidence="arp.src.proto_ipv4 == {plc2} && arp.src.hw_mac == {mac[intruder]}",
    ):
        stage.net.inside(stage.host("plc2"), "ip", "link", "set", "eth0", "down")
        stage.net.inside(stage.host("intruder"), "ip", "address", "add", "10.40.0.12/24", "dev", "eth0")
        fake = stage.python("intruder", "attack_answers.py", "10.40.0.12")
        stage.listening(fake, 502)
    with stage.step(
        "each request is answered twice, the values are the attacker's",
        actors=("intruder",),
        targets=("hmi",),
        techniques=("T1692.002", "T0830"),
        expected=("spoofing.two_answers", "parser_anomaly.unsolicited"),
        also=("spoofing.arp_move", "spoofing.sequence", "values.step", "values.frozen", "assets.changed"),
        evidence="modbus && eth.src == {mac[intruder]}",
    ):
        stage.done(stage.hmi(20, "--operator", 0, plc="plc2"))
