"""The inventory: what is known of each host from what it says and what it speaks.

A host enters when it sends something; an address that was only tried is nobody. Public addresses are
peers, not assets, unless a configured zone claims them. The vendor is what the host itself says in a
protocol (device identification, DHCP); where it says nothing `sensor` looks the card's maker up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from detectors import address
from detectors.behaviours import Behaviours
from detectors.host import Host
from detectors.memory import KNOWN, Ids
from detectors.model_names import named_models
from detectors.roles import DEVICES, ENGINEERING, by_operation, by_protocol, shown
from detectors.sessions import Session, Sessions

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from detectors.places import Places
    from detectors.window import Window

HOSTS = 1 << 16
PROTOCOLS = 64  # of one host
SERVERS = 256  # of one host
TEXT = 256  # characters kept of what a host says about itself
REFRESH = 300 * 10**9  # a host of which only `last_seen` moves is written again after this
FACTS = ("hostname", "vendor", "model", "firmware", "serial", "mac")


@dataclass(frozen=True, slots=True)
class AssetRow:
    """A row of the table `assets`. `ip`: 16 bytes; times in nanoseconds since the epoch."""

    ip: bytes
    mac: str
    vendor: str
    hostname: str
    roles: tuple[str, ...]
    protocols: tuple[str, ...]
    zone: str
    purdue_level: float
    model: str
    firmware: str
    serial: str
    first_seen: int
    last_seen: int
    zone_inferred: bool = False
    sensor: str = ""
    case_id: str = ""


class Inventory:
    def __init__(self, places: Places) -> None:
        self._places = places
        self._hosts: dict[bytes, Host] = {}
        self._sessions: dict[bytes, tuple[Host | None, Host | None]] = {}  # looked at, with both hosts
        self._behaviours = Ids()
        self._owners: dict[str, bytes] = {}  # MAC: the one address seen with it; empty for a router's
        self._version = -1
        self._now = self._swept = 0
        self._dirty: set[bytes] = set()
        self._started = -1
        self.heard: set[bytes] = set()  # in the current window
        self.overflow = 0

    def __len__(self) -> int:
        return len(self._hosts)

    def last_seen(self, ip: bytes) -> int:
        return self._hosts[ip].last if ip in self._hosts else 0

    def learn(self, window: Window) -> None:
        self._now = max(self._now, window.end)
        if window.start != self._started:
            self._started = window.start
            self.heard.clear()
        self._flows(window)
        if len(window["sightings"]):
            self._sightings(window)
        for row in window.derive(named_models).tolist():
            host = self._hosts.get(window["flows"].ip("dst_ip", row))
            if host is not None:
                self._grow(host.roles, ("model_registry",), host)
        behaviours = window.derive(Behaviours)
        for at in self._behaviours.fresh(behaviours.ids):
            b = behaviours.row(at)
            told = by_operation(b.protocol, b.operation, b.access, b.object)
            for ip, roles in zip((b.server, b.client), told, strict=True):
                if ip == b.server and not b.answered and ip not in self._hosts:
                    continue  # it was only tried
                host = self._host(ip, b.ts, b.last_ts)
                if host is not None:
                    self._grow(host.roles, roles, host)

    def _flows(self, window: Window) -> None:
        found = window.derive(Sessions)
        if len(self._sessions) > KNOWN:
            self._sessions.clear()
        for at, key in enumerate(found.keys):
            known = self._sessions.get(key)
            first, last = found.first_ts[at], found.last_ts[at]
            if known is None or (known[1] is None and found.answered[at]):
                session = found.session(at)
                client = self._host(session.src, first, last)
                server = self._host(session.dst, first, last) if found.answered[at] else None
                self._sessions[key] = known = (client, server)
                self._session(session, client, server)
            for host in known:
                if host is not None:
                    host.last = max(host.last, last)
                    host.first = min(host.first, first)
                    self.heard.add(host.ip)

    def _session(self, session: Session, client: Host | None, server: Host | None) -> None:
        for ip, mac in ((session.src, session.src_mac), (session.dst, session.dst_mac)):
            if mac:
                owner = self._owners.setdefault(mac, ip) if len(self._owners) < HOSTS else b""
                if owner != ip:
                    self._owners[mac] = b""
        if not (session.talked and (session.app or session.service)):
            return
        roles = by_protocol(session.protocol)
        for host, told in ((server, roles[0]), (client, roles[1])):
            if host is not None:
                self._grow(host.roles, told, host)
                self._grow(host.protocols, (session.protocol,), host, PROTOCOLS)
        if client is not None and DEVICES & set(roles[0]):
            self._grow(client.servers, (session.dst,), client, SERVERS)
        if client is not None and session.protocol in ENGINEERING:
            self._grow(client.tended, (session.dst,), client, SERVERS)

    def _sightings(self, window: Window) -> None:
        table = window["sightings"]
        ips, ts = table.addresses("ip"), table.numbers("ts").tolist()
        fields, names = table.codes("field")
        for at, when in enumerate(ts):
            if (host := self._host(ips[at].tobytes(), when, when)) is None:
                continue
            self._fact(host, "mac", when, table.text("mac", at))
            name, value = names[int(fields[at])], table.text("value", at)
            if name in FACTS:
                self._fact(host, name, when, value)
            elif name == "role" and value:
                self._grow(host.roles, (value[:TEXT],), host, PROTOCOLS)

    def _host(self, ip: bytes, first: int, last: int) -> Host | None:
        host = self._hosts.get(ip)
        if host is None:
            if not self._is_asset(ip):
                return None
            if len(self._hosts) >= HOSTS:
                self.overflow += 1
                return None
            host = self._hosts[ip] = Host(ip, first, last)
            self._dirty.add(ip)
        host.first, host.last = min(host.first, first), max(host.last, last)
        self.heard.add(ip)
        return host

    def _is_asset(self, ip: bytes) -> bool:
        scope = address.scope(ip)
        if scope == "public":
            zone = self._places.zone(ip)
            return zone is not None and zone.kind != "internet"
        return scope == "private"

    def _grow(self, known: set[Any], told: Iterable[Any], host: Host, limit: int = PROTOCOLS) -> None:
        for item in told:
            if item not in known and len(known) < limit:
                known.add(item)
                self._dirty.add(host.ip)

    def _fact(self, host: Host, name: str, when: int, value: str) -> None:
        """The last word counts; of two at the same time the greater, so that the order of rows does not."""
        before = host.facts.get(name, (-1, ""))
        if value and (when, value[:TEXT]) > before:
            host.facts[name] = (when, value[:TEXT])
            if before[1] != value[:TEXT]:
                self._dirty.add(host.ip)

    def hosts(self) -> Mapping[bytes, Host]:
        return self._hosts

    def roles(self, ip: bytes) -> tuple[str, ...]:
        """The roles of a host as the inventory shows them."""
        host = self._hosts.get(ip)
        return self._shown(host) if host is not None else ()

    def _shown(self, host: Host) -> tuple[str, ...]:
        tends_device = any(DEVICES & self._hosts[other].roles for other in host.tended if other in self._hosts)
        return shown(host.roles | ({"engineering"} if tends_device else set()), len(host.servers))

    def restart(self) -> None:
        """Another stream begins: what is known stays, but when and whether a host is seen counts from here."""
        for host in self._hosts.values():
            host.first, host.last, host.written = 2**63 - 1, 0, 0
        self._now, self._swept, self._dirty = 0, 0, set()

    def changed(self, everything: bool = False) -> list[AssetRow]:
        """Hosts of which something new is known since the last call, by address."""
        moved = self._version != self._places.version
        self._version = self._places.version
        if moved or everything or self._now - self._swept >= REFRESH:
            self._swept = self._now
            candidates = self._hosts
        else:
            candidates = {ip: self._hosts[ip] for ip in self._dirty}
        dirty, self._dirty = self._dirty, set()
        macs = {owner: mac for mac, owner in sorted(self._owners.items(), reverse=True) if owner}
        rows = []
        for ip, host in sorted(candidates.items()):
            due = host.last > host.written and (everything or self._now - host.written >= REFRESH)
            if host.last and (ip in dirty or due or moved):
                row = self._row(ip, host, macs.get(ip, ""))
                if ip in dirty or due or row.zone != host.zone:
                    host.written, host.zone = host.last, row.zone
                    rows.append(row)
        return rows

    def _row(self, ip: bytes, host: Host, mac: str) -> AssetRow:
        facts = {name: host.facts.get(name, (0, ""))[1] for name in FACTS}
        facts["mac"] = facts["mac"] or mac
        roles = self._shown(host)
        zone = self._places.zone(ip, mac=facts["mac"])
        return AssetRow(
            ip=ip,
            roles=roles,
            protocols=tuple(sorted(host.protocols)),
            zone=zone.name if zone else "",
            purdue_level=zone.level if zone else -1.0,
            zone_inferred=self._places.inferred,
            first_seen=host.first,
            last_seen=host.last,
            **facts,
        )

    def sizes(self) -> dict[str, int]:
        return {"hosts": len(self._hosts), "owners": len(self._owners), "sessions": len(self._sessions)}

    def snapshot(self) -> dict[str, Any]:
        hosts = {ip.hex(): host.snapshot() for ip, host in self._hosts.items()}
        plain = {"version": self._version, "now": self._now, "swept": self._swept}
        lists = {"dirty": sorted(ip.hex() for ip in self._dirty), "behaviours": self._behaviours.snapshot()}
        return {"hosts": hosts, "owners": {mac: ip.hex() for mac, ip in self._owners.items()}, **plain, **lists}

    def restore(self, state: dict[str, Any]) -> None:
        self._hosts = {bytes.fromhex(ip): Host.restored(bytes.fromhex(ip), kept) for ip, kept in state["hosts"].items()}
        self._owners = {mac: bytes.fromhex(ip) for mac, ip in state["owners"].items()}
        self._version, self._now, self._swept = state["version"], state["now"], state["swept"]
        self._dirty = {bytes.fromhex(ip) for ip in state["dirty"]}
        self._sessions.clear()  # sessions are looked at anew, which adds nothing that is not known
        self._behaviours.restore(state["behaviours"])
