"""Sessions no conduit allows: telnet into a push-only zone, MQTT inwards, an address of no zone.

The firewall lets them through because somebody opened it for a visit of the vendor.
"""

SPEED = 2
STANDING = ("cleartext.protocol", "cleartext.login")
OPENED = (("dmz", "cell", "any"), ("enterprise", "control", "any"))


def play(stage):
    stage.plc()
    stage.broker()
    stage.hmi(50)
    stage.telemetry(50)
    stage.host("historian")
    stage.wait(10)
    with stage.step(
        "the DMZ opens a session into the cell, from which data may only be pushed",
        actors=("historian",),
        targets=("plc1",),
        techniques=("T0886", "T0885"),
        expected=("boundary.push_only",),
        also=("boundary.conduit",),
        evidence="modbus && ip.src == {historian}",
    ):
        stage.done(stage.python("historian", "attack_modbus.py", "10.40.0.11", "read", 5))
    with stage.step(
        "an office computer opens a session to the HMI",
        actors=("office",),
        targets=("hmi",),
        techniques=("T0886",),
        expected=("boundary.it_ot", "boundary.push_only", "boundary.conduit"),
        evidence="tcp.port == 8081 && ip.src == {office}",
    ):
        web = stage.python("hmi", "web.py", "10.30.0.10", 8081)
        stage.listening(web, 8081)
        stage.done(stage.python("office", "attack_beacon.py", "10.30.0.10", 8081, 2))
    with stage.step(
        "a host whose address belongs to no zone",
        actors=(),
        targets=("plc1",),
        techniques=("T0886",),
        expected=("boundary.unknown_zone",),
        also=("assets.new",),
        evidence="modbus && ip.src == 172.20.7.7",
    ):
        intruder = stage.host("intruder")
        stage.net.inside(intruder, "ip", "address", "flush", "dev", "eth0")
        stage.net.inside(intruder, "ip", "address", "add", "172.20.7.7/24", "dev", "eth0")
        stage.net.inside(intruder, "ip", "route", "add", "10.40.0.0/24", "dev", "eth0")
        stage.net.inside(stage.host("plc1"), "ip", "route", "add", "172.20.7.0/24", "dev", "eth0")
        stage.done(stage.python("intruder", "attack_modbus.py", "10.40.0.11", "read", 5))
    stage.wait(5)
