"""Lines into a file, or to stdout."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from sensor.errors import InputError
from sensor.export.ways import AwayError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sensor.export.ways import Message

_PRIVATE = 0o600  # alerts name a plant's weak places


class Lines:
    """`durable`: lines are on the disk when `send` returns. A file that was renamed or removed, as rotation does, is
    begun anew."""

    longest = 0

    def __init__(self, path: str, *, append: bool) -> None:
        self._path, self._durable = path, append
        self._file: BinaryIO | None = None
        if path == "-":
            return
        try:
            self._open("ab" if append else "wb")
        except OSError as error:
            raise InputError(f"{path}: cannot be written: {error.strerror}; --output names another file") from None

    def _open(self, mode: str) -> BinaryIO:
        flags = os.O_RDWR | os.O_CREAT | (os.O_APPEND if mode == "ab" else os.O_TRUNC)
        made = os.open(self._path, flags, _PRIVATE)
        out = cast("BinaryIO", os.fdopen(made, mode))
        self._file = out
        size = os.fstat(made).st_size if mode == "ab" else 0
        if size and os.pread(made, 1, size - 1) != b"\n":
            out.write(b"\n")  # what was cut off by a full disk is a line of its own
        return out

    def send(self, messages: Sequence[Message]) -> list[Message]:
        self.write(b"".join(message.data + b"\n" for message in messages))
        return []

    def write(self, data: bytes) -> None:
        if self._path == "-":
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()
            return
        try:
            out = self._current()
            out.write(data)
            out.flush()
            if self._durable:
                os.fsync(out.fileno())
        except OSError as error:
            self.close()
            raise AwayError(f"{self._path}: cannot be written: {error.strerror}") from None

    def _current(self) -> BinaryIO:
        if self._file is None:
            return self._open("ab")
        try:
            there = Path(self._path).stat().st_ino == os.fstat(self._file.fileno()).st_ino
        except FileNotFoundError:
            there = False
        if there or not self._durable:
            return self._file
        self._file.close()
        return self._open("ab")

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
        self._file = None
