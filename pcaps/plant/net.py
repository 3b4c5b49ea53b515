"""A plant's network on one machine: hosts in network namespaces, a bridge a zone, and a mirror port.

A bridge forgets addresses at once (`ageing_time 0`), so it floods every frame to every port, also to
the sensor's: a mirror port without a switch. Each zone has a bridge of its own, which is what a VLAN is;
a kernel without 802.1Q will do, since `mirror.py` writes the tag as the switch's trunk port would.
Nothing leaves the namespaces. Needs root (or CAP_SYS_ADMIN and CAP_NET_ADMIN).
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType

HERE = Path(__file__).parent
FLAT = "plant"  # the zone of a network that has only one


class PrivilegeError(RuntimeError):
    """Network namespaces need a privilege that this user lacks."""


def run(*command: str) -> None:
    """Runs a command of iproute2; a failure says which."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")


class Host:
    """A host: a namespace with an interface in each zone it is in, mostly one."""

    def __init__(self, net: Net, name: str) -> None:
        self.net = net
        self.name = name
        self.space = f"{net.prefix}-{name}"

    def spawn(self, *command: str, **environment: str) -> subprocess.Popen[bytes]:
        """Starts a program here; it ends with the network."""
        log = (self.net.logs / f"{self.name}.log").open("ab")
        process = subprocess.Popen(
            ["ip", "netns", "exec", self.space, *command],
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": str(HERE), **self.net.environment, **environment},
            start_new_session=True,
        )
        log.close()
        self.net.processes.append(process)
        return process

    def python(self, script: str, *arguments: str) -> subprocess.Popen[bytes]:
        """Starts one of the host programs beside this file."""
        return self.spawn(sys.executable, str(HERE / "hosts" / script), *arguments)

    def call(self, *command: str, timeout: float = 60) -> int:
        """Runs a program here to its end."""
        return self.spawn(*command).wait(timeout=timeout)


class Net:
    """The network; a context manager that takes down all it has put up."""

    def __init__(self, prefix: str, logs: Path, environment: dict[str, str] | None = None) -> None:
        self.prefix = prefix
        self.environment = environment or {}  # of every program
        self.zones: list[str] = []
        self.logs = logs
        self.processes: list[subprocess.Popen[bytes]] = []
        self.hosts: dict[str, Host] = {}
        self.ports = 0

    def __enter__(self) -> Net:
        if os.geteuid() != 0:
            raise PrivilegeError("the plant makes network namespaces: run it as root (CAP_SYS_ADMIN and CAP_NET_ADMIN)")
        self.logs.mkdir(parents=True, exist_ok=True)
        self.down()
        self.switch = Host(self, "switch")
        run("ip", "netns", "add", self.switch.space)
        self.inside(self.switch, "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1")
        self.sensor = Host(self, "sensor")
        run("ip", "netns", "add", self.sensor.space)
        self.inside(self.sensor, "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in reversed(self.processes):
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
        for process in self.processes:
            try:
                process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        self.down()

    def outside(self, *command: str) -> subprocess.Popen[bytes]:
        """Starts a program beside the network; it ends with it."""
        with (self.logs / "outside.log").open("ab") as log:
            process = subprocess.Popen(
                command,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": str(HERE), **self.environment},
                start_new_session=True,
            )
        self.processes.append(process)
        return process

    def inside(self, host: Host, *command: str) -> None:
        run("ip", "netns", "exec", host.space, *command)

    def zone(self, zone: str) -> None:
        """Makes a zone's bridge, if it is not there, and a mirror port for it."""
        if zone in self.zones:
            return
        bridge = f"b-{zone}"
        self.inside(
            self.switch, "ip", "link", "add", bridge, "type", "bridge", "ageing_time", "0", "mcast_snooping", "0"
        )
        self.inside(self.switch, "ip", "link", "set", bridge, "up")
        self.zones.append(zone)
        self.plug(self.sensor, zone, f"m-{zone}", None)

    def plug(self, host: Host, zone: str, interface: str, address: str | None, mac: str | None = None) -> None:
        """Gives a host an interface in a zone; without an address it only listens."""
        self.zone(zone)
        self.ports += 1
        port = f"p{self.ports}-{host.name}"[:15]
        run("ip", "link", "add", port, "netns", self.switch.space, "type", "veth", "peer", "name", interface,
            "netns", host.space)  # fmt: skip
        self.inside(self.switch, "ip", "link", "set", port, "master", f"b-{zone}")
        self.inside(self.switch, "ip", "link", "set", port, "up")
        if mac:
            self.inside(host, "ip", "link", "set", interface, "address", mac)
        self.inside(host, "ip", "link", "set", interface, "up")
        if address:
            self.inside(host, "ip", "address", "add", address, "dev", interface)
        # Offloads would show the sensor segments that no wire carries and checksums that were never filled in.
        self.inside(host, "ethtool", "-K", interface, "tso", "off", "gso", "off", "gro", "off", "tx", "off")

    def add(self, name: str, address: str | None, mac: str | None = None, zone: str = FLAT) -> Host:
        """Adds a host with an address such as 10.20.1.11/16."""
        host = Host(self, name)
        run("ip", "netns", "add", host.space)
        self.inside(host, "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1")
        self.inside(host, "ip", "link", "set", "lo", "up")
        self.plug(host, zone, "eth0", address, mac)
        self.hosts[name] = host
        return host

    def capture(self, path: Path, zone: str = FLAT) -> subprocess.Popen[bytes]:
        """Writes everything a zone's mirror port sees, until the network goes down or the process is ended."""
        path.unlink(missing_ok=True)
        self.zone(zone)
        command = ["tcpdump", "-i", f"m-{zone}", "-Q", "in", "-s", "0", "-U", "-Z", "root", "-w", str(path)]
        process = self.sensor.spawn(*command, "--immediate-mode", "--time-stamp-precision=nano", "-B", "8192")
        deadline = time.monotonic() + 20
        while not path.exists() or path.stat().st_size == 0:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"tcpdump did not start: see {self.logs / 'sensor.log'}")
            time.sleep(0.05)
        return process

    def down(self) -> None:
        """Removes what an earlier run may have left."""
        listed = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True).stdout
        for line in listed.splitlines():
            space = line.split()[0]
            if space.startswith(f"{self.prefix}-"):
                run("ip", "netns", "delete", space)
