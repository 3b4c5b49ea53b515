"""Answers on the keeper's socket, a thread a connection."""

from __future__ import annotations

import contextlib
import os
import socketserver
import threading
from typing import TYPE_CHECKING, Any

import orjson

from sensor.errors import DriftspanError
from sensor.keeper import LENGTH, MOST_REQUEST

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    Answer = Callable[[dict[str, Any]], Iterable[bytes]]

MOST_AT_ONCE = 8
_PIECE = 1 << 20
_SECONDS = 60  # to send a request, or to take a piece of the answer


class _Handler(socketserver.StreamRequestHandler):
    timeout = _SECONDS
    server: Server

    def handle(self) -> None:
        with contextlib.suppress(OSError):  # whoever asked has gone
            end: dict[str, object] = {}
            try:
                line = self.rfile.readline(MOST_REQUEST)
                if not line:
                    return
                with self.server.turns:
                    for piece in self.server.answer(orjson.loads(line)):
                        self._send(piece)
            except DriftspanError as error:
                end = {"error": str(error), "status": error.status}
            except (orjson.JSONDecodeError, KeyError, TypeError) as error:
                end = {"error": f"the request makes no sense: {error}", "status": 2}
            self.wfile.write(LENGTH.pack(0) + orjson.dumps(end) + b"\n")

    def _send(self, data: bytes) -> None:
        for at in range(0, len(data), _PIECE):
            piece = data[at : at + _PIECE]
            self.wfile.write(LENGTH.pack(len(piece)) + piece)


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """Only the user of the process may connect."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, path: Path, answer: Answer) -> None:
        self.answer = answer
        self.turns = threading.BoundedSemaphore(MOST_AT_ONCE)
        self._path = path
        path.unlink(missing_ok=True)  # of one that was killed: whoever is here owns the store
        self._folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
        before = os.umask(0o177)
        try:
            super().__init__(f"/proc/self/fd/{self._folder}/{path.name}", _Handler)
        finally:
            os.umask(before)

    def begin(self) -> None:
        threading.Thread(target=self.serve_forever, name="answers", daemon=True).start()

    def end(self) -> None:
        self.shutdown()
        self.server_close()
        self._path.unlink(missing_ok=True)
        os.close(self._folder)
