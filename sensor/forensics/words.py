"""Rows of the store as tables of a report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sensor.forensics.scope import NOBODY
from sensor.report import Heading, Paragraph, Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sensor.report import Block

_TONES = {"critical": "bad", "high": "bad", "medium": "gap"}
_MAPPED = "::ffff:"
_NUMBERS = frozenset((
    "count", "frame", "frames", "packets", "bytes", "size", "alerts", "times", "hosts", "n", "value", "rows", "flows",
))  # fmt: skip


def address(text: str) -> str:
    if text in NOBODY:
        return ""
    return text.removeprefix(_MAPPED) if "." in text else text


def cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(cell, value))
    if isinstance(value, float):
        return f"{value:g}"
    return address(value) if isinstance(value, str) else f"{value:,}"


def moment(text: str) -> str:
    """To the second."""
    return text[:19]


def timeline_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    cells = []
    for row in rows:
        until = moment(row["until"]) if moment(row["until"]) > moment(row["at"]) else ""
        kind = f"{row['kind']} {row['severity']}".strip()
        where = str(row["frame"]) if row["frame"] else ""
        ends = (address(row["src_ip"]), address(row["dst_ip"]))
        cells.append((moment(row["at"]), until, kind, *ends, row["what"], str(row["count"]), row["id"][:12], where))
    tones = tuple(_TONES.get(row["severity"], "plain") for row in rows)
    return Table(("at", "until", "kind", "from", "to", "what", "n", "id", "frame"), tuple(cells), (6, 8), tones)


def table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str] = (), caption: str = "") -> Table:
    """Rows as they come. `columns`: as the head of a table where there is no row."""
    names = tuple(rows[0]) if rows else tuple(columns)
    right = tuple(at for at, name in enumerate(names) if name in _NUMBERS)
    tones = tuple(_TONES.get(str(row.get("severity", row.get("worst", ""))), "plain") for row in rows)
    cells = tuple(tuple(cell(row[name]) for name in names) for row in rows)
    return Table(tuple(name.replace("_", " ") for name in names), cells, right, tones, caption)


_ASPECTS = {
    "alert": "Alerts", "asset": "Assets", "conduit": "Conduits", "behaviour": "Behaviours", "amount": "Amounts",
    "value": "Values", "version": "Versions",
}  # fmt: skip
_GRAVE = {"critical": "bad", "high": "bad", "medium": "gap"}


def difference_blocks(rows: Sequence[Mapping[str, Any]], level: int) -> Iterator[Block]:
    """A part for each aspect that has rows, with a heading of the level."""
    for aspect, title in _ASPECTS.items():
        found = [row for row in rows if row["aspect"] == aspect]
        if found:
            yield Heading(level, title)
            yield _differences(found)
    if not rows:
        yield Paragraph("Nothing is new, gone or other.")


def _differences(rows: Sequence[Mapping[str, Any]]) -> Table:
    cells = tuple(
        (row["change"], row["host"], row["peer"], row["what"], row["before"], row["after"],
         moment(row["first_ts"]) if not row["first_ts"].startswith("1970") else "",
         str(row["count"]), str(row["frame"]) if row["frame"] else "")
        for row in rows
    )  # fmt: skip
    tones = tuple(
        "plain" if row["change"] == "gone" else _GRAVE.get(row["what"].split()[0], "plain") if row["what"] else "plain"
        for row in rows
    )
    columns = ("change", "host", "with", "what", "before", "now", "first", "n", "frame")
    used = [at for at in range(len(columns)) if any(line[at] for line in cells)]
    lines = tuple(tuple(line[at] for at in used) for line in cells)
    right = tuple(place for place, at in enumerate(used) if columns[at] in _NUMBERS)
    return Table(tuple(columns[at] for at in used), lines, right, tones)
