"""Signed heads on their way to where they are kept besides: files (of another machine, mounted) and syslog receivers.

Each head commits to all that earlier ones of its stream did, so only the latest has to arrive: a place that is away
gets it with the next. A thread of its own tells them; nothing waits for a network.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import orjson

from sensor.errors import DriftspanError
from sensor.ledger.note import parse
from sensor.service.log import say

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sensor.export.record import Record
    from sensor.export.ways import Way
    from sensor.ledger.config import LedgerSection

_AGAIN = 10.0  # seconds between two tries
_LAST = 5.0  # seconds that the end waits for


@dataclass(frozen=True, slots=True)
class _About:
    """What syslog's header says of a head."""

    last: int
    what: str = "ledger-head"
    severity: str = "info"


def send(place: str, checkpoints: Iterable[str], section: LedgerSection) -> None:
    """InputError: this is no such place; AwayError: nobody is there."""
    from sensor.export.ways import Message
    from sensor.export.ways.file import Lines
    from sensor.export.ways.syslog import Syslog, Trust, target

    about = cast("Record", _About(time.time_ns()))
    way: Way
    if "://" in place:
        way = Syslog(target(place), Trust(section.ca, section.certificate, section.certificate_key))
        data = [orjson.dumps({"checkpoint": text}) for text in checkpoints]
    else:
        way = Lines(place, append=True)
        data = [text.encode() for text in checkpoints]  # a line end follows: notes stand apart
    try:
        way.send([Message(about, each) for each in data])
    finally:
        way.close()


class Witness:
    def __init__(self, section: LedgerSection) -> None:
        self._section = section
        self._news = threading.Condition()
        self._waiting: dict[str, dict[str, str]] = {place: {} for place in section.heads}
        self._failing: dict[str, str] = {}
        self._over = False
        self._thread: threading.Thread | None = None

    def tell(self, checkpoints: Iterable[str]) -> None:
        if not self._waiting:
            return
        latest = {parse(text).origin: text for text in checkpoints}
        with self._news:
            for waits in self._waiting.values():
                waits.update(latest)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="ledger-heads", daemon=True)
                self._thread.start()
            self._news.notify()

    def _run(self) -> None:
        while True:
            with self._news:
                if not any(self._waiting.values()):
                    if self._over:
                        return
                    self._news.wait()
                told = {place: dict(waits) for place, waits in self._waiting.items() if waits}
            for place, heads in told.items():
                self._send(place, heads)
            with self._news:
                if self._over:
                    return  # what could not go now goes with the next head
                if any(self._waiting.values()):
                    self._news.wait(_AGAIN)

    def _send(self, place: str, heads: dict[str, str]) -> None:
        from sensor.export.ways import AwayError

        try:
            send(place, heads.values(), self._section)
        except (AwayError, DriftspanError) as error:
            if self._failing.get(place) != str(error):
                say(f"{error}; the ledger's heads go there later", "warning")
            self._failing[place] = str(error)
            return
        self._failing.pop(place, None)
        with self._news:
            waits = self._waiting[place]
            for name, text in heads.items():
                if waits.get(name) == text:
                    del waits[name]

    def end(self) -> None:
        with self._news:
            self._over = True
            self._news.notify()
        if self._thread is not None:
            self._thread.join(_LAST)
