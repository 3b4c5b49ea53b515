"""Movement from host to host: first remote sessions, many of them at once, and paths across zones.

Detects: the first session of an administrative kind (SSH, RDP, SMB, WinRM, VNC, Telnet ..., OPC UA) between two
hosts; one host that opens many of them; a remote session into a host that is followed by a new remote session,
write or command from there into another zone.
Why it matters: who has one host of the enterprise reaches the controller in steps, and each step is a session
that nobody of the site ever opened.
Evidence: both hosts, protocol, zones and what the policy says of it, how many hosts the client administered so
far; of a path every hop with its time, protocol and frame.
False positives: a new administrator, a new engineering station, a jump host used for a new task.
Techniques: T0886, T0866, T0867, T0859 by kind, in the catalogue.
Fires on: pcaps/pivot.pcap, pcaps/fan_out.pcap
Silent on: pcaps/normal_plant.pcap, pcaps/maintenance_window.pcap (no path)
Cost: one dictionary look-up for each distinct session of a window; a record for each pair with a remote session.
Blind when: the session is inside a tunnel, the path's first step was before the horizon, or the sensor still learns.

The first write or command of a host is a hop of a path, but has its own alert (`new_writer`). What a conduit allows
is `low` here: policy says that it may be, not that it ever was.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from detectors import address
from detectors.base import SECOND, Address, Detector
from detectors.behaviours import Behaviours
from detectors.chains import Chains, Hop, told
from detectors.memory import Ids, Memo
from detectors.remote import REMOTE, in_plant, weight
from detectors.sessions import GLANCE, Sessions

if TYPE_CHECKING:
    from detectors.window import Window

EDGES = 1 << 15  # known pairs of hosts with a remote session, by protocol
SPREAD = 4096  # new edges remembered for fan-out
PENDING = 1 << 14  # new edges of one window
ACTS = 1 << 18  # writes and commands known
_ACCESS = ("write", "control")


@dataclass(frozen=True, slots=True)
class Settings:
    """`hosts` new ones administered by one host within `seconds` are a fan-out; `horizon`: seconds a path may take."""

    hosts: int = 5
    seconds: float = 600.0
    horizon: float = 3600.0
    ignore: tuple[Address, ...] = ()  # addresses of administrators that may go anywhere


class Lateral(Detector):
    name = "lateral"
    kinds = ("lateral.new_admin_edge", "lateral.fan_out", "lateral.chain")
    reads = ("flows", "behaviours")
    settings_class = Settings
    settings: Settings

    def __init__(self, settings: Any, site: Any) -> None:
        super().__init__(settings, site)
        self._edges = self.learning.novelty(self.name, EDGES)
        self._others = Memo()  # sessions that are not remote ones
        self._acts = Ids(ACTS)  # writes and commands looked at
        self._administered: dict[bytes, int] = {}  # client: hosts it is known to administer
        self._new: dict[tuple[bytes, bytes, str], Hop] = {}  # of this window
        self._spread: dict[tuple[bytes, bytes], int] = {}  # client and host: when that edge was new
        self._chains = Chains(int(self.settings.horizon * SECOND))
        self._ignored = self.ignored

    def gather(self, window: Window) -> None:
        found = window.derive(Sessions)
        for at, key in enumerate(found.keys):
            if self._others.get(key) is not None:
                continue
            s = found.session(at)
            if s.protocol not in REMOTE and s.protocol != "opcua":
                self._others.put(key)
                continue
            # A server that greets whoever connects is recognised by its greeting; a session takes two.
            glance = s.protocol in REMOTE and s.transport == "tcp" and found.packets[at] <= GLANCE
            if not s.talked or glance or s.src in self._ignored:
                continue
            first, last = found.first_ts[at], found.last_ts[at]
            self._note(Hop(first, last, s.src, s.dst, s.protocol, "session", found.frame[at], found.capture(at)))
        behaviours = window.derive(Behaviours)
        changing = behaviours.where("access", _ACCESS)
        for fresh in self._acts.fresh(behaviours.ids[changing]):
            b = behaviours.row(int(changing[fresh]))
            if b.client not in self._ignored:
                hop = Hop(b.ts, b.last_ts, b.client, b.server, b.protocol, b.access, b.frame, b.capture)
                self._note(hop)

    def _note(self, hop: Hop) -> None:
        key = (hop.src, hop.dst, f"{hop.protocol} {hop.access}")
        before = self._new.get(key)
        if before is None and len(self._new) >= PENDING:
            self.overflow += 1
            return
        self._new[key] = hop if before is None else before.joined(hop)

    def judge(self, window: Window) -> None:
        hops = sorted(self._new.values())
        self._new.clear()
        fresh = [hop for hop in hops if self._is_new(hop)]
        for hop in hops:
            if hop.access == "session" and hop.protocol in REMOTE:
                self._chains.add(hop)
        for hop in fresh:
            self._edge(hop)
            self._fan_out(hop)
            self._chain(hop)
        self._chains.prune(window.end)
        horizon = window.end - int(self.settings.seconds * SECOND)
        self._spread = {edge: ts for edge, ts in self._spread.items() if ts >= horizon}

    def _is_new(self, hop: Hop) -> bool:
        """Whether the edge is new and to be reported; what is learnt of the client is counted on the way."""
        key = b"\0".join((hop.src, hop.dst, f"{hop.protocol} {hop.access}".encode()))
        unknown = self._edges.told(key) is None
        text = f"{hop.protocol} {hop.access} to {address.text(hop.dst)}"
        found = self._edges.fresh(key, hop.src, text)
        if unknown and not found and hop.access == "session" and len(self._administered) < EDGES:
            self._administered[hop.src] = self._administered.get(hop.src, 0) + 1
        return found

    def _edge(self, hop: Hop) -> None:
        src, dst = self.places.zone(hop.src), self.places.zone(hop.dst)
        if hop.access != "session" or not (in_plant(src) or in_plant(dst)):
            return
        severity = weight(self.places, src, dst, hop.protocol)
        if hop.protocol == "opcua" and severity == "medium":
            severity = "low"  # one more client of a server in its own zone
        known = self._administered.get(hop.src, 0)
        _, cause = self.book.cause(
            "lateral.new_admin_edge", (hop.src, hop.dst, hop.protocol), protocol=hop.protocol, severity=severity,
            confidence=self.learning.confidence(self.name),
        )  # fmt: skip
        cause.between(hop.first, hop.src, hop.dst, src.name if src else "", dst.name if dst else "")
        cause.seen(1, hop.first, hop.last)
        cause.shown(hop.first, hop.frame, hop.capture)
        verdict = self.places.decide(src, dst, hop.protocol, "", None)
        cause.facts |= {"policy": verdict.reason, "administered_before": known}
        cause.facts["learned_seconds"] = round(self.learning.learnt(self.name), 3)
        ever = f"it was a client of {known} others" if known else "it never opened such a session to anybody"
        cause.summary = (
            f"{address.text(hop.src)} ({cause.zones[0] or 'no zone'}) opened {hop.protocol} to {address.text(hop.dst)} "
            f"({cause.zones[1] or 'no zone'}) for the first time; {ever}"
        )

    def _fan_out(self, hop: Hop) -> None:
        if hop.protocol not in REMOTE or (len(self._spread) >= SPREAD and (hop.src, hop.dst) not in self._spread):
            return
        self._spread[hop.src, hop.dst] = hop.first
        since = hop.first - int(self.settings.seconds * SECOND)
        reached = sorted(dst for (src, dst), ts in self._spread.items() if src == hop.src and ts >= since)
        if len(reached) < self.settings.hosts:
            return
        _, cause = self.book.cause("lateral.fan_out", (hop.src,), protocol=hop.protocol, confidence=0.9)
        here, there = self.places.zone(hop.src), self.places.zone(hop.dst)
        if not self.places.inferred and any(in_plant(self.places.zone(host)) for host in reached):
            cause.raise_to("high")
        cause.between(hop.first, hop.src, hop.dst, here.name if here else "", there.name if there else "")
        cause.seen(1 if cause.count else len(reached), min(self._spread[hop.src, dst] for dst in reached), hop.last)
        cause.shown(hop.first, hop.frame, hop.capture)
        cause.add("hosts", [address.text(dst) for dst in reached])
        cause.add("protocols", [hop.protocol])
        cause.facts["most_within_period"] = max(len(reached), cause.facts.get("most_within_period", 0))
        cause.summary = (
            f"{address.text(hop.src)} opened remote sessions to {cause.facts['most_within_period']} hosts it never "
            f"administered, within {self.settings.seconds:g} s"
        )

    def _chain(self, hop: Hop) -> None:
        path = self._chains.path(hop)
        zones = [self.places.zone(path[0].src), *(self.places.zone(step.dst) for step in path)]
        names = [zone.name if zone else "" for zone in zones]
        if len(path) < 2 or len(set(names)) < 2 or not any(in_plant(zone) for zone in zones[1:]):
            return
        verdicts = [
            weight(self.places, zones[at], zones[at + 1], step.protocol, step.access.replace("session", ""))
            for at, step in enumerate(path)
        ]
        severity = "low"
        if set(verdicts) - {"low"}:
            severity = "high"
            if hop.access in _ACCESS and "high" in verdicts:
                severity = "critical"
        _, cause = self.book.cause(
            "lateral.chain", (path[0].src, path[0].dst), protocol=hop.protocol, severity=severity, confidence=0.85
        )
        cause.between(path[0].first, path[0].src, hop.dst, names[0], names[-1])
        cause.seen(1, path[0].first, hop.last)
        for step in path:
            cause.shown(step.first, step.frame, step.capture)
            cause.add("hops", [told(step)])
        if len(path) > len(cause.facts.get("path", ())):
            cause.facts["path"] = [address.text(path[0].src), *(address.text(step.dst) for step in path)]
            cause.facts["zones"] = names
        route = " -> ".join(f"{host} ({zone or 'no zone'})" for host, zone in
                            zip(cause.facts["path"], cause.facts["zones"], strict=True))  # fmt: skip
        cause.summary = f"a path across zones within {self.settings.horizon:g} s: {route}, last by {hop.protocol}"

    def sizes(self) -> dict[str, int]:
        held = {
            "acts": len(self._acts),
            "others": len(self._others),
            "administered": len(self._administered),
            "spread": len(self._spread),
        }
        return super().sizes() | held | {"sessions": len(self._chains)}

    def snapshot(self) -> dict[str, Any]:
        spread = [[src.hex(), dst.hex(), ts] for (src, dst), ts in sorted(self._spread.items())]
        administered = {host.hex(): count for host, count in sorted(self._administered.items())}
        held = {"spread": spread, "administered": administered, "chains": self._chains.snapshot()}
        return (
            super().snapshot()
            | held
            | {"acts": self._acts.snapshot(), "others": self._others.snapshot(), "overflow": self.overflow}
        )

    def restore(self, state: dict[str, Any]) -> None:
        super().restore(state)
        self._acts.restore(state["acts"])
        self._others.restore(state["others"])
        self._spread = {(bytes.fromhex(src), bytes.fromhex(dst)): ts for src, dst, ts in state["spread"]}
        self._administered = {bytes.fromhex(host): count for host, count in state["administered"].items()}
        self._chains.restore(state["chains"])
        self.overflow = state["overflow"]
