"""A syslog receiver over TCP on a free port."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
import time


class Receiver:
    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.said = b""
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                talk, _ = self._socket.accept()
                with talk:
                    while piece := talk.recv(65536):
                        self.said += piece

    def wait(self, wanted: bytes) -> bytes:
        end = time.monotonic() + 20
        while wanted not in self.said:
            assert time.monotonic() < end, self.said
            time.sleep(0.05)
        return re.sub(rb"\d+ (?=<110>)", b"\n", self.said)  # messages are counted, not ended

    def end(self) -> None:
        self._socket.close()
