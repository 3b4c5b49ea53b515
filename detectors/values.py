"""Values that the process never had: out of range, leaping, standing still, or heard before.

Detects: values of a tag outside the range learnt; steps larger than any learnt; a tag that always moved and rests while
it is still being asked for; a stretch of values that repeats an earlier one exactly.
Why it matters: who changes the process, or what is told of it, shows in the values, whatever the protocol says.
Evidence: tag, value, step or rest seen, range, step and rest learnt, number of values learnt, frames.
False positives: another product or set point than was learnt; a sensor that was replaced; a line that stands still.
Techniques: T1692.002, T0836, T0831, T0830, AML.T0043 by kind, in the catalogue.
Fires on: pcaps/spoofed_publisher.pcap, pcaps/pivot.pcap, pcaps/adversarial_input.pcap, pcaps/replayed_values.pcap
Silent on: pcaps/normal_plant.pcap
Cost: one native pass over the values of a window, numpy over its tags; a kilobyte a tag.
Blind when: false values stay within range and step; a tag has too few values; the protocol is encrypted.

A tag is what one client hears of one server. What several hear of it is one alert, in the name of the first; a leap
within a minute of values out of range, or as they come back, goes into theirs. A repeated stretch counts only where the
values vary, and for no tag that repeated itself while it was learnt.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from detectors import address, knowledge, value_words
from detectors.alert import alert_id
from detectors.base import SECOND, Detector
from detectors.samples import FIELDS, Gathered
from detectors.statistics.continuity import Continuity
from detectors.statistics.conversations import Conversations
from detectors.statistics.series import LEAST, RUN, Series
from detectors.value_owners import Owners, earliest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from detectors.knowledge import Range
    from detectors.statistics.series import Seen
    from detectors.window import Array, Window

TAGS = 1 << 14
WINDOWS = 3  # of rest at least
TOGETHER = 60 * SECOND  # in which a leap of one tag and another out of range are one cause
_FIELDS = {**FIELDS, "frame": (np.uint64, ()), "frozen": (np.bool_, ())}


@dataclass(frozen=True, slots=True)
class Settings:
    """`replayed`: values in a row, as heard before, that are a replay."""

    replayed: int = 2 * RUN


class Values(Detector):
    name = "values"
    kinds = ("values.range", "values.frozen", "values.step", "values.replay")
    reads = ("tag_values", "behaviours")
    settings_class = Settings
    anomaly = True
    settings: Settings

    def __init__(self, settings: Any, site: Any) -> None:
        super().__init__(settings, site)
        self._known = self.learning.novelty(self.name, TAGS)  # for how far learning has come
        self._series = Series(TAGS, _FIELDS)
        self._gathered = Gathered(self._series.store)
        self._owners = Owners(TAGS)
        self._away: set[tuple[bytes | str, ...]] = set()  # of this window: servers whose values come back into range
        self._seen = Continuity()

    def gather(self, window: Window) -> None:
        if len(window["tag_values"]):
            self._gathered.add(window["tag_values"])

    def judge(self, window: Window) -> None:
        if self._seen.broken(window.start, window.end):
            self._series.interrupt()
        if len(self._gathered):
            self._heard(window)
        self._gathered.clear()
        self._resting(window, self.learning.live(self.name))

    def _heard(self, window: Window) -> None:
        heard, store = self._gathered.samples(), self._series.store
        rows, new = store.at(heard.keys, window.end)
        if new.any():
            for name, told in self._gathered.names(heard.keys[new]).items():
                store[name][rows[new]] = told
        seen = self._series.take(rows, heard)
        rows = seen.rows
        if not len(seen):
            return
        live = self.learning.live(self.name)
        floor = self.site.budget.floor("values", 2 * len(store), window.end - window.start) * self.site.budget.margin
        strange = np.zeros(len(rows), dtype=bool)
        if live:
            self._away = self._out(rows)
            replayed = (seen.again >= self.settings.replayed) & ~store["repeats"][rows]
            for kind, chosen, place in (
                ("values.range", seen.range_score >= floor, seen.range_at),
                ("values.step", (seen.step_score >= floor) & (seen.range_score < floor), seen.step_at),
                ("values.replay", replayed, seen.end),
            ):
                strange |= chosen
                for at in earliest(chosen, heard.times[place]):
                    where = self._gathered.place(int(place[at]))
                    least = self.settings.replayed if kind == "values.replay" else floor
                    self._report(kind, int(rows[at]), at, seen, where, least)
            # What is not an alarm and yet beyond all that was learnt teaches nothing.
            strange |= (seen.range_score * self.site.budget.margin >= floor) | (
                seen.step_score * self.site.budget.margin >= floor
            )
        else:
            store["repeats"][rows] |= seen.again >= RUN
            if ((seen.range_value < store["low"][rows]) | (seen.range_value > store["high"][rows])).any():
                self.learning.note(self.name, b"")
        self._series.learn(seen, ~strange)
        store["frame"][rows] = self._gathered.frames(seen.end)
        store["frozen"][rows] = False

    def _resting(self, window: Window, live: bool) -> None:
        """Tags that always moved, of conversations that go on; those at rest while learning are known to be."""
        store = self._series.store
        candidates = np.flatnonzero(self._series.moving() & ~store["frozen"])
        rested = (window.end - store["time"][candidates]) / SECOND
        least = WINDOWS * (window.end - window.start) / SECOND
        limit = np.maximum(least, self.site.budget.margin * store["rest"][candidates])
        still, limit = candidates[rested > limit], limit[rested > limit]
        if not len(still):
            return
        talking = np.isin(store["conversation"][still], window.derive(Conversations).keys)
        for row, most in zip(still[talking].tolist(), limit[talking].tolist(), strict=True):
            store["frozen"][row] = True
            if live:
                self._report("values.frozen", row, 0, None, (window.end, 0, ""), most)

    def _report(
        self, kind: str, row: int, at: int, seen: Seen | None, place: tuple[int, int, str], threshold: float
    ) -> None:
        store, (ts, frame, capture) = self._series.store, place
        client, server = store["client"][row].tobytes(), store["server"][row].tobytes()
        source, name = store["source"][row].decode(), store["name"][row].decode("utf-8", "replace")
        change = self.site.changes.covering(ts, "", client, server)
        owner = self._owners.of(kind, client, server, source, name)
        if kind == "values.step" and self._out_of_range((owner, server, source), name, ts):
            return
        _, cause = self.book.cause(
            kind, (owner, server, source), protocol=source, severity="info" if change else "",
            confidence=self.learning.confidence(self.name),
        )  # fmt: skip
        src, dst = self.places.zone(client), self.places.zone(server)
        cause.between(ts, client, server, src.name if src else "", dst.name if dst else "")
        cause.seen(1, ts, ts)
        cause.shown(ts, frame, capture)
        cause.add("tags", [name])
        cause.add("heard_by", [address.text(client)])
        told, facts, weight = value_words.told(store, kind, row, at, seen, ts)
        score = (ts - int(store["time"][row])) / SECOND if seen is None else weight
        if weight > cause.facts.get("weight", -1.0):
            learnt = {"tag": name, "values_learned": int(store["values"][row]), "weight": round(weight, 3)}
            cause.facts |= {**learnt, **facts}
            cause.summary = f"{name} of {address.text(server)} as {address.text(client)} has it by {source}: {told}"
        cause.scored(score, threshold)

    def _out(self, rows: Array) -> set[tuple[bytes | str, ...]]:
        """Servers and sources of which a tag that moves now was out of range when it moved last."""
        store = self._series.store
        now, judged = store["value"][rows], store["values"][rows] >= LEAST
        away = rows[judged & ((now < store["low"][rows]) | (now > store["high"][rows]))].tolist()
        return {(store["server"][row].tobytes(), store["source"][row].decode()) for row in away}

    def _out_of_range(self, subject: tuple[bytes | str, ...], name: str, ts: int) -> bool:
        """Whether the server's values are out of range already, which a leap of others goes along with."""
        cause = self.book.get(alert_id("values.range", *subject))
        returning = subject[1:] in self._away
        if cause is None or not (returning or 0 <= ts - cause.first_ts <= TOGETHER):
            return False
        cause.seen(1, ts, ts)
        cause.add("leapt", [name])
        return True

    def knowledge(self) -> Iterable[knowledge.Known]:
        return knowledge.of_values(self._series)

    def ranges(self) -> Iterable[Range]:
        return knowledge.ranges(self._series)

    def sizes(self) -> dict[str, int]:
        return super().sizes() | {
            "owners": len(self._owners), "tags": len(self._series), "waiting": len(self._gathered),
        }  # fmt: skip

    def counters(self) -> dict[str, int]:
        return super().counters() | {"overflow": self._gathered.overflow, "forgotten": self._series.store.evicted}

    def snapshot(self) -> dict[str, Any]:
        return super().snapshot() | {
            "series": self._series.snapshot(), "owners": self._owners.snapshot(), "latest": self._seen.latest,
        }  # fmt: skip

    def restore(self, state: dict[str, Any]) -> None:
        super().restore(state)
        self._series.restore(state["series"])
        self._owners.restore(state["owners"])
        self._seen = Continuity(state["latest"])
