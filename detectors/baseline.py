"""Conversations that are not as they were: doing something new, much more of something, or moving away by the day.

Detects: behaviours (unit, operation, range) a conversation never showed; amounts a window that learning never saw, of
messages, bytes, errors, unanswered requests and the like; daily means that drift away from those of commissioning.
Why it matters: what no rule names still has to talk, and controllers' conversations repeat themselves.
Evidence: the feature, what was expected, what was seen, how rare that is, the behaviours behind it, first frames.
False positives: rare work that learning never saw; a plant that is changed for good.
Techniques: T0801, T0888, T0836, T0814, T0806, T0869, T0831 by kind, in the catalogue.
Fires on: pcaps/rogue_writer.pcap, pcaps/spoofed_publisher.pcap, pcaps/bulk_read.pcap,
pcaps/creeping_reads.pcap
Silent on: pcaps/normal_plant.pcap
Cost: numpy over the known conversations of a window, ten thousand of them in a fifth of a second.
Blind when: it was there while learning; amounts stay within what was seen; a conversation was active for less than
five minutes.

New behaviour is exact and has no share of the budget; amounts are `statistics.layer`, drift `statistics.anchor`.
Windows of a host at which a grave rule points are not learnt while the sensor learns.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from detectors import address
from detectors.base import SECOND, Detector
from detectors.behaviours import Behaviour, Behaviours
from detectors.memory import Ids
from detectors.news import CONVERSATIONS, News
from detectors.statistics import anchor, words
from detectors.statistics.conversations import FEATURES, Conversations
from detectors.statistics.layer import SCALES, Layer

if TYPE_CHECKING:
    from detectors.statistics.layer import Verdict
    from detectors.window import Array, Window

BEHAVIOURS = 1 << 18  # known
MANY = 8  # new behaviours of a conversation in one window that are no accident
SHOWN = 4  # behaviours of a window named as evidence


@dataclass(frozen=True, slots=True)
class Settings:
    """`anchor_days`: days of commissioning against which slow drift is measured."""

    anchor_days: int = anchor.DAYS


class Baseline(Detector):
    name = "baseline"
    kinds = ("baseline.new_behaviour", "baseline.traffic", "baseline.slow_drift")
    reads = ("behaviours",)
    settings_class = Settings
    anomaly = True
    settings: Settings

    def __init__(self, settings: Any, site: Any) -> None:
        super().__init__(settings, site)
        self._known = self.learning.novelty(self.name, BEHAVIOURS)
        self._looked_at = Ids(BEHAVIOURS)
        upwards = (False,) * len(FEATURES)
        self._layer = Layer(len(FEATURES), upwards, CONVERSATIONS)
        self._anchor = anchor.Anchor(len(FEATURES), self.settings.anchor_days, CONVERSATIONS)
        self._late: dict[int, int] = {}  # conversations that began after learning: when
        self._ends: dict[int, tuple[bytes, bytes, str]] = {}
        self._news = News(self.learning)
        self._new: list[Behaviour] = []
        self._now: Conversations | None = None

    def gather(self, window: Window) -> None:
        behaviours = window.derive(Behaviours)
        if len(behaviours):
            self._new += [behaviours.row(at) for at in self._looked_at.fresh(behaviours.ids)]
        if window.last:
            self._now = window.derive(Conversations)

    def judge(self, window: Window) -> None:
        self._behaviours()
        if self._now is not None:
            self._amounts(self._now, window)
        self._now = None

    def _behaviours(self) -> None:
        fresh: dict[tuple[bytes, bytes, str], list[Behaviour]] = {}
        news = set()
        for b in sorted(self._new):
            pair = words.key(b.client, b.server, b.protocol)
            if b.access != "session" and self._known.told(b.id) is None:
                news.add(pair)
            met = self._known.fresh(pair, b.client, words.conversation(b.client, b.server, b.protocol))
            # Logging in and out goes along with all the rest: it is news of two hosts that never met.
            done = b.access != "session" and self._known.fresh(b.id, b.client, words.behaviour(b))
            if met or done:
                fresh.setdefault((b.client, b.server, b.protocol), []).append(b)
        for (client, server, protocol), found in sorted(fresh.items()):
            identity = self._unheard(client, server, protocol, found)
            self._known.report(words.key(client, server, protocol), identity)
            for b in found:
                self._known.report(b.id, identity)
        self._news.came(news)
        self._new.clear()

    def _unheard(self, client: bytes, server: bytes, protocol: str, found: list[Behaviour]) -> str:
        change = self.site.changes.covering(found[0].ts, "", client, server)
        changing = any(b.access in ("write", "control") for b in found)
        failing = any(b.errors and b.access != "session" for b in found)
        severity = "info" if change else "medium" if changing or failing or len(found) >= MANY else ""
        identity, cause = self.book.cause(
            "baseline.new_behaviour", (client, server, protocol), protocol=protocol, severity=severity,
            confidence=self.learning.confidence(self.name),
        )  # fmt: skip
        self._between(cause, found[0].ts, client, server)
        for b in found:
            cause.seen(b.occurrences, b.ts, b.last_ts)
            cause.shown(b.ts, b.frame, b.capture)
        cause.add("behaviours", [words.behaviour(b) for b in found])
        if change:
            cause.add("changes", [change.id])
        learnt = self.learning.learnt(self.name)
        cause.facts["learned_seconds"] = round(learnt, 3)
        key = words.key(client, server, protocol)
        row = int(self._layer.store.find(np.array([key], dtype=np.uint64))[0])
        rarity = self._news.explain(cause, key, int(self._layer.store["windows"][row]) if row >= 0 else 0)
        known = cause.sets["behaviours"]
        more = f" and {len(known) - 1} more" if len(known) > 1 else ""
        cause.summary = (
            f"{address.text(client)} did with {address.text(server)} by {protocol} what it never did in"
            f" {words.span(learnt)} of learning: {known[0]}{more}; {rarity}"
        )
        return identity

    def _between(self, cause: Any, ts: int, client: bytes, server: bytes) -> None:
        src, dst = self.places.zone(client), self.places.zone(server)
        cause.between(ts, client, server, src.name if src else "", dst.name if dst else "")

    def _amounts(self, now: Conversations, window: Window) -> None:
        """Amounts are judged against those of windows in which the conversation was active."""
        layer = self._layer
        held = layer.settle(now.keys[self._suspected(now)])
        for row in held.tolist():
            if ends := self._ends.get(int(layer.store["key"][row])):
                self.learning.set_aside(self.name, ends[0], f"amounts of {words.conversation(*ends)}")
        rows, found, new = layer.begin(now.keys, now.x, window.end)
        places = np.flatnonzero(found)
        self._remember(now, places[new], window.end)
        cells = len(layer) * len(FEATURES) * len(SCALES)
        floor = self.site.budget.floor("baseline.traffic", cells, window.end - window.start)
        live = self._judged(rows, window.end)
        verdict = layer.judge(rows, now.x[found], floor=floor, margin=self.site.budget.margin, live=live)
        for at in np.flatnonzero(verdict.alarm).tolist():
            self._excess(int(now.keys[places[at]]), int(places[at]), at, now, verdict, window)
        everybody = np.zeros((len(layer), len(FEATURES)))
        everybody[rows] = now.x[found]
        usual = np.ones(len(layer), dtype=bool)
        usual[rows] = ~verdict.alarm
        over, drift = self._anchor.take(layer.store["key"], everybody, window.end, usual)
        for row, feature in zip(*np.nonzero(np.abs(drift) >= 1.0), strict=True):
            self._drifted(int(over[row]), int(feature), float(drift[row, feature]), window)

    def _suspected(self, now: Conversations) -> list[int]:
        if self.learning.mode == "operational":
            return []
        ends = ((at, self._ends.get(key)) for at, key in enumerate(now.keys.tolist()))
        return [at for at, known in ends if known and self.learning.suspected(known[0])]

    def _remember(self, now: Conversations, new: Array, ts: int) -> None:
        for at in new.tolist():
            key, b = int(now.keys[at]), now.example(at)
            self._ends[key] = (b.client, b.server, b.protocol)
            if self.learning.mode == "operational":
                self._late[key] = ts
        if len(self._ends) > CONVERSATIONS:
            kept = set(self._layer.store["key"].tolist())
            self._ends = {key: ends for key, ends in self._ends.items() if key in kept}
            self._late = {key: when for key, when in self._late.items() if key in kept}
            self._news.forget(kept)

    def _judged(self, rows: Array, ts: int) -> Array:
        """Which conversations are old enough: those that came after learning have the learning time of a device."""
        keys = self._layer.store["key"][rows]
        judged = np.full(len(keys), self.learning.live(self.name))
        grown = ts - int(self.learning.settings.device_seconds * SECOND)
        self._late = {key: when for key, when in self._late.items() if when > grown}
        if self._late:
            judged &= ~np.isin(keys, np.fromiter(self._late, dtype=np.uint64, count=len(self._late)))
        return judged

    def _excess(self, key: int, place: int, at: int, now: Conversations, v: Verdict, window: Window) -> None:
        client, server, protocol = self._ends[key]
        shown = now.rows(place, SHOWN)
        change = self.site.changes.covering(shown[0].ts, "", client, server)
        _, cause = self.book.cause(
            "baseline.traffic", (client, server, protocol), protocol=protocol, severity="info" if change else "",
            confidence=self.learning.confidence(self.name),
        )  # fmt: skip
        first, last = min(b.ts for b in shown), max(b.last_ts for b in shown)
        self._between(cause, first, client, server)
        cause.seen(1, first, last)
        for b in shown:
            cause.shown(b.ts, b.frame, b.capture)
        cause.add("features", [FEATURES[f] for f in np.flatnonzero(v.over[at])])
        cause.add("behaviours", [words.behaviour(b) for b in shown])
        seconds = (window.end - window.start) / SECOND * SCALES[int(v.scale[at])]
        told = words.Amount(
            FEATURES[int(v.feature[at])], (window.end - window.start) / SECOND, seconds, float(v.seen[at]),
            float(v.low[at]), float(v.high[at]), int(v.count[at]), int(v.total[at]),
        )  # fmt: skip
        if float(v.ratio[at]) > cause.facts.get("times_threshold", 0.0):
            cause.facts |= {"times_threshold": round(float(v.ratio[at]), 2), **told.facts()}
            cause.summary = f"{words.conversation(client, server, protocol)}: {told.text()}"
        cause.scored(float(v.ratio[at] * v.threshold[at]), float(v.threshold[at]))

    def _drifted(self, row: int, feature: int, drift: float, window: Window) -> None:
        key = int(self._anchor.store["key"][row])
        if key not in self._ends:
            return
        client, server, protocol = self._ends[key]
        _, cause = self.book.cause(
            "baseline.slow_drift", (client, server, protocol, FEATURES[feature]), protocol=protocol,
            confidence=self.learning.confidence(self.name),
        )  # fmt: skip
        self._between(cause, window.start, client, server)
        cause.seen(1, window.start - anchor.DAY, window.start)
        mean, noise = (float(self._anchor.store[name][row, feature]) for name in ("mean", "noise"))
        way = "up" if drift > 0 else "down"
        cause.facts |= {"feature": FEATURES[feature], "expected": round(mean, 6), "spread": round(noise**0.5, 6)}
        cause.facts |= {"direction": way, "commissioning_days": self.settings.anchor_days}
        cause.scored(abs(drift), 1.0)
        cause.summary = (
            f"{words.conversation(client, server, protocol)}: {FEATURES[feature]} have moved {way} day by day from the"
            f" {mean:.4g} a window of commissioning"
        )

    def sizes(self) -> dict[str, int]:
        held = {"new": len(self._new), "ends": len(self._ends), "late": len(self._late), "news": len(self._news)}
        return super().sizes() | held | self._layer.sizes() | {"behaviours": len(self._looked_at)}

    def snapshot(self) -> dict[str, Any]:
        ends = [[key, c.hex(), s.hex(), protocol] for key, (c, s, protocol) in self._ends.items()]
        return super().snapshot() | {
            "looked_at": self._looked_at.snapshot(), "layer": self._layer.snapshot(), "ends": ends,
            "anchor": self._anchor.snapshot(), "late": list(self._late.items()), "news": self._news.snapshot(),
        }  # fmt: skip

    def restore(self, state: dict[str, Any]) -> None:
        super().restore(state)
        self._looked_at.restore(state["looked_at"])
        self._layer.restore(state["layer"])
        self._anchor.restore(state["anchor"])
        self._late = dict(map(tuple, state["late"]))
        self._news.restore(state["news"])
        self._ends = {key: (bytes.fromhex(c), bytes.fromhex(s), protocol) for key, c, s, protocol in state["ends"]}
