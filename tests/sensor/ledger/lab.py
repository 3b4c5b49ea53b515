"""Every stream of a store edited at random, past the program, and what `ledger verify` says of each edit.

A program of its own, as chDB wants it: `python -m tests.sensor.ledger.lab FOLDER EDITS SEED`. Each round edits all
streams, each in its own way, verifies, and puts everything back. A line of JSON for each edit that was not found or
whose record was not named, and a last line of figures.
"""

from __future__ import annotations

import copy
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from sensor.ledger import verifying
from sensor.ledger.encoding import Encoder, digest
from sensor.ledger.keys import Keys
from sensor.ledger.leaves import genesis, leaf_hash, linked
from sensor.ledger.streams import STREAMS, Stream
from sensor.store import Layout, open_beside
from sensor.store.chdb_writing import ChdbStore
from tests.sensor.ledger.filled import Row, fill

LEAVES, HEADS = "ledger_leaves", "tree_heads"
SEVERITIES = ("info", "low", "medium", "high", "critical")
UNTOLD = {HEADS: ("ts", "case_id", "log", "stream")}  # columns that say nothing of what was written, or whose it is


@dataclass
class Edited:
    """A stream's part of each table as it is to be, and what has to be named: keys of records, numbers of leaves."""

    records: list[Row]
    leaves: list[Row]
    heads: list[Row]
    keys: list[str] = field(default_factory=list)
    places: list[int] = field(default_factory=list)


class Lab:
    def __init__(self, folder: Path, seed: int) -> None:
        self.dice = random.Random(seed)
        path = folder / "site"
        made = ChdbStore(path, "driftspan", "s", Layout())
        fill(made)
        made.close()
        self.store = ChdbStore(path, "driftspan", "s", Layout())
        self.session = self.store._session
        self.session.run("DROP VIEW alert_grid_of_rows")
        self.reading = open_beside(str(path), "driftspan")
        self.keys = Keys(folder / "site-ledger")
        assert self.keys.read()
        self.kept = {table: self.rows(table) for table in (*(stream.table for stream in STREAMS), LEAVES, HEADS)}
        self.types = {table: self.columns(table) for table in self.kept}

    def columns(self, table: str) -> dict[str, str]:
        for fsync in ("fsync_after_insert", "fsync_part_directory"):
            self.session.run(f"ALTER TABLE {table} MODIFY SETTING {fsync} = 0")
        rows = self.session.run(
            f"SELECT name, type FROM system.columns WHERE database = 'driftspan' AND table = '{table}'"
            " AND default_kind NOT IN ('MATERIALIZED', 'ALIAS')"
        )
        return dict(line.replace("\\'", "'").split("\t") for line in rows.splitlines())

    def rows(self, table: str) -> list[Row]:
        found = b"".join(self.reading.query(f"SELECT * FROM {table} ORDER BY ALL", "JSONEachRow"))
        return [orjson.loads(line) for line in found.splitlines()]

    def put(self, table: str, rows: list[Row]) -> None:
        self.session.run(f"TRUNCATE TABLE {table}")
        if rows:
            data = b"\n".join(map(orjson.dumps, rows))
            self.session.insert(table, list(rows[0]), [data], "JSONEachRow")

    def verify(self) -> verifying.Verification:
        return verifying.verify(self.reading, None, self.keys, None, [])

    def as_written(self, stream: Stream) -> Edited:
        of = [[row for row in self.kept[table] if row["stream"] == stream.name] for table in (LEAVES, HEADS)]
        return copy.deepcopy(Edited(self.kept[stream.table], *of))

    def edit(self, stream: Stream) -> tuple[str, Edited]:
        what = self.dice.choices(list(EDITS), [weight for _, weight in EDITS.values()])[0]
        if what == "rolled back" and stream.name != "alerts":
            what = "field"
        edited = self.as_written(stream)
        edited.leaves.sort(key=lambda leaf: leaf["leaf_index"])
        EDITS[what][0](self, stream, edited)
        return what, edited

    def round(self) -> list[tuple[Stream, str, Edited]]:
        edits = [(stream, *self.edit(stream)) for stream in STREAMS]
        for stream, _, edited in edits:
            self.put(stream.table, edited.records)
        self.put(LEAVES, [leaf for _, _, edited in edits for leaf in edited.leaves])
        self.put(HEADS, [head for _, _, edited in edits for head in edited.heads])
        return edits

    def restore(self) -> None:
        for table, rows in self.kept.items():
            self.put(table, rows)

    def changed(self, value: Any, kind: str) -> Any:
        """Another value of a ClickHouse type: of a text one character is another."""
        dice = self.dice
        if kind.startswith("Array("):
            if value and dice.random() < 0.7:
                return [self.changed(value[0], kind[6:-1]), *value[1:]]
            return [*value, "x" if "String" in kind else 7]
        ways: list[tuple[str, Callable[[], Any]]] = [
            ("Enum", lambda: dice.choice([name for name in SEVERITIES if name != value])),
            ("DateTime64", lambda: value[:-1] + str((int(value[-1]) + dice.randint(1, 9)) % 10)),
            ("IPv6", lambda: f"fd00::{dice.randint(1, 9999):x}"),
            ("Nullable", lambda: 0.0 if value is None else dice.choice([None, value + 0.125])),
            ("Float", lambda: value + 0.125),
            ("Bool", lambda: not value),
            ("Int", lambda: value + 1 if value < 250 else value - 1),
            ("String", lambda: self.text(value)),
        ]
        return next(way for part, way in ways if part in kind)()

    def text(self, value: str) -> str:
        at = self.dice.randrange(len(value)) if value else 0
        return value[:at] + self.dice.choice([c for c in "0aZ~é" if c != value[at : at + 1]]) + value[at + 1 :]

    def change(self, table: str, row: Row, spared: tuple[str, ...] = ()) -> None:
        column = self.dice.choice(sorted(set(self.types[table]) - set(spared)))
        row[column] = self.changed(row[column], self.types[table][column])


def key(stream: Stream, row: Row) -> str:
    return "/".join(str(row[column] or "") for column in stream.key)


def one_field(lab: Lab, stream: Stream, edited: Edited) -> None:
    """Of several records, each an edit of its own."""
    for row in lab.dice.sample(edited.records, lab.dice.randint(1, 5)):
        edited.keys.append(key(stream, row))
        lab.change(stream.table, row)


def deleted(lab: Lab, stream: Stream, edited: Edited) -> None:
    row = edited.records.pop(lab.dice.randrange(len(edited.records)))
    edited.keys.append(key(stream, row))


def swapped(lab: Lab, stream: Stream, edited: Edited) -> None:
    """What two records say, exchanged in a column."""
    first, second = lab.dice.sample(edited.records, 2)
    edited.keys += [key(stream, first), key(stream, second)]
    column = lab.dice.choice([name for name in first if first[name] != second[name]])
    first[column], second[column] = second[column], first[column]


def inserted(lab: Lab, stream: Stream, edited: Edited) -> None:
    """A record of one's own, or one a second time (which a table that replaces rows would not keep)."""
    row = copy.deepcopy(lab.dice.choice(edited.records))
    if stream.version or lab.dice.random() < 0.5:
        row[stream.key[0]] = lab.changed(row[stream.key[0]], "String")
    edited.records.append(row)
    edited.keys.append(key(stream, row))


def cut_off(lab: Lab, stream: Stream, edited: Edited) -> None:
    """The last records."""
    cut = lab.dice.randint(1, len(edited.records))
    edited.keys += [key(stream, row) for row in edited.records[-cut:]]
    del edited.records[-cut:]


def rolled_back(lab: Lab, stream: Stream, edited: Edited) -> None:
    """An earlier state of an alert stands for the latest."""
    row = lab.dice.choice([row for row in edited.records if row["count"] > 1])
    second = int(row["last_ts"][17:19])
    row["last_ts"] = f"{row['last_ts'][:17]}{second - 10:02d}{row['last_ts'][19:]}"
    row["count"] -= 1
    row["frames"][1] -= 1
    row["evidence"] = json.dumps(
        json.loads(row["evidence"]) | {"state": row["count"] - 1}, separators=(",", ":"), ensure_ascii=False
    )
    edited.keys.append(key(stream, row))


def leaf_field(lab: Lab, stream: Stream, edited: Edited) -> None:
    for leaf in lab.dice.sample(edited.leaves, lab.dice.randint(1, 5)):
        if all(abs(leaf["leaf_index"] - place) > 2 for place in edited.places):  # neighbours would be one edit of two
            edited.places.append(leaf["leaf_index"])
            lab.change(LEAVES, leaf)


def leaf_deleted(lab: Lab, stream: Stream, edited: Edited) -> None:
    leaf = edited.leaves.pop(lab.dice.randrange(len(edited.leaves)))
    edited.places.append(leaf["leaf_index"])


def leaves_swapped(lab: Lab, stream: Stream, edited: Edited) -> None:
    first, second = lab.dice.sample(edited.leaves, 2)
    edited.places += [first["leaf_index"], second["leaf_index"]]
    for column in ("leaf_index", *lab.dice.choice([(), ("chain",), ("chain", "seal")])):
        first[column], second[column] = second[column], first[column]


def leaf_inserted(lab: Lab, stream: Stream, edited: Edited) -> None:
    """One that nobody sealed, in the place of another or at the end."""
    leaf = copy.deepcopy(lab.dice.choice(edited.leaves))
    leaf["leaf_index"] = lab.dice.choice([leaf["leaf_index"], len(edited.leaves)])
    leaf["key"], leaf["seal"] = lab.changed(leaf["key"], "String"), f"{lab.dice.getrandbits(128):032x}"
    edited.leaves.append(leaf)
    edited.places.append(leaf["leaf_index"])


def tail_forgotten(lab: Lab, stream: Stream, edited: Edited) -> None:
    """The last records with their leaves, and every head that knew of them."""
    cut = lab.dice.randint(1, len(edited.leaves))
    size = len(edited.leaves) - cut
    gone = {leaf["key"] for leaf in edited.leaves[size:]}
    del edited.leaves[size:]
    edited.records[:] = [row for row in edited.records if key(stream, row) not in gone]
    edited.heads[:] = [head for head in edited.heads if head["tree_size"] <= size]
    edited.places += range(size, size + cut)


def rewritten(lab: Lab, stream: Stream, edited: Edited) -> None:
    """A record and its leaf are altered together and the chain made anew from there: all that can be without a key."""
    encoder = Encoder(lab.types[stream.table].items())
    row = lab.dice.choice(edited.records)
    before = digest(encoder.texts(row))
    lab.change(stream.table, row, ("case_id", *stream.key, stream.version))
    [*_, leaf] = [leaf for leaf in edited.leaves if leaf["record_hash"] == before]
    leaf["record_hash"] = digest(encoder.texts(row))
    chain = genesis(leaf["log"], stream.name)
    for each in edited.leaves:
        chain = linked(chain, leaf_hash(each))
        each["chain"] = chain.hex()
    edited.places.append(leaf["leaf_index"])


def head_field(lab: Lab, stream: Stream, edited: Edited) -> None:
    head = lab.dice.choice(edited.heads)
    lab.change(HEADS, head, UNTOLD[HEADS])
    edited.places.append(max(0, head["tree_size"] - 1))


def forgotten(lab: Lab, stream: Stream, edited: Edited) -> None:
    """The stream was never there."""
    edited.places += range(len(edited.leaves))
    edited.records.clear()
    edited.leaves.clear()
    edited.heads.clear()


SEVERAL = ("field", "leaf field")  # edits of several records at once
EDITS: dict[str, tuple[Callable[[Lab, Stream, Edited], None], int]] = {
    "field": (one_field, 6), "deleted": (deleted, 1), "swapped": (swapped, 1), "inserted": (inserted, 1),
    "cut off": (cut_off, 1), "rolled back": (rolled_back, 3), "leaf field": (leaf_field, 4),
    "leaf deleted": (leaf_deleted, 1), "leaves swapped": (leaves_swapped, 1), "leaf inserted": (leaf_inserted, 1),
    "tail forgotten": (tail_forgotten, 1), "rewritten": (rewritten, 3), "head field": (head_field, 1),
    "forgotten": (forgotten, 1),
}  # fmt: skip


def found(done: verifying.Verification, stream: Stream, edited: Edited) -> tuple[bool, list[object]]:
    """Whether anything of the stream is said to be wrong, and what of the edit is not named."""
    wrong = {fault.key for fault in done.records[stream.name].wrong}
    broken = [each for tree in done.trees if tree.stream == stream.name for each in tree.broken]
    runs = [(chain.name.run, fault) for chain in done.chains for fault in chain.faults]

    def chained(name: str) -> bool:
        """A chain names its records by their numbers."""
        words = name.split("/")
        at = {"inference": 2, "access": 1}.get(stream.name, len(words))
        return any(
            run in words and fault.seq <= int(words[at]) <= fault.last
            for run, fault in runs
            if words[at:] and words[at].isdecimal()
        )

    unnamed: list[object] = [name for name in edited.keys if name not in wrong and not chained(name)]
    unnamed += [place for place in edited.places if not any(each.place <= place <= each.last for each in broken)]
    return bool(wrong or broken) or any(map(chained, edited.keys)), unnamed


def whole(done: verifying.Verification) -> bool:
    parts = [*(chain.faults for chain in done.chains), *(tree.broken for tree in done.trees)]
    return not any(parts) and not any(each.wrong for each in done.records.values())


def main(folder: str, edits: str, seed: str) -> None:
    verifying.PAUSES = ()  # nobody writes meanwhile
    lab = Lab(Path(folder), int(seed))
    assert whole(lab.verify())
    tried: Counter[str] = Counter()
    missed = unnamed = 0
    begun, spent = time.process_time(), 0.0
    while tried.total() < int(edits):
        edited = lab.round()
        before = time.process_time()
        done = lab.verify()
        spent += time.process_time() - before
        for stream, what, edit in edited:
            several = max(1, len(edit.keys) + len(edit.places)) if what in SEVERAL else 1
            tried[what] += several
            seen, lost = found(done, stream, edit)
            missed, unnamed = missed + several * (not seen), unnamed + len(lost) * seen
            if not seen or lost:
                print(json.dumps({"stream": stream.name, "what": what, "found": seen, "not named": lost}), flush=True)
        print(f"{tried.total()} edits, {missed} missed, {unnamed} not named", file=sys.stderr, flush=True)
    lab.restore()
    assert whole(lab.verify())
    figures = {"edits": tried.total(), "missed": missed, "unnamed": unnamed, "kinds": dict(sorted(tried.items()))}
    figures |= {"cpu_seconds": round(time.process_time() - begun, 1), "verify_cpu_seconds": round(spent, 1)}
    print(json.dumps(figures), flush=True)
    lab.reading.close()
    lab.store.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
