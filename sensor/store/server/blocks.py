"""Blocks of ClickHouse's format Native, told apart. The format knows no end of a block; its native protocol sends one
block a packet, so each has to be walked through. Only lengths are looked at, never values.

    block:  columns, rows (varints), then each column: name, type (texts: varint of the length, bytes), data
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_WIDTHS = {
    "Bool": 1, "Int8": 1, "UInt8": 1, "Int16": 2, "UInt16": 2, "Int32": 4, "UInt32": 4, "Int64": 8, "UInt64": 8,
    "Float32": 4, "Float64": 8, "IPv4": 4, "IPv6": 16, "UUID": 16, "Enum8": 1, "Enum16": 2, "Date": 2, "DateTime": 4,
    "DateTime64": 8,
}  # fmt: skip
_KEYS = (1, 2, 4, 8)  # bytes of a key into the texts of LowCardinality
_NAME = re.compile(r"(\w+)(?:\((.*)\))?", re.DOTALL)


class Block:
    """`data`: the block whole, as it stands in `Native`."""

    __slots__ = ("columns", "data", "rows")

    def __init__(self, data: memoryview, columns: list[tuple[str, str]], rows: int) -> None:
        self.data, self.columns, self.rows = data, columns, rows


def split(payload: bytes) -> Iterator[Block]:
    """ValueError where it is no Native, or of a type that the packet path never writes."""
    at = 0
    while at < len(payload):
        walk = _Walk(payload, at)
        try:
            columns = walk.block()
        except IndexError:
            raise ValueError("a block of rows breaks off") from None
        if walk.at > len(payload):
            raise ValueError("a block of rows breaks off")
        yield Block(memoryview(payload)[at : walk.at], columns, walk.rows)
        at = walk.at


class _Walk:
    def __init__(self, data: bytes, at: int) -> None:
        self._data, self.at, self.rows = data, at, 0

    def block(self) -> list[tuple[str, str]]:
        count, self.rows = self._varint(), self._varint()
        columns = []
        for _ in range(count):
            name, kind = self._text(), self._text()
            columns.append((name, kind))
            if self.rows:
                self._versions(kind)
                self._column(kind, self.rows)
        return columns

    def _varint(self) -> int:
        value = shift = 0
        while True:
            byte = self._data[self.at]
            self.at += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7

    def _text(self) -> str:
        length = self._varint()
        self.at += length  # not in one: the left side is read first
        return self._data[self.at - length : self.at].decode()

    def _number(self) -> int:
        self.at += 8
        if self.at > len(self._data):
            raise IndexError
        return int.from_bytes(self._data[self.at - 8 : self.at], "little")

    def _versions(self, kind: str) -> None:
        """What stands in front of a column's data: the versions of all dictionaries in it."""
        name, of = _taken(kind)
        if name == "LowCardinality":
            self._number()
        elif name in ("Array", "Nullable"):
            self._versions(of)

    def _column(self, kind: str, rows: int) -> None:
        name, of = _taken(kind)
        if name in _WIDTHS:
            self.at += _WIDTHS[name] * rows
        elif name == "String":
            self._texts(rows)
        elif name == "Nullable":
            self.at += rows
            self._column(of, rows)
        elif name == "Array":
            if rows:  # the ends of all lists; the last one says how many items there are
                self.at += 8 * (rows - 1)
                self._column(of, self._number())
        elif name == "LowCardinality":
            self._words(of, rows)
        elif name == "FixedString":
            self.at += int(of) * rows
        else:
            raise ValueError(f"rows of type {kind} cannot be sent")

    def _texts(self, rows: int) -> None:
        data, at = self._data, self.at
        for _ in range(rows):
            length = data[at]
            at += 1
            if length >= 0x80:
                self.at = at - 1
                length = self._varint()
                at = self.at
            at += length
        self.at = at

    def _words(self, of: str, rows: int) -> None:
        if not rows:
            return
        width = _KEYS[self._number() & 0xFF]
        self._column(of.removeprefix("Nullable(").removesuffix(")"), self._number())
        keys = self._number()
        self.at += width * keys


def _taken(kind: str) -> tuple[str, str]:
    """The name of a type, and what it is of."""
    found = _NAME.fullmatch(kind)
    if found is None:
        raise ValueError(f"rows of type {kind} cannot be sent")
    return found[1], found[2] or ""
