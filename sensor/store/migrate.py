"""Numbered migrations: files `NNNN_what.sql`, each applied once and then recorded."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

from sensor.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

LEDGER = """CREATE TABLE IF NOT EXISTS migrations
    (number UInt32, name String, applied DateTime64(3, 'UTC') DEFAULT now64(3))
    ENGINE = ReplacingMergeTree ORDER BY number"""


def available() -> list[tuple[int, str, str]]:
    """(number, name, SQL) in order."""
    folder = files("sensor.store") / "migrations"
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".sql"))
    return [(int(name[:4]), name.removesuffix(".sql"), (folder / name).read_text()) for name in names]


def newest() -> int:
    folder = files("sensor.store") / "migrations"
    return max(int(entry.name[:4]) for entry in folder.iterdir() if entry.name.endswith(".sql"))


def statements(sql: str) -> Iterator[str]:
    """The statements of a file; comments stand on lines of their own."""
    lines = [line for line in sql.splitlines() if not line.lstrip().startswith("--")]
    for statement in "\n".join(lines).split(";\n"):
        text = statement.strip().removesuffix(";")
        if text:
            yield text


def check_age(found: int) -> None:
    if found > newest():
        raise StoreError(
            f"this store was written by a newer driftspan (its schema is {found}, "
            f"this program knows {newest()}); use that version"
        )


def applied(run: Callable[[str], str]) -> set[int]:
    return {int(number) for number in run("SELECT DISTINCT number FROM migrations").split()}


def migrate(run: Callable[[str], object], done: Collection[int]) -> None:
    """Applies what a store lacks, in order, also where a later one is there already: several are made side by side.
    Every statement may be repeated after a kill."""
    check_age(max(done, default=0))
    for number, name, sql in available():
        if number in done:
            continue
        for statement in statements(sql):
            run(statement)
        run(f"INSERT INTO migrations (number, name) VALUES ({number}, '{name}')")
