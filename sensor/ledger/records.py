"""Are the records of a stream what their leaves say? Both come together, sorted by case and key."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

import orjson

from sensor.case_name import LIVE
from sensor.ledger.leaves import RECORD, REMOVAL, RETENTION
from sensor.ledger.reading import records_sql
from sensor.store.literal import quote

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sensor.ledger.encoding import Encoder
    from sensor.ledger.reading import Ask
    from sensor.ledger.streams import Stream

MOST_TOLD = 10_000  # faults of one stream
_DAY = 86_400 * 10**9
_LOOKED_FOR = 500  # keys in one question
Name = tuple[str, str]  # case and key


class Wrong(NamedTuple):
    """`what`: changed, removed, inserted, doubled, or rolled back: an earlier state stands for the latest. `log` and
    `place`: of the leaf; `ts`: nanoseconds, of the record."""

    case: str
    key: str
    what: str
    detail: str
    log: str
    place: int
    run: str
    ts: int


class Leaf(NamedTuple):
    case: str
    key: str
    version: int
    written: int
    log: str
    place: int
    hashed: str
    run: str
    ts: int


class Removal(NamedTuple):
    """`records`: as many as it took away."""

    stream: str
    case: str
    run: str
    who: str
    why: str
    at: int
    log: str
    place: int


@dataclass(slots=True)
class Records:
    """`expired`: gone because the store keeps rows only so long."""

    records: int = 0
    removed: int = 0
    expired: int = 0
    older: int = 0  # records of a stream that has no leaf at all
    wrong: list[Wrong] = field(default_factory=list)
    removals: list[Removal] = field(default_factory=list)


class Scopes:
    """What of a stream was taken away on purpose, and what has run out."""

    def __init__(self, now: int) -> None:
        self.removals: list[Removal] = []
        self._by_scope: dict[Name, list[Removal]] = {}
        self._kept: list[tuple[int, int]] = []  # from when on, days
        self._now = now

    def add(self, removal: Removal) -> None:
        self.removals.append(removal)
        self._by_scope.setdefault((removal.case, removal.run), []).append(removal)

    def keep(self, since: int, days: int) -> None:
        self._kept.append((since, days))

    def removed(self, leaf: Leaf) -> bool:
        if not self._by_scope:
            return False
        for scope in ((leaf.case, leaf.run), (leaf.case, "")):
            for removal in self._by_scope.get(scope, ()):
                same = removal.log == leaf.log
                if removal.place > leaf.place if same else removal.at > leaf.written:
                    return True
        return False

    def covers(self, case: str, run: str) -> bool:
        """Whether records of this run were ever taken away on purpose."""
        return (case, run) in self._by_scope or (case, "") in self._by_scope

    def expired(self, leaf: Leaf) -> bool:
        if leaf.case != LIVE or not self._kept:
            return False
        ends = [*(since for since, _ in self._kept[1:]), self._now]
        return any(days and leaf.ts + days * _DAY < end for (_, days), end in zip(self._kept, ends, strict=True))


def scopes_of(ask: Ask, now: int) -> dict[str, Scopes]:
    """Of every stream that has leaves."""
    found = {stream: Scopes(now) for (stream,) in ask("SELECT DISTINCT toString(stream) FROM ledger_leaves")}
    rows = ask(
        "SELECT toString(stream), toString(kind), toString(case_id), toString(run), note,"
        " toString(toUnixTimestamp64Nano(ts)), toString(log), toString(leaf_index) FROM ledger_leaves"
        f" WHERE kind IN ('{REMOVAL}', '{RETENTION}') ORDER BY ts"
    )
    for stream, kind, case, run, note, ts, log, place in rows:
        try:
            told = orjson.loads(note)
            if kind == RETENTION:
                found[stream].keep(int(ts), int(told["days"]))
            else:
                said = str(told["who"]), str(told["why"])
                found[stream].add(Removal(stream, case, run, *said, int(ts), log, int(place)))
        except (KeyError, TypeError, ValueError):
            continue  # an altered leaf excuses nothing
    return found


def verify(ask: Ask, stream: Stream, encoder: Encoder, scopes: Scopes | None, case: str | None) -> Records:
    """`scopes` None: the stream has no leaf."""
    found = Records()
    of_case = f"case_id = {quote(case)}" if case else "1"
    if scopes is None:
        [[count]] = ask(f"SELECT toString(count()) FROM {stream.table} WHERE {of_case}")
        found.older = int(count)
        return found
    found.removals = [removal for removal in scopes.removals if case in (None, removal.case)]
    for name, leaves, stored in _groups(ask, stream, encoder, of_case):
        found.records += len(stored)
        compared(stream, name, leaves, stored, scopes, found)
        if len(found.wrong) > MOST_TOLD:
            break
    return found


def again(ask: Ask, stream: Stream, encoder: Encoder, wrong: Iterable[Wrong], scopes: Scopes) -> list[Wrong]:
    """Those that are wrong still: a sensor that writes meanwhile has a record a moment before its leaf."""
    names = sorted({(fault.case, fault.key) for fault in wrong})
    found = Records()
    for at in range(0, len(names), _LOOKED_FOR):
        some = set(names[at : at + _LOOKED_FOR])
        of_cases = f"case_id IN ({', '.join(sorted({quote(case) for case, _ in some}))})"
        for name, leaves, stored in _groups(ask, stream, encoder, of_cases, sorted({key for _, key in some})):
            if name in some:
                compared(stream, name, leaves, stored, scopes, found)
    return found.wrong


def _groups(
    ask: Ask, stream: Stream, encoder: Encoder, of_case: str, keys: Sequence[str] = ()
) -> Iterator[tuple[Name, list[Leaf], list[str]]]:
    """By case and key: the leaves, earlier states first, and the hashes of what is stored."""
    some = f" AND key IN ({', '.join(map(quote, keys))})" if keys else ""
    stored = records_sql(stream, encoder, of_case)
    rows = ask(
        "SELECT * FROM (SELECT toString(case_id) AS of_case, key, 1 AS of_leaf, version,"
        " toUnixTimestamp64Nano(ts) AS written, toString(log) AS of_log, leaf_index AS place, record_hash,"
        " toString(run) AS of_run, toUnixTimestamp64Nano(row_ts) AS at FROM ledger_leaves"
        f" WHERE stream = {quote(stream.name)} AND kind = '{RECORD}' AND {of_case}"
        f" UNION ALL SELECT of_case, of_key AS key, 0, 0, 0, '', 0, hashed, '', 0 FROM ({stored}))"
        f" WHERE 1{some} ORDER BY of_case, key, of_leaf, version, written, place"
    )
    for name, group in groupby(rows, key=lambda row: (row[0], row[1])):
        leaves, hashes = [], []
        for case, key, of_leaf, version, written, log, place, hashed, run, ts in group:
            if of_leaf:
                leaves.append(Leaf(case, key, int(version), int(written), log, int(place), hashed, run, int(ts)))
            else:
                hashes.append(hashed)
        yield name, leaves, hashes


def compared(stream: Stream, name: Name, leaves: list[Leaf], stored: list[str], scopes: Scopes, found: Records) -> None:
    """`leaves` and hashes `stored` of one case and key."""
    if len(leaves) == 1 and stored == [leaves[0].hashed] and not scopes.removals:
        return  # most are so
    living: list[Leaf] = []
    gone: list[Leaf] = []
    for leaf in leaves:
        (gone if scopes.removed(leaf) else living).append(leaf)
    found.removed += len(gone)
    wanted = living[-1:] if stream.version else living
    waiting = Counter(leaf.hashed for leaf in wanted)
    extra = []
    for hashed in stored:
        if waiting[hashed] > 0:
            waiting[hashed] -= 1
        else:
            extra.append(hashed)
    missing = []
    for leaf in reversed(wanted):
        if waiting[leaf.hashed] > 0:
            waiting[leaf.hashed] -= 1
            missing.append(leaf)
    if missing or extra:
        _tell(name, leaves, gone, missing[::-1], extra, scopes, found)


def _tell(
    name: Name,
    leaves: list[Leaf],
    gone: list[Leaf],
    missing: list[Leaf],
    extra: list[str],
    scopes: Scopes,
    found: Records,
) -> None:
    """`gone`: leaves of what was removed on purpose; a removal that was cut off leaves some of it."""
    known = {leaf.hashed: leaf for leaf in leaves}
    allowed = Counter(leaf.hashed for leaf in gone)
    for hashed in extra:
        leaf = known.get(hashed)
        if allowed[hashed] > 0:
            allowed[hashed] -= 1
        elif missing:
            lost = missing.pop(0)
            what, detail = ("rolled back", f"it is what leaf {leaf.place} says") if leaf else ("changed", "")
            found.wrong.append(_wrong(lost, what, detail))
        elif leaf is not None:
            found.wrong.append(_wrong(leaf, "doubled", ""))
        else:
            found.wrong.append(Wrong(*name, "inserted", "no leaf is of it", "", -1, "", 0))
    for leaf in missing:
        if scopes.expired(leaf):
            found.expired += 1
        else:
            found.wrong.append(_wrong(leaf, "removed", ""))


def _wrong(leaf: Leaf, what: str, detail: str) -> Wrong:
    return Wrong(leaf.case, leaf.key, what, detail, leaf.log, leaf.place, leaf.run, leaf.ts)
