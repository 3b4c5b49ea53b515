"""How far a replay came, so that one that was interrupted goes on there.

A checkpoint is taken between two windows: what waits is written to the store, then the state to a file beside it. On
resumption captures are read again from their start, which gives the packet path its flows back; windows up to the
checkpoint go nowhere, and from there on detectors go on with their state.

No row is stored twice. Every batch has a token of the checkpoint it comes after, its table and its number, and the
store knows the tokens it took last. That only holds if batches are cut at the same windows again: where the next
checkpoint is to be is durable before anything is written for it, and whoever resumes takes it there and nowhere else.
"""

from __future__ import annotations

import gzip
import os
import shutil
import zlib
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from sensor.chosen import EVERY
from sensor.errors import DriftspanError, InputError
from sensor.evidence.keeping import local
from sensor.evidence.shelf import folder_of

if TYPE_CHECKING:
    from collections.abc import Mapping

SUFFIX = "-resume"  # behind the store's name
VERSION = 1
END = -1  # in place of a number of windows: no checkpoint before the end
_STATE, _NEXT = "state", "next"
_LEVEL = 1


@dataclass(slots=True)
class State:
    """`nonce`: of the run, in its tokens. `windows`: done by then. `after`: where the next checkpoint was to be, in
    windows; 0: not known yet. `told`: of the replay, `pipeline`: of the detectors."""

    about: str
    nonce: str
    number: int
    windows: int
    told: dict[str, Any] = field(default_factory=dict)
    pipeline: dict[str, Any] = field(default_factory=dict)
    after: int = 0


class Checkpoints:
    """Of one case. `about`: a digest of everything that the result depends on."""

    def __init__(self, store: str, case: str, about: Mapping[str, object], every: float = EVERY) -> None:
        self.folder = Path(f"{local(store)}{SUFFIX}") / folder_of(case)
        self.case, self.every = case, every
        self.about = sha256(orjson.dumps(about, option=orjson.OPT_SORT_KEYS, default=str)).hexdigest()

    def load(self) -> State | None:
        """None: there is nothing to go on with. InputError: what is there is of another replay, or was altered."""
        path = self.folder / _STATE
        try:
            head, _, rest = gzip.decompress(path.read_bytes()).partition(b"\n")
            if head.decode() != f"{VERSION} {sha256(rest).hexdigest()}":
                raise self._refused("was altered, or written by another version")
            state = State(**orjson.loads(rest))
        except FileNotFoundError:
            return None
        except (OSError, EOFError, zlib.error, UnicodeDecodeError, orjson.JSONDecodeError, TypeError):
            raise self._refused("cannot be read") from None
        if state.about != self.about:
            raise self._refused("is of other captures, options, configuration or program")
        try:
            number, after = map(int, (self.folder / _NEXT).read_text().split())
        except (OSError, ValueError):
            return state
        if number == state.number + 1:
            state.after = after
        return state

    def _refused(self, why: str) -> InputError:
        return InputError(
            f"{self.folder}: the state of the interrupted replay of case {self.case!r} {why}; leave out --resume to "
            "begin anew"
        )

    def intend(self, number: int, windows: int) -> None:
        self._write(_NEXT, f"{number} {windows}\n".encode())

    def save(self, state: State) -> None:
        body = orjson.dumps(asdict(state), default=str)
        head = f"{VERSION} {sha256(body).hexdigest()}\n".encode()
        self._write(_STATE, gzip.compress(head + body, _LEVEL, mtime=0))

    def _write(self, name: str, data: bytes) -> None:
        draft = self.folder / f"{name}.draft"
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with draft.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(self.folder / name)
            handle = os.open(self.folder, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
        except OSError as error:
            raise DriftspanError(f"{self.folder}: the state cannot be written: {error.strerror}") from None

    def clear(self) -> None:
        """Nothing is to be resumed any more."""
        shutil.rmtree(self.folder, ignore_errors=True)
