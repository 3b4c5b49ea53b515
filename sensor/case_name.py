"""The name of a case where none is given: from the captures' names, the same whenever they are replayed."""

from __future__ import annotations

from hashlib import blake2b
from pathlib import PurePath
from typing import TYPE_CHECKING

from sensor.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

_SUFFIXES = (".gz", ".zst", ".pcap", ".pcapng", ".cap", ".dmp")
_LONGEST = 128
LIVE = "live"


def case_name(captures: Sequence[str]) -> str:
    """`plant` for plant.pcap.gz; of several the first's, their number and a hash of all names."""
    names = [_stem(capture) for capture in captures]
    name = names[0]
    if len(names) > 1:
        digest = blake2b("\0".join(sorted(names)).encode("utf-8", "surrogateescape"), digest_size=4).hexdigest()
        name = f"{min(names)}-and-{len(names) - 1}-more-{digest}"
    name = "".join(char if char.isprintable() else "_" for char in name)[:_LONGEST]
    return f"{name}-capture" if name == LIVE else name


def _stem(capture: str) -> str:
    if capture == "-":
        return "stdin"
    name = PurePath(capture).name
    while PurePath(name).suffix.lower() in _SUFFIXES and PurePath(name).stem:
        name = PurePath(name).stem
    return name


def check_case(name: str) -> str:
    if not name or len(name) > _LONGEST or not name.isprintable():
        raise InputError(f"--case must be 1 to {_LONGEST} printable characters")
    if name == LIVE:
        raise InputError(f"--case {LIVE} is kept for what the sensor sees itself; choose another name")
    return name
