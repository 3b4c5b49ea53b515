"""Folded rows of the packet path, seen as one row a change."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from detectors.tag_values import TagValues
from detectors.window import Table, Window
from tests.detectors.build import IP, NAME, TIME

LISTS = {
    "tags": [["a", "b"], ["a"], ["c", "d", "a"], ["é"]],
    "values": [[1.0, 2.0], [float("nan")], [3.0, None, None], [None]],
    "texts": [[], [], ["", "open", "x"], ["ü"]],
}


def folded(rows: slice = slice(None)) -> pa.Table:
    """Four messages of seven changes, of which the chosen are kept, as slices of larger arrays."""
    ip = [bytes(15) + bytes([n]) for n in range(4)]
    table = pa.table(
        {
            "src_ip": pa.array(ip, IP),
            "src_port": pa.array([10, 20, 30, 40], pa.uint16()),
            "ts": pa.array([1, 2, 3, 4], pa.int64()).cast(TIME),
            "source": pa.array(["mqtt", "mqtt", "dnp3", "mqtt"]).cast(NAME),
            "quality": pa.array(["good", "bad", "good", "good"]).cast(NAME),
            "tags": pa.array(LISTS["tags"], pa.list_(pa.string())).cast(pa.list_(NAME)),
            "values": pa.array(LISTS["values"], pa.list_(pa.float64())),
            "texts": pa.array(LISTS["texts"], pa.list_(pa.string())),
        }
    )
    return table.slice(rows.start or 0, (4 if rows.stop is None else rows.stop) - (rows.start or 0))


@pytest.fixture
def changes() -> Table:
    return Window({"tag_changes": folded()}, 0, 10)["tag_values"]


def test_every_column_has_a_row_a_change(changes: Table) -> None:
    assert len(changes) == 7
    codes, names = changes.codes("tag")
    assert [names[code] for code in codes] == ["a", "b", "a", "c", "d", "a", "é"]
    values = changes.numbers("value")
    assert np.array_equal(values, [1, 2, np.nan, 3, 0, 0, 0], equal_nan=True)
    assert changes.valid("value").tolist() == [True, True, True, True, False, False, False]
    assert [changes.text("text", row) for row in range(7)] == ["", "", "", "", "open", "x", "ü"]
    assert changes.numbers("ts").tolist() == [1, 1, 2, 3, 3, 3, 4]
    assert changes.numbers("src_port").tolist() == [10, 10, 20, 30, 30, 30, 40]
    assert changes.addresses("src_ip")[:, 15].tolist() == [0, 0, 1, 2, 2, 2, 3]
    assert changes.ip("src_ip", 6)[15] == 3
    assert changes.where("source", ["dnp3"]).tolist() == [False] * 3 + [True] * 3 + [False]
    assert [changes.text("quality", row) for row in (1, 2, 3)] == ["good", "bad", "good"]
    assert changes.valid("ts").all()
    assert changes.has("tag")
    assert changes.has("ts")
    assert not changes.has("tags")
    assert not changes.has("nonsense")


@pytest.mark.parametrize("rows", [slice(0, 2), slice(1, 4), slice(2, 3), slice(3, 4)])
def test_a_part_of_larger_arrays_and_the_whole_table(rows: slice) -> None:
    part = TagValues(Table(folded(rows)))
    expected = [
        (tag, value, text)
        for tags, values, texts in zip(*(LISTS[name][rows] for name in LISTS), strict=True)
        for tag, value, text in zip(tags, values, texts or [""] * len(tags), strict=True)
    ]
    assert [part.text("text", row) for row in range(len(part))] == [text for _, _, text in expected]
    assert part.arrow.column_names == ["src_ip", "src_port", "ts", "source", "tag", "value", "text", "quality"]
    columns = (part.arrow.column(name).to_pylist() for name in ("tag", "value", "text"))
    assert repr(list(zip(*columns, strict=True))) == repr(expected)


def test_a_window_without_changes() -> None:
    for nothing in (Window({}, 0, 1)["tag_values"], Window({"tag_changes": folded().slice(0, 0)}, 0, 1)["tag_values"]):
        assert len(nothing) == 0
        assert len(nothing.numbers("value")) == 0
        assert nothing.codes("tag")[1] == []
        assert not nothing.has("tag")


def test_rows_that_are_not_folded_are_taken_as_they_are() -> None:
    flat = pa.table({"value": pa.array([5.0])})
    assert Window({"tag_values": flat}, 0, 1)["tag_values"].numbers("value").tolist() == [5.0]
