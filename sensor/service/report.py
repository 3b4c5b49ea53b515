"""How a sensor that runs is: one set of facts for `driftspan status`, Prometheus and systemd.

The loop makes the facts anew with every window and hands them over; whoever asks gets the latest, and never waits for
the loop, nor the loop for anyone.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

import orjson

from sensor.service.log import say
from sensor.service.systemd import notify

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from sensor.service.metrics import Page

STATUS = "status.json"
Facts = dict[str, Any]


class Reporter:
    """`folder`: the spool's, where `driftspan status` looks. `backlog`: the spool's, asked at each status. `page`: of
    Prometheus, where one is wanted."""

    def __init__(self, folder: Path, backlog: Callable[[], Mapping[str, float]], page: Page | None = None) -> None:
        self._folder, self._backlog, self._page = folder, backlog, page
        self._packets, self._at = 0, time.monotonic()
        self._failed = ""

    def tell(self, facts: Facts) -> None:
        packets, now = sum(each["packets"] for each in facts["interfaces"]), time.monotonic()
        rate = max(0, packets - self._packets) / max(now - self._at, 1e-3)
        self._packets, self._at = packets, now
        facts = facts | {"packets_per_second": round(rate, 1), "rss_bytes": resident(os.getpid())}
        facts["keeper_rss_bytes"] = resident(facts["keeper_pid"])
        facts |= self._backlog()
        try:
            draft = self._folder / f"{STATUS}.new"
            draft.write_bytes(orjson.dumps(facts))
            draft.replace(self._folder / STATUS)
            if self._page is not None:
                self._page.publish(facts, self._backlog)
            self._failed = ""
        except OSError as error:  # a disk that is full now may have room again: the loop goes on
            text = f"{error.filename or self._folder}: the state cannot be written: {error.strerror}"
            if text != self._failed:
                say(text, "error")
            self._failed = text
        dropped = sum(each["dropped"] for each in facts["interfaces"])
        notify("WATCHDOG=1", f"STATUS={packets:,} packets, {dropped:,} dropped, {facts['learning']}")

    def end(self) -> None:
        (self._folder / STATUS).unlink(missing_ok=True)
        if self._page is not None:
            self._page.end()


def resident(pid: int) -> int:
    """Bytes of memory that a process holds (proc_pid_statm(5)); 0: there is no such process."""
    try:
        with open(f"/proc/{pid}/statm", "rb") as file:  # noqa: PTH123  a path of the kernel
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ProcessLookupError):
        return 0
