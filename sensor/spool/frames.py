"""Batches as bytes: magic, length and CRC-32 of the body; the body is a line of JSON and the rows."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, BinaryIO

import orjson

from sensor.spool import MAGIC, MOST_FRAME, Batch

if TYPE_CHECKING:
    from collections.abc import Iterator

_HEAD = struct.Struct("<4sII")


class DamagedError(Exception):
    """A file of the spool does not hold what was written; `rows` could not be read, 0: nobody knows how many."""


def write(file: BinaryIO, batch: Batch) -> int:
    """Gives the bytes written."""
    about = {"table": batch.table, "columns": batch.columns, "format": batch.format, "rows": batch.rows}
    line = orjson.dumps(about) + b"\n"
    crc = zlib.crc32(batch.payload, zlib.crc32(line))
    length = len(line) + len(batch.payload)
    file.write(_HEAD.pack(MAGIC, length, crc))
    file.write(line)
    file.write(batch.payload)
    return _HEAD.size + length


def read(file: BinaryIO, name: str) -> Iterator[Batch]:
    """The batches of a file, in order, with their tokens. DamagedError where one is not what was written."""
    number = 0
    while head := file.read(_HEAD.size):
        if len(head) < _HEAD.size:
            raise DamagedError(f"{name}: breaks off")
        magic, length, crc = _HEAD.unpack(head)
        if magic != MAGIC or length > MOST_FRAME:
            raise DamagedError(f"{name}: is no file of the spool from batch {number} on")
        body = file.read(length)
        if len(body) < length or zlib.crc32(body) != crc:
            raise DamagedError(f"{name}: batch {number} is damaged")
        line, _, payload = body.partition(b"\n")
        about = orjson.loads(line)
        yield Batch(
            about["table"], tuple(about["columns"]), about["format"], about["rows"], payload, f"{name}-{number}"
        )
        number += 1


def rows(file: BinaryIO) -> int:
    """Rows of a file, read off its heads alone."""
    count = 0
    while len(head := file.read(_HEAD.size)) == _HEAD.size:
        magic, length, _ = _HEAD.unpack(head)
        if magic != MAGIC or length > MOST_FRAME:
            break
        start = file.tell()
        line = file.readline()
        try:
            count += int(orjson.loads(line)["rows"])
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
            break
        file.seek(start + length)
    return count
