"""Blocks that the packet path writes are told apart, whatever is in them."""

from __future__ import annotations

import pytest

from parsers import Engine
from sensor.store.server import blocks
from tests.clickhouse.conftest import PCAPS


def written(workers: int) -> dict[str, list[bytes]]:
    found: dict[str, list[bytes]] = {}
    engine = Engine([str(PCAPS / "demo.pcap")], window_seconds=10.0, workers=workers)
    while (window := engine.next()) is not None:
        for name, table in window.tables.items():
            found.setdefault(name, []).append(table.native({"sensor": "s", "case_id": "c"}))
    return found


@pytest.mark.parametrize("workers", [1, 2])
def test_joined_ones_come_apart_where_they_were_joined(workers) -> None:
    for name, pieces in written(workers).items():
        whole = b"".join(pieces)
        apart = list(blocks.split(whole))
        assert b"".join(block.data for block in apart) == whole, name
        ends = {sum(map(len, pieces[: at + 1])) for at in range(len(pieces))}
        seen = 0
        found = set()
        for block in apart:
            seen += len(block.data)
            found.add(seen)
        assert ends <= found, name
        assert all(block.columns[:2] == [("case_id", "LowCardinality(String)"), ("sensor", "LowCardinality(String)")]
                   for block in apart)  # fmt: skip


def test_what_breaks_off_is_said() -> None:
    whole = b"".join(written(1)["modbus"])
    for cut in (1, 7, len(whole) // 2, len(whole) - 1):
        with pytest.raises(ValueError, match="breaks off"):
            list(blocks.split(whole[:cut]))


def test_a_type_that_is_never_written_is_said() -> None:
    with pytest.raises(ValueError, match="Decimal"):
        list(blocks.split(b"\x01\x01\x01a\x0dDecimal(9, 2)\0\0\0\0"))
