"""The plant: zones joined by a firewall, hosts started when a scenario asks for them, every zone recorded.

    with Plant("p1", scratch, speed=4) as plant:
        plant.start("plc1"); plant.start("hmi", seconds=60)
        plant.wait(60)
        stretch = plant.finish(Path("out.pcap"))

All waits are in the plant's seconds. The capture has each packet as often as the switch's mirror sees it: a
routed one on its way into the firewall and on its way out, unless `ingress` asks for what a mirror of
ingress ports gives, each packet once.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType

import firewall
import mirror
import plantclock
from layout import ADDRESS, MAC, ROUTER_MAC, ZONE_OF, ZONES
from net import HERE, Host, Net, run


class Plant:
    def __init__(
        self, prefix: str, scratch: Path, *, speed: float = 1, seed: int = 1, epoch: float = plantclock.EPOCH,
        opened: tuple[tuple[str, str, str], ...] = (), ingress: bool = True,
    ) -> None:  # fmt: skip
        self.scratch, self.speed, self.epoch, self.ingress = scratch, speed, epoch, ingress
        self.wall = time.time()
        self._seed, self._opened = seed, opened
        self._process = scratch / "line.socket"
        environment = {"PLANT_SPEED": str(speed), "PLANT_EPOCH": str(epoch), "PLANT_WALL": repr(self.wall),
                       "PLANT_PROCESS": str(self._process)}  # fmt: skip
        self.net = Net(prefix, scratch, environment)
        self._dumps: dict[str, subprocess.Popen[bytes]] = {}
        self._router: Host | None = None

    def __enter__(self) -> Plant:
        self.net.__enter__()
        try:
            self._begin()
        except BaseException:
            self.net.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.net.__exit__(kind, error, trace)

    def _begin(self) -> None:
        """The process server and the router."""
        self.net.outside(sys.executable, str(HERE / "control.py"), str(self._process), str(self._seed))
        self.await_that(self._process.exists, "the process server")
        router = Host(self.net, "router")
        run("ip", "netns", "add", router.space)
        self.net.inside(router, "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1", "net.ipv4.ip_forward=1",
                        "net.ipv4.conf.all.send_redirects=0", "net.ipv4.conf.default.send_redirects=0")  # fmt: skip
        rules = self.scratch / "rules.nft"
        rules.write_text(firewall.nftables(self._opened))
        self.net.inside(router, "nft", "-f", str(rules))
        self._router = router

    @staticmethod
    def await_that(ready: object, what: str, seconds: float = 30) -> None:
        """Waits until `ready()` is true."""
        deadline = time.monotonic() + seconds
        while not ready():  # type: ignore[operator]
            if time.monotonic() > deadline:
                raise RuntimeError(f"{what} did not come up")
            time.sleep(0.05)

    def zone(self, name: str) -> None:
        """Puts up a zone: bridge, recording, the router's leg."""
        if name in self._dumps:
            return
        self._dumps[name] = self.net.capture(self.scratch / f"{name}.pcap", name)
        assert self._router is not None
        self.net.plug(self._router, name, name, f"{ZONES[name].gateway}/24", ROUTER_MAC[name])

    def host(self, name: str) -> Host:
        """A host of the layout, put up if it is not there."""
        if name not in self.net.hosts:
            zone = ZONE_OF[name]
            self.zone(zone.name)
            host = self.net.add(name, f"{ADDRESS[name]}/24", MAC[name], zone.name)
            self.net.inside(host, "ip", "route", "add", "default", "via", zone.gateway)
        return self.net.hosts[name]

    def also_in(self, name: str, zone: str, last: int, *, trunk: bool = False) -> str:
        """A second interface of a host in another zone: a dual-homed host. Says its address there. On a trunk port it
        is the same card, and so has the same hardware address."""
        self.zone(zone)
        host, address = self.host(name), f"{ZONES[zone].prefix}.{last}"
        self.net.plug(host, zone, "eth1", f"{address}/24", MAC[name] if trunk else MAC[name][:15] + "f1")
        return address

    def misplugged(self, name: str, zone: str) -> Host:
        """A host with its own address, plugged into another zone's switch."""
        self.zone(zone)
        return self.net.add(name, f"{ADDRESS[name]}/24", MAC[name], zone)

    def python(self, name: str, script: str, *arguments: object) -> subprocess.Popen[bytes]:
        """Starts a program of hosts/ on a host."""
        return self.host(name).python(script, *[str(a) for a in arguments])

    def spawn(self, name: str, *command: object) -> subprocess.Popen[bytes]:
        return self.host(name).spawn(*[str(c) for c in command])

    def listening(self, process: subprocess.Popen[bytes], port: int) -> None:
        """Waits until a host listens, without a packet that the mirror would show."""
        suffix = f":{port:04X}"

        def ready() -> bool:
            if process.poll() is not None:
                raise RuntimeError(f"a server of port {port} ended at once: see the logs in {self.scratch}")
            lines = Path(f"/proc/{process.pid}/net/tcp").read_text().splitlines()[1:]
            return any(line.split()[1].endswith(suffix) and line.split()[3] == "0A" for line in lines)

        self.await_that(ready, f"port {port}")

    def wait(self, seconds: float) -> None:
        time.sleep(max(0.0, seconds / self.speed))

    def hours(self) -> float:
        """The plant's hours since its beginning."""
        return (time.time() - self.wall) * self.speed / 3600

    def done(self, process: subprocess.Popen[bytes], seconds: float = 60) -> int:
        """Waits for a program's end; a failure is one of the recording."""
        status = process.wait(timeout=seconds)
        if status:
            raise RuntimeError(f"{process.args} ended with {status}: see the logs in {self.scratch}")
        return status

    def finish(self, out: Path) -> mirror.Stretch:
        """Ends the recording and writes the capture."""
        time.sleep(0.3)
        for dump in self._dumps.values():
            dump.terminate()
        for dump in self._dumps.values():
            dump.wait(timeout=10)
        routers = {bytes.fromhex(mac.replace(":", "")) for mac in ROUTER_MAC.values()} if self.ingress else set()
        ports = {self.scratch / f"{name}.pcap": ZONES[name].vlan for name in self._dumps}
        return mirror.join(ports, out, self.wall, self.epoch, self.speed, routers)
