"""The store as the API holds it: its one writer, unless the sensor's keeper is that."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from sensor.errors import StoreError
from sensor.intake.keep import keep
from sensor.keeper.client import KeeperStore
from sensor.store import open_beside, open_saying
from sensor.store.bounds import beside_others

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Generator, Iterable, Mapping

    from sensor.config import Config
    from sensor.intake.lines import Batch
    from sensor.store import Reading, Saying


class Owner:
    """`news` is set when drift came that was not joined with alerts yet. StoreError or InputError: it cannot open."""

    def __init__(self, location: str, config: Config) -> None:
        self.location = location
        store, layout = config.store, config.layout()
        self._store: Saying = open_saying(location, store.database, config.sensor.name, layout, make=True)
        self._writing = threading.Lock()
        self.news = threading.Event()
        self.owns = not isinstance(self._store, KeeperStore)
        bounds = beside_others(config.console.query_seconds)
        if isinstance(self._store, KeeperStore):
            asking, hunting = self._store, self._store.bounded(bounds)
            self._pages, self._hunts = _Line(lambda: asking), _Line(lambda: hunting, bounds.seconds)
            return
        self._pages = _Line(lambda: open_beside(location, store.database))
        self._hunts = _Line(lambda: open_beside(location, store.database, bounds), bounds.seconds)
        try:
            self._pages.open()
        except BaseException:
            self._store.close()
            raise

    def keep(self, case: str, batch: Batch) -> Counter[str]:
        """Stores what is new of it; durable when this returns."""
        with self._writing:
            kept = keep(self._store, case, batch, time.time_ns())
        if kept["drift"]:
            self.news.set()
        return kept

    def record(self, table: str, case: str, rows: Iterable[Mapping[str, object]]) -> None:
        with self._writing:
            self._store.record(table, case, rows)

    def query(self, sql: str, fmt: str, *, final: bool = True) -> Generator[bytes]:
        """A question of our own. InputError: wrong SQL, or more than reading."""
        yield from self._pages.ask(sql, fmt, final=final)

    def hunt(self, sql: str, fmt: str) -> Generator[bytes]:
        """A question that somebody wrote, however heavy: bounded in time, on a way of its own, so that no page waits
        for its answer. StoreError too where others take all the time there is."""
        yield from self._hunts.ask(sql, fmt)

    def close(self) -> None:
        with self._writing:
            self._hunts.close()
            self._pages.close()
            self._store.close()


class _Line:
    """A connection, opened at the first question; questions wait for each other, `patience` seconds at most."""

    def __init__(self, opened: Callable[[], Reading], patience: float = -1) -> None:
        self._opened, self._patience = opened, patience
        self._reading: Reading | None = None
        self._turn = threading.Lock()

    def open(self) -> Reading:
        self._reading = self._reading or self._opened()
        return self._reading

    def ask(self, sql: str, fmt: str, *, final: bool = True) -> Generator[bytes]:
        if not self._turn.acquire(timeout=self._patience):
            raise StoreError(f"others' questions took all of {self._patience:.0f} s; ask again in a while")
        try:
            pieces = list(self.open().query(sql, fmt, final=final))
        finally:
            self._turn.release()
        yield from pieces

    def close(self) -> None:
        with self._turn:
            if self._reading is not None:
                self._reading.close()
