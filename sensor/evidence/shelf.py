"""The directory of slices: `<case>/<alert_id>.pcapng`, beside each a file that says what the alert's row says of it.

What has its name is whole: drafts are made durable first and then named. Ages are by the clock of the machine, as
captures of any year may be replayed.
"""

from __future__ import annotations

import contextlib
import os
import time
from dataclasses import asdict, dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING
from urllib.parse import quote

import orjson

from sensor.spool.directory import sync

if TYPE_CHECKING:
    from collections.abc import Container
    from pathlib import Path

    from sensor.evidence.slices import Slice

PCAPNG, FACTS, DRAFT = ".pcapng", ".json", ".draft"
RING = ".ring"
_LONGEST = 200  # characters of a directory's name
_DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class Facts:
    """Columns of the alert."""

    evidence_file: str = ""
    evidence_sha256: str = ""
    evidence_packets: int = 0
    evidence_frames: tuple[int, ...] = ()
    evidence_note: str = ""


class Shelf:
    """The slices of one case. OSError where the directory cannot be used."""

    def __init__(self, root: Path, case: str) -> None:
        self.root, self._name = root, folder_of(case)
        self._folder = root / self._name

    def open(self, *, anew: bool = False) -> None:
        """Makes the directory, and removes what a kill left half; `anew`: everything of the case."""
        self._make()
        for entry in self._folder.iterdir():
            if anew or entry.suffix == DRAFT:
                entry.unlink()

    def _make(self) -> None:
        for folder in (self.root, self._folder):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def put(self, alert_id: str, made: Slice) -> Facts:
        """Durable when this returns."""
        self._make()  # it may have been removed by hand meanwhile
        name = f"{alert_id}{PCAPNG}"
        facts = Facts(f"{self._name}/{name}", made.sha256, made.packets, made.frames, made.note)
        for file, data in ((f"{alert_id}{FACTS}", orjson.dumps(asdict(facts))), (name, made.data)):
            self._write(file, data)
        sync(self._folder)
        return facts

    def _write(self, name: str, data: bytes) -> None:
        draft = self._folder / f"{name}{DRAFT}"
        try:
            handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(self._folder / name)
        except OSError:
            with contextlib.suppress(OSError):
                draft.unlink(missing_ok=True)
            raise

    def facts(self, alert_id: str) -> Facts | None:
        """Of a slice that is there."""
        try:
            if not (self._folder / f"{alert_id}{PCAPNG}").is_file():
                return None
            told = orjson.loads((self._folder / f"{alert_id}{FACTS}").read_bytes())
            return Facts(**(told | {"evidence_frames": tuple(told["evidence_frames"])}))
        except (OSError, orjson.JSONDecodeError, TypeError, KeyError):
            return None

    def retain(self, days: float, most_bytes: int, spared: Container[str]) -> tuple[int, int]:
        """Removes slices of all cases that are too old, and the oldest while there are too many bytes; `spared` (alert
        ids) come last. Gives how many, and their bytes."""
        found = []
        for path in self.root.glob(f"*/*{PCAPNG}"):
            with contextlib.suppress(FileNotFoundError):
                about = path.stat()
                found.append((path.stem in spared, about.st_mtime, about.st_size, path))
        total, horizon = sum(size for _, _, size, _ in found), time.time() - days * _DAY
        count = freed = 0
        for kept, mtime, size, path in sorted(found):
            if total - freed <= most_bytes and (kept or mtime >= horizon):
                continue
            path.unlink(missing_ok=True)
            path.with_suffix(FACTS).unlink(missing_ok=True)
            count, freed = count + 1, freed + size
        return count, freed


def folder_of(case: str) -> str:
    """A case's directory: its name, as far as a directory can be called so."""
    name = quote(case, safe=" ()+,=@")
    name = f"%2E{name[1:]}" if name.startswith(".") else name
    if len(name) > _LONGEST:
        return f"{name[:100]}~{blake2b(case.encode(), digest_size=8).hexdigest()}"
    return name
