"""Records of files, handed to a replay window by window of packet time."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from typing import TYPE_CHECKING, Any

from detectors.drift.words import when
from sensor.intake.files import expanded, read
from sensor.intake.lines import DRIFT, INFERENCE, KINDS, Batch

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from sensor.intake.lines import Reject

MOST_RECORDS = 1_000_000  # of each kind held for one replay; what is beyond is counted and said
MOST_REJECTS = 10_000  # stored of what cannot be read; all are counted
# A host's clock may be behind or ahead of the wire's: what is this near to the capture still goes to the detectors,
# which estimate by how much.
AROUND = 300 * 10**9  # nanoseconds


class Feed:
    """All records are read at once and sorted by their own time. InputError for a file that cannot be read."""

    def __init__(self, drift: Iterable[str] = (), inference: Iterable[str] = (), models: Collection[str] = ()) -> None:
        self.read: Counter[str] = Counter()
        self.rejected: Counter[str] = Counter()  # by file
        self.given: Counter[str] = Counter()  # to the detectors
        self.beyond: Counter[str] = Counter()
        self._first_bad: dict[str, str] = {}
        self._all = Batch()
        for kind, paths in zip(KINDS, (drift, inference), strict=True):
            for path in expanded(paths):
                for batch in read(kind, path, models):
                    self._take(kind, str(path), batch)
        self._sorted = {
            DRIFT: _once(self._all.drift, "drift_id"),
            INFERENCE: _once(self._all.inference, "record_id"),
        }
        self._times = {kind: [row.ts for row in rows] for kind, rows in self._sorted.items()}
        self._at: dict[str, int] = {}
        self._ends = (0, 0)

    def __bool__(self) -> bool:
        return bool(self.read) or bool(self.rejected)

    def _take(self, kind: str, path: str, batch: Batch) -> None:
        room = MOST_RECORDS - self.read[kind]
        self.beyond[kind] += max(0, len(batch) - room)
        self._all.drift += batch.drift[: max(0, room)]
        self._all.inference += batch.inference[: max(0, room)]
        self.read[kind] += min(len(batch), max(0, room))
        for reject in batch.rejects:
            self.rejected[path] += 1
            self._first_bad.setdefault(path, reject.said)
            if len(self._all.rejects) < MOST_REJECTS:
                self._all.rejects.append(reject)

    @property
    def records(self) -> Batch:
        """Everything that was read, for the store."""
        return Batch(self._sorted[DRIFT], self._sorted[INFERENCE], self._all.rejects)

    @property
    def rejects(self) -> Sequence[Reject]:
        return self._all.rejects

    def until(self, start: int, end: int) -> dict[str, list[Any]]:
        """What a window of packet time gets: what lies before its end and was not given yet. Nanoseconds."""
        self._ends = (self._ends[0] or start, max(self._ends[1], end))
        return self._next(start, end)

    def rest(self) -> dict[str, list[Any]]:
        """When the capture is over: what lies shortly after it, and drift that began within it."""
        begin, end = self._ends
        found = self._next(begin, end + AROUND) if end else {}
        late = [row for row in self._sorted[DRIFT][self._at.get(DRIFT, 0) :] if row.since_low < end]
        found[DRIFT] = [*found.get(DRIFT, []), *late]
        self.given[DRIFT] += len(late)
        return found

    def _next(self, start: int, end: int) -> dict[str, list[Any]]:
        found = {}
        for kind, times in self._times.items():
            at = self._at.get(kind)
            if at is None:
                at = bisect_left(times, start - AROUND)
            to = max(at, bisect_left(times, end))
            self._at[kind] = to
            found[kind] = self._sorted[kind][at:to]
            self.given[kind] += to - at
        return found

    def notes(self) -> list[str]:
        """What an analyst should know: lines that could not be read, records of another time."""
        told = []
        for path, first in self._first_bad.items():
            more = self.rejected[path] - 1
            told.append(first + (f" ({more} more lines of this file cannot be read)" if more else ""))
        for kind, count in self.beyond.items():
            if count:
                told.append(f"{count} {kind} records are beyond the {MOST_RECORDS} that a replay takes")
        return told + [note for kind in KINDS for note in self._outside(kind)]

    def _outside(self, kind: str) -> list[str]:
        begin, end = self._ends
        times = self._times[kind]
        if not times or not end:
            return []
        before, after = bisect_left(times, begin), len(times) - bisect_left(times, end)
        if not before and not after:
            return []
        outside = " and ".join(f"{n} {what}" for n, what in ((before, "before"), (after, "after")) if n)
        told = f"{before + after} of {len(times)} {kind} records lie outside the capture's time ({outside} it)"
        if before + after == len(times):
            told += f": they are of {when(times[0])} to {when(times[-1])}, the capture of {when(begin)} to {when(end)}"
            told += "; look at the clocks and time zones"
        return [told]

    def counters(self) -> dict[str, int]:
        told = {f"intake.{kind}": self.read[kind] for kind in KINDS}
        told |= {f"intake.{kind}_given": self.given[kind] for kind in KINDS}
        return told | {"intake.rejected": sum(self.rejected.values()), "intake.overflow": sum(self.beyond.values())}


def _once(rows: list[Any], name: str) -> list[Any]:
    """Each record once, by time."""
    return sorted({getattr(row, name): row for row in rows}.values(), key=lambda row: (row.ts, getattr(row, name)))
