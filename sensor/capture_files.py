"""The captures that paths, folders and patterns name."""

from __future__ import annotations

import glob
import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from sensor.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

# The first bytes of what may be a capture: pcap in its variants, pcapng, gzip, zstd.
_BEGINNINGS = (
    b"\xa1\xb2\xc3\xd4", b"\xd4\xc3\xb2\xa1", b"\xa1\xb2\x3c\x4d", b"\x4d\x3c\xb2\xa1", b"\xa1\xb2\xcd\x34",
    b"\x34\xcd\xb2\xa1", b"\x0a\x0d\x0d\x0a", b"\x1f\x8b", b"\x28\xb5\x2f\xfd",
)  # fmt: skip
_MOST_NAMED = 5


class Stamp(NamedTuple):
    """Of a file: bytes, and time of the last change in nanoseconds. Zeros: it is no file, or not there."""

    size: int
    modified: int


def stamp(path: str) -> Stamp:
    try:
        found = Path(path).stat()
    except OSError:
        return Stamp(0, 0)
    return Stamp(found.st_size, found.st_mtime_ns) if Path(path).is_file() else Stamp(0, 0)


def expanded(paths: Sequence[str], say: Callable[[str], None]) -> list[str]:
    """Files of folders (with those below) and of patterns in the order of their names; other paths as they are, each
    once. In a folder what does not begin as a capture is passed over, which is said."""
    found: dict[str, None] = {}
    for path in paths:
        found |= dict.fromkeys(_of(path, say))
    return list(found)


def _of(path: str, say: Callable[[str], None]) -> list[str]:
    if path == "-" or Path(path).is_file():
        return [path]
    if Path(path).is_dir():
        return _of_folder(path, say)
    if glob.has_magic(path) and not Path(path).exists():
        names = sorted(glob.glob(path, recursive=True))  # noqa: PTH207  an absolute pattern too
        if not names:
            raise InputError(f"{path}: no file has such a name; check the pattern")
        return [name for name in names if not Path(name).is_dir()]
    return [path]


def _of_folder(path: str, say: Callable[[str], None]) -> list[str]:
    names = sorted(_below(path))
    captures = [name for name in names if _begins_as_one(name)]
    others = [name for name in names if name not in set(captures)]
    if not captures:
        raise InputError(f"{path}: no capture lies in this folder; name another, or the captures themselves")
    if others:
        named = ", ".join(os.path.relpath(name, path) for name in others[:_MOST_NAMED])
        more = f" and {len(others) - _MOST_NAMED} more" if len(others) > _MOST_NAMED else ""
        say(f"{path}: passed over, as they do not begin like captures: {named}{more}")
    return captures


def _below(path: str) -> Iterator[str]:
    def fail(error: OSError) -> None:
        raise InputError(f"{error.filename}: cannot be read: {error.strerror}; let this user read it") from None

    for folder, _, names in os.walk(path, onerror=fail):
        yield from (str(Path(folder) / name) for name in names if not name.startswith("."))


def _begins_as_one(name: str) -> bool:
    if not Path(name).is_file():
        return False
    try:
        with Path(name).open("rb") as file:
            return file.read(4).startswith(_BEGINNINGS)
    except OSError:
        return True  # the reader says what is wrong with it
