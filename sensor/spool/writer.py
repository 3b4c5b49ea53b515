"""The sensor's side of the spool."""

from __future__ import annotations

import contextlib
import os
from collections import Counter, deque
from secrets import token_hex
from typing import TYPE_CHECKING, BinaryIO

from sensor.errors import StoreError
from sensor.spool import DRAFT, MESSAGES, READY, RECORDS, TAKEN, Batch, directory, frames

if TYPE_CHECKING:
    from pathlib import Path


class _File:
    """One that was committed. `size`: 0 when it was given up."""

    __slots__ = ("path", "size")

    def __init__(self, path: Path, size: int) -> None:
        self.path, self.size = path, size

    def waits(self) -> bool:
        return self.size > 0 and (self.path.exists() or self.path.with_suffix(TAKEN).exists())


class Writer:
    """`limit`: bytes that files which wait may take. `lost`: rows given up by table, since the writer was made."""

    def __init__(self, path: Path, limit: int) -> None:
        self.name = directory.prepare(path)
        self._path, self._limit = path, limit
        self._lock = directory.lock(path, "writer")
        for draft in path.glob(f"*{DRAFT}"):
            draft.unlink()
        found = directory.waiting(path)
        self._number = directory.number(found[-1]) if found else 0
        self._queue = deque(_File(file, file.stat().st_size) for file in found if file.exists())
        self._messages = deque(file for file in self._queue if MESSAGES in file.path.stem)
        self._held = sum(file.size for file in self._queue)  # bytes; of files delivered since it is too much
        self._session = token_hex(4)  # numbers begin anew when nothing waits; names, which tokens are made of, never do
        self._drafts: dict[str, BinaryIO] = {}
        self.lost: Counter[str] = Counter()
        self.bytes = 0

    def add(self, stream: str, batch: Batch) -> None:
        """Durable with the next `commit`. StoreError when the disk takes no more."""
        try:
            if stream not in self._drafts:
                self._drafts[stream] = (self._path / f"{stream}{DRAFT}").open("wb")
            self.bytes += frames.write(self._drafts[stream], batch)
        except OSError as error:
            raise StoreError(f"{self._path}: the spool cannot be written: {error.strerror}") from None

    def commit(self) -> None:
        """What was added is acknowledged when this returns."""
        if not self._drafts:
            return
        self._number += 1
        try:
            for stream, file in sorted(self._drafts.items()):
                file.flush()
                os.fsync(file.fileno())
                file.close()
                # Records come first: when both wait, alerts are delivered before the rows they are of.
                order = 0 if stream == RECORDS else 1
                name = f"{self._number:012d}-{order}-{stream}-{self._session}{READY}"
                self._committed(stream, self._path / name)
            directory.sync(self._path)
        except OSError as error:
            raise StoreError(f"{self._path}: the spool cannot be written: {error.strerror}") from None
        finally:
            self._drafts.clear()
        self._shed()

    def _committed(self, stream: str, target: Path) -> None:
        draft = self._path / f"{stream}{DRAFT}"
        made = _File(target, draft.stat().st_size)
        draft.replace(target)
        self._queue.append(made)
        self._held += made.size
        if stream == MESSAGES:
            self._messages.append(made)

    def _shed(self) -> None:
        """Gives up the oldest messages that no keeper has begun with, until the rest fits. What a commit costs does not
        grow with what waits: files leave at the front, each is looked at once when it does."""
        while self._queue and not self._queue[0].waits():
            self._held -= self._queue.popleft().size
        while self._held > self._limit and self._messages:
            oldest = self._messages.popleft()
            if oldest.waits() and self._give_up(oldest.path):
                self._held -= oldest.size
                oldest.size = 0

    def _give_up(self, file: Path) -> bool:
        mine = file.with_suffix(DRAFT)
        try:
            file.rename(mine)  # a keeper that wants it too loses it, or has it already
        except FileNotFoundError:
            return False
        with mine.open("rb") as handle:
            self.lost["messages"] += frames.rows(handle)
        mine.unlink()
        return True

    def close(self) -> None:
        for file in self._drafts.values():
            with contextlib.suppress(OSError):  # what was not committed is no loss to whoever closes
                file.close()
        os.close(self._lock)
