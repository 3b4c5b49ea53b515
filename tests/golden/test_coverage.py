"""How much of each protocol is named and read, and how much of that the corpus has ever shown.

`coverage.json` holds the lists: a code that is no longer named or read fails, a new one is written by
`--update-golden`. What no capture shows rests on our own messages alone.
"""

from __future__ import annotations

import json
import pathlib
from collections import defaultdict
from typing import Any

import pyarrow.compute as pc
import pytest

from tests.golden import corpus
from tests.golden.probes import PROBES, Found

GOLDEN = pathlib.Path(__file__).parent / "coverage.json"
# The column of a table that shows a code, and the column with its name.
SHOWN = {
    "Modbus function codes": ("modbus", "function_code", "function"),
    "DNP3 function codes": ("dnp3", "app_function", "function"),
    "DNP3 objects": ("dnp3", None, "objects"),
    "OPC UA services": ("opcua", None, "service"),
    "MQTT packet types": ("mqtt", "packet_type", "packet"),
    "MQTT properties": ("mqtt", None, "properties"),
}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Found]:
    folder = tmp_path_factory.mktemp("probes")
    return {what: probe(folder) for what, probe in PROBES.items()}


def recorded() -> dict[str, Any]:
    return dict(json.loads(GOLDEN.read_text())) if GOLDEN.exists() else {}


def record(changes: dict[str, dict[str, Any]]) -> None:
    """Add to what is recorded: without the corpus its lists stay as they were."""
    whole = recorded()
    for what, lists in changes.items():
        whole[what] = {**whole.get(what, {}), **lists}
        whole[what]["counts"] = {name: len(whole[what][name]) for name in whole[what] if name != "counts"}
    GOLDEN.write_text(json.dumps(whole, indent=1) + "\n")


@pytest.mark.parametrize("what", PROBES)
def test_nothing_that_was_read_is_lost(what: str, found: dict[str, Found], update: bool) -> None:
    if update:
        record({what: dict(found[what])})
    for kind, codes in found[what].items():
        assert not set(recorded()[what][kind]) - set(codes), kind


def seen() -> dict[str, set[str]]:
    """Collect what the captures show, by list."""
    out: dict[str, set[str]] = defaultdict(set)
    for path in corpus.files():
        for tables in corpus.windows(path):
            for what, (table, code, name) in SHOWN.items():
                if table in tables:
                    out[what] |= distinct(tables[table], code, name)
    return out


def distinct(table: Any, code: str | None, name: str) -> set[str]:
    if code is not None:
        pairs = table.select([code, name]).group_by([code, name]).aggregate([])
        return {f"{row[code]} {row[name]}" for row in pairs.to_pylist() if row[code] is not None}
    column = table.column(name)
    values = pc.list_flatten(column) if "list" in str(column.type) else column
    return {str(value).split("=")[0] for value in pc.unique(values.cast("string")).to_pylist()}


@pytest.mark.corpus
@pytest.mark.slow
def test_the_corpus_shows_what_is_recorded(captures: pathlib.Path, found: dict[str, Found], update: bool) -> None:
    shown = seen()
    lists = {what: in_captures(found[what]["named"], shown[what]) for what in SHOWN}
    if update:
        record(lists)
    lost = {what: set(recorded()[what]["in captures"]) - set(lists[what]["in captures"]) for what in SHOWN}
    if any(lost.values()) and not (captures / "zeek").is_dir():
        pytest.skip("these are other captures than those of the record")
    assert not any(lost.values()), lost


def in_captures(named: list[str], shown: set[str]) -> dict[str, list[str]]:
    """Split the named codes; properties are shown by name alone."""
    known = [code for code in named if code in shown or code.split(" ")[-1] in shown]
    return {"in captures": known, "in no capture": [code for code in named if code not in known]}
