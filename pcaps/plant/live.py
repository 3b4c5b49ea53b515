"""The plant, live: its mirror port in one interface, until it is ended.

    sudo python pcaps/plant/live.py [--interface plant0]

Normal life runs on, and what the mirror ports of all zones see comes out of a network interface of this machine,
tagged as a switch's trunk port would: `driftspan run --interface plant0`. `--incident` adds a rogue writer every
ten minutes. Ctrl-C takes everything down.
"""

from __future__ import annotations

import argparse
import contextlib
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from layout import ADDRESS, ROUTER_MAC, ZONES
from mirror import Seen, second_leg, tagged
from net import PrivilegeError, run
from rawsocket import inside
from scenario import Stage

FOREVER = 10**7  # seconds; about four months


def begin(stage: Stage) -> None:
    """Normal life, at its real speed."""
    stage.plc()
    stage.rtu(FOREVER, "--unsolicited")
    stage.opcua(FOREVER)
    stage.broker()
    stage.registry(stage.model())
    stage.host("guest")
    stage.historian(FOREVER)
    stage.hmi(FOREVER)
    stage.master(FOREVER, "--unsolicited")
    stage.edge(FOREVER, "--registry", f"http://{ADDRESS['registry']}:8080", "--refresh", 300)
    stage.telemetry(FOREVER)


def forward(stage: Stage, interface: str, incident: bool) -> None:
    """Copies every frame of the mirror ports to the far end of the interface, with its tag."""
    routers = {bytes.fromhex(mac.replace(":", "")) for mac in ROUTER_MAC.values()}
    with inside(stage.net.sensor.space):
        ports = {zone: socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)) for zone in stage.net.zones}
        for zone, port in ports.items():
            port.bind((f"m-{zone}", 3))
            port.setblocking(False)
    out = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    out.bind((f"{interface}-in", 0))
    again = time.monotonic() + 600
    while True:
        idle = True
        for zone, port in ports.items():
            with contextlib.suppress(BlockingIOError):
                frame = port.recv(65536)
                idle = False
                if not second_leg(frame, routers):
                    out.send(tagged(Seen(0, ZONES[zone].vlan, frame)))
        if idle:
            time.sleep(0.001)
        if incident and time.monotonic() > again:
            again += 600
            stage.python("guest", "attack_modbus.py", ADDRESS["plc1"], "write", 1600)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--interface", default="plant0")
    parser.add_argument("--incident", action="store_true")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with tempfile.TemporaryDirectory() as scratch, Stage("live", Path(scratch)) as stage:
            run("ip", "link", "add", options.interface, "type", "veth", "peer", "name", f"{options.interface}-in")
            try:
                for end in (options.interface, f"{options.interface}-in"):
                    run("sysctl", "-qw", f"net.ipv6.conf.{end}.disable_ipv6=1")
                    run("ip", "link", "set", end, "up")
                begin(stage)
                sys.stderr.write(f"the plant's mirror port is {options.interface}; Ctrl-C ends it\n")
                forward(stage, options.interface, options.incident)
            finally:
                subprocess.run(["ip", "link", "delete", options.interface], check=False, capture_output=True)
    except PrivilegeError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyboardInterrupt:
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
