"""A PLC is replaced: the same address, another device behind it, and the engineer who sets it up."""

LOOK_ALIKE = "spoofed_answers"
STANDING = ("cleartext.protocol",)
SILENT = ("parser_anomaly.unsolicited", "scan", "boundary")


def play(stage):
    plc = stage.plc("plc2")
    stage.done(stage.python("ews", "attack_modbus.py", "10.40.0.12", "write", 1445))
    stage.done(stage.hmi(12, plc="plc2"))
    stage.learned()
    plc.terminate()
    plc.wait(timeout=10)
    with stage.step("another device answers at the address", actors=("plc3",), targets=("plc2",),
                    approved=("update", "write"), evidence="arp.src.proto_ipv4 == {plc2} && arp.src.hw_mac == {mac[plc3]}"):  # fmt: skip
        stage.net.inside(stage.host("plc2"), "ip", "link", "set", "eth0", "down")
        stage.net.inside(stage.host("plc3"), "ip", "address", "add", "10.40.0.12/24", "dev", "eth0")
        stage.plc("plc3", address="10.40.0.12")
        stage.done(stage.python("plc3", "attack_arp.py", "announce", "10.40.0.12"))
    stage.done(stage.python("ews", "attack_modbus.py", "10.40.0.12", "write", 1450))
    stage.done(stage.hmi(15, plc="plc2"))
