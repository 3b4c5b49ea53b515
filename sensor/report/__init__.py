"""Reports as blocks, written out as Markdown, HTML or PDF. What a report says is somebody else's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

FORMATS = ("markdown", "html", "pdf")


@dataclass(frozen=True, slots=True)
class Heading:
    """`level` 1 is the title; there is one."""

    level: int
    text: str


@dataclass(frozen=True, slots=True)
class Paragraph:
    text: str


@dataclass(frozen=True, slots=True)
class Note:
    """A few words in small print, as below a table."""

    text: str


@dataclass(frozen=True, slots=True)
class Mark:
    """What a part of the report comes to. `tone`: bad, good, gap or plain."""

    tone: str
    label: str
    text: str


@dataclass(frozen=True, slots=True)
class Table:
    """Cells are texts. `tones`: of rows, as of a `Mark`; empty: all plain. `right`: columns of numbers."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    right: tuple[int, ...] = ()
    tones: tuple[str, ...] = ()
    caption: str = ""


@dataclass(frozen=True, slots=True)
class Code:
    """Something to be copied, as an SQL query."""

    text: str
    caption: str = ""


@dataclass(frozen=True, slots=True)
class Figure:
    """A picture, drawn twice: `svg`, a whole document made by ourselves, and `png`. `name` is one of a file."""

    name: str
    svg: str
    png: bytes
    caption: str = ""


Block: TypeAlias = Heading | Paragraph | Note | Mark | Table | Code | Figure
