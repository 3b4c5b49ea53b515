"""What feeds the plant's models: who provides it, whether it is protected, and whether it arrives as it was sent.

Detects: a host that provides the data of a model though it is no known source of it, or puts data into a store that
models are trained from, as it never did; a model that is handed its inputs by another broker or server; a feed in the
clear or without authentication; messages that a reader gets from a broker with other values than were sent.
Why it matters: a model believes what it is fed. Whoever feeds it, or sits between, decides what it says, and what the
next one learns.
Evidence: the feed and its models, source, reader and broker, first frames; of altered messages both values of each
field, how many, and between whom it happened.
False positives: a sensor or gateway that was replaced and is not in [[data_source]] yet; a broker that rewrites
messages, which is learnt.
Techniques: AML.T0020, AML.T0043, T1692.002, T0830 by kind, in the catalogue.
Fires on: pcaps/spoofed_publisher.pcap, pcaps/arp_mitm.pcap, pcaps/poisoned_retraining.pcap, pcaps/normal_plant.pcap
Silent on: pcaps/encrypted_plant.pcap (nothing of a feed is in the clear), pcaps/planned_update.pcap (no new source)
Cost: a look at each new behaviour of the protocols that carry feeds; the messages of their topics for half a minute.
Blind when: the feed is encrypted; only one leg passes the tap; no model is configured; inputs come by DNP3.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from detectors import address
from detectors.base import Address, Detector
from detectors.behaviours import Behaviour, Behaviours
from detectors.feed_legs import Altered, difference
from detectors.feed_messages import Messages
from detectors.feed_puts import Put, puts
from detectors.feed_words import altered_summary, models_of, protection
from detectors.feeds_of import Feed, feeds_of, touches
from detectors.memory import Ids

if TYPE_CHECKING:
    from detectors.book import Cause
    from detectors.window import Window

PARTIES = 1 << 14  # (feed, host) pairs known
TOLD = 4096  # behaviours of new sources whose further occurrences are counted
WAITING = 1024  # topics of which too few altered messages were seen to say so


@dataclass(frozen=True, slots=True)
class Settings:
    """`altered`: messages of a topic that must differ before it is said. `ignore`: addresses that may feed anything."""

    altered: int = 2
    ignore: tuple[Address, ...] = ()


class Feeds(Detector):
    name = "feeds"
    kinds = ("feeds.new_source", "feeds.open", "feeds.altered")
    reads = ("behaviours", "mqtt", "opcua", "files")
    settings_class = Settings
    settings: Settings

    def __init__(self, settings: Any, site: Any) -> None:
        super().__init__(settings, site)
        self._feeds = feeds_of(site.models)
        self._protocols = tuple(sorted({name.protocol for feed in self._feeds for name in feed.names} - {"http"}))
        self._parties = self.learning.novelty(self.name, PARTIES)
        self._seen = Ids()
        self._told: dict[int, str] = {}  # behaviours that are open alerts, and which
        self._new: list[Behaviour] = []
        self._puts: list[Put] = []
        self._messages = Messages(site.models)
        self._waiting: dict[tuple[bytes, str], list[Altered]] = {}
        self._first: dict[tuple[str, bytes], bytes] = {}  # who was seen first to feed what, in which role
        self._ignored = self.ignored

    def gather(self, window: Window) -> None:
        if not self._feeds:
            return
        behaviours = window.derive(Behaviours)
        if len(behaviours) and self._protocols:
            self._behaviours(behaviours)
        self._messages.gather(window)
        self._puts += puts(window)

    def _behaviours(self, behaviours: Behaviours) -> None:
        at = behaviours.where("protocol", self._protocols)
        if not len(at):
            return
        ids = behaviours.ids[at]
        self._new += [behaviours.row(int(at[n])) for n in self._seen.fresh(ids)]
        told = np.fromiter(self._told, dtype=np.uint64, count=len(self._told))
        for n in np.flatnonzero(np.isin(ids, told)).tolist() if len(told) else ():
            b = behaviours.row(int(at[n]))
            cause = self.book.get(self._told[b.id])
            if cause is not None:
                cause.seen(b.occurrences, b.ts, b.last_ts)

    def judge(self, window: Window) -> None:
        for b in sorted(self._new, key=lambda b: (b.ts, b.id)):
            for feed in self._feeds:
                if any(touches(name, b) for name in feed.names):
                    self._behaviour(feed, b)
        for put in sorted(self._puts):
            self._put(put)
        self._new.clear()
        self._puts.clear()
        for altered in self._messages.settle(window.end):
            self._altered(altered)

    def _behaviour(self, feed: Feed, b: Behaviour) -> None:
        """`provider`: whose data it is; `via`: who hands it to the model."""
        provider = via = b""
        if b.operation == "publish" or b.access in ("write", "control"):
            provider = b.client
        elif b.protocol != "mqtt" and feed.read_by(b.client):
            provider = b.server
        elif b.operation == "deliver" and feed.read_by(b.client):
            via = b.server
        self._open(feed, b, provider)
        if provider and self._foreign(feed, provider, b"", b):
            verb = "publishes" if b.operation == "publish" else "writes" if provider == b.client else "serves"
            self._source(feed, provider, b, f"{verb} {b.object}, which feeds {models_of(feed.models)}")
        elif via and self._foreign(feed, via, b"via", b):
            self._source(feed, via, b, f"hands {b.object} to {address.text(b.client)}, as it never did")

    def _foreign(self, feed: Feed, host: bytes, role: bytes, b: Behaviour) -> bool:
        """Whether the host is none of the feed's: as configured where that names any, else by what was learnt. The
        first that is seen in a role is the one to which others are compared."""
        if host in self._ignored:
            return False
        if feed.hosts and not role:
            return not feed.provided_by(host)
        key = b"\0".join((feed.id.encode(), role, host))
        place = feed.id, role
        first = self._first.setdefault(place, host) if len(self._first) < PARTIES else self._first.get(place, b"")
        if self._parties.fresh(key, host, f"feeds {feed.id}") and first != host:
            self._parties.report(key, "new")
            return True
        return bool(self._parties.told(key))

    def _source(self, feed: Feed, host: bytes, b: Behaviour, what: str) -> None:
        change = self.site.changes.covering(b.ts, "write", host, b.server)
        severity = "info" if change else "high" if feed.hosts else ""
        identity, cause = self.book.cause("feeds.new_source", (feed.id, host), protocol=b.protocol, severity=severity)
        if len(self._told) < TOLD:
            self._told[b.id] = identity
        cause.seen(b.occurrences, b.ts, b.last_ts)
        self._tell(cause, feed, (b.ts, b.client, b.server), (b.frame, b.capture))
        cause.add("objects", [b.object])
        if change:
            cause.facts["change"] = change.id
        known = f"its sources are {', '.join(feed.known)}" if feed.hosts else "it never did while this was learnt"
        cause.summary = f"{address.text(host)} {what}; {known}"

    def _put(self, put: Put) -> None:
        for feed in self._feeds:
            if not feed.store or not feed.provided_by(put.server) or put.client in self._ignored:
                continue
            key = b"\0".join((feed.id.encode(), b"put", put.client))
            fresh = self._parties.fresh(key, put.client, f"puts data into {feed.id}")
            if not fresh and not self._parties.told(key):
                continue
            change = self.site.changes.covering(put.ts, "write", put.client, put.server)
            zone = self.places.zone(put.client)
            outside = zone is not None and zone.kind in ("it", "internet")
            severity = "info" if change else "high" if outside else ""
            identity, cause = self.book.cause(
                "feeds.new_source", (feed.id, put.client), protocol=put.carrier, severity=severity,
                confidence=self.learning.confidence(self.name),
            )  # fmt: skip
            self._parties.report(key, identity)
            cause.seen(1, put.ts, put.ts)
            self._tell(cause, feed, (put.ts, put.client, put.server), (put.frame, put.capture))
            cause.add("objects", [put.path[:200]] if put.path else [])
            if change:
                cause.facts["change"] = change.id
            cause.facts["bytes"] = cause.facts.get("bytes", 0) + put.size
            cause.summary = (
                f"{address.text(put.client)} put {cause.facts['bytes']} bytes of data on {address.text(put.server)} by "
                f"{put.carrier}, as it never did; {models_of(feed.models)} learns from there ({feed.id})"
            )

    def _open(self, feed: Feed, b: Behaviour, provider: bytes) -> None:
        """What can be read here can be read by anybody on the path."""
        lacks = protection(b, self._messages.logins)
        _, cause = self.book.cause("feeds.open", (feed.id,), protocol=b.protocol)
        cause.seen(b.occurrences, b.ts, b.last_ts)
        self._tell(cause, feed, (b.ts, b.client, b.server), (b.frame, b.capture))
        cause.add("lacks", lacks)
        cause.add("sources", [address.text(provider)] if provider else [])
        cause.add("readers", [address.text(b.client)] if provider != b.client else [])
        cause.summary = (
            f"{feed.id} feeds {models_of(feed.models)} by {b.protocol} {' and '.join(cause.sets['lacks'])}: "
            "who is on the path decides what the model is given"
        )

    def _altered(self, altered: Altered) -> None:
        key = (altered.server, altered.topic)
        waiting = self._waiting.setdefault(key, [])
        waiting.append(altered)
        named = b"\0".join((b"altered", altered.server, altered.topic.encode()))
        if len(waiting) >= self.settings.altered or self._parties.told(named) is not None:
            del self._waiting[key]
            if self._parties.fresh(named, altered.server, f"changes messages of {altered.topic}"):
                self._parties.report(named, "altered")
            if self._parties.told(named):
                for one in waiting:
                    self._differs(one)
        elif len(self._waiting) > WAITING:
            del self._waiting[min(self._waiting, key=lambda place: (self._waiting[place][0].got.ts, place))]

    def _differs(self, altered: Altered) -> None:
        sent, got = altered.sent, altered.got
        _, cause = self.book.cause("feeds.altered", (altered.server, altered.topic), protocol="mqtt")
        here, there = self.places.zone(altered.server), self.places.zone(got.end)
        cause.between(got.ts, altered.server, got.end, here.name if here else "", there.name if there else "")
        cause.seen(1, sent.ts, max(sent.ts, got.ts))
        cause.shown(sent.ts, sent.frame, sent.capture)
        cause.shown(got.ts, got.frame, got.capture)
        fields = [f"{name}: {a} sent, {b} received" for name, a, b in difference(sent.payload, got.payload)[:8]]
        cause.add("differences", fields)
        cause.add("sources", [address.text(sent.end)])
        cause.add("readers", [address.text(got.end)])
        where = "between broker and reader" if altered.others else "between source and broker, or at the broker"
        cause.add("where", [where])
        cause.facts |= {"topic": altered.topic, "broker": address.text(altered.server)}
        cause.facts.setdefault("example", "; ".join(fields))
        cause.summary = altered_summary(cause)

    def _tell(self, cause: Cause, feed: Feed, ends: tuple[int, bytes, bytes], shown: tuple[int, str]) -> None:
        ts, src, dst = ends
        here, there = self.places.zone(src), self.places.zone(dst)
        cause.between(ts, src, dst, here.name if here else "", there.name if there else "")
        cause.shown(ts, *shown)
        cause.facts |= {"feed": feed.id, "models": list(feed.models), "known_sources": list(feed.known)}

    def sizes(self) -> dict[str, int]:
        held = {"seen": len(self._seen), "told": len(self._told), "waiting": len(self._waiting)}
        held |= {"first": len(self._first), "puts": len(self._puts)}
        return super().sizes() | held | self._messages.sizes()

    def counters(self) -> dict[str, int]:
        return super().counters() | {"messages_left_out": self._messages.overflow}

    def snapshot(self) -> dict[str, Any]:
        held = {
            "seen": self._seen.snapshot(),
            "told": {str(b): identity for b, identity in self._told.items()},
            "messages": self._messages.snapshot(),
        }
        held["first"] = [[feed, role.hex(), host.hex()] for (feed, role), host in sorted(self._first.items())]
        waiting = [altered.packed() for _, found in sorted(self._waiting.items()) for altered in found]
        return super().snapshot() | held | {"waiting": waiting}

    def restore(self, state: dict[str, Any]) -> None:
        super().restore(state)
        self._seen.restore(state["seen"])
        self._told = {int(b): identity for b, identity in state["told"].items()}
        self._messages.restore(state["messages"])
        self._first = {(feed, bytes.fromhex(role)): bytes.fromhex(host) for feed, role, host in state["first"]}
        self._waiting = {}
        for altered in map(Altered.unpacked, state["waiting"]):
            self._waiting.setdefault((altered.server, altered.topic), []).append(altered)
