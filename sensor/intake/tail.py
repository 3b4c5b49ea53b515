"""Follows files and directories that grow: what was added since the last look, whole lines only.

A file that is renamed away is read to its end before its successor is begun; one that was cut begins anew. Of a line
without an end nothing is taken until it has one. A file that is one document (`.json`) is read when it changed.
"""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from sensor.intake.files import LINES, MOST_BYTES, WHOLE
from sensor.intake.lines import LONGEST_LINE, Batch, model_of, of_line, of_whole

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

MOST_FOLLOWED = 256  # files open at a time; more in a directory are counted and said
AT_ONCE = 8 << 20  # bytes of one file in one look


@dataclass(slots=True)
class _Followed:
    handle: IO[bytes]
    inode: int
    line: int = 0
    skipping: bool = False  # the rest of a line that was too long
    seen: tuple[int, int] = (0, -1)  # modified, size: of a file that is one document


class Tail:
    def __init__(self, kind: str, paths: Iterable[str], models: Collection[str] = ()) -> None:
        self._kind = kind
        self._paths = [Path(path) for path in paths]
        self._models = models
        self._files: dict[Path, _Followed] = {}
        self.troubles: Counter[str] = Counter()  # sentence: how often

    def look(self, now: int) -> Batch:
        """What came since. `now`: nanoseconds, the time of a report that names none."""
        found = Batch()
        for path in self._present():
            try:
                found.add(self._look_at(path, now))
            except OSError as error:
                self.troubles[f"{path}: cannot be read: {error.strerror}"] += 1
        for path in [path for path in self._files if not path.exists()]:
            found.add(self._lines(path, self._files[path], now))
            self._files.pop(path).handle.close()
        return found

    def close(self) -> None:
        for followed in self._files.values():
            followed.handle.close()
        self._files.clear()

    def _present(self) -> list[Path]:
        found: dict[Path, None] = {}
        for path in self._paths:
            if path.is_dir():
                inside = sorted(entry for entry in path.iterdir() if entry.suffix in (WHOLE, *LINES))
                found |= dict.fromkeys(entry for entry in inside if entry.is_file())
            elif path.is_file():
                found[path] = None
            else:
                self.troubles[f"{path}: there is no such file or directory yet"] += 1
        if len(found) > MOST_FOLLOWED:
            self.troubles[
                f"{len(found) - MOST_FOLLOWED} files are not followed: there are more than {MOST_FOLLOWED}"
            ] += 1
        return list(found)[:MOST_FOLLOWED]

    def _look_at(self, path: Path, now: int) -> Batch:
        found = Batch()
        followed = self._files.get(path)
        if followed is not None and path.stat().st_ino != followed.inode:
            found.add(self._lines(path, followed, now))
            followed.handle.close()
            followed = None
        if followed is None:
            handle = path.open("rb")
            followed = self._files[path] = _Followed(handle, os.fstat(handle.fileno()).st_ino)
        if path.suffix == WHOLE:
            found.add(self._whole(path, followed))
        else:
            if os.fstat(followed.handle.fileno()).st_size < followed.handle.tell():
                followed.handle.seek(0)
                followed.line, followed.skipping = 0, False
            found.add(self._lines(path, followed, now))
        return found

    def _whole(self, path: Path, followed: _Followed) -> Batch:
        status = os.fstat(followed.handle.fileno())
        state = (status.st_mtime_ns, status.st_size)
        if state == followed.seen:
            return Batch()
        followed.seen = state
        followed.handle.seek(0)
        data = followed.handle.read(MOST_BYTES + 1)
        if len(data) > MOST_BYTES:
            self.troubles[f"{path}: is larger than {MOST_BYTES >> 20} MiB"] += 1
            return Batch()
        return of_whole(self._kind, data, str(path), status.st_mtime_ns, model_of(path.name, self._models))

    def _lines(self, path: Path, followed: _Followed, now: int) -> Batch:
        found = Batch()
        if path.suffix == WHOLE:
            return found
        model = model_of(path.name, self._models)
        begin = followed.handle.tell()
        data = followed.handle.read(AT_ONCE)
        *lines, rest = data.split(b"\n")
        for line in lines:
            followed.line += 1
            if not followed.skipping:
                found.add(of_line(self._kind, line, f"{path}:{followed.line}", now, model))
            followed.skipping = False
        if len(rest) > LONGEST_LINE:
            if not followed.skipping:
                found.add(of_line(self._kind, rest, f"{path}:{followed.line + 1}", now, model))
            followed.skipping = True
            rest = b""
        followed.handle.seek(begin + len(data) - len(rest))
        return found
