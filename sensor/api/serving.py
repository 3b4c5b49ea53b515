"""Listening: token, socket, server, and a graceful end."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import signal
import socket
import stat
from pathlib import Path
from typing import TYPE_CHECKING

import uvicorn

from sensor.errors import DriftspanError, InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fastapi import FastAPI

    from sensor.config import ConsoleSection

VARIABLE = "DRIFTSPAN_TOKEN"
SHORTEST = 16  # characters of a token
_GRACE = 10  # seconds that requests under way have when the server ends
_MOST_AT_ONCE = 64


def token(console: ConsoleSection) -> str:
    """What clients have to show. InputError says how to make one; a token itself is never said."""
    found = os.environ.get(VARIABLE, "").strip()
    source = f"the variable {VARIABLE}"
    if not found and console.token_file:
        found, source = _of_file(Path(console.token_file)), console.token_file
    if not found:
        raise InputError(
            f"there is no token: write one into a file that only you may read, as with "
            f"'(umask 077; openssl rand -hex 32 > token)', and name it in [console] token_file, or set {VARIABLE}"
        )
    if len(found) < SHORTEST or not found.isascii() or not found.isprintable() or " " in found:
        raise InputError(f"{source}: a token has at least {SHORTEST} printable ASCII characters and no space")
    return found


def _of_file(path: Path) -> str:
    try:
        with path.open("rb") as handle:
            mode = os.fstat(handle.fileno()).st_mode
            line = handle.readline(4096)
    except OSError as error:
        raise InputError(f"{path}: the token cannot be read: {error.strerror}") from None
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise InputError(f"{path}: others may read this token; chmod 600 mends that")
    try:
        return line.decode().strip()
    except UnicodeDecodeError:
        raise InputError(f"{path}: is no text; its first line is the token") from None


def listen(host: str, port: int) -> socket.socket:
    """InputError where nothing can listen."""
    try:
        family, kind, protocol, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        made = socket.socket(family, kind, protocol)
    except OSError as error:
        raise InputError(f"[console] host {host!r}: {error.strerror}") from None
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(where)
        made.listen(128)
    except OSError as error:
        made.close()
        raise DriftspanError(f"{host} port {port}: nothing can listen there: {error.strerror}") from None
    return made


def is_local(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def serve(app: FastAPI, listening: socket.socket, ready: Callable[[], None]) -> None:
    """Until SIGTERM or SIGINT; requests under way are answered first."""
    settings = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        lifespan="off",
        limit_concurrency=_MOST_AT_ONCE,
        timeout_graceful_shutdown=_GRACE,
        proxy_headers=False,
    )
    server = _Server(settings)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: setattr(server, "should_exit", True))
    ready()
    server.run(sockets=[listening])


class _Server(uvicorn.Server):
    """Signals are ours: uvicorn's own handling ends the process as if it had been killed."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
