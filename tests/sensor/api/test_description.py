"""Requests out of the OpenAPI description, right ones and wrong ones: the server never fails over one."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sensor.access.roles import Scope
from tests.sensor.api.conftest import Server, configure, program
from tests.sensor.api.people import Person, admin

ROOT = Path(__file__).parents[3]
EXAMPLES = 3  # of each operation and kind
ENDING = "/api/v1/session(/password|/others)?$"  # what would end the session that asks
USER = "/api/v1/users/{name}"  # so would this: names that a list gave are tried


@pytest.fixture(scope="module")
def chief(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Person]:
    folder = tmp_path_factory.mktemp("described")
    configure(folder)
    done = program(folder, "replay", str(ROOT / "pcaps" / "demo.pcap"), "--case", "demo")
    assert done.returncode == 0, done.stderr
    server = Server(folder, token="")
    try:
        yield admin(server)
    finally:
        assert server.end() == 0, server.said
        assert "Traceback" not in "".join(server.said)


def fuzz(server: Server, folder: Path, headers: dict[str, str], *words: str) -> None:
    """The command that its users run; it finds no answer of the 500s."""
    shown = [word for name, value in headers.items() for word in ("--header", f"{name}: {value}")]
    command = [sys.executable, "-m", "schemathesis.cli", "run", f"http://127.0.0.1:{server.port}/api/v1/openapi.json", *shown,
               "--checks", "not_a_server_error", "--max-examples", str(EXAMPLES), "--phases", "examples,fuzzing", "--seed",
               "8", "--no-color", "--generation-database", "none", *words]  # fmt: skip
    environment = {**os.environ, "SCHEMATHESIS_HOOKS": "", "NO_COLOR": "1"}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=560, check=False
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert "Operations:" in done.stdout and " 0 selected" not in done.stdout, done.stdout[-3000:]


def test_the_description_says_who_may_what(chief) -> None:
    status, _, told = chief.ask("GET", "/api/v1/openapi.json")
    assert status == 200
    operations = [operation for path in told["paths"].values() for operation in path.values()]
    assert all(operation.get("x-permission") and operation["responses"] for operation in operations)
    assert len(operations) > 35
    assert told["paths"]["/api/v1/session"]["post"].get("security") is None
    assert told["paths"]["/api/v1/users"]["post"]["security"] == [{"token": []}, {"session": []}]


def test_a_token_of_every_scope(chief, tmp_path) -> None:
    status, _, told = chief.ask("POST", "/api/v1/tokens", {"label": "all", "scopes": list(Scope)})
    assert status == 201, told
    fuzz(
        chief.server,
        tmp_path,
        {"Authorization": f"Bearer {told['key']}"},
        "--exclude-tag",
        "session",
        "--exclude-tag",
        "people",
    )


def test_a_session_of_an_admin(chief, tmp_path) -> None:
    headers = {"Cookie": chief.cookie, "X-CSRF-Token": chief.csrf}
    tags = ("--include-tag", "session", "--include-tag", "people")
    fuzz(chief.server, tmp_path, headers, *tags, "--exclude-path-regex", ENDING, "--exclude-path", USER)
    assert chief.ask("GET", "/api/v1/session")[0] == 200
    fuzz(chief.server, tmp_path, headers, "--include-path", USER)
