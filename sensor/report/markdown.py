"""Blocks as Markdown (CommonMark with tables). Text of the wire is escaped: it makes no link, table or HTML."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sensor.report import Code, Figure, Heading, Mark, Note, Paragraph, Table
from sensor.textwidth import safe

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sensor.report import Block

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~&!])")


def written(blocks: Iterable[Block], figures: Mapping[str, str] | None = None) -> str:
    """`figures`: where the picture of each name is found."""
    return "\n\n".join(_block(block, figures or {}) for block in blocks) + "\n"


def _block(block: Block, figures: Mapping[str, str]) -> str:  # noqa: PLR0911  one a kind of block
    match block:
        case Figure(name, _, _, caption):
            return f"![{_plain(caption)}]({figures[name]})"
        case Heading(level, text):
            return f"{'#' * level} {_plain(text)}"
        case Paragraph(text):
            return _plain(text)
        case Note(text):
            return f"<sub>{_plain(text)}</sub>"
        case Mark(_, label, text):
            return f"**{_plain(label)}** {_plain(text)}".rstrip()
        case Table():
            return _table(block)
        case Code(text, caption):
            fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
            body = "\n".join(map(safe, text.splitlines()))
            return (f"{_plain(caption)}\n\n" if caption else "") + f"{fence}sql\n{body}\n{fence}"


def _table(table: Table) -> str:
    rule = ["---:" if at in table.right else "---" for at in range(len(table.columns))]
    lines = [table.columns, *table.rows]
    cells = [[_plain(cell) for cell in line] for line in lines]
    cells.insert(1, rule)
    body = "\n".join(f"| {' | '.join(line)} |" for line in cells)
    return (f"{_plain(table.caption)}\n\n" if table.caption else "") + body


def _plain(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", " ".join(safe(part) for part in text.split()))
