"""The exports of the configuration, a thread each, beside whatever runs."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sensor.errors import StoreError
from sensor.export.cursor import Cursor, folder
from sensor.export.follow import Follow
from sensor.export.job import check
from sensor.store.server.place import is_server

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence

    from sensor.export.entry import ExportEntry
    from sensor.export.ways import Way
    from sensor.store import Reading

_PATIENCE = 20.0  # seconds that a message under way has when the program ends


class Exports:
    """InputError, before anything is sent, for what cannot work. `location`: the store; the cursors are beside it."""

    def __init__(
        self,
        entries: Sequence[ExportEntry],
        location: str,
        reading: Callable[[], Reading],
        say: Callable[[str, str], None],
    ) -> None:
        self._say = say
        self._held: list[Way | Cursor] = []
        self._follows: list[Follow] = []
        try:
            for entry in entries:
                job = entry.job()
                check(job)
                way = job.way(follow=True)
                self._held.append(way)
                cursor = Cursor(folder(location) / f"{entry.name}.json")
                self._held.append(cursor)
                self._follows.append(Follow(job, way, cursor, reading, say))
        except BaseException:
            self.close()
            raise
        self._threads = [threading.Thread(target=self._run, args=(f,), name="export") for f in self._follows]

    def start(self) -> None:
        for thread in self._threads:
            thread.daemon = True  # a receiver that hangs does not keep the program
            thread.start()

    def _run(self, follow: Follow) -> None:
        try:
            follow.run()
        except Exception as error:  # noqa: BLE001  one export that fails must not end the sensor
            self._say(f"export {follow.name} ends: unexpected {type(error).__name__}: {error}", "error")

    def end(self) -> None:
        for follow in self._follows:
            follow.end()
        for thread in self._threads:
            thread.join(_PATIENCE)
        self.close()

    def close(self) -> None:
        for one in self._held:
            one.close()


@contextmanager
def exporting(
    entries: Sequence[ExportEntry], location: str, reading: Callable[[], Reading], say: Callable[[str, str], None]
) -> Iterator[None]:
    exports = Exports(entries, location, reading, say)
    exports.start()
    try:
        yield
    finally:
        exports.end()


def of_keeper(location: str, database: str) -> Callable[[], Reading]:
    """Of the store that a running sensor writes to: this process must not open one itself."""

    def opened() -> Reading:
        from sensor.keeper.client import keeper_of
        from sensor.store import open_reading

        if is_server(location):
            return open_reading(location, database)
        keeper = keeper_of(location)
        if keeper is None:
            raise StoreError(f"{location}: the process that keeps the store does not answer")
        return keeper

    return opened


class Held:
    """A store that somebody else closes."""

    def __init__(self, store: Reading) -> None:
        self._store = store

    def query(self, sql: str, fmt: str, *, final: bool = True) -> Generator[bytes]:
        return self._store.query(sql, fmt, final=final)

    def close(self) -> None:
        """It is not ours."""
