"""Where hosts are: as the policy says, or, with no zones configured, as their traffic suggests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from detectors import address
from detectors.protocols import FIELD, LEVELS
from detectors.sessions import Sessions
from detectors.zones import INTERNET, Policy, Verdict, Zone

if TYPE_CHECKING:
    from detectors.window import Window

HOSTS = 1 << 16  # hosts whose role or hint is remembered

CONTROL = Zone("control (inferred)", 1.0, ())
SUPERVISION = Zone("supervision (inferred)", 2.0, ())
OPERATIONS = Zone("operations (inferred)", 3.0, ())
ENTERPRISE = Zone("enterprise (inferred)", 4.0, (), kind="it")
_BY_LEVEL = {1: CONTROL, 2: SUPERVISION, 3: OPERATIONS}


class Places:
    """The zones of a configured policy. Hints (VLAN and MAC seen with an address) are only kept for a policy
    that uses them."""

    inferred = False

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.version = 0  # rises when a host may have moved to another zone
        self._hints: dict[bytes, tuple[int, str]] = {}
        self._wanted = any(zone.vlans or zone.macs for zone in policy.zones)

    def learn(self, window: Window) -> None:
        if not self._wanted:
            return
        table = window["sightings"]
        if not len(table):
            return
        rows = table.addresses("ip")
        for at, vlan in enumerate(table.numbers("vlan").tolist()):
            ip = rows[at].tobytes()
            hint = (vlan, table.text("mac", at))
            if hint[1] and (ip in self._hints or len(self._hints) < HOSTS):
                self._hints[ip] = max(hint, self._hints.get(ip, hint))

    def zone(self, ip: bytes, vlan: int = 0, mac: str = "") -> Zone | None:
        hint = self._hints.get(ip)
        if hint is not None:
            vlan, mac = vlan or hint[0], hint[1]
        return self.policy.zone_of(ip, vlan, mac)

    def decide(
        self, src: Zone | None, dst: Zone | None, protocol: str, operation: str, encrypted: bool | None
    ) -> Verdict:
        return self.policy.decide(src, dst, protocol, operation, encrypted)

    def snapshot(self) -> dict[str, Any]:
        return {"hints": {ip.hex(): list(hint) for ip, hint in sorted(self._hints.items())}}

    def restore(self, state: dict[str, Any]) -> None:
        self._hints = {bytes.fromhex(ip): (vlan, mac) for ip, (vlan, mac) in state["hints"].items()}


class InferredPlaces(Places):
    """Zones from RFC 1918, subnets and roles.

    A server of a field protocol is a controller (level 1), its clients supervise (level 2). A host with no
    such role is taken for operations (level 3) where it shares a subnet with a controller, else for
    enterprise IT (level 4). A client of controllers in another subnet is taken for IT too when it is not even
    in their /16, or when its subnet holds no controller and hosts of it open sessions to public addresses.
    Public addresses are the internet. All this is a guess: alerts that rest on it say so.
    """

    inferred = True

    def __init__(self) -> None:
        super().__init__(Policy())
        self._level: dict[bytes, int] = {}
        self._near: set[bytes] = set()  # servers, and clients that share a /16 with one of theirs
        self._server_nets: set[bytes] = set()
        self._office_nets: set[bytes] = set()  # hosts of these open sessions to public addresses
        self._looked_at: set[bytes] = set()
        self._zones: dict[bytes, Zone | None] = {}  # as answered since what they rest on changed
        self._answered = -1

    def learn(self, window: Window) -> None:
        found = window.derive(Sessions)
        for at, key in enumerate(found.keys):
            if key not in self._looked_at:
                if len(self._looked_at) >= HOSTS:
                    self._looked_at.clear()
                self._looked_at.add(key)
                session = found.session(at)
                if session.opened:
                    self._learn(session.src, session.dst, session.app)

    def _learn(self, src: bytes, dst: bytes, app: str) -> None:
        near = _close(src, dst)
        here, there = address.scope(src), address.scope(dst)
        if here == "private" and there == "public":
            self._add(self._office_nets, address.subnet(src))
        if app not in LEVELS:
            return
        server, client = LEVELS[app]
        # A plant may use public addresses inside: two that are near each other are taken for such.
        if there == "private" or (there == "public" and near):
            self._set_level(dst, server)
            self._add(self._near, dst)
            if app in FIELD:
                self._add(self._server_nets, address.subnet(dst))
        if here == "private" or (here == "public" and near):
            self._set_level(src, client)
            if near:
                self._add(self._near, src)

    def _add(self, known: set[bytes], item: bytes) -> None:
        if item not in known and len(known) < HOSTS:
            known.add(item)
            self.version += 1

    def _set_level(self, ip: bytes, level: int) -> None:
        before = self._level.get(ip)
        if (before is None and len(self._level) < HOSTS) or (before is not None and level < before):
            self._level[ip] = level
            self.version += 1

    def zone(self, ip: bytes, vlan: int = 0, mac: str = "") -> Zone | None:
        if self._answered != self.version or len(self._zones) > HOSTS:
            self._zones.clear()
            self._answered = self.version
        if ip not in self._zones:
            self._zones[ip] = self._infer(ip)
        return self._zones[ip]

    def _infer(self, ip: bytes) -> Zone | None:
        level = self._level.get(ip)
        scope = address.scope(ip)
        if level is None and scope != "private":
            return INTERNET if scope == "public" else None
        if level is None and address.link_local(ip):
            return None  # every link has the same such network: it says nothing about the place
        net = address.subnet(ip)
        if level == 1 or net in self._server_nets:
            return _BY_LEVEL[level or 3]
        if level is None or ip not in self._near or net in self._office_nets:
            return ENTERPRISE
        return _BY_LEVEL[level]

    def snapshot(self) -> dict[str, Any]:
        sets = {name: sorted(item.hex() for item in getattr(self, name)) for name in _SETS}
        levels = {ip.hex(): level for ip, level in sorted(self._level.items())}
        return {"level": levels, "version": self.version, **sets}

    def restore(self, state: dict[str, Any]) -> None:
        self._level = {bytes.fromhex(ip): level for ip, level in state["level"].items()}
        self.version, self._answered = state["version"], -1
        for name in _SETS:
            setattr(self, name, {bytes.fromhex(item) for item in state[name]})


_SETS = ("_near", "_server_nets", "_office_nets", "_looked_at")


def _close(a: bytes, b: bytes) -> bool:
    """Within the same /16 (IPv4) or /48 (IPv6)."""
    return a[:14] == b[:14] if address.is_v4(a) else a[:6] == b[:6]


def places(policy: Policy) -> Places:
    """The policy's zones if it has any, else inferred ones."""
    return Places(policy) if policy.zones else InferredPlaces()
