"""Where the public captures stand, and how a capture becomes rows."""

from __future__ import annotations

import os
import pathlib
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from detectors.tag_values import TagValues
from detectors.window import Table
from parsers import Engine, Window
from tests.golden.canonical import nanoseconds

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ROOT = pathlib.Path(__file__).parents[2]
HOME = pathlib.Path(os.environ.get("DRIFTSPAN_CORPUS", ROOT.parent / "shared" / "corpus")) / "dev"
TOOLS = HOME.parents[1] / "tools"
SUFFIXES = {".pcap", ".pcapng", ".cap", ".gz", ".zst"}

Row = dict[str, Any]


def windows(capture: pathlib.Path | str, **options: Any) -> Iterator[dict[str, pa.Table]]:
    engine = Engine([str(capture)], **options)
    while (window := engine.next()) is not None:
        yield {name: pa.table(table) for name, table in window.tables.items() if name != "tag_changes"} | changes(
            window
        )


def changes(window: Window) -> dict[str, pa.Table]:
    """The view `tag_values`: a row a change."""
    folded = window.tables.get("tag_changes")
    return {} if folded is None else {"tag_values": TagValues(Table(folded)).arrow}


def rows(
    capture: pathlib.Path | str,
    wanted: Iterable[str] | None = None,
    columns: dict[str, list[str]] | None = None,
    **options: Any,
) -> dict[str, list[Row]]:
    """Rows by table. `columns` keeps the few a test looks at: Python values cost the most time."""
    chosen = None if wanted is None else set(wanted)
    out: dict[str, list[Row]] = {}
    for tables in windows(capture, **options):
        for name, table in tables.items():
            if chosen is None or name in chosen:
                kept = table.select(columns[name]) if columns and name in columns else table
                out.setdefault(name, []).extend(nanoseconds(kept).to_pylist())
    return out


def name(path: pathlib.Path) -> str:
    return path.relative_to(HOME).as_posix()


def files() -> list[pathlib.Path]:
    """Every capture of the corpus: what stands beside it (truth, expectations, notes) aside."""

    def is_capture(path: pathlib.Path) -> bool:
        beside = any(part.endswith(".expected") for part in path.parts)
        return path.is_file() and not beside and path.suffix in SUFFIXES and ".tshark.tsv" not in path.name

    return sorted(path for path in HOME.rglob("*") if is_capture(path))
