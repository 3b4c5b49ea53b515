"""Telling systemd how it goes, where it has begun us (sd_notify(3))."""

from __future__ import annotations

import os
import socket

from sensor.service.log import say

_LEAST = 120.0  # seconds without a sign of life after which systemd may end a sensor; a checked keeper takes some
_WINDOWS = 4
ONCE = 5.0  # seconds that what is told once waits to be heard


def notify(*states: str, wait: float = 0.0) -> None:
    """As in `READY=1`; nothing happens where nobody wants to know. Whoever does not read what he is told must not keep
    a sensor from listening: what does not fit within `wait` seconds is dropped."""
    where = os.environ.get("NOTIFY_SOCKET")
    if not where:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
        out.settimeout(wait)
        try:
            out.sendto("\n".join(states).encode(), f"\0{where[1:]}" if where.startswith("@") else where)
        except (BlockingIOError, TimeoutError):
            pass
        except OSError as error:
            say(f"systemd cannot be told {states[0]}: {error.strerror}", "warning")


def ready(window_seconds: float) -> None:
    """The watchdog, if the unit has one, waits for some windows, however long they are: a sign of life comes with
    each."""
    states = ["READY=1"]
    if os.environ.get("WATCHDOG_USEC"):
        states.append(f"WATCHDOG_USEC={round(max(_LEAST, _WINDOWS * window_seconds) * 1e6)}")
    notify(*states, wait=ONCE)
