"""The capture of `make demo`: two minutes of the plant, real stacks, one intruder.

    sudo python pcaps/plant/demo.py [--seconds 120] [--out pcaps/demo.pcap]

Needs the packages of the extra `plant`, Debian's mosquitto, tcpdump, iproute2, nftables and ethtool.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from layout import ADDRESS
from net import PrivilegeError
from scenario import Stage

PCAPS = Path(__file__).parents[1]


def record(out: Path, seconds: float) -> None:
    """Runs the plant and writes what its mirror port sees."""
    opened = (("enterprise", "cell", "any"),)
    with tempfile.TemporaryDirectory() as scratch, Stage("drsp", Path(scratch), opened=opened) as stage:
        stage.plc()
        stage.rtu(seconds + 20, "--unsolicited")
        stage.opcua(seconds + 20)
        stage.broker()
        stage.host("office")
        stage.hmi(seconds, "--period", 0.5, "--operator", 10)
        stage.master(seconds, "--events", 2, "--integrity", 15, "--command", 40, "--unsolicited")
        stage.historian(seconds)
        stage.telemetry(seconds, "--period", 1)
        stage.edge(seconds, "--period", 1, "--opcua", ADDRESS["gateway"], "--v5", "--user", "edge", "edge-secret")
        stage.wait(seconds * 0.75)
        for tool, *what in (
            ("attack_scan.py", "ports", ADDRESS["plc1"], 30),
            ("attack_modbus.py", ADDRESS["plc1"], "read", 6),
            ("attack_modbus.py", ADDRESS["plc1"], "write", 1600),
            ("attack_modbus.py", ADDRESS["plc1"], "stop", 0),
        ):
            stage.done(stage.python("office", tool, *what))
        stage.wait(seconds * 0.25)
        stage.finish(out)


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
