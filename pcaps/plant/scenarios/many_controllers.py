"""A SCADA server that polls sixty controllers: many hosts, one client, and no scan.

The controllers of this capture sit behind one interface with sixty addresses.
"""

LOOK_ALIKE = "address_scan"
STANDING = ("cleartext.protocol", "assets.new")
SILENT = ("scan",)


def play(stage):
    stage.host("plc1")
    for last in range(101, 161):
        stage.net.inside(stage.host("plc1"), "ip", "address", "add", f"10.40.0.{last}/24", "dev", "eth0")
    stage.plc(address="0.0.0.0")
    stage.done(stage.python("hmi", "many.py", "10.40.0", 101, 60, 12))
