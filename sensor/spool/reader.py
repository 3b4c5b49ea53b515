"""The keeper's side of the spool: files in order, deleted when the store has all of them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from sensor.spool import READY, TAKEN, directory, frames

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sensor.spool import Batch


class Reader:
    def __init__(self, path: Path) -> None:
        self.name = directory.prepare(path)
        self._path = path
        self._lock = directory.lock(path, "reader")
        self.damaged: list[str] = []

    def drain(self, deliver: Callable[[Batch], None], going_on: Callable[[], bool]) -> int:
        """Delivers what waits, oldest first; gives the batches delivered. Whatever `deliver` raises ends it: the file
        stays and is delivered again."""
        delivered = 0
        for file in directory.waiting(self._path):
            if not going_on():
                break
            taken = file.with_suffix(TAKEN)
            if file.suffix == READY:
                try:
                    file.rename(taken)
                except FileNotFoundError:  # given up by the writer because the spool is full
                    continue
            delivered += self._deliver(taken, deliver)
        return delivered

    def _deliver(self, file: Path, deliver: Callable[[Batch], None]) -> int:
        delivered = 0
        try:
            with file.open("rb") as handle:
                for batch in frames.read(handle, f"{self.name}-{file.stem}"):
                    deliver(batch)
                    delivered += 1
        except frames.DamagedError as error:
            self.damaged.append(str(error))
            file.rename(file.with_suffix(".damaged"))  # kept for whoever wants to look
        else:
            file.unlink()
        return delivered

    def is_empty(self) -> bool:
        return not any(entry.suffix in (READY, TAKEN) for entry in self._path.iterdir())

    def backlog(self) -> tuple[int, int]:
        """Files and bytes that wait."""
        sizes = []
        for file in directory.waiting(self._path):
            try:
                sizes.append(file.stat().st_size)
            except FileNotFoundError:
                continue
        return len(sizes), sum(sizes)

    def close(self) -> None:
        os.close(self._lock)
