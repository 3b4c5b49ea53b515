"""Sessions that cross between zones where nothing allows it.

Detects: OT hosts and the internet in either direction, enterprise IT that reaches control levels without
a DMZ, sessions no conduit allows (or not with this protocol, operation or without encryption), sessions
opened against a push-only conduit, hosts in no zone.
Why it matters: segmentation is the control that most others in a plant lean on.
Evidence: zones of both ends and how they are known, protocol by content or port, ports, operations
seen, whether the session was opened or only tried, first frames.
False positives: time, name and update services reached directly; vendors' remote maintenance that nobody
entered as a conduit; with inferred zones, a routed control network taken for an office.
Techniques: T0883, T0822, T0886, T0885 by kind, in the catalogue.
Fires on: pcaps/it_to_plc.pcap, pcaps/plc_to_internet.pcap, pcaps/conduit_violation.pcap
Silent on: pcaps/allowed_conduits.pcap, pcaps/normal_plant.pcap
Cost: one dictionary look-up for each distinct session of a window; zones are looked up for new ones only.
Blind when: the tap sees only one side of the router's work (NAT), or zones are inferred and IT and OT
share a subnet.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from detectors import address
from detectors.alert import worse
from detectors.base import Detector
from detectors.behaviours import Behaviours
from detectors.catalogue import entry
from detectors.memory import Ids, Memo
from detectors.sessions import Session, Sessions

if TYPE_CHECKING:
    from detectors.book import Cause
    from detectors.window import Window
    from detectors.zones import Verdict, Zone

PENDING = 1 << 15  # new sessions judged in one window; more wait until they are seen again
_UTILITY = frozenset(("ntp", "dns"))
# What makes a crossing worse: it changes the process, not only looks at it.
_CHANGING = frozenset(("write", "control"))

Act = tuple[bytes, bytes, str, str]  # client, server, protocol, access


@dataclass(frozen=True, slots=True)
class Settings:
    """`control_level`: enterprise IT may not reach zones of this level and below directly; `enterprise_level`:
    where enterprise IT begins; `ignore`: protocols not reported."""

    control_level: float = 2.0
    enterprise_level: float = 4.0
    ignore: tuple[str, ...] = ()


@dataclass(slots=True)
class _Pending:
    session: Session
    first_ts: int
    last_ts: int
    flows: int
    frame: int
    capture: str


class Boundary(Detector):
    name = "boundary"
    kinds = tuple(f"boundary.{k}" for k in ("internet", "it_ot", "conduit", "push_only", "unknown_zone"))
    reads = ("flows", "behaviours")
    settings_class = Settings
    settings: Settings

    def __init__(self, settings: Any, site: Any) -> None:
        super().__init__(settings, site)
        self._looked_at = Memo()  # session key: alert id, or empty for a session that is not reported
        self._operations = Ids()  # behaviours looked at
        self._version = -1
        self._pending: dict[bytes, _Pending] = {}
        self._acts: dict[Act, tuple[int, int, str]] = {}

    def gather(self, window: Window) -> None:
        if self._version != self.places.version:  # inferred zones moved: everything deserves a second look
            self._version = self.places.version
            self._looked_at.clear()
            self._operations.clear()
        found = window.derive(Sessions)
        for at, key in enumerate(found.keys):
            identity = self._looked_at.get(key)
            if identity == "":
                continue
            flows, first, last = found.flows[at], found.first_ts[at], found.last_ts[at]
            cause = self.book.get(identity) if identity else None
            if cause is not None:
                cause.seen(flows, first, last)
            elif key in self._pending:
                waiting = self._pending[key]
                waiting.first_ts, waiting.last_ts = min(waiting.first_ts, first), max(waiting.last_ts, last)
                waiting.flows += flows
            elif len(self._pending) < PENDING:
                frame, capture = found.frame[at], found.capture(at)
                self._pending[key] = _Pending(found.session(at), first, last, flows, frame, capture)
            else:
                self.overflow += 1
        behaviours = window.derive(Behaviours)
        for at in self._operations.fresh(behaviours.ids):
            b = behaviours.row(at)
            if b.access != "session":
                act = (b.client, b.server, b.protocol, b.access)
                place = (b.ts, b.frame, b.capture)
                self._acts[act] = min(place, self._acts.get(act, place))

    def judge(self, window: Window) -> None:
        for key, item in sorted(self._pending.items()):
            self._looked_at.put(key, self._session(item))
        for act, place in sorted(self._acts.items()):
            self._act(act, place)
        self._pending.clear()
        self._acts.clear()

    def _session(self, item: _Pending) -> str:
        s = item.session
        src, dst = self.places.zone(s.src, s.vlan, s.src_mac), self.places.zone(s.dst, s.vlan, s.dst_mac)
        verdict = self.places.decide(src, dst, s.protocol, "", s.encrypted)
        kind = self._kind(s.src, s.dst, src, dst, verdict)
        if not kind or s.protocol in self.settings.ignore:
            return ""
        identity, cause = self._open(
            kind, s.src, s.dst, src, dst, s.protocol if s.opened else "", verdict, item.first_ts
        )
        cause.seen(item.flows, item.first_ts, item.last_ts)
        cause.shown(item.first_ts, item.frame, item.capture)
        cause.add("ports", [f"{s.transport}/{s.port}"])
        return identity

    def _act(self, act: Act, place: tuple[int, int, str]) -> None:
        client, server, protocol, access = act
        ts, frame, capture = place
        src, dst = self.places.zone(client), self.places.zone(server)
        verdict = self.places.decide(src, dst, protocol, access, None)
        kind = self._kind(client, server, src, dst, verdict)
        if not kind or protocol in self.settings.ignore:
            return
        _, cause = self._open(kind, client, server, src, dst, protocol, verdict, ts)
        cause.seen(0, ts, ts)
        cause.shown(ts, frame, capture)
        cause.add("operations", [access])
        if access in _CHANGING:
            cause.raise_to("critical" if kind == "boundary.internet" else "high")

    def _kind(  # noqa: PLR0911  a decision table
        self, src_ip: bytes, dst_ip: bytes, src: Zone | None, dst: Zone | None, verdict: Verdict
    ) -> str:
        """Which kind of alert a session is; empty: none."""
        if verdict.reason in ("same_zone", "conduit"):
            return ""
        if address.scope(src_ip) in ("group", "none") or address.scope(dst_ip) in ("group", "none"):
            return ""
        known = [zone for zone in (src, dst) if zone is not None]
        if not any(zone.level < self.settings.enterprise_level for zone in known):
            return ""  # enterprise and internet among themselves: not this sensor's business
        if verdict.reason == "unknown_zone":
            return "" if self.places.inferred else "boundary.unknown_zone"
        kinds = {zone.kind for zone in known}
        if "internet" in kinds:
            return "boundary.internet" if kinds & {"ot", "edge_ai"} or self.places.policy.conduits else ""
        if verdict.reason != "no_policy":
            return "boundary.push_only" if verdict.reason == "push_only" else "boundary.conduit"
        levels = sorted(zone.level for zone in known)
        crosses = levels[0] <= self.settings.control_level and levels[-1] >= self.settings.enterprise_level
        return "boundary.it_ot" if crosses else ""

    def _open(
        self,
        kind: str,
        src_ip: bytes,
        dst_ip: bytes,
        src: Zone | None,
        dst: Zone | None,
        protocol: str,
        verdict: Verdict,
        ts: int,
    ) -> tuple[str, Cause]:
        """The cause a crossing belongs to: a host that uses one protocol into a zone is one, however many it reaches
        there, for one rule of a firewall lets it through. `protocol` empty: tried, never opened."""
        names = [zone.name if zone else "" for zone in (src, dst)]
        inbound = bool(src and src.kind == "internet")
        subject: tuple[bytes | str, ...] = (src_ip, names[1], protocol)
        if kind == "boundary.unknown_zone":
            subject = (src_ip if src is None else dst_ip,)
        elif kind == "boundary.internet":
            subject = ("in" if inbound else "out", dst_ip if inbound else src_ip, protocol)
        elif not protocol:
            subject = (src_ip, names[1], "tried")
        confidence = (0.7 if kind == "boundary.internet" else 0.5) if self.places.inferred else 0.95
        identity, cause = self.book.cause(
            kind, subject, protocol=protocol, severity=_severity(kind, protocol, inbound), confidence=confidence
        )
        cause.between(ts, src_ip, dst_ip, *names)
        cause.add("pairs", [f"{address.text(src_ip)} -> {address.text(dst_ip)}"])
        cause.add("reasons", [verdict.reason])
        cause.facts["zones_inferred"] = self.places.inferred
        cause.facts["opened"] = bool(protocol)
        cause.summary = _summary(cause, protocol)
        return identity, cause

    def sizes(self) -> dict[str, int]:
        held = {"sessions": len(self._looked_at), "behaviours": len(self._operations), "pending": len(self._pending)}
        return super().sizes() | held

    def snapshot(self) -> dict[str, Any]:
        state = {"looked_at": self._looked_at.snapshot(), "operations": self._operations.snapshot()}
        return super().snapshot() | state | {"version": self._version, "overflow": self.overflow}

    def restore(self, state: dict[str, Any]) -> None:
        super().restore(state)
        self._looked_at.restore(state["looked_at"])
        self._operations.restore(state["operations"])
        self._version, self.overflow = state["version"], state["overflow"]


def _severity(kind: str, protocol: str, inbound: bool) -> str:
    base = entry(kind).severity
    if kind == "boundary.internet":
        if protocol in _UTILITY:
            return worse(base, -1)
        return worse(base) if inbound and protocol else base
    return base if protocol else worse(base, -1)


def _summary(cause: Cause, protocol: str) -> str:
    src, dst = address.text(cause.src), address.text(cause.dst)
    zones = [name or "no zone" for name in cause.zones]
    did = f"uses {protocol} of" if protocol else "tried to reach"
    others = len(cause.sets.get("pairs", ())) - 1
    more = f"{others}{' or more' if 'pairs' in cause.more else ''} others" if others > 1 else "another"
    return f"{src} ({zones[0]}) {did} {dst} ({zones[1]})" + (f", and {more} alike" if others > 0 else "")
