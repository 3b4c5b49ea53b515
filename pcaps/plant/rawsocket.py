"""Sockets of another network namespace: a socket stays in the namespace in which it was opened."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_CLONE_NEWNET = 0x40000000


def _enter(descriptor: int) -> None:
    library = ctypes.CDLL(None, use_errno=True)  # os.setns is there only from Python 3.12 on
    if library.setns(descriptor, _CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")


@contextmanager
def inside(space: str) -> Iterator[None]:
    """The calling thread is in the namespace `space` of `ip netns` meanwhile."""
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    there = os.open(Path("/run/netns") / space, os.O_RDONLY)
    try:
        _enter(there)
        yield
    finally:
        _enter(home)
        os.close(there)
        os.close(home)
