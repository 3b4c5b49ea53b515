"""Hosts that speak in another's place.

Detects: addresses that go to another hardware address, floods of such claims, one hardware address that takes many;
a client identifier or a topic of MQTT used by a second host; requests answered twice; streams whose sequence numbers
do not follow each other though nothing was lost.
Why it matters: who sits between a sensor and its reader decides what is believed, by operators and by models.
Evidence: addresses and hardware addresses, who had them before, whether the owner is still there, first frames.
False positives: replaced devices, standby systems that take over an address, clients that got another address.
Techniques: T0830, T1692.002, T0814 by kind, in the catalogue.
Fires on: pcaps/arp_mitm.pcap, pcaps/spoofed_publisher.pcap, pcaps/adversarial_input.pcap, pcaps/spoofed_answers.pcap,
pcaps/arp_flood.pcap, pcaps/injected_sequence.pcap
Silent on: pcaps/normal_plant.pcap, pcaps/replaced_plc.pcap
Cost: a dictionary entry for each ARP sender, client identifier and topic.
Blind when: the tap does not see the segment's ARP, MQTT is encrypted, the owner was never seen, or it happens while the
sensor still learns: then both are taken for normal.

A device of the same make that takes an address once is a replacement, and low. It is high if the taker also claims
other addresses, if it is of another make, or if the owner still answers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from detectors import address
from detectors.alert import NOWHERE
from detectors.answers import Answers
from detectors.arp_claims import Claims, Move
from detectors.base import SECOND, Detector
from detectors.behaviours import Behaviour, Behaviours
from detectors.book import FRAMES
from detectors.memory import Ids
from detectors.mqtt_identities import Identities, Usurped
from detectors.rates import Rates

if TYPE_CHECKING:
    from detectors.arp_claims import Claim
    from detectors.window import Window

FACTOR = 3  # times the learnt most that are a storm
_MAKER = 8  # characters of a hardware address that name its maker
_KINDS = ("arp_move", "arp_storm", "many_addresses", "takeover", "two_publishers", "two_answers", "sequence")


@dataclass(frozen=True, slots=True)
class Settings:
    """Within `seconds`: ARP packets of one sender, whatever they claim, that are a storm, second answers between two
    hosts, messages out of sequence. `addresses`: so many of one hardware address that is no router. `alive_seconds`:
    an owner seen within these is still there."""

    seconds: float = 60.0
    storm: int = 60
    addresses: int = 5
    answers: int = 10
    sequence: int = 3
    alive_seconds: float = 300.0


class Spoofing(Detector):
    name = "spoofing"
    kinds = tuple(f"spoofing.{kind}" for kind in _KINDS)
    reads = ("sightings", "behaviours", "anomalies", "flows")
    settings_class = Settings
    settings: Settings

    def __init__(self, settings: Any, site: Any) -> None:
        super().__init__(settings, site)
        known = self.learning.novelty(self.name)
        self._known = known
        self._claims = Claims(known, self.learning)
        self._identities = Identities(known)
        self._storms = Rates()
        self._answers = Answers()
        self._looked_at = Ids()
        self._spoken: dict[int, Behaviour] = {}

    def gather(self, window: Window) -> None:
        self._claims.gather(window)
        self._answers.gather(window)
        behaviours = window.derive(Behaviours)
        if not len(behaviours):
            return
        mqtt = behaviours.where("protocol", ("mqtt",))
        for at in self._looked_at.fresh(behaviours.ids[mqtt]):
            b = behaviours.row(int(mqtt[at]))
            self._spoken[b.id] = b
        for at in behaviours.where("operation", ("connect",)).tolist():
            b = behaviours.row(at)
            if b.protocol == "mqtt":
                self._spoken[b.id] = b

    def judge(self, window: Window) -> None:
        claims: dict[bytes, list[Claim]] = {}
        for claim in self._claims.claims():
            sender = claim.address[0].to_bytes(2, "big") + claim.mac.encode()
            self._storms.add(sender, claim.answers)
            claims.setdefault(sender, []).append(claim)
            move = self._claims.move(claim)
            if move is not None:
                self._moved(move)
            self._many(claim)
        period = int(self.settings.seconds * SECOND)
        for key, total in self._storms.close(window.end, period, lambda _: self.learning.live(self.name)).items():
            if key in claims and total >= max(self.settings.storm, FACTOR * self._storms.most(key)):
                self._storm(claims[key], total, self._storms.most(key))
        for b in sorted(self._spoken.values()):
            for usurped in self._identities.judge(b):
                self._usurped(usurped, window.end)
        self._spoken.clear()
        self._answers.judge(self, window)

    def _moved(self, move: Move) -> None:
        vlan, ip = move.claim.address
        change = self.site.changes.covering(move.claim.first[0], "update", ip)
        other_make = move.claim.mac[:_MAKER] != move.before[:_MAKER]
        grave = bool(move.others) or move.back or other_make
        severity = "info" if change else "high" if grave else "low"
        subject = (str(vlan), move.claim.mac)
        _, cause = self.book.cause("spoofing.arp_move", subject, protocol="arp", severity=severity,
                                   confidence=0.9 if move.others or move.back else 0.6)  # fmt: skip
        ts, frame, capture = move.claim.first
        own = next((o for o in move.others if o not in self._taken(vlan, move.claim.mac)), NOWHERE)
        zone = self.places.zone(ip, vlan)
        cause.between(ts, own, ip, "", zone.name if zone else "")
        cause.seen(move.claim.packets, ts, move.claim.last_ts)
        cause.shown(ts, frame, capture)
        cause.add("addresses", [address.text(ip)])
        cause.add("before", [move.before])
        cause.facts |= {"mac": move.claim.mac, "vlan": vlan, "other_make": other_make}
        cause.facts["owner_still_there"] = move.back or cause.facts.get("owner_still_there", False)
        if move.others or move.back:
            cause.confidence = 0.9
        told = ", ".join(cause.sets["addresses"][:4])
        cause.summary = (
            f"{move.claim.mac} took {told} (VLAN {vlan}), which belonged to {', '.join(cause.sets['before'][:4])}"
        )
        if cause.facts["owner_still_there"]:
            cause.summary += "; the owner is still there"

    def _taken(self, vlan: int, mac: str) -> set[bytes]:
        """Addresses this hardware address took from others."""
        return {ip for ip in self._claims.owned(vlan, mac) if self._known.told(_arp_key(vlan, ip, mac))}

    def _many(self, claim: Claim) -> None:
        vlan, ip = claim.address
        owned = self._claims.owned(vlan, claim.mac)
        key = _arp_key(vlan, ip, f"many {claim.mac}")
        fresh = self._known.fresh(key, ip, f"one of many addresses of {claim.mac}")
        if not fresh or len(owned) < self.settings.addresses:
            return
        self._known.report(key, "many")
        _, cause = self.book.cause("spoofing.many_addresses", (str(vlan), claim.mac), protocol="arp", confidence=0.6)
        cause.between(claim.first[0], NOWHERE, ip)
        cause.seen(claim.packets, claim.first[0], claim.last_ts)
        cause.shown(*claim.first)
        cause.add("addresses", map(address.text, owned))
        cause.facts |= {"mac": claim.mac, "vlan": vlan}
        cause.summary = f"{claim.mac} answers for {len(owned)} addresses of VLAN {vlan} and is no known router"

    def _storm(self, claims: list[Claim], total: int, most: int) -> None:
        """Of one hardware address, which may claim one address again and again or many, the earliest first."""
        (vlan, ip), mac = claims[0].address, claims[0].mac
        _, cause = self.book.cause("spoofing.arp_storm", (str(vlan), mac), protocol="arp", confidence=0.8)
        cause.between(claims[0].first[0], NOWHERE, ip)
        cause.seen(sum(c.answers for c in claims), claims[0].first[0], max(c.last_ts for c in claims))
        for claim in claims[:FRAMES]:
            cause.shown(*claim.first)
        cause.add("addresses", [address.text(claim.address[1]) for claim in claims])
        cause.facts |= {"mac": mac, "vlan": vlan, "most_learnt": most}
        cause.facts["in_period"] = max(total, cause.facts.get("in_period", 0))
        known = len(self._claims.owned(vlan, mac))
        cause.summary = (
            f"{mac} claimed {known} address{'es' if known > 1 else ''} of VLAN {vlan} by {cause.facts['in_period']} "
            f"ARP packets within {self.settings.seconds:g} s; the most while learning was {most}"
        )

    def _usurped(self, usurped: Usurped, end: int) -> None:
        b, kind = usurped.behaviour, usurped.kind
        alive = end - self.site.inventory.last_seen(usurped.owner) <= self.settings.alive_seconds * SECOND
        change = self.site.changes.covering(b.ts, "session", b.client, usurped.owner)
        name = b.unit if kind == "takeover" else ""
        _, cause = self.book.cause(f"spoofing.{kind}", (b.client, b.server, name), protocol="mqtt",
                                   severity="info" if change else "high" if alive else "low",
                                   confidence=self.learning.confidence(self.name))  # fmt: skip
        zone = self.places.zone(b.client), self.places.zone(b.server)
        cause.between(b.ts, b.client, b.server, *(z.name if z else "" for z in zone))
        cause.seen(b.occurrences, b.ts, b.last_ts)
        cause.shown(b.ts, b.frame, b.capture)
        cause.add("owners", [address.text(usurped.owner)])
        cause.facts["owner_alive"] = alive or cause.facts.get("owner_alive", False)
        cause.facts["client_id"] = b.unit
        if b.object:
            cause.add("topics", [b.object])
        owner = address.text(usurped.owner)
        what = f"the client identifier {name!r}" if name else f"the topic {cause.sets['topics'][0]!r}"
        verb = "uses" if name else "publishes to"
        cause.summary = f"{address.text(b.client)} {verb} {what}, which was {owner}'s alone"
        cause.summary += f"; {owner} is still there" if cause.facts["owner_alive"] else f"; {owner} is gone"

    def sizes(self) -> dict[str, int]:
        held = {"behaviours": len(self._looked_at), "names": len(self._identities), "storms": len(self._storms)}
        return super().sizes() | held | self._claims.sizes() | self._answers.sizes()

    def counters(self) -> dict[str, int]:
        lost = self._claims.overflow + self._identities.overflow + self._storms.overflow + self._answers.overflow
        return super().counters() | {"overflow": lost}

    def snapshot(self) -> dict[str, Any]:
        parts = {name: part.snapshot() for name, part in self._parts().items()}
        return super().snapshot() | parts | {"looked_at": self._looked_at.snapshot()}

    def restore(self, state: dict[str, Any]) -> None:
        super().restore(state)
        for name, part in self._parts().items():
            part.restore(state[name])
        self._looked_at.restore(state["looked_at"])

    def _parts(self) -> dict[str, Any]:
        return {
            "claims": self._claims,
            "identities": self._identities,
            "storms": self._storms,
            "answers": self._answers,
        }


def _arp_key(vlan: int, ip: bytes, mac: str) -> bytes:
    return b"\0".join((b"arp", vlan.to_bytes(2, "big"), ip, mac.encode()))
