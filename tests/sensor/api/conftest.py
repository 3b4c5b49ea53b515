"""The real server on a free port of this machine, over a store of a recorded plant."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
TOKEN = "a-token-of-tests-0123456789"
WINDOW = 1.0  # seconds: how soon drift from outside is joined


class Server:
    """`trust`: where it serves with TLS, what a client believes."""

    def __init__(self, folder: Path, *arguments: str, token: str = TOKEN, trust: ssl.SSLContext | None = None) -> None:
        self.trust = trust
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "DRIFTSPAN_TOKEN": token}
        command = [sys.executable, "-m", "sensor", "serve", "--port", "0", *arguments]
        self.child = subprocess.Popen(command, cwd=folder, env=environment, stderr=subprocess.PIPE, text=True)
        self.said: list[str] = []
        self.port = self._port()

    def _port(self) -> int:
        assert self.child.stderr is not None
        scheme = "https" if self.trust else "http"
        for line in self.child.stderr:
            self.said.append(line)
            if found := re.search(rf"listening on {scheme}://127\.0\.0\.1:(\d+)$", line.strip()):
                return int(found[1])
        raise AssertionError(f"the server ended: {self.said}")

    def connection(self) -> http.client.HTTPConnection:
        if self.trust is not None:
            return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=60, context=self.trust)
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)

    def ask(self, method: str, path: str, body: object = None, token: str = TOKEN, **headers: str) -> tuple[int, Any]:
        """Status and answer, read as JSON. A body that is no text or bytes goes as JSON."""
        data = body if isinstance(body, str | bytes | None) else json.dumps(body)
        sent = {"Authorization": f"Bearer {token}"} if token else {}
        connection = self.connection()
        try:
            connection.request(method, path, data, sent | {n.replace("_", "-"): v for n, v in headers.items()})
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read() or b"null")
        finally:
            connection.close()

    def end(self) -> int:
        if self.child.poll() is None:
            os.kill(self.child.pid, signal.SIGTERM)
        _, rest = self.child.communicate(timeout=60)
        self.said += rest.splitlines(keepends=True)
        return self.child.returncode


def configure(folder: Path, more: str = "") -> None:
    plant = (ROOT / "pcaps" / "plant.toml").read_text()
    assert "[capture]" not in plant and "[intake]" not in plant and "[console]" not in plant
    (folder / "driftspan.toml").write_text(f"{more}\n{plant}")


def program(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "sensor", *arguments]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300, check=False
    )


@pytest.fixture(scope="session")
def replayed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the plant's configuration and a store in which its model is exchanged, case `swap`."""
    folder = tmp_path_factory.mktemp("served")
    configure(folder)
    done = program(folder, "replay", str(ROOT / "pcaps" / "model_swap.pcap"), "--case", "swap")
    assert done.returncode == 0, done.stderr
    configure(folder, f"[capture]\nwindow_seconds = {WINDOW}\n")
    return folder


@pytest.fixture(scope="session")
def server(replayed: Path) -> Iterator[Server]:
    made = Server(replayed)
    yield made
    assert made.end() == 0, made.said
