"""What `driftspan serve` does besides answering: follow files, and join new drift with alerts, once a window."""

from __future__ import annotations

import os
import signal
import threading
import time
from typing import TYPE_CHECKING

from sensor.case_name import LIVE
from sensor.errors import DriftspanError
from sensor.intake.lines import DRIFT, INFERENCE, Batch
from sensor.intake.tail import Tail

if TYPE_CHECKING:
    from collections.abc import Callable

    from sensor.api.owner import Owner
    from sensor.config import Config

MOST_WAITING = 100_000  # records; while the store fails no more are read than these
MOST_SAID = 1000  # sentences that are remembered, so that none is said twice


class Passes(threading.Thread):
    """`join`: joins drift of the store with alerts, and gives how many incidents changed; called only when drift came.
    `say`: takes a sentence for the log."""

    def __init__(self, owner: Owner, config: Config, join: Callable[[], int], say: Callable[[str], None]) -> None:
        super().__init__(name="passes", daemon=True)
        models = [model.id for model in config.models]
        self._owner, self._join, self._say = owner, join, say
        self._every = config.capture.window_seconds
        self._tails = [Tail(DRIFT, config.intake.drift, models), Tail(INFERENCE, config.intake.inference, models)]
        self._over = threading.Event()
        self._said: set[str] = set()
        self._waiting = Batch()  # read and not stored yet
        self.failed: BaseException | None = None

    def run(self) -> None:
        try:
            self._go_on()
        except BaseException as error:  # noqa: BLE001  raised by the thread that waits for this one
            self.failed = error
            os.kill(os.getpid(), signal.SIGTERM)

    def _go_on(self) -> None:
        while True:
            begun = time.monotonic()
            try:
                self._pass()
            except DriftspanError as error:
                self._once(str(error))
                self._owner.news.set()  # what was not joined is tried again
            if self._over.wait(max(0.05, self._every - (time.monotonic() - begun))):
                break
        for tail in self._tails:
            tail.close()

    def end(self) -> None:
        """Waits for the pass under way; what went wrong is raised here."""
        self._over.set()
        self.join()
        if self.failed is not None:
            raise self.failed

    def _pass(self) -> None:
        for tail in self._tails if len(self._waiting) < MOST_WAITING else ():
            batch = tail.look(time.time_ns())
            for reject in batch.rejects[:1]:
                self._once(reject.said)
            for sentence in tail.troubles:
                self._once(sentence)
            self._waiting.add(batch)
        if len(self._waiting) or self._waiting.rejects:
            self._owner.keep(LIVE, self._waiting)
            self._waiting = Batch()
        if self._owner.news.is_set():
            self._owner.news.clear()
            changed = self._join()
            if changed:
                self._say(f"{changed} incidents are new or say more")

    def _once(self, sentence: str) -> None:
        if sentence not in self._said and len(self._said) < MOST_SAID:
            self._said.add(sentence)
            self._say(sentence)
