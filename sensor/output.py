"""Rows for people and programs: an aligned table, NDJSON, or CSV.

NDJSON and CSV are what the store gives, passed on as they come. A table is read from the store as JSON
and shown with addresses, times and lists as people write them.
"""

from __future__ import annotations

import os
import shutil
import sys
from contextlib import closing
from itertools import islice
from typing import IO, TYPE_CHECKING

from sensor.textwidth import fitted, padded, safe, safe_bytes, width

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sensor.store import Reading

FORMATS = ("table", "ndjson", "csv")
_CLICKHOUSE = {"ndjson": "JSONEachRow", "csv": "CSVWithNames", "table": "JSONCompactEachRowWithNames"}
_CHUNK = 1000  # rows whose widths are measured together: the first ones decide the columns
_NARROWEST = 6
_MAPPED = "::ffff:"
_IDLE_NANOSECONDS = ".000000000"


def chosen_format(asked: str | None) -> str:
    """A table on a terminal, NDJSON where a program reads."""
    return asked or ("table" if sys.stdout.isatty() else "ndjson")


def show_query(store: Reading, sql: str, fmt: str) -> int:
    """Asks the store and writes the answer; gives the number of rows of a table, else 0."""
    with closing(store.query(sql, _CLICKHOUSE[fmt])) as pieces:
        return _show(pieces, fmt)


def _show(pieces: Iterable[bytes], fmt: str) -> int:
    if fmt == "table":
        lines = _lines(pieces)
        names = next(lines, None)
        return write_table([str(name) for name in names], lines) if names is not None else 0
    out = sys.stdout.buffer
    terminal = sys.stdout.isatty()
    for piece in pieces:
        out.write(safe_bytes(piece) if terminal else piece)
    out.flush()
    return 0


def show_rows(rows: Sequence[Mapping[str, object]], fmt: str) -> None:
    """Rows of our own, all with the same keys."""
    if fmt == "table":
        write_table(list(rows[0]) if rows else [], (list(row.values()) for row in rows))
    elif fmt == "csv":
        import csv

        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerows([list(rows[0]), *(list(row.values()) for row in rows)] if rows else [])
    else:
        import orjson

        for row in rows:
            sys.stdout.write(orjson.dumps(row).decode() + "\n")
    sys.stdout.flush()


def _lines(pieces: Iterable[bytes]) -> Iterator[list[object]]:
    import orjson

    rest = b""
    for piece in pieces:
        *whole, rest = (rest + piece).split(b"\n")
        for line in whole:
            yield orjson.loads(line)
    if rest:
        yield orjson.loads(rest)


def write_table(names: Sequence[str], rows: Iterable[Sequence[object]], out: IO[str] | None = None) -> int:
    """Aligned columns, cut to the terminal where there is one. Gives the number of rows."""
    out = out or sys.stdout
    source = iter(rows)
    sample = [[cell(value) for value in row] for row in islice(source, _CHUNK)]
    titles = [safe(name) for name in names]
    right = [_numeric(row[i] for row in sample) for i in range(len(titles))]
    widths = [max([width(titles[i]), *(width(row[i]) for row in sample)], default=0) for i in range(len(titles))]
    if out.isatty():
        widths = _squeezed(widths, shutil.get_terminal_size().columns)
        fit = fitted
    else:
        fit = padded
    aligned = [t.rjust(n) if r and t.isascii() else t for t, n, r in zip(titles, widths, right, strict=True)]
    for row in (aligned, ["─" * columns for columns in widths]):
        out.write("  ".join(map(fit, row, widths)).rstrip() + "\n")
    count = 0
    for row in _chain(sample, source):
        cells = [t.rjust(n) if r and t.isascii() else t for t, n, r in zip(row, widths, right, strict=True)]
        out.write("  ".join(map(fit, cells, widths)).rstrip() + "\n")
        count += 1
    out.flush()
    return count


def _chain(sample: list[list[str]], source: Iterator[Sequence[object]]) -> Iterator[list[str]]:
    yield from sample
    for row in source:
        yield [cell(value) for value in row]


def _squeezed(widths: list[int], columns: int) -> list[int]:
    """Takes from the widest columns until the table fits, but leaves each legible."""
    widths = list(widths)
    excess = sum(widths) + 2 * (len(widths) - 1) - columns
    while excess > 0 and max(widths, default=0) > _NARROWEST:
        widest = widths.index(max(widths))
        below = max([w for w in widths if w < widths[widest]], default=_NARROWEST)
        step = min(excess, widths[widest] - max(below, _NARROWEST)) or 1
        widths[widest] -= step
        excess -= step
    return widths


def _numeric(cells: Iterable[str]) -> bool:
    seen = False
    for text in cells:
        if text and not text.replace(".", "", 1).replace("-", "", 1).isdigit():
            return False
        seen = seen or bool(text)
    return seen


def cell(value: object) -> str:
    """A value as people write it. Whatever it is, it cannot drive the terminal."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(cell(item) for item in value)
    if isinstance(value, dict):
        return ", ".join(f"{safe(str(k))}={cell(v)}" for k, v in value.items())
    text = safe(str(value))
    if text.startswith(_MAPPED) and "." in text:
        return text.removeprefix(_MAPPED)
    return text.removesuffix(_IDLE_NANOSECONDS) if text[4:5] == "-" else text


def quiet_broken_pipe() -> None:
    """The reader of our output is gone: end without Python's complaint at shutdown."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
