"""Is a hash chain as it was written? Which records were changed, removed, put in or moved.

The chain's own hashes tell each of these where the rest was left alone. Who rewrites everything from a place to the end
is told by the head that was noted elsewhere: then the last record is named. Who rewrites that note as well is told by
nothing here; keep a head somewhere else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from detectors.outputs.chain import COLUMNS, genesis, hashed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    Row = Mapping[str, Any]
    Rows = Callable[[], Iterable[Row]]

NEAR = 64  # places by which a record is looked for that has another number than it was written with
TRIES = 200_000


class Fault(NamedTuple):
    """`what`: `changed`, `removed`, `inserted`, `doubled`, `reordered`. `seq` to `last`: the records; `ts`: of the
    first, or of the record before those that are missing."""

    seq: int
    last: int
    ts: int
    what: str
    detail: str


@dataclass(slots=True)
class _Known:
    """A record of which only this is kept. `place`: the number that its hash is right with; 0: none."""

    seq: int
    ts: int
    prev: str
    hash: str
    place: int


def faults(
    rows: Rows,
    name: tuple[str, str, str],
    head: tuple[int, str] | None,
    *,
    open_end: bool,
    columns: Sequence[str] = COLUMNS,
) -> list[Fault]:
    """`rows`: gives the records by `seq`, each time anew; `name`: sensor, case and run; `head`: number and hash of the
    last record as noted; `open_end`: there may be records beyond it, of a run that was killed; `columns`: what the
    hashes are over."""
    if _sound(rows(), name, head, columns, open_end=open_end):
        return []
    if head is None and not open_end:
        lost = Fault(0, 0, 0, "removed", "the note of where the chain ends")
        return [lost, *(_Search(rows, name, None, columns, open_end=True).found())]
    return _Search(rows, name, head, columns, open_end=open_end).found()


def _sound(
    rows: Iterable[Row],
    name: tuple[str, str, str],
    head: tuple[int, str] | None,
    columns: Sequence[str],
    *,
    open_end: bool,
) -> bool:
    """The chain is whole: one pass, nothing kept."""
    prev, count, noted = genesis(*name), 0, head is None
    for row in rows:
        count += 1
        if row["seq"] != count or row["prev_hash"] != prev or hashed(prev, row, columns) != row["hash"]:
            return False
        prev = row["hash"]
        noted = noted or (count, prev) == head
    return noted and (open_end or count == (head[0] if head else 0))


class _Search:
    def __init__(
        self,
        rows: Rows,
        name: tuple[str, str, str],
        head: tuple[int, str] | None,
        columns: Sequence[str],
        *,
        open_end: bool,
    ) -> None:
        self._first, self._head, self._open_end = genesis(*name), head, open_end
        self._columns = columns
        bare = [_Known(row["seq"], row["ts"], row["prev_hash"], row["hash"], 0) for row in rows()]
        self._by_hash = {known.hash: known for known in bare if known.hash}
        self._named = {known.prev for known in bare} | ({head[1]} if head else set())
        self._tries, self._shift = TRIES, 0
        for known, row in zip(bare, rows(), strict=True):
            known.place = self._place(row)
        self._all = bare
        self._found: list[Fault] = []

    def _place(self, row: Row) -> int:
        """The number a record was written with, if its hash is right with one."""
        seq, prev = int(row["seq"]), row["prev_hash"]
        if not prev or not row["hash"]:
            return 0
        before = self._by_hash.get(prev)
        likely = [seq, seq + self._shift, 1 if prev == self._first else 0, before.seq + 1 if before else 0]
        near = [seq + sign * step for step in range(1, NEAR + 1) for sign in (1, -1)]
        tried: set[int] = set()
        for place in likely + near:
            if place < 1 or place in tried or (len(tried) >= len(likely) and self._tries <= 0):
                continue
            tried.add(place)
            self._tries -= 1
            if hashed(prev, {**row, "seq": place}, self._columns) == row["hash"]:
                self._shift = place - seq
                return place
        return 0

    def found(self) -> list[Fault]:
        chosen = self._chosen()
        self._moved(chosen)
        broken = self._links(chosen)
        self._unplaced({known.seq for known in broken} | set(chosen))
        self._missing()
        if not self._found and self._head and self._all:
            self._say(self._all[-1], "changed", "the chain was written anew: it does not end as noted")
        return _joined(set(self._found))

    def _chosen(self) -> dict[int, _Known]:
        """The record that belongs to each number; others that claim it were put in."""
        claims: dict[int, list[_Known]] = {}
        for known in self._all:
            if known.place:
                claims.setdefault(known.place, []).append(known)
        chosen = {}
        for place, several in claims.items():
            several.sort(key=lambda k: (k.hash not in self._named, k.prev not in self._by_hash, k.seq != place, k.hash))
            chosen[place] = several[0]
            for other in several[1:]:
                same = other.hash == several[0].hash
                self._say(other, "doubled" if same else "inserted", "" if same else "no record follows on it")
        if not self._open_end:
            for place in [place for place in chosen if self._head is None or place > self._head[0]]:
                self._say(chosen.pop(place), "inserted", "stands behind the end that was noted")
        return chosen

    def _moved(self, chosen: dict[int, _Known]) -> None:
        for place, known in chosen.items():
            if known.seq != place:
                self._say(known, "reordered", f"was number {place}")

    def _links(self, chosen: dict[int, _Known]) -> list[_Known]:
        """Records that are right by themselves, and not what the one behind them names."""
        broken = []
        for place, known in sorted(chosen.items()):
            before = chosen.get(place - 1)
            wanted = before.hash if before else self._first if place == 1 else None
            if wanted is not None and known.prev != wanted:
                blamed = before if before and known.hash in self._named else known
                if blamed not in broken:
                    broken.append(blamed)
                    self._say(blamed, "changed", "its hash was made anew")
        return broken

    def _unplaced(self, taken: set[int]) -> None:
        for known in self._all:
            if known.place == 0:
                what = "inserted" if known.seq in taken else "changed"
                taken.add(known.seq)
                self._say(known, what, "its hash is not that of its content")

    def _missing(self) -> None:
        present = {known.place or known.seq for known in self._all}
        times = {known.place or known.seq: known.ts for known in self._all}
        end = max([*present, self._head[0] if self._head else 0])
        for number in sorted(set(range(1, end + 1)) - present):
            times[number] = times.get(number - 1, 0)
            self._found.append(Fault(number, number, times[number], "removed", ""))

    def _say(self, known: _Known, what: str, detail: str) -> None:
        self._found.append(Fault(known.seq, known.seq, known.ts, what, detail))


def _joined(found: Iterable[Fault]) -> list[Fault]:
    """Neighbours to which the same happened are told together."""
    told: list[Fault] = []
    for fault in sorted(found, key=lambda fault: (fault.what, fault.seq)):
        before = told[-1] if told else fault
        if told and before.what == fault.what and before.last + 1 == fault.seq:
            told[-1] = before._replace(last=fault.last)
        else:
            told.append(fault)
    return sorted(told)
