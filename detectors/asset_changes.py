"""Hosts that appear, change what they are, or fall silent.

Detects: a host that was not there in the learning part; another hardware address, vendor, model, firmware, serial
number or part played (controller, broker ...) at an address that is known; a host that sent something in nearly every
window and then nothing for many times its longest silence.
Why it matters: what is plugged in, replaced, updated or switched off without a plan is how an attack begins, and how
accidents do.
Evidence: zone and how it is known, what the host says and speaks, what was said before, how long it was silent.
False positives: maintenance, spare devices, addresses given by DHCP, a host behind a tap that was moved.
Techniques: T0848, T0830, T0814 and AML.T0010 by kind, in the catalogue.
Fires on: pcaps/dual_homed.pcap, pcaps/replaced_plc.pcap, pcaps/arp_mitm.pcap
Silent on: pcaps/normal_plant.pcap
Cost: a look at hosts whose inventory entry differs; for silence one comparison a host and window.
Blind when: a replacement says the same of itself and keeps the hardware address; the host never was regular.

A newcomer in the plant is `medium` once it does something of its own: opens a session, tries one. One that only answers
is `low`: a host of the plant asked for it, and it may have been silent until then.

Time in which the sensor saw nothing at all (it was off, or between two captures) is nobody's silence: each host has to
be heard again after it before it can be missed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from detectors import address
from detectors.alert import NOWHERE
from detectors.base import SECOND, Address, Detector
from detectors.remote import in_plant
from detectors.sessions import Sessions
from detectors.silence import Silence

if TYPE_CHECKING:
    from collections.abc import Mapping

    from detectors.book import Cause
    from detectors.host import Host
    from detectors.window import Window

HOSTS = 1 << 14  # hosts compared
VALUES = 1 << 17  # (host, what, value) known
STATED = ("mac", "vendor", "model", "firmware", "serial")
# Parts that a host does not take up by the way; others (client, server, reader) come with any new use of it.
PARTS = frozenset(
    ("controller", "outstation", "broker", "historian", "model_registry", "inference_node", "dhcp", "name_server")
)


_LEADING = frozenset(("controller", "outstation", "broker", "dhcp", "name_server"))  # those that others follow


@dataclass(frozen=True, slots=True)
class Settings:
    """`silence`: times its longest silence after which a host is missed, and at least `seconds`. `windows`: with
    something of it before it counts as regular. `together`: new hosts of a zone in one window that are one alert."""

    silence: float = 10.0
    seconds: float = 300.0
    windows: int = 12
    together: int = 5
    ignore: tuple[Address, ...] = ()  # addresses of hosts that come and go


class AssetChanges(Detector):
    name = "assets"
    kinds = ("assets.new", "assets.changed", "assets.vanished")
    reads = ("flows", "behaviours", "sightings")
    settings_class = Settings
    settings: Settings

    def __init__(self, settings: Any, site: Any) -> None:
        super().__init__(settings, site)
        self._known = self.learning.novelty(self.name, VALUES)
        self._said: dict[bytes, dict[str, str]] = {}
        self._passive: dict[bytes, str] = {}  # newcomers that only answered so far: their alert
        self._acting: set[bytes] = set()  # of this window: hosts not known as normal that begin something
        self._silence = Silence(self.settings.silence, int(self.settings.seconds * SECOND), self.settings.windows)
        self._ignored = self.ignored

    def gather(self, window: Window) -> None:
        """The inventory has read the window already; here only who begins something is looked at."""
        for pair in {key[:32] for key in window.derive(Sessions).keys}:  # client first, then server
            if self._known.told(pair[:16]) != "" and address.scope(pair[16:]) not in ("group", "none"):
                if len(self._acting) < HOSTS:
                    self._acting.add(pair[:16])
                else:
                    self.overflow += 1

    def judge(self, window: Window) -> None:
        self._silence.begin(window.start, window.end)
        hosts = self.site.inventory.hosts()
        self._newcomers(hosts)
        self._awake()
        for ip in sorted(self.site.inventory.heard - self._ignored):
            self._host(ip, hosts[ip])
            if not self._silence.hear(ip, hosts[ip].last):
                self.overflow += 1
        for ip, silent, longest in self._silence.missed(window.end):
            self._missed(ip, hosts[ip].last, silent, longest)

    def _host(self, ip: bytes, host: Host) -> None:
        said = {name: host.fact(name) for name in STATED if host.fact(name)}
        said["part"] = " ".join(sorted(PARTS & set(self.site.inventory.roles(ip))))
        before = self._said.get(ip)
        if before is None and len(self._said) >= HOSTS:
            self.overflow += 1
            return
        if before == said:
            return
        self._said[ip] = (before or {}) | said
        told = self._known.told(ip)
        if told and self.learning.young(ip, host.last):
            self._tell_more(told, host)  # a newcomer makes itself known bit by bit: that is its own alert
        elif before is None:
            for name, value in said.items():
                self._known.fresh(_key(ip, name, value), ip)
        else:
            changes = {name: (before[name], new) for name, new in said.items() if before.get(name, new) != new}
            # A part is taken up, not said otherwise; what was never said before is no change.
            self._changed(ip, host, {n: c for n, c in changes.items() if c[0] or n == "part"})

    def _newcomers(self, hosts: Mapping[bytes, Host]) -> None:
        """Many that appear in a zone at once are one cause: a network was joined, or the tap sees more than before."""
        new: dict[str, list[bytes]] = {}
        for ip in sorted(self.site.inventory.heard - self._ignored):
            if self._known.fresh(ip, ip, f"host {address.text(ip)}"):
                zone = self.places.zone(ip, 0, hosts[ip].fact("mac"))
                new.setdefault(zone.name if zone else "", []).append(ip)
        for name, ips in sorted(new.items()):
            for ip in ips:
                subject: tuple[bytes | str, ...] = (ip,) if len(ips) < self.settings.together else ("zone", name)
                planned = self._planned(hosts[ip])
                identity = self._new(subject, hosts[ip], name, "info" if planned else "low")
                self._known.report(ip, identity)
                if not planned and in_plant(self.places.zone(ip, 0, hosts[ip].fact("mac"))):
                    if len(self._passive) >= HOSTS:
                        del self._passive[next(iter(self._passive))]
                        self.overflow += 1
                    self._passive[ip] = identity

    def _planned(self, host: Host) -> bool:
        """Whether approved work names the host while it appears."""
        return self.site.changes.covering(host.last, "", host.ip) is not None

    def _awake(self) -> None:
        """Newcomers of the plant that begin something of their own."""
        for ip in sorted(self._acting & self._passive.keys()):
            cause = self.book.get(self._passive.pop(ip))
            if cause is not None:
                cause.raise_to("medium")
                cause.add("acting", [address.text(ip)])
        self._acting.clear()

    def _new(self, subject: tuple[bytes | str, ...], host: Host, name: str, severity: str) -> str:
        identity, cause = self.book.cause(
            "assets.new", subject, severity=severity, confidence=self.learning.confidence(self.name)
        )
        cause.between(host.first, host.ip, NOWHERE, name)
        cause.facts |= {"zones_inferred": self.places.inferred}
        cause.facts["learned_seconds"] = round(self.learning.learnt(self.name), 3)
        cause.seen(1, host.first, host.last)
        cause.add("hosts", [address.text(host.ip)])
        place = f"zone {name}" if name else "no zone"
        if len(subject) == 1:
            cause.summary = f"{address.text(host.ip)} was never seen before; it is in {place}"
        else:
            cause.summary = f"{cause.count} hosts were never seen before; they are in {place}"
        self._tell_more(identity, host)
        return identity

    def _tell_more(self, identity: str, host: Host) -> None:
        cause = self.book.get(identity)
        if cause is None:
            return
        cause.seen(0, host.first, host.last)
        cause.add("protocols", sorted(host.protocols))
        cause.add("roles", self.site.inventory.roles(host.ip))
        for name in (*STATED, "hostname"):
            cause.add(name, [host.fact(name)] if host.fact(name) else [])

    def _changed(self, ip: bytes, host: Host, changes: dict[str, tuple[str, str]]) -> None:
        """A replaced device of the same kind is `low`, another kind or firmware `medium`; one that takes a leading part
        at an address it never had is `high`."""
        for name, (_, new) in list(changes.items()):
            if not self._known.fresh(_key(ip, name, new), ip, f"{name} of {address.text(ip)} is {new}"):
                del changes[name]
        if not changes:
            return
        # Vendor and model alone may be said in other words by another protocol; with another MAC they are another
        # device.
        kind = "firmware" in changes or ("mac" in changes and not changes.keys().isdisjoint(("vendor", "model")))
        takes_over = not _LEADING.isdisjoint(changes.get("part", ("", ""))[1].split())
        severity = "high" if takes_over and "mac" in changes else "medium" if kind or takes_over else "low"
        identity, cause = self.book.cause("assets.changed", (ip,), severity=severity, confidence=0.9)
        zone = self.places.zone(ip, 0, host.fact("mac"))
        when = max(host.facts.get(name, (host.last, ""))[0] for name in changes)
        cause.between(when, ip, NOWHERE, zone.name if zone else "")
        cause.seen(1, when, when)
        self._describe(cause, ip, changes)
        for name, (_, new) in changes.items():
            self._known.report(_key(ip, name, new), identity)

    def _describe(self, cause: Cause, ip: bytes, changes: dict[str, tuple[str, str]]) -> None:
        told = [f"{name} {old or 'none'} -> {new or 'none'}" for name, (old, new) in sorted(changes.items())]
        cause.add("changes", told)
        what = "part" if set(changes) == {"part"} else "device"
        verb = "plays another part" if what == "part" else "is another device than before, or was changed"
        cause.summary = f"{address.text(ip)} {verb}: {'; '.join(cause.sets['changes'][:4])}"

    def _missed(self, ip: bytes, last: int, silent: int, longest: int) -> None:
        zone = self.places.zone(ip)
        if not in_plant(zone) or not self.learning.live(self.name, ip):
            return
        roles = self.site.inventory.roles(ip)
        severity = "medium" if PARTS & set(roles) else "low"
        _, cause = self.book.cause("assets.vanished", (ip,), severity=severity, confidence=0.7)
        cause.between(last, ip, NOWHERE, zone.name if zone else "")
        cause.seen(1, last, last + silent)
        cause.add("roles", roles)
        cause.facts |= {"silent_seconds": round(silent / SECOND), "longest_before": round(longest / SECOND, 1)}
        cause.summary = (
            f"{address.text(ip)} ({cause.zones[0] or 'no zone'}) has been silent for {silent / SECOND:.0f} s; the "
            f"longest silence before was {longest / SECOND:.0f} s"
        )

    def sizes(self) -> dict[str, int]:
        return super().sizes() | {"said": len(self._said), "heard": len(self._silence), "passive": len(self._passive)}

    def snapshot(self) -> dict[str, Any]:
        said = {ip.hex(): dict(told) for ip, told in self._said.items()}
        held = {"said": said, "passive": {ip.hex(): identity for ip, identity in self._passive.items()}}
        return super().snapshot() | held | {"silence": self._silence.snapshot(), "overflow": self.overflow}

    def restore(self, state: dict[str, Any]) -> None:
        super().restore(state)
        self._silence.restore(state["silence"])
        self._said = {bytes.fromhex(ip): dict(told) for ip, told in state["said"].items()}
        self._passive = {bytes.fromhex(ip): identity for ip, identity in state["passive"].items()}
        self.overflow = state["overflow"]


def _key(ip: bytes, name: str, value: str) -> bytes:
    return b"\0".join((ip, name.encode(), value.encode("utf-8", "surrogatepass")))
