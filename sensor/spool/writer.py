"""The sensor's side of the spool."""

from __future__ import annotations

import contextlib
import os
import threading
import time
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

    def since(self) -> float | None:
        """When it was written; None: it is delivered."""
        for path in (self.path, self.path.with_suffix(TAKEN)):
            with contextlib.suppress(FileNotFoundError):
                return path.stat().st_mtime
        return None


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
        self._given_up = 0  # files of the queue
        self._looking = threading.Lock()  # at the queue: Prometheus asks in a thread of its own
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
        made = []
        try:
            for stream, file in sorted(self._drafts.items()):
                file.flush()
                os.fsync(file.fileno())
                file.close()
                # Records come first: when both wait, alerts are delivered before the rows they are of.
                order = 0 if stream == RECORDS else 1
                name = f"{self._number:012d}-{order}-{stream}-{self._session}{READY}"
                made.append(self._committed(stream, self._path / name))
            directory.sync(self._path)
        except OSError as error:
            raise StoreError(f"{self._path}: the spool cannot be written: {error.strerror}") from None
        finally:
            self._drafts.clear()
            with self._looking:
                self._queue.extend(sorted(made, key=lambda file: file.path.name))  # as they are delivered
                self._held += sum(file.size for file in made)
        self._shed()

    def _committed(self, stream: str, target: Path) -> _File:
        draft = self._path / f"{stream}{DRAFT}"
        made = _File(target, draft.stat().st_size)
        draft.replace(target)
        if stream == MESSAGES:
            self._messages.append(made)
        return made

    def _shed(self) -> None:
        """Gives up the oldest messages that no keeper has begun with, until the rest fits."""
        with self._looking:
            self._delivered()
            while self._held > self._limit and self._messages:
                oldest = self._messages.popleft()
                if oldest.waits() and self._give_up(oldest.path):
                    self._held -= oldest.size
                    self._given_up += 1
                    oldest.size = 0

    def _delivered(self) -> None:
        """Files leave at the front, each is looked at once when it does: the cost does not grow with what waits."""
        while self._queue and not self._queue[0].waits():
            file = self._queue.popleft()
            self._held -= file.size
            self._given_up -= not file.size

    def backlog(self) -> dict[str, float]:
        """Files and bytes that wait for the store, and for how many seconds the oldest does."""
        with self._looking:
            self._delivered()
            waiting, held = len(self._queue) - self._given_up, self._held
            since = self._queue[0].since() if self._queue else None
        delay = 0.0 if since is None else max(0.0, time.time() - since)
        return {"spool_waiting_files": waiting, "spool_waiting_bytes": held, "store_delay_seconds": round(delay, 3)}

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
