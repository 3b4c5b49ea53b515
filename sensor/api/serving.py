"""Listening: a token from outside, socket, server, and a graceful end."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import signal
import socket
import ssl
from pathlib import Path
from typing import TYPE_CHECKING

import uvicorn

from sensor.access.private import first_line
from sensor.errors import DriftspanError, InputError
from sensor.service.credentials import credential

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fastapi import FastAPI

    from sensor.config import ConsoleSection

VARIABLE = "DRIFTSPAN_TOKEN"
SHORTEST = 16  # characters of a token
_GRACE = 10  # seconds that requests under way have when the server ends
_MOST_AT_ONCE = 64


def token(console: ConsoleSection) -> str:
    """One from outside that programs may show, empty where there is none. InputError says what is wrong with it; the
    token itself is never said."""
    found = os.environ.get(VARIABLE, "").strip()
    source = f"the variable {VARIABLE}"
    if not found and console.token_file:
        found, source = first_line(Path(console.token_file), "token"), console.token_file
    if not found and not console.token_file:
        found, source = credential("token"), "the credential token"
        if not found:
            return ""
    if len(found) < SHORTEST or not found.isascii() or not found.isprintable() or " " in found:
        raise InputError(f"{source}: a token has at least {SHORTEST} printable ASCII characters and no space")
    return found


def tls(console: ConsoleSection) -> tuple[str, str] | None:
    """Certificate and key, if there are any. InputError says what is wrong with the files."""
    if not console.certificate:
        return None
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(console.certificate, console.key, password=lambda: b"")
    except FileNotFoundError:
        missing = next(path for path in (console.certificate, console.key) if not Path(path).exists())
        raise InputError(f"{missing}: there is no such file; [console] certificate and key name them") from None
    except ssl.SSLError as error:
        why = "do not belong together" if error.reason == "KEY_VALUES_MISMATCH" else "are no PEM without a passphrase"
        raise InputError(f"{console.certificate}, {console.key}: certificate and key {why}") from None
    except OSError as error:
        raise InputError(f"{console.certificate}, {console.key}: cannot be read: {error.strerror}") from None
    return console.certificate, console.key


def listen(host: str, port: int, console: ConsoleSection) -> socket.socket:
    """InputError where nothing can listen, or passwords would pass in clear."""
    try:
        family, kind, protocol, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        made = socket.socket(family, kind, protocol)
    except OSError as error:
        raise InputError(f"[console] host {host!r}: {error.strerror}") from None
    if not is_local(str(where[0])) and not console.certificate and not console.insecure:
        made.close()
        raise InputError(
            f"{where[0]} is no address of this machine alone, and passwords would pass there in clear: name a"
            " certificate and key in [console], or say insecure = true where something in front does TLS"
        )
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


def shown(listening: socket.socket, console: ConsoleSection) -> str:
    """The address as one writes it into a browser."""
    where, port = listening.getsockname()[:2]
    scheme = "https" if console.certificate else "http"
    return f"{scheme}://[{where}]:{port}" if ":" in where else f"{scheme}://{where}:{port}"


def serve(app: FastAPI, listening: socket.socket, ready: Callable[[], None], tls: tuple[str, str] | None) -> None:
    """Until SIGTERM or SIGINT; requests under way are answered first. `tls`: what the function of this name gave."""
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
        ssl_certfile=tls[0] if tls else None,
        ssl_keyfile=tls[1] if tls else None,
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

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Streams without an end of their own are told: nobody waits for them."""
        state = getattr(self.config.app, "state", None)
        for end in getattr(state, "at_end", ()):
            end()
        await super().shutdown(sockets)
