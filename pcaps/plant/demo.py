"""The capture of `make demo`: two minutes of a small plant, real stacks, one intruder.

    sudo python pcaps/plant/demo.py [--seconds 120] [--out pcaps/demo.pcap]

Needs the packages of the extra `plant`, Debian's mosquitto, tcpdump, iproute2 and ethtool.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from net import Net, PrivilegeError

PCAPS = Path(__file__).parents[1]
MOSQUITTO = "listener 1883 {address}\nallow_anonymous true\nuser root\n"


def record(out: Path, seconds: float) -> None:
    """Runs the plant and writes what its mirror port sees."""
    with tempfile.TemporaryDirectory() as scratch, Net("drsp", Path(scratch)) as net:
        scada = net.add("scada", "10.20.2.10/8", "00:1b:1b:20:02:10")
        plc = net.add("plc", "10.20.1.11/8", "00:80:f4:20:01:11")
        rtu = net.add("rtu", "10.20.1.21/8", "00:30:a7:20:01:21")
        cell = net.add("cell", "10.20.1.31/8", "00:0a:45:20:01:31")
        broker = net.add("broker", "10.20.3.5/8", "00:0c:29:20:03:05")
        edge = net.add("edge", "10.20.4.10/8", "00:04:4b:20:04:10")
        office = net.add("office", "10.99.0.23/8", "00:15:5d:99:00:23")
        config = Path(scratch) / "mosquitto.conf"
        config.write_text(MOSQUITTO.format(address="10.20.3.5"))
        tcpdump = net.capture(out)
        broker.spawn("mosquitto", "-c", str(config))
        plc.python("plc.py", "10.20.1.11")
        rtu.python("outstation.py", "10.20.1.21", str(seconds + 20))
        cell.python("opcua_server.py", "10.20.1.31", str(seconds + 20))
        time.sleep(4)
        scada.python("scada.py", "10.20.1.11", str(seconds))
        scada.python("master.py", "10.20.1.21", str(seconds))
        edge.python("edge_node.py", "10.20.1.31", "10.20.3.5", str(seconds))
        broker.python("historian.py", "10.20.3.5", str(seconds))
        time.sleep(seconds * 0.75)
        office.python("intruder.py", "10.20.1.11").wait(timeout=60)
        time.sleep(seconds * 0.25)
        tcpdump.terminate()
        tcpdump.wait(timeout=10)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--out", type=Path, default=PCAPS / "demo.pcap")
    options = parser.parse_args()
    try:
        record(options.out, options.seconds)
    except PrivilegeError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stderr.write(f"{options.out}: {options.out.stat().st_size} bytes\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
