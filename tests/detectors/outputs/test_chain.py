"""Whatever is done to a chain is found, and named where the rest was left alone."""

from __future__ import annotations

import random
from typing import Any

import pytest

from detectors.outputs import chain
from detectors.outputs.chain import COLUMNS, Chain, hashed
from detectors.outputs.verify import Fault, faults

NAME = ("sensor", "case", "run")
Row = dict[str, Any]


def made(count: int, seed: int = 0, name: tuple[str, str, str] = NAME) -> list[Row]:
    draw, growing, rows = random.Random(seed), Chain(*name), []
    for number in range(count):
        row: Row = {
            "ts": 10**18 + number * 10**9, "capture": "c", "frame": number + 7, "src_ip": "00" * 16,
            "dst_ip": "ff" * 16, "model_id": "m", "model_version": "1.0", "kind": "score", "tag": "t",
            "input_sha256": "", "output": f"{draw.random():.4f}", "confidence": draw.choice([None, draw.random()]),
            "quality": "good", "source": "wire", "source_ts": 0,
        }  # fmt: skip
        seq, prev, own = growing.add(row)
        rows.append(row | {"seq": seq, "prev_hash": prev, "hash": own})
    return rows


def told(rows: list[Row], head: tuple[int, str] | None, *, open_end: bool = False) -> list[Fault]:
    rows = sorted(rows, key=lambda row: (row["seq"], row["hash"]))
    return faults(lambda: iter(rows), NAME, head, open_end=open_end)


def end(rows: list[Row]) -> tuple[int, str]:
    return rows[-1]["seq"], rows[-1]["hash"]


def named(rows: list[Row], head: tuple[int, str]) -> list[tuple[str, int, int]]:
    return [(fault.what, fault.seq, fault.last) for fault in told(rows, head)]


def test_a_whole_chain_has_no_faults() -> None:
    rows = made(50)
    assert told(rows, end(rows)) == []
    assert told(list(reversed(rows)), end(rows)) == []
    assert told([], None) == []
    assert told(rows, end(rows[:40]), open_end=True) == []


def test_a_row_belongs_to_one_chain() -> None:
    ours, theirs = made(5), made(5, name=("sensor", "other", "run"))
    assert {row["hash"] for row in ours}.isdisjoint(row["hash"] for row in theirs)
    assert named(theirs, end(theirs)) == [("changed", 1, 1)]


def test_a_hash_covers_every_column_and_only_what_is_stored() -> None:
    row = made(1)[0]
    assert set(COLUMNS) == set(row) - {"prev_hash", "hash"}
    assert chain.canonical(row) == chain.canonical(dict(reversed(row.items())))
    assert chain.canonical(row | {"src_ip": bytes(16)}) == chain.canonical(row)


OTHER: dict[type, Any] = {int: 10**17 + 5, str: "other", float: 0.123, type(None): 0.5}


@pytest.mark.parametrize("column", COLUMNS[1:])
@pytest.mark.parametrize("at", [0, 10, 19])
def test_a_changed_column_is_named(column: str, at: int) -> None:
    rows = made(20)
    rows[at] = rows[at] | {column: OTHER[type(rows[at][column])]}
    assert named(rows, end(made(20))) == [("changed", at + 1, at + 1)]


@pytest.mark.parametrize("at", [0, 10, 19])
@pytest.mark.parametrize("column", ["hash", "prev_hash"])
@pytest.mark.parametrize("value", ["", "ab" * 32])
def test_a_changed_hash_is_named(at: int, column: str, value: str) -> None:
    rows = made(20)
    rows[at] = rows[at] | {column: value}
    assert named(rows, end(made(20))) == [("changed", at + 1, at + 1)]


@pytest.mark.parametrize("at", [0, 10, 19])
def test_a_change_whose_hash_was_made_anew_is_named(at: int) -> None:
    rows = made(20)
    forged = rows[at] | {"output": "0.0"}
    rows[at] = forged | {"hash": hashed(forged["prev_hash"], forged)}
    assert named(rows, end(made(20))) == [("changed", at + 1, at + 1)]


@pytest.mark.parametrize(("low", "high"), [(0, 1), (3, 4), (5, 9), (19, 20), (12, 20), (0, 20)])
def test_removed_records_are_named(low: int, high: int) -> None:
    rows = made(20)
    assert named(rows[:low] + rows[high:], end(rows)) == [("removed", low + 1, high)]


@pytest.mark.parametrize("at", [0, 7, 20])
@pytest.mark.parametrize("honest", [True, False])
def test_an_inserted_record_is_named(at: int, honest: bool) -> None:
    """With a number that is taken; `honest`: its hash follows on the record before it."""
    rows = made(20)
    forged = rows[max(0, at - 1)] | {"seq": at + 1, "output": "0.1234"}
    prev = rows[at - 1]["hash"] if at else chain.genesis(*NAME)
    forged |= {"prev_hash": prev, "hash": hashed(prev, forged) if honest else "cd" * 32}
    what = [(fault.what, fault.seq) for fault in told([*rows, forged], end(rows))]
    assert what == [("inserted", at + 1)] or (at == 20 and not honest and what == [("changed", 21)])


def test_a_doubled_record_is_named() -> None:
    rows = made(20)
    assert named([*rows, dict(rows[4])], end(rows)) == [("doubled", 5, 5)]


@pytest.mark.parametrize(("a", "b"), [(3, 4), (3, 15), (0, 19)])
def test_records_that_changed_places_are_named(a: int, b: int) -> None:
    rows = made(20)
    rows[a], rows[b] = rows[a] | {"seq": b + 1}, rows[b] | {"seq": a + 1}
    assert named(rows, end(made(20))) == [("reordered", a + 1, a + 1), ("reordered", b + 1, b + 1)] or (
        b == a + 1 and named(rows, end(made(20))) == [("reordered", a + 1, b + 1)]
    )


def test_a_gap_that_was_closed_by_new_numbers_is_named() -> None:
    rows = made(40)
    closed = rows[:10] + [row | {"seq": row["seq"] - 3} for row in rows[13:]]
    assert named(closed, end(rows)) == [("removed", 11, 13), ("reordered", 11, 37)]


def test_a_chain_written_anew_does_not_end_as_noted() -> None:
    rows, growing = made(20), Chain(*NAME)
    forged = []
    for row in rows:
        plain = row | {"output": "0.5"} if row["seq"] >= 12 else row
        seq, prev, own = growing.add(plain)
        forged.append(plain | {"seq": seq, "prev_hash": prev, "hash": own})
    assert named(forged, end(rows)) == [("changed", 20, 20)]


def test_records_behind_the_end_that_was_noted() -> None:
    rows = made(20)
    assert named(rows, end(rows[:15])) == [("inserted", 16, 20)]
    assert [fault.what for fault in told(rows, None)] == ["removed"]


def mutated(rows: list[Row], draw: random.Random) -> tuple[list[Row], set[int]]:
    """One to three edits, and the numbers of the records that are touched."""
    rows, touched = [dict(row) for row in rows], set()
    for _ in range(draw.randint(1, 3)):
        at = draw.randrange(len(rows))
        row, kind = rows[at], draw.choice(["change", "rehash", "remove", "insert", "swap", "hash", "double", "number"])
        if kind != "number":
            touched.add(row["seq"])
        if kind in ("change", "rehash"):
            column = draw.choice(COLUMNS[1:])
            row[column] = OTHER[type(row[column])]
            if kind == "rehash":
                row["hash"] = hashed(row["prev_hash"], row)
        elif kind == "remove":
            del rows[at]
        elif kind == "insert":
            forged = row | {"output": f"{draw.random()}"}
            rows.append(forged | {"hash": hashed(forged["prev_hash"], forged)})
        elif kind == "double":
            rows.append(dict(row))
        elif kind == "swap":
            other = draw.choice([other for other in rows if other is not row])
            touched.add(other["seq"])
            row["seq"], other["seq"] = other["seq"], row["seq"]
        elif kind == "number":
            row["seq"] += draw.choice([1, 5, 100])
            touched.add(row["seq"])  # where it stands now
        else:
            row[draw.choice(["hash", "prev_hash"])] = draw.choice(["", "00" * 32, "ef" * 32])
    return rows, touched


def test_thousands_of_random_edits_are_all_found() -> None:
    whole = made(30)
    draw, named_right, tried = random.Random(7), 0, 0
    for _ in range(4000):
        rows, touched = mutated(whole, draw)
        if sorted(map(str, rows)) == sorted(map(str, whole)):
            continue  # the edits undid each other
        found = told(rows, end(whole))
        assert found, rows
        tried += 1
        near = {number for fault in found for number in range(fault.seq, fault.last + 1)}
        named_right += touched <= near
    assert tried > 3900
    assert named_right / tried > 0.97
