"""How far an export came, in a file. What was saved survives `kill -9`."""

from __future__ import annotations

import fcntl
import os
import re
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from sensor.errors import DriftspanError, InputError
from sensor.store.literal import quote

if TYPE_CHECKING:
    from typing import IO

    from sensor.export.job import Job

_FORM = 1
_PLAIN = re.compile(r"[^A-Za-z0-9.-]+")
Mark = tuple[str, str, str]  # when the last row that was sent was stored, its case, its id


class Cursor:
    """Held by one export at a time. InputError where the file is none, or another export has it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._marks: dict[str, Mark] = {}
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._lock: IO[str] = path.with_name(f"{path.name}.lock").open("w")
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._lock.close()
            raise InputError(f"{path}: another export goes on from this cursor; name another with --cursor") from None
        except OSError as error:
            raise InputError(f"{path}: cannot be written: {error.strerror}; --cursor names another file") from None
        try:
            self._read()
        except BaseException:
            self._lock.close()
            raise

    def _read(self) -> None:
        if not self.path.exists():
            return
        try:
            found = orjson.loads(self.path.read_bytes())
            marks = {_FORM: found["marks"]}[found["form"]]
            self._marks = {kind: (str(m[0]), str(m[1]), str(m[2])) for kind, m in marks.items()}
        except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError):
            raise InputError(
                f"{self.path}: is no cursor of an export; remove it to begin anew, or name another with --cursor"
            ) from None

    def after(self, kind: str, column: str) -> str:
        """The condition for rows that were not sent. `column`: the id's."""
        if kind not in self._marks:
            return "1"
        stored, case, identity = self._marks[kind]
        moment = f"toDateTime64({quote(stored)}, 9, 'UTC')"
        return f"(stored, case_id, {column}) > ({moment}, {quote(case)}, {quote(identity)})"

    def move(self, kind: str, mark: Mark) -> None:
        """Durable when this returns."""
        self._marks[kind] = mark
        draft = self.path.with_name(f"{self.path.name}.draft")
        try:
            with draft.open("wb") as out:
                out.write(orjson.dumps({"form": _FORM, "marks": self._marks}) + b"\n")
                out.flush()
                os.fsync(out.fileno())
            draft.replace(self.path)
            folder = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as error:
            raise DriftspanError(f"{self.path}: how far the export came cannot be kept: {error.strerror}") from None

    def close(self) -> None:
        self._lock.close()


def default_cursor(store: str, job: Job) -> Path:
    """Beside the store, named by format and place: two exports do not share one."""
    place = job.syslog or job.webhook or job.output or "stdout"
    name = _PLAIN.sub("_", place).strip("_")[-80:]
    digest = blake2b(place.encode(), digest_size=4).hexdigest()
    return folder(store) / f"{job.to}-{name}-{digest}.json"


def folder(store: str) -> Path:
    """Where cursors are, of a store that is a directory; of a server they are where the program runs."""
    return Path("driftspan-exports" if "://" in store else f"{store.rstrip('/')}-exports")
