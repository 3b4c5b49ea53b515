"""Asking the keeper of a store."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

import orjson

from sensor.errors import BAD_INPUT, InputError, StoreError
from sensor.keeper import LENGTH, MOST_REQUEST
from sensor.places import socket_of
from sensor.store.bounds import ANY, LONGEST, Bounds

if TYPE_CHECKING:
    import io
    from collections.abc import Generator, Iterable, Mapping
    from pathlib import Path

_SECONDS = LONGEST + 60


def keeper_of(store: str, spool: str = "") -> KeeperStore | None:
    """None where no keeper answers for the store. `spool`: as the configuration has it."""
    path = socket_of(store, spool)
    if not path.is_socket():
        return None
    try:
        connect(path).close()
    except OSError:
        return None
    return KeeperStore(path)


def connect(path: Path) -> socket.socket:
    """The address of a Unix socket has room for 107 bytes: the way over a descriptor is short."""
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        made.settimeout(_SECONDS)
        made.connect(f"/proc/self/fd/{folder}/{path.name}")
    except OSError:
        made.close()
        raise
    finally:
        os.close(folder)
    return made


class KeeperStore:
    """What other processes may do with a store that a keeper owns: read, and record what people say."""

    def __init__(self, path: Path, bounds: Bounds = ANY) -> None:
        self._path, self._bounds = path, bounds

    def bounded(self, bounds: Bounds) -> KeeperStore:
        """The same for questions that may cost less, or more."""
        return KeeperStore(self._path, bounds)

    def query(self, sql: str, fmt: str, *, final: bool = True) -> Generator[bytes]:
        bounds = [self._bounds.seconds, self._bounds.threads]
        yield from self._ask({"do": "query", "sql": sql, "format": fmt, "final": final, "bounds": bounds})

    def record(self, table: str, case: str, rows: Iterable[Mapping[str, object]]) -> None:
        waiting: list[Mapping[str, object]] = []
        size = 0
        for row in rows:
            waiting.append(row)
            size += len(orjson.dumps(row))
            if size >= MOST_REQUEST // 4:
                self._record(table, case, waiting)
                waiting, size = [], 0
        if waiting:
            self._record(table, case, waiting)

    def _record(self, table: str, case: str, rows: list[Mapping[str, object]]) -> None:
        for _ in self._ask({"do": "record", "table": table, "case": case, "rows": rows}):
            pass

    def status(self) -> dict[str, object]:
        found: dict[str, object] = orjson.loads(b"".join(self._ask({"do": "status"})))
        return found

    def close(self) -> None:
        """Every question has a connection of its own."""

    def _ask(self, request: Mapping[str, object]) -> Generator[bytes]:
        try:
            with connect(self._path) as made, made.makefile("rwb") as talk:
                talk.write(orjson.dumps(request) + b"\n")
                talk.flush()
                yield from _pieces(talk)
                end = orjson.loads(talk.readline())
        except (OSError, EOFError, orjson.JSONDecodeError) as error:
            raise StoreError(f"{self._path}: the sensor that keeps this store does not answer: {error}") from None
        if end.get("error"):
            raise (InputError if end.get("status") == BAD_INPUT else StoreError)(end["error"])


def _pieces(talk: io.BufferedRWPair) -> Generator[bytes]:
    while True:
        head = talk.read(LENGTH.size)
        if len(head) < LENGTH.size:
            raise EOFError("the answer breaks off")
        length = LENGTH.unpack(head)[0]
        if not length:
            return
        piece = talk.read(length)
        if len(piece) < length:
            raise EOFError("the answer breaks off")
        yield piece
