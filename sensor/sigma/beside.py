"""Rules beside what runs: after a replay, and live every few minutes."""

from __future__ import annotations

import threading
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, cast

from sensor.case_name import LIVE
from sensor.errors import DriftspanError
from sensor.service.log import say
from sensor.sigma.rules import load
from sensor.sigma.run import detect, keep
from sensor.store import open_beside

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sensor.config import Config
    from sensor.sigma.rules import Rule
    from sensor.store import Reading, Saying

# What a rule matches on a day is one alert, so that the whole day is asked for; for an hour also the day before.
_TODAY = "toStartOfDay(now64(9, 'UTC') - INTERVAL 1 HOUR)"


def after_replay(config: Config, rules: list[Rule], where: str, case: str, store: Saying) -> int:
    """Gives how many alerts the rules raised. `store`: the one that the replay wrote, still open."""
    if not rules:
        return 0
    with closing(open_beside(where, config.store.database)) as reading:
        found = detect(reading, rules, say, case)
    keep(store, found)
    return len(found)


class Watch:
    """A thread that asks the store of a running sensor. `opened`: gives the keeper."""

    def __init__(self, config: Config, opened: Callable[[], Reading], say: Callable[[str, str], None]) -> None:
        self._rules = load(config.sigma)
        self._seconds = config.sigma.minutes * 60.0
        self._opened, self._say = opened, say
        self._over = threading.Event()
        self._trouble = ""
        self._told: set[str] = set()
        self._thread = threading.Thread(target=self._run, name="sigma", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def _run(self) -> None:
        while not self._over.wait(self._seconds):
            try:
                self.look()
                self._trouble = ""
            except DriftspanError as error:
                if str(error) != self._trouble:
                    self._trouble = str(error)
                    self._say(
                        f"Sigma rules: {error}; they are asked again in {self._seconds / 60:g} minutes", "warning"
                    )

    def look(self) -> int:
        with closing(self._opened()) as store:
            found = detect(store, self._rules, self._tell, LIVE, _TODAY)
            keep(cast("Saying", store), found)
        return len(found)

    def _tell(self, sentence: str) -> None:
        """Once, and not at every look; how many more they are by then is no news."""
        rule = sentence.partition(" matched ")[0]
        if rule not in self._told:
            self._told.add(rule)
            self._say(sentence, "warning")

    def end(self) -> None:
        self._over.set()
        if self._thread.is_alive():
            self._thread.join(5)


@contextmanager
def watching(config: Config, opened: Callable[[], Reading], say: Callable[[str, str], None]) -> Iterator[None]:
    """InputError, before anything runs, for a rule that cannot be."""
    if not config.sigma.enabled:
        yield
        return
    watch = Watch(config, opened, say)
    watch.start()
    try:
        yield
    finally:
        watch.end()
