"""The store as the API holds it: its one writer, unless the sensor's keeper is that."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from sensor.intake.keep import keep
from sensor.keeper.client import KeeperStore
from sensor.store import open_beside, open_saying

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Generator, Iterable, Mapping

    from sensor.config import Config
    from sensor.intake.lines import Batch
    from sensor.store import Reading, Saying


class Owner:
    """`news` is set when drift came that was not joined with alerts yet. StoreError or InputError: it cannot open."""

    def __init__(self, location: str, config: Config) -> None:
        self.location = location
        layout = config.layout()
        self._store: Saying = open_saying(location, config.store.database, config.sensor.name, layout, make=True)
        self._writing, self._asking = threading.Lock(), threading.Lock()
        self.news = threading.Event()
        self.owns = not isinstance(self._store, KeeperStore)
        self._reading: Reading = self._store
        if self.owns:
            try:
                self._reading = open_beside(location, config.store.database)
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
        """A question of a user's. InputError: wrong SQL, or more than reading."""
        with self._asking:
            pieces = list(self._reading.query(sql, fmt, final=final))
        yield from pieces

    def close(self) -> None:
        with self._writing, self._asking:
            if self._reading is not self._store:
                self._reading.close()
            self._store.close()
