"""Secrets in files."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from sensor.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

_LONGEST = 4096


def first_line(path: Path, what: str) -> str:
    """InputError says why it cannot be had, or that others may read it."""
    try:
        with path.open("rb") as handle:
            mode = os.fstat(handle.fileno()).st_mode
            line = handle.readline(_LONGEST)
    except OSError as error:
        raise InputError(f"{path}: the {what} cannot be read: {error.strerror}") from None
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise InputError(f"{path}: others may read this {what}; chmod 600 mends that")
    try:
        return line.decode().strip()
    except UnicodeDecodeError:
        raise InputError(f"{path}: is no text; its first line is the {what}") from None
