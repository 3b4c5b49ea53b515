"""Hosts that report outside at regular times.

Detects: connections of a plant's host to a destination outside it, again and again at intervals that hardly vary,
where the destination was not used in the learning part.
Why it matters: implants ask their masters for orders by the clock, whatever protocol they hide in.
Evidence: how many connections, the interval and its spread, the destination, first frames.
False positives: update, licence and monitoring services of a vendor that are taken into use.
Techniques: T0869, T0885 in the catalogue.
Fires on: pcaps/beacon.pcap
Silent on: pcaps/normal_plant.pcap
Cost: a few arithmetic steps for each new connection to a destination outside; nothing for others.
Blind when: the intervals are varied by more than `spread`, or the connection stays open between the reports.

Outside is the internet, a zone of the enterprise, and a host of no zone. The spread is the mean absolute deviation
of the intervals from their median, as a share of it: it forgives one late report, which a variance does not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from detectors import address
from detectors.base import SECOND, Address, Detector
from detectors.remote import in_plant
from detectors.sessions import capture_of

if TYPE_CHECKING:
    from detectors.window import Table, Window

PAIRS = 4096  # destinations followed at a time; the one quiet for longest leaves
TIMES = 32  # connections kept of each
USED = 1 << 15  # destinations known
_UTILITY = ("ntp", "dns")

Try = tuple[int, int, str]  # when a connection began, frame, capture
Pair = tuple[bytes, bytes, int, str]  # client, destination, port, transport


@dataclass(frozen=True, slots=True)
class Settings:
    """`count` connections whose intervals are between `least` and `most` seconds and vary by `spread` at most."""

    count: int = 6
    spread: float = 0.15
    least: float = 2.0
    most: float = 86400.0
    ignore: tuple[Address, ...] = ()  # addresses of destinations that are polled on purpose


class Beacon(Detector):
    name = "beacon"
    kinds = ("lateral.beacon",)
    reads = ("flows",)
    settings_class = Settings
    anomaly = True
    settings: Settings

    def __init__(self, settings: Any, site: Any) -> None:
        super().__init__(settings, site)
        self._used = self.learning.novelty(self.name, USED)
        self._times: dict[Pair, list[Try]] = {}
        self._touched: set[Pair] = set()
        self._ignored = self.ignored

    def gather(self, window: Window) -> None:
        table = window["flows"]
        if not len(table):
            return
        began = table.numbers("first_ts") >= window.start
        fit = table.where("transport", ("tcp", "udp")) & ~table.where("service", _UTILITY)
        src, dst, port = table.addresses("src_ip"), table.addresses("dst_ip"), table.numbers("dst_port")
        for row in np.flatnonzero(began & fit).tolist():
            ends = src[row].tobytes(), dst[row].tobytes()
            if ends[1] in self._ignored or not self._outward(*ends):
                continue
            pair = (*ends, int(port[row]), table.text("transport", row))
            if pair not in self._times and len(self._times) >= 2 * PAIRS:
                self.overflow += 1
                continue
            self._note(pair, table, row)

    def _outward(self, src: bytes, dst: bytes) -> bool:
        scope = address.scope(dst)
        if scope in ("group", "none"):
            return False
        here, there = self.places.zone(src), self.places.zone(dst)
        return in_plant(here) and not in_plant(there) and (scope == "public" or not self.places.inferred)

    def _note(self, pair: Pair, table: Table, row: int) -> None:
        times = self._times.setdefault(pair, [])
        one = (int(table.numbers("first_ts")[row]), int(table.numbers("frame")[row]), capture_of(table, row))
        if one not in times:  # a flow is written when it is new and when it ends
            times.append(one)
            self._touched.add(pair)
            if len(times) > 4 * TIMES:
                self._times[pair] = sorted(times)[-TIMES:]

    def judge(self, window: Window) -> None:
        for pair in sorted(self._touched):
            times = self._times[pair] = sorted(self._times[pair])[-TIMES:]
            key = pair[0] + pair[1]
            text = f"{address.text(pair[0])} connects to {address.text(pair[1])}"
            if not self._used.fresh(key, pair[0], text):
                if not self._used.told(key):
                    del self._times[pair]  # in use since before: its times are nobody's business
                    continue
            elif len(times) < self.settings.count:
                self._used.report(key, "watched")
                continue
            if len(times) >= self.settings.count:
                self._judge(pair, times)
        self._touched.clear()
        if len(self._times) > PAIRS:
            quiet = sorted(self._times, key=lambda p: (self._times[p][-1], p))
            for pair in quiet[: len(self._times) - PAIRS]:
                del self._times[pair]
            self.overflow += 1

    def _judge(self, pair: Pair, times: list[Try]) -> None:
        gaps = np.diff([ts for ts, _, _ in times]) / SECOND
        period = float(np.median(gaps))
        spread = float(np.mean(np.abs(gaps - period))) / period if period else 1.0
        if not self.settings.least <= period <= self.settings.most or spread > self.settings.spread:
            return
        src, dst, port, transport = pair
        here, there = self.places.zone(src), self.places.zone(dst)
        known, cause = self.book.cause("lateral.beacon", pair, confidence=min(0.9, 0.5 + 0.04 * len(times)))
        self._used.report(src + dst, known)
        if there is not None and there.kind == "internet" and not self.places.inferred:
            cause.raise_to("high")
        cause.between(times[0][0], src, dst, here.name if here else "", there.name if there else "")
        new = [one for one in times if one[0] > cause.last_ts]
        if new:
            cause.seen(len(new), new[0][0], new[-1][0])
        for one in times:
            cause.shown(*one)
        cause.add("ports", [f"{transport}/{port}"])
        cause.scored(self.settings.spread, max(spread, 1e-3))
        cause.facts |= {"period_seconds": round(period, 3), "spread": round(spread, 4)}
        cause.summary = (
            f"{address.text(src)} connects to {address.text(dst)} every {period:.1f} s, give or take "
            f"{100 * spread:.1f} %: {cause.count} times, and never before"
        )

    def sizes(self) -> dict[str, int]:
        longest = max(map(len, self._times.values()), default=0)
        return super().sizes() | {"pairs": len(self._times), "times": longest}

    def snapshot(self) -> dict[str, Any]:
        times = [
            [src.hex(), dst.hex(), port, transport, kept] for (src, dst, port, transport), kept in self._times.items()
        ]
        return super().snapshot() | {"times": times, "overflow": self.overflow}

    def restore(self, state: dict[str, Any]) -> None:
        super().restore(state)
        self._times = {
            (bytes.fromhex(src), bytes.fromhex(dst), port, transport): [(ts, frame, of) for ts, frame, of in kept]
            for src, dst, port, transport, kept in state["times"]
        }
        self.overflow = state["overflow"]
