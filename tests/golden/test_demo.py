"""The project's own capture: its rows are golden, and the same with any number of workers."""

from __future__ import annotations

import pathlib

import pytest

from tests.golden import canonical, corpus

DEMO = corpus.ROOT / "pcaps" / "demo.pcap"
GOLDEN = pathlib.Path(__file__).parent / "demo"
# Hashes of what stands in the row anyway, and the capture's own id: they would make every line longer.
WITHOUT = {"capture", "flow_id", "community_id"}


@pytest.fixture(scope="module")
def rows() -> dict[str, list[corpus.Row]]:
    return corpus.rows(DEMO)


@pytest.fixture(scope="module")
def golden(rows: dict[str, list[corpus.Row]], update: bool) -> dict[str, list[str]]:
    if update:
        GOLDEN.mkdir(exist_ok=True)
        for old in GOLDEN.glob("*.ndjson"):
            old.unlink()
        for table, found in rows.items():
            (GOLDEN / f"{table}.ndjson").write_text("\n".join(canonical.lines(found, WITHOUT)) + "\n")
    return {path.stem: path.read_text().splitlines() for path in sorted(GOLDEN.glob("*.ndjson"))}


def test_rows_of_the_demo_are_golden(rows: dict[str, list[corpus.Row]], golden: dict[str, list[str]]) -> None:
    assert sorted(rows) == sorted(golden)
    for table, expected in golden.items():
        assert canonical.lines(rows[table], WITHOUT) == expected, table


@pytest.mark.parametrize("workers", [2, 4])
def test_workers_change_nothing(rows: dict[str, list[corpus.Row]], workers: int) -> None:
    again = corpus.rows(DEMO, workers=workers)
    assert sorted(rows) == sorted(again)
    for table, expected in rows.items():
        assert canonical.lines(again[table]) == canonical.lines(expected), table


def test_the_password_on_the_wire_is_in_no_row(rows: dict[str, list[corpus.Row]]) -> None:
    password = b"edge-secret"  # of the plant's edge node, see pcaps/plant
    assert password in DEMO.read_bytes()
    assert any(row["password_seen"] for row in rows["mqtt"])
    text = "".join(canonical.line(row) for found in rows.values() for row in found)
    assert password.decode() not in text
    assert password.hex() not in text
