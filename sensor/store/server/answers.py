"""Answers that the server does not write itself: lines of names, and what SHOW, DESCRIBE and their like tell."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from collections.abc import Sequence

# Formats with a line of names in front, and the one in which the server writes their rows.
NAMED = {"CSVWithNames": "CSV", "JSONCompactEachRowWithNames": "JSONCompactEachRow"}


def names(found: Sequence[str], fmt: str) -> bytes:
    if fmt == "CSVWithNames":
        return _csv([found])
    return b"[" + b", ".join(map(orjson.dumps, found)) + b"]\n"


def written(found: Sequence[str], rows: Sequence[Sequence[Any]], fmt: str) -> bytes:
    """Rows of texts and numbers in one of the formats."""
    if fmt == "CSVWithNames":
        return _csv([found]) + _csv(rows)
    if fmt == "JSONCompactEachRowWithNames":
        return b"".join(orjson.dumps(list(row)) + b"\n" for row in (found, *rows))
    if fmt == "TabSeparated":
        return "".join("\t".join(map(str, row)) + "\n" for row in rows).encode()
    return b"".join(orjson.dumps(dict(zip(found, row, strict=True))) + b"\n" for row in rows)


def _csv(rows: Sequence[Sequence[Any]]) -> bytes:
    out = io.StringIO()
    for row in rows:  # as ClickHouse has it: texts in quotes, numbers without
        csv.writer(out, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n").writerow(row)
    return out.getvalue().encode()
