"""A store is brought up to date from wherever it stands."""

from __future__ import annotations

import pytest

from sensor.errors import StoreError
from sensor.store import migrate


def test_each_that_lacks_is_applied_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    made = [(n, f"000{n}_x", f"-- what it is; and why\nCREATE TABLE t{n};\nDROP TABLE u{n};\n") for n in (1, 2, 3, 4)]
    monkeypatch.setattr(migrate, "available", lambda: made)
    monkeypatch.setattr(migrate, "newest", lambda: 4)
    ran: list[str] = []
    migrate.migrate(ran.append, {1, 3})  # 3 was there before 2 was made
    assert [line for line in ran if not line.startswith("INSERT")] == [
        "CREATE TABLE t2", "DROP TABLE u2", "CREATE TABLE t4", "DROP TABLE u4",
    ]  # fmt: skip
    assert [line.rpartition("VALUES ")[2] for line in ran if line.startswith("INSERT")] == [
        "(2, '0002_x')",
        "(4, '0004_x')",
    ]
    ran.clear()
    migrate.migrate(ran.append, {1, 2, 3, 4})
    assert ran == []
    with pytest.raises(StoreError, match="newer driftspan"):
        migrate.migrate(ran.append, {5})


def test_numbers_are_unique_and_applied_ones_are_read() -> None:
    numbers = [number for number, _, _ in migrate.available()]
    assert numbers == sorted(set(numbers))
    assert migrate.applied(lambda _: "1\n4\n") == {1, 4}
    assert migrate.applied(lambda _: "") == set()


def test_a_store_of_the_first_schema_is_brought_up_to_date(driftspan, capture, monkeypatch) -> None:
    """Made by a program that had only the first migration, in a process of its own."""
    import subprocess
    import sys

    script = """
import sys
from sensor.ledger.config import LedgerSection
from sensor.store import Layout, migrate, open_store
whole = migrate.available()
migrate.available = lambda: whole[:1]
opened = open_store(sys.argv[1], "driftspan", "s", Layout(ledger=LedgerSection(enabled=False)))
row = {"alert_id": "a" * 32, "kind": "made.up", "severity": "low", "src_ip": "::1", "dst_ip": "::2", "evidence": {}}
opened.begin_case("old", [])
opened.upsert("alert_rows", [row])
opened.close()
"""
    store = driftspan.folder / "driftspan-store"
    subprocess.run([sys.executable, "-c", script, str(store)], check=True, timeout=120)
    assert [row["status"] for row in driftspan.rows("alerts")] == ["open"], "an older store can be read as it is"
    [said] = driftspan.rows("learn", "aaaa")
    assert said["status"] == "learned"
    kept = {row["stream"]: row["records"] for row in driftspan.rows("ledger", "verify") if "stream" in row}
    assert kept.items() >= {"alerts": 1, "verdicts": 1}.items(), (
        "what was there before the ledger is committed to as well"
    )
    driftspan.rows("replay", capture)
    applied = [row["number"] for row in driftspan.rows("query", "SELECT number FROM migrations ORDER BY number")]
    assert applied == [number for number, _, _ in migrate.available()]
