"""The process server: the line's values for every host, over a Unix socket beside the plant's network.

    control.py SOCKET SEED

Reality needs no network: what a sensor measures does not cross the wire on its way into the PLC, so this
channel must not be seen in a capture. One JSON object a line: names and values to order (or none), answered
by the values of the line now.
"""

from __future__ import annotations

import json
import os
import socket
import socketserver
import sys
import threading

import plantclock
from process import Line


class Reality:
    """A host's view of the line: `read()` what the instruments show, `order()` what actuators are told."""

    def __init__(self, path: str | None = None) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.connect(path or os.environ["PLANT_PROCESS"])
        self._lines = self._socket.makefile("rw")

    def read(self) -> dict[str, float]:
        return self.order()

    def order(self, **orders: float | str) -> dict[str, float]:
        self._lines.write(json.dumps(orders) + "\n")
        self._lines.flush()
        answer: dict[str, float] = json.loads(self._lines.readline())
        return answer


class _Handler(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        for request in self.rfile:
            with self.server.lock:  # type: ignore[attr-defined]
                line: Line = self.server.line  # type: ignore[attr-defined]
                line.advance(plantclock.now())
                for name, value in json.loads(request).items():
                    line.order(name.replace("__", "."), value)
                answer = json.dumps(line.values())
            self.wfile.write(answer.encode() + b"\n")


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True


def main() -> None:
    path, seed = sys.argv[1], int(sys.argv[2])
    with _Server(path, _Handler) as server:
        server.line = Line(seed=seed, clock=plantclock.now() - 600)  # type: ignore[attr-defined]
        server.lock = threading.Lock()  # type: ignore[attr-defined]
        server.serve_forever()


if __name__ == "__main__":
    main()
