"""The directory of a spool: its files, their order, whose it is."""

from __future__ import annotations

import errno
import fcntl
import os
import pwd
from secrets import token_hex
from typing import TYPE_CHECKING

from sensor.errors import StoreError
from sensor.spool import DRAFT, READY, TAKEN

if TYPE_CHECKING:
    from pathlib import Path

_NAME = "name"  # of this spool: tokens of different spools never meet
_LOCK = "lock"


def prepare(path: Path) -> str:
    """Makes the directory if there is none; gives the spool's name. StoreError where that cannot be."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        named = path / _NAME
        if not named.exists():
            draft = path / f"{_NAME}{DRAFT}"
            draft.write_text(token_hex(8))
            draft.replace(named)
            sync(path)
        return named.read_text().strip()
    except OSError as error:
        raise refused(path, error) from None


def refused(path: Path, error: OSError) -> StoreError:
    """The sentence for a spool that this process may not use."""
    text = f"{path}: the spool cannot be written: {error.strerror}"
    if error.errno in (errno.EACCES, errno.EPERM):
        text += f"; it belongs to {_owner(path)}, whom driftspan has to run as to use it"
    return StoreError(text)


def _owner(path: Path) -> str:
    try:
        number = path.stat().st_uid
    except OSError:
        return "another user"
    try:
        return f"the user {pwd.getpwuid(number).pw_name}"
    except KeyError:
        return f"the user with number {number}"


def lock(path: Path, who: str) -> int:
    """Keeps others of the same role away while the descriptor is open. StoreError if one is there."""
    try:
        handle = os.open(path / f"{who}.{_LOCK}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise refused(path, error) from None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        raise StoreError(f"{path}: another driftspan uses this spool; wait for it to end, or stop it") from None
    return handle


def sync(path: Path) -> None:
    """Makes names in a directory durable."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def waiting(path: Path) -> list[Path]:
    """Files to deliver, in order: those begun first, which are the oldest."""
    found = [entry for entry in path.iterdir() if entry.suffix in (READY, TAKEN)]
    return sorted(found, key=lambda entry: entry.stem)


def number(file: Path) -> int:
    """The commit that it is of."""
    return int(file.stem.partition("-")[0])
