"""One model's outputs and inputs as the network showed them, held against what its host logged.

Records wait until whatever belongs to them must have come; then each is judged once and kept for as long as it may be
the partner of a later one. The clock of the host is brought to that of the wire first.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from itertools import pairwise
from typing import Any

from detectors import agreement
from detectors.compared import Judged, Logged, Shown, Span
from detectors.host_clock import HostClock

WAITING = 1 << 14  # records held of each side; the oldest leave unjudged, which is counted
STREAMS = 256  # inputs of a model
READINGS = 2048  # held of an input
BEFORE = 3  # moments of readings before a record that it may have been made from
SCALE = 0.05  # of a value: the least by which a reading is far off
_SEPARATORS = ".#/:; "


class Comparison:
    def __init__(self, span: Span, value_tolerance: float) -> None:
        self._span, self._tolerance = span, value_tolerance
        self.clock = HostClock(span.search, span.tolerance)
        self._shown: list[Shown] = []
        self._logged: list[Logged] = []
        self._known: set[str] = set()  # ids of the records held
        self._readings: dict[str, list[tuple[int, Any]]] = {}
        self._judged = [0, 0, 0]  # up to when, by the wire's clock: outputs shown, lines logged, inputs shown
        self.covered = [0, 0]  # the log's first and last line, by the host's clock
        self.watched = [0, 0]  # the wire's first and last output
        self._holes: list[int] = []  # outputs that the log lacks
        self._ranges: dict[str, tuple[float, float]] = {}  # of inputs on which both agreed, the whole run long
        self._estimated = 0
        self.last: Shown | None = None
        self.overflow = 0

    @property
    def offset(self) -> int:
        return self.clock.offset or 0

    def shown(self, output: Shown) -> None:
        insort(self._shown, output, key=lambda o: (o.ts, o.capture, o.frame, o.tag))
        self.clock.wire(output.ts, agreement.key(output.value))
        self.watched = [min(self.watched[0] or output.ts, output.ts), max(self.watched[1], output.ts)]
        self.last = output
        self.overflow += _cut(self._shown, WAITING)

    def reading(self, stream: str, ts: int, value: float | str) -> None:
        held = self._readings.get(stream)
        if held is None:
            if len(self._readings) >= STREAMS:
                self.overflow += 1
                return
            held = self._readings[stream] = []
        insort(held, (ts, value), key=lambda reading: (reading[0], str(reading[1])))
        _cut(held, READINGS)

    def logged(self, line: Logged) -> None:
        if line.record_id in self._known:
            return
        self._known.add(line.record_id)
        insort(self._logged, line, key=lambda held: (held.ts, held.record_id))
        self.clock.host(line.ts, agreement.key(line.value))
        self.covered = [min(self.covered[0] or line.ts, line.ts), max(self.covered[1], line.ts)]
        if len(self._logged) > WAITING:
            self._known.discard(self._logged.pop(0).record_id)
            self.overflow += 1

    def judge(self, end: int, *, over: bool = False) -> list[Judged]:
        """What can be judged at a window's end, by time; all of it when the capture is `over`."""
        if not self._logged:
            self._forget(end - self._span.search - self._span.patience)
            return []
        if over or not self._estimated or end - self._estimated >= self._span.patience:
            self._estimated = end
            self.clock.estimate()
        if self.clock.offset is None and not over and end - self._logged[0].ts < self._span.search:
            return []  # too little to tell the clocks' difference yet
        until = end + 1 if over else end - self._span.patience - self._span.tolerance - abs(self.offset)
        found = self._outputs(until) + self._lines(until) + self._inputs(until)
        self._forget(until - 2 * self._span.tolerance - self._span.age)
        return sorted(found, key=lambda judged: (judged.ts, judged.what, judged.stream))

    def _outputs(self, until: int) -> list[Judged]:
        """Outputs that the network showed."""
        found = []
        first, last = (ts - self.offset for ts in self.covered)
        begin = bisect_left(self._shown, self._judged[0], key=lambda o: o.ts)
        end = bisect_left(self._shown, until, key=lambda o: o.ts)
        for output in self._shown[begin:end]:
            near = self._lines_near(output.ts)
            told = [agreement.same(output.value, line.value, self._tolerance) for line in near]
            if True in told:
                line = min((line for line, same in zip(near, told, strict=True) if same), key=self._far(output.ts))
                found.append(Judged("agreed", output.ts, output, line))
                if output.version and line.version and output.version != line.version:
                    found.append(Judged("version", output.ts, output, line))
            elif False in told:
                line = min((line for line, s in zip(near, told, strict=True) if s is False), key=self._far(output.ts))
                found.append(Judged("differs", output.ts, output, line))
            elif near:
                found.append(Judged("incomparable", output.ts, output, near[0]))
            elif first <= output.ts <= last:
                found.append(Judged("unlogged", output.ts, output))
                self._holes.append(output.ts)
        self._judged[0] = max(self._judged[0], until)
        return found

    def _lines(self, until: int) -> list[Judged]:
        """Lines of the log: is their output on the network, and are their inputs what it showed."""
        found = []
        times = [line.ts - self.offset for line in self._logged]
        for line in self._logged[bisect_left(times, self._judged[1]) : bisect_left(times, until)]:
            ts = line.ts - self.offset
            if not self._shown_near(ts) and self.watched[0] <= ts <= self.watched[1]:
                found.append(Judged("unseen", ts, None, line))
            for name, value in line.inputs.items():
                stream = self.stream(name)
                near = self._readings_near(stream, ts)
                told = [agreement.same(reading, value, self._tolerance) for _, reading in near]
                if True in told:
                    found.append(Judged("input_agreed", ts, None, line, stream, value))
                    if isinstance(value, int | float) and (stream in self._ranges or len(self._ranges) < STREAMS):
                        low, high = self._ranges.get(stream, (value, value))
                        self._ranges[stream] = (min(low, value), max(high, value))
                elif False in told:
                    found.append(Judged("input", near[-1][0], None, line, stream, (near[-1][1], value)))
        self._judged[1] = max(self._judged[1], until)
        return found

    def _inputs(self, until: int) -> list[Judged]:
        """Readings on the network: does the log have them. A host skips one that the next follows closely, so only one
        that is far from all that the log has is denied."""
        logged: dict[str, list[tuple[int, Any]]] = {}
        for line in self._logged:
            for name, value in line.inputs.items():
                if stream := self.stream(name):
                    logged.setdefault(stream, []).append((line.ts - self.offset, value))
        found = []
        for stream, lines in sorted(logged.items()):
            gaps = sorted(b[0] - a[0] for a, b in pairwise(lines))
            follow = max(self._span.tolerance, 2 * gaps[len(gaps) // 2]) if gaps else self._span.tolerance
            held = self._readings[stream]
            begin, end = (bisect_left(held, ts, key=lambda r: r[0]) for ts in (self._judged[2], until))
            for ts, value in held[begin:end]:
                low = bisect_left(lines, ts - self._span.tolerance, key=lambda one: one[0])
                high = bisect_right(lines, ts + follow, key=lambda one: one[0])
                told = [agreement.same(value, said, self._tolerance) for _, said in lines[low:high]]
                if True in told:
                    found.append(Judged("confirmed", ts, None, None, stream))
                elif False in told and self._far_off(stream, value) and not self._hole(ts, follow):
                    nearest = min(lines[low:high], key=lambda one: (abs(one[0] - ts), one[0]))
                    found.append(Judged("denied", ts, None, None, stream, (value, nearest[1])))
        self._judged[2] = max(self._judged[2], until)
        return found

    def _far_off(self, stream: str, value: Any) -> bool:
        """Whether a number lies further outside the log's range than that is wide. A text is on no scale."""
        low, high = self._ranges.get(stream, (0.0, 0.0))
        wide = max(high - low, SCALE * max(abs(low), abs(high)))
        return isinstance(value, int | float) and not low - wide <= value <= high + wide

    def _hole(self, ts: int, follow: int) -> bool:
        """Whether the log lacks an output that may have been made from a reading: then it says nothing of that."""
        at = bisect_left(self._holes, ts - self._span.tolerance)
        return at < len(self._holes) and self._holes[at] <= ts + follow

    def stream(self, name: str) -> str:
        """The wire's stream that the log means: of that name, or the only one that ends in it; empty: none."""
        if name in self._readings:
            return name
        if not name:
            return next(iter(self._readings)) if len(self._readings) == 1 else ""
        found = [s for s in self._readings if s.endswith(name) and s[-len(name) - 1] in _SEPARATORS]
        return found[0] if len(found) == 1 else ""

    def _far(self, ts: int) -> Any:
        return lambda line: (abs(line.ts - self.offset - ts), line.record_id)

    def _lines_near(self, ts: int) -> list[Logged]:
        low = bisect_left(self._logged, ts + self.offset - self._span.tolerance, key=lambda line: line.ts)
        high = bisect_right(self._logged, ts + self.offset + self._span.tolerance, key=lambda line: line.ts)
        return self._logged[low:high]

    def _shown_near(self, ts: int) -> bool:
        at = bisect_left(self._shown, ts - self._span.tolerance, key=lambda o: o.ts)
        return at < len(self._shown) and self._shown[at].ts <= ts + self._span.tolerance

    def _readings_near(self, stream: str, ts: int) -> list[tuple[int, Any]]:
        """What the network showed of an input shortly before and around a moment."""
        held = self._readings.get(stream, [])
        high = bisect_right(held, ts + self._span.tolerance, key=lambda reading: reading[0])
        low = bisect_left(held, ts - self._span.tolerance, key=lambda reading: reading[0])
        for _ in range(BEFORE):  # all of a moment: one packet may bring several, whose order is not told
            if low > 0:
                low = bisect_left(held, held[low - 1][0], key=lambda reading: reading[0])
        return [reading for reading in held[low:high] if reading[0] >= ts - self._span.age]

    def _forget(self, before: int) -> None:
        """What lies before a moment of the wire's clock and was judged, or cannot be."""
        del self._shown[: bisect_left(self._shown, before, key=lambda o: o.ts)]
        del self._holes[: max(bisect_left(self._holes, before), len(self._holes) - WAITING)]
        gone = bisect_left(self._logged, before + self.offset, key=lambda line: line.ts)
        self._known -= {line.record_id for line in self._logged[:gone]}
        del self._logged[:gone]
        for stream, held in list(self._readings.items()):
            del held[: bisect_left(held, before, key=lambda reading: reading[0])]
            if not held:
                del self._readings[stream]

    def size(self) -> int:
        return len(self._shown) + len(self._logged) + sum(map(len, self._readings.values()))

    def snapshot(self) -> dict[str, Any]:
        return {
            "clock": self.clock.snapshot(),
            "shown": [output.snapshot() for output in self._shown],
            "last": self.last.snapshot() if self.last else None,
            "logged": [list(line) for line in self._logged],
            "readings": {stream: [list(r) for r in held] for stream, held in self._readings.items()},
            "bounds": [self._judged, self.covered, self.watched],
            "holes": self._holes,
            "ranges": {stream: list(ends) for stream, ends in self._ranges.items()},
            "estimated": self._estimated,
            "overflow": self.overflow,
        }

    def restore(self, state: dict[str, Any]) -> None:
        self.clock.restore(state["clock"])
        self._shown = [Shown.restored(cells) for cells in state["shown"]]
        self.last = Shown.restored(state["last"]) if state["last"] else None
        self._logged = [Logged.restored(cells) for cells in state["logged"]]
        self._known = {line.record_id for line in self._logged}
        self._readings = {stream: [(ts, value) for ts, value in held] for stream, held in state["readings"].items()}
        self._judged, self.covered, self.watched = (list(pair) for pair in state["bounds"])
        self._holes = list(state["holes"])
        self._ranges = {stream: (low, high) for stream, (low, high) in state["ranges"].items()}
        self._estimated, self.overflow = state["estimated"], state["overflow"]


def _cut(held: list[Any], limit: int) -> int:
    excess = max(0, len(held) - limit)
    del held[:excess]
    return excess
