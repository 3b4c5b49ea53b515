"""Carved packets as pcapng, written as they come: each says which alerts it decides."""

from __future__ import annotations

import os
import tempfile
from hashlib import sha256
from pathlib import Path
from typing import IO, TYPE_CHECKING

from sensor.errors import DriftspanError, InputError
from sensor.evidence import slices

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from sensor.carving import Packet


class Written:
    """What was written: packets, bytes of the file, its SHA-256, times of the first and the last packet."""

    def __init__(self) -> None:
        self.packets = self.size = self.first = self.last = 0
        self.sha256 = ""


def pcapng(
    file: IO[bytes],
    packets: Iterator[Packet],
    names: Sequence[str],
    title: str,
    decides: Mapping[tuple[int, int], list[str]],
) -> Written:
    """`names` of the captures, in their order. `decides`: alerts that a frame decides, by capture and number. An
    interface is described when its first packet comes."""
    told, digest = Written(), sha256()

    def put(data: bytes) -> None:
        digest.update(data)
        file.write(data)
        told.size += len(data)

    put(slices.head(title))
    interfaces: dict[tuple[int, int], int] = {}
    for ts, capture, frame, link, length, data in packets:
        key = (capture, link)
        if key not in interfaces:
            interfaces[key] = len(interfaces)
            put(slices.interface(names[capture], link))
        alerts = decides.get((capture, frame), ())
        comment = f"frame {frame} of {names[capture]}" + (f": decides alert {', '.join(alerts)}" if alerts else "")
        put(slices.packet(interfaces[key], ts, length, data, comment))
        told.packets += 1
        told.first = told.first or ts
        told.last = max(told.last, ts)
    if not interfaces:
        put(slices.interface("", 1))
    told.sha256 = digest.hexdigest()
    return told


def into(path: Path, write: Callable[[IO[bytes]], Written], *, force: bool) -> Written:
    """The file appears under its name when it is whole. It may hold passwords: only its owner can read it."""
    if path.is_dir():
        raise InputError(f"{path}: is a directory; name a file with --output")
    if path.exists() and not force:
        raise InputError(f"{path}: is there already; name another, or say --force")
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    except OSError as error:
        raise DriftspanError(f"{path}: cannot be written: {error.strerror}") from None
    draft = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            told = write(file)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise DriftspanError(f"{path}: cannot be written: {error.strerror}") from None
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    return told
