"""The directory of an embedded store: may it be used, and if not, what is in the way."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from sensor.errors import InputError, StoreError

_LOCK = "status"  # chDB holds an flock on this file as long as the store is open
# What chDB puts into its directory. A process killed while it made a store leaves some of them.
_OWN = {"data", "metadata", "metadata_dropped", "store", "tmp", "flags", "user_files", "format_schemas", "uuid", _LOCK}


def check_existing(path: Path) -> None:
    """Refuses what holds no store, so that a question never makes one."""
    if not path.exists():
        raise InputError(f"{path}: there is no store; 'driftspan replay CAPTURE --store {path}' makes one")
    _check_directory(path)
    if not (path / "metadata").is_dir():
        raise InputError(f"{path}: this directory holds no store; name the one that 'driftspan replay' wrote")
    check_free(path)


def prepare(path: Path) -> None:
    """Makes the directory, or refuses one that cannot become a store."""
    if path.exists():
        _check_directory(path)
        if not {entry.name for entry in path.iterdir()} <= _OWN:
            raise InputError(f"{path}: this directory holds other files; name an empty or new one for the store")
    else:
        try:
            path.mkdir(parents=True)
        except OSError as error:
            raise StoreError(f"{path}: the store cannot be made: {error.strerror}") from None
    check_free(path)


def _check_directory(path: Path) -> None:
    if not path.is_dir():
        raise InputError(f"{path}: is a file; the store is a directory, name another with --store")
    if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
        raise StoreError(f"{path}: the store may not be read and written by this user; mend its permissions")


def check_free(path: Path) -> None:
    """Refuses a store that another process has open, naming the process where it can be found."""
    lock = path / _LOCK
    try:
        handle = os.open(lock, os.O_RDONLY)
    except FileNotFoundError:
        return
    except OSError as error:
        raise StoreError(f"{lock}: cannot be opened: {error.strerror}") from None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        holder = _holder(os.fstat(handle).st_ino)
        who = f"process {holder}" if holder else "another process"
        raise StoreError(f"{path}: {who} has this store open; wait for it to end, or stop it") from None
    finally:
        os.close(handle)


def _holder(inode: int) -> str:
    """The PID and command of the process that holds a lock on the inode; empty: not found."""
    try:
        lines = Path("/proc/locks").read_text().splitlines()
    except OSError:
        return ""
    for line in lines:
        # 1: FLOCK  ADVISORY  WRITE 7298 fe:00:9978087 0 EOF
        words = line.split()
        if len(words) > 5 and words[1] == "FLOCK" and words[5].rpartition(":")[2] == str(inode):
            try:
                command = Path(f"/proc/{words[4]}/comm").read_text().strip()
            except OSError:
                return words[4]
            return f"{words[4]} ({command})"
    return ""
