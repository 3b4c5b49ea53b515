"""Polls and reports that keep a period, and then do not.

Detects: a behaviour with a learnt period that stays away, comes late, or comes twice as often.
Why it matters: a poll that stops blinds the control room; a second poller, or a replay, doubles it; who sits between
two hosts makes them late.
Evidence: the behaviours, their period and jitter as learnt, the gap or rate seen, the frames before and after.
False positives: stations that are switched off on purpose; polling that an engineer changed.
Techniques: T1691.001, T1691.002, T0814, T0830, T0848 by kind, in the catalogue.
Fires on: pcaps/adversarial_input.pcap, pcaps/spoofed_publisher.pcap, pcaps/denial_of_inference.pcap
Silent on: pcaps/many_controllers.pcap
Cost: numpy over the behaviours that are known; 200,000 of them in a tenth of a second.
Blind when: there is no period; it stopped before eight of them were seen; the whole plant is silent.

A behaviour has a period when its gaps vary by less than a fifth of their mean. Silence is measured up to the last
packet of anybody, so that a capture that ends is no silence. One alert a conversation, however many polls it has.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from detectors import address, knowledge
from detectors.base import SECOND, Detector
from detectors.behaviours import Behaviours
from detectors.statistics import words
from detectors.statistics.continuity import Continuity
from detectors.statistics.hashing import hash64
from detectors.statistics.rhythm import Rhythms
from detectors.statistics.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterable

    from detectors.window import Array, Table, Window

BEHAVIOURS = 1 << 18
ENDED = 1 << 14  # pairs of hosts that closed a connection
CAPTURES = 256  # names of captures remembered; of later ones frames are not shown
_ORDERLY = ("closed", "closing")
_TEXT = 48  # octets kept of what a behaviour does
_FIELDS = {
    "text": (f"S{_TEXT}", ()), "pair": (np.uint64, ()),
    "frame": (np.uint64, ()), "capture": (np.uint8, ()), "named": (np.bool_, ()), "away": (np.bool_, ()),
    "relayed": (np.bool_, ()),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Settings:
    """`periods`: of silence after which a poll is missing. `rate`: times as often as usual, that is a second one."""

    periods: float = 3.0
    rate: float = 1.7


class Period(Detector):
    name = "period"
    kinds = ("period.missing", "period.late", "period.doubled")
    reads = ("behaviours", "flows")
    settings_class = Settings
    anomaly = True
    settings: Settings

    def __init__(self, settings: Any, site: Any) -> None:
        super().__init__(settings, site)
        self._known = self.learning.novelty(self.name, BEHAVIOURS)  # for how far learning has come
        self._rhythms = Rhythms(BEHAVIOURS, _FIELDS)
        self._captures: list[str] = [""]
        self._seen = Continuity()
        self._pairs: dict[int, tuple[bytes, bytes, str]] = {}  # conversations of what has a period
        self._ended = Store({"last": (np.int64, ())}, ENDED)

    def gather(self, window: Window) -> None:
        """Behaviours come with the last part, and are judged there."""

    def judge(self, window: Window) -> None:
        behaviours = window.derive(Behaviours)
        flows = window["flows"]
        times = behaviours.array("last_ts"), flows.numbers("last_ts")
        latest = [int(column.max()) for column in times if len(column)]
        if not latest:
            return
        now = min(max(latest), window.end)
        if self._seen.broken(window.start, now):
            # Who was not heard since is not missed.
            self._rhythms.store["away"][:] = True
            self._rhythms.store["last"][:] = 0
        live = self.learning.live(self.name)
        self._closed(flows, window.end)
        if len(behaviours):
            self._came(behaviours, window, live)
        self._stayed_away(now, live)

    def _closed(self, flows: Table, now: int) -> None:
        """Connections that were ended in order, by both hosts."""
        rows = np.flatnonzero(flows.where("state", _ORDERLY))
        if len(rows):
            keys = hash64(flows.addresses("src_ip")[rows], flows.addresses("dst_ip")[rows])
            keys, inverse = np.unique(keys, return_inverse=True)
            last = np.zeros(len(keys), dtype=np.int64)
            np.maximum.at(last, inverse, flows.numbers("last_ts")[rows])
            at, _ = self._ended.at(keys, now)
            self._ended["last"][at[at >= 0]] = last[at >= 0]

    def _came(self, behaviours: Behaviours, window: Window, live: bool) -> None:
        rhythms, store = self._rhythms, self._rhythms.store
        rows, new = store.at(behaviours.ids, window.end)
        found = np.flatnonzero(rows >= 0)
        rows = rows[found]
        if new.any() and not live:
            self.learning.note(self.name, b"")
        first, last, count = (behaviours.array(name)[found].astype(np.int64) for name in ("ts", "last_ts", "count"))
        count = np.maximum(1, count)
        regular = rhythms.regular(rows) & store["named"][rows]
        since, _, mean = rhythms.gap(rows, first, last, count)
        margin, period = self.site.budget.margin, np.maximum(store["period"][rows], 1e-9)
        late = regular & (since > rhythms.limit(rows, 1.5, margin))
        # After a break nobody knows when it came before: one occurrence then has no gap, and no rate.
        quick = regular & (mean > 0) & (mean * self.settings.rate < period) & ~late
        store["quick"][rows] = np.where(quick, store["quick"][rows] + count, 0)
        # Three periods' worth of coming too often; a burst after a pause is a client that catches up.
        doubled = quick & (store["quick"][rows] >= 3 * self.settings.rate)
        if live:
            for at in np.flatnonzero(late & ~store["away"][rows]).tolist():
                most = float(rhythms.limit(rows[at], 1.5, margin))
                self._report("period.late", behaviours, int(rows[at]), int(found[at]), float(since[at]), most)
            for at in np.flatnonzero(doubled).tolist():
                least = float(period[at]) / self.settings.rate
                self._report("period.doubled", behaviours, int(rows[at]), int(found[at]), float(mean[at]), least)
        store["away"][rows] = False
        rhythms.learn(rows, first, last, count, ~(live & (late | quick)))
        frames = behaviours.array("last_frame")[found]
        store["frame"][rows] = frames
        self._name(behaviours, rows, found)

    def _name(self, behaviours: Behaviours, rows: Array, found: Array) -> None:
        """Words for those that have a period by now, and are watched from now on."""
        store = self._rhythms.store
        if len(self._pairs) > BEHAVIOURS:
            kept = set(store["pair"].tolist())
            self._pairs = {key: ends for key, ends in self._pairs.items() if key in kept}
        unnamed = np.flatnonzero(self._rhythms.regular(rows) & ~store["named"][rows])
        for at in unnamed.tolist():
            b, row = behaviours.row(int(found[at])), int(rows[at])
            if b.access == "session":
                continue  # comes with what it serves, and keeps no time of its own
            store["text"][row] = words.behaviour(b).encode("utf-8", "replace")[:_TEXT]
            store["pair"][row] = words.key(b.client, b.server, b.protocol)
            self._pairs.setdefault(int(store["pair"][row]), (b.client, b.server, b.protocol))
            if b.capture not in self._captures and len(self._captures) < CAPTURES:
                self._captures.append(b.capture)
            store["capture"][row] = self._captures.index(b.capture) if b.capture in self._captures else 0
            store["named"][row] = True
            store["relayed"][row] = b.operation == "deliver"

    def _stayed_away(self, now: int, live: bool) -> None:
        """What stays away while learning is known to be away."""
        store = self._rhythms.store
        candidates = np.flatnonzero(store["named"] & ~store["away"])
        silent = (now - store["last"][candidates]) / SECOND
        limit = self._rhythms.limit(candidates, self.settings.periods, self.site.budget.margin)
        gone = np.flatnonzero((silent > limit) & self._rhythms.regular(candidates))
        for at in gone[np.argsort(store["key"][candidates[gone]])].tolist():
            row = int(candidates[at])
            store["away"][row] = True
            if live:
                self._report("period.missing", None, row, 0, float(silent[at]), float(limit[at]))

    def _report(self, kind: str, behaviours: Behaviours | None, row: int, at: int, seen: float, limit: float) -> None:
        store = self._rhythms.store
        client, server, protocol = self._pairs[int(store["pair"][row])]
        last = int(store["last"][row])
        change = self.site.changes.covering(last, "", client, server)
        missing = kind == "period.missing"
        said = missing and self._said_goodbye(client, server, last - int(store["period"][row] * SECOND))
        # What a broker passes on stays away because its publisher does: a consequence, and not news of its own.
        minor = said or (missing and bool(store["relayed"][row]))
        _, cause = self.book.cause(
            kind, (client, server, protocol), protocol=protocol, severity="info" if change else "low" if minor else "",
            confidence=self.learning.confidence(self.name),
        )  # fmt: skip
        src, dst = self.places.zone(client), self.places.zone(server)
        when = last + (int(seen * SECOND) if missing else 0)
        if behaviours is not None:
            b = behaviours.row(at)
            when = b.ts
            cause.shown(b.ts, b.frame, b.capture)
        cause.between(when, client, server, src.name if src else "", dst.name if dst else "")
        cause.seen(1, last if missing else when, when)
        cause.shown(last, int(store["frame"][row]), self._captures[int(store["capture"][row])])
        what = store["text"][row].decode("utf-8", "replace")
        period, jitter = float(store["period"][row]), float(self._rhythms.jitter(np.array([row]))[0])
        usual = f"every {period:.2f} s ± {jitter:.2f} (longest gap {float(store['longest'][row]):.2f} s"
        usual += f" in {int(store['gaps'][row])} gaps learnt)"
        cause.add("behaviours", [what])
        if "behaviour" not in cause.facts or (what, seen) < (cause.facts["behaviour"], cause.facts["seen_seconds"]):
            cause.facts |= {
                "behaviour": what, "period_seconds": round(period, 3), "jitter_seconds": round(jitter, 3),
                "seen_seconds": round(seen, 3), "longest_learned": round(float(store["longest"][row]), 3),
            }  # fmt: skip
            told = _TOLD[kind].format(seen=seen) + (", after the connection was closed in order" if said else "")
            many = len(cause.sets["behaviours"])
            more = f"; {many - 1} more of its behaviours as well" if many > 1 else ""
            cause.summary = (
                f"{what} of {address.text(server)} by {protocol} is done {usual} by {address.text(client)};"
                f" {told}{more}"
            )

        # What is done too often comes in less than the limit, all else in more.
        often = kind == "period.doubled"
        cause.scored(limit if often else seen, max(1e-9, seen if often else limit))

    def _said_goodbye(self, client: bytes, server: bytes, since: int) -> bool:
        """Whether the two closed a connection in order then: a client that leaves, not one that is cut off."""
        ends = [np.frombuffer(ip, dtype=np.uint8)[None, :] for ip in (client, server)]
        row = int(self._ended.find(hash64(*ends))[0])
        return row >= 0 and int(self._ended["last"][row]) >= since

    def sizes(self) -> dict[str, int]:
        held = {"behaviours": len(self._rhythms), "captures": len(self._captures)}
        return super().sizes() | held | {"pairs": len(self._pairs), "ended": len(self._ended)}

    def counters(self) -> dict[str, int]:
        return super().counters() | {"forgotten": self._rhythms.store.evicted}

    def knowledge(self) -> Iterable[knowledge.Known]:
        return knowledge.of_polls(self._rhythms, self._pairs)

    def snapshot(self) -> dict[str, Any]:
        pairs = [[key, c.hex(), s.hex(), protocol] for key, (c, s, protocol) in self._pairs.items()]
        return super().snapshot() | {
            "rhythms": self._rhythms.snapshot(), "captures": list(self._captures), "ended": self._ended.snapshot(),
            "pairs": pairs, "latest": self._seen.latest,
        }  # fmt: skip

    def restore(self, state: dict[str, Any]) -> None:
        super().restore(state)
        self._rhythms.restore(state["rhythms"])
        self._captures = list(state["captures"])
        self._seen = Continuity(state["latest"])
        self._ended.restore(state["ended"])
        self._pairs = {key: (bytes.fromhex(c), bytes.fromhex(s), protocol) for key, c, s, protocol in state["pairs"]}


_TOLD = {
    "period.missing": "it has stayed away for {seen:.2f} s",
    "period.late": "it came after {seen:.2f} s",
    "period.doubled": "it came every {seen:.2f} s on average",
}
