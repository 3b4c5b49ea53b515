"""Files that are followed beside everything else: what was added goes into the store, once a window."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from sensor.errors import DriftspanError
from sensor.intake.lines import DRIFT, INFERENCE, Batch
from sensor.intake.tail import Tail

if TYPE_CHECKING:
    from collections.abc import Callable

    from sensor.config import Config

MOST_WAITING = 100_000  # records; while the store fails no more are read than these
MOST_SAID = 1000  # sentences that are remembered, so that none is said twice


class Follower(threading.Thread):
    """`keep` stores a batch, durably; StoreError: it is tried again. `after` is called at each pass, whatever came;
    `failed` where an error is no sentence: then nothing is followed any more. `say` takes a sentence for the log."""

    def __init__(
        self,
        config: Config,
        keep: Callable[[Batch], object],
        say: Callable[[str], None],
        after: Callable[[], object] = lambda: None,
        failed: Callable[[BaseException], object] = lambda _: None,
    ) -> None:
        super().__init__(name="follower", daemon=True)
        models = [model.id for model in config.models]
        self._keep, self._say, self._after, self._failed = keep, say, after, failed
        self._every = config.capture.window_seconds
        self._tails = [Tail(DRIFT, config.intake.drift, models), Tail(INFERENCE, config.intake.inference, models)]
        self._over = threading.Event()
        self._said: set[str] = set()
        self._waiting = Batch()  # read and not stored yet
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            self._go_on()
        except BaseException as error:  # noqa: BLE001  a thread has nobody above it who could catch anything
            self.error = error
            self._say(f"files are not followed any more: unexpected {type(error).__name__}: {error}")
            self._failed(error)

    def _go_on(self) -> None:
        while True:
            begun = time.monotonic()
            try:
                self._pass()
            except DriftspanError as error:
                self._once(str(error))
            if self._over.wait(max(0.05, self._every - (time.monotonic() - begun))):
                break
        for tail in self._tails:
            tail.close()

    def end(self) -> None:
        """Waits for the pass under way."""
        self._over.set()
        self.join()

    def _pass(self) -> None:
        for tail in self._tails if len(self._waiting) < MOST_WAITING else ():
            batch = tail.look(time.time_ns())
            for reject in batch.rejects[:1]:
                self._once(reject.said)
            for sentence in tail.troubles:
                self._once(sentence)
            self._waiting.add(batch)
        if len(self._waiting) or self._waiting.rejects:
            self._keep(self._waiting)
            self._waiting = Batch()
        self._after()

    def _once(self, sentence: str) -> None:
        if sentence not in self._said and len(self._said) < MOST_SAID:
            self._said.add(sentence)
            self._say(sentence)
