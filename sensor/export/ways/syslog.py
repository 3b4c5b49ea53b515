"""Syslog (RFC 5424) over UDP (RFC 5426), TCP with octet counting (RFC 6587) or TLS (RFC 5425)."""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import socket
import ssl
import struct
import termios
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from sensor.errors import InputError
from sensor.export.record import iso
from sensor.export.ways import AwayError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sensor.export.ways import Message

PORTS = {"udp": 514, "tcp": 601, "tls": 6514}
_FACILITY = 13  # log audit
_SEVERITY = {"info": 6, "low": 5, "medium": 4, "high": 3, "critical": 2}
_SECONDS = 10.0  # for connecting, writing, and until the receiver's host has acknowledged
_DATAGRAM = 60_000  # bytes of a message; a datagram holds 65507, all told
_PAUSE = 0.002


@dataclass(frozen=True, slots=True)
class Trust:
    """Files, PEM: `ca` whom the receiver's certificate is trusted for (empty: the system's), ours and its key."""

    ca: str = ""
    certificate: str = ""
    key: str = ""

    def context(self) -> ssl.SSLContext:
        """InputError names the file that cannot be used."""
        for path in filter(None, (self.ca, self.certificate, self.key)):
            if not os.access(path, os.R_OK):
                raise InputError(f"{path}: there is no such file, or it cannot be read")
        try:
            made = ssl.create_default_context(cafile=self.ca or None)
        except (ssl.SSLError, OSError):
            raise InputError(f"{self.ca}: holds no certificate in PEM") from None
        made.minimum_version = ssl.TLSVersion.TLSv1_2
        if self.certificate:
            try:
                made.load_cert_chain(self.certificate, self.key or None, password=lambda: b"")
            except (ssl.SSLError, OSError):
                raise InputError(
                    f"{self.certificate}: is no certificate with its key, in PEM and without a passphrase"
                ) from None
        return made


@dataclass(frozen=True, slots=True)
class Target:
    scheme: str
    host: str
    port: int


def target(url: str) -> Target:
    """Of `udp://host`, `tcp://host:601`, `tls://[::1]:6514`; InputError if it is none."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    plain = not (parts.path.strip("/") or parts.query or parts.fragment or parts.username)
    if parts.scheme not in PORTS or not parts.hostname or not plain:
        raise InputError(f"{url!r} is no syslog receiver; write udp://host:514, tcp://host:601 or tls://host:6514")
    return Target(parts.scheme, parts.hostname, port or PORTS[parts.scheme])


class Syslog:
    def __init__(self, where: Target, trust: Trust) -> None:
        self.longest = _DATAGRAM if where.scheme == "udp" else 0
        self._where = where
        self._context = trust.context() if where.scheme == "tls" else None
        self._socket: socket.socket | None = None
        self._name = _printable(socket.gethostname(), 255)

    def send(self, messages: Sequence[Message]) -> list[Message]:
        try:
            made = self._connected()
            for message in messages:
                data = self._framed(message)
                if self._where.scheme == "udp":
                    made.send(data)
                    time.sleep(_PAUSE)  # nobody tells a sender of datagrams that it is too fast
                else:
                    made.sendall(b"%d " % len(data) + data)
            self._settle(made)
        except (OSError, ssl.SSLError) as error:
            self.close()
            raise AwayError(f"{self._place}: {why(error)}") from None
        return []

    @property
    def _place(self) -> str:
        return f"{self._where.scheme}://{self._where.host}:{self._where.port}"

    def _framed(self, message: Message) -> bytes:
        """HEADER, no structured data, MSG in UTF-8. MSG has no line ends: formats leave none."""
        record = message.record
        priority = _FACILITY * 8 + _SEVERITY[record.severity]
        head = f"<{priority}>1 {iso(record.last)} {self._name} driftspan {os.getpid()} {record.what} - "
        return head.encode("ascii") + message.data

    def _connected(self) -> socket.socket:
        if self._socket is not None and (self._where.scheme == "udp" or not _ended(self._socket)):
            return self._socket
        self.close()
        host, port = self._where.host, self._where.port
        if self._where.scheme == "udp":
            family, kind, number, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
            made = socket.socket(family, kind, number)
            made.settimeout(_SECONDS)
            made.connect(where)
        else:
            made = socket.create_connection((host, port), _SECONDS)
            if self._context is not None:
                try:
                    made = self._context.wrap_socket(made, server_hostname=host)
                except BaseException:
                    made.close()
                    raise
        self._socket = made
        return made

    def _settle(self, made: socket.socket) -> None:
        """Syslog has no answers. What can be known is waited for: that the receiver's host acknowledged every byte, or
        of datagrams that it did not refuse them."""
        if self._where.scheme == "udp":
            time.sleep(_PAUSE)
            if error := made.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                raise OSError(error, os.strerror(error))
            return
        end = time.monotonic() + _SECONDS
        while _unacknowledged(made):
            if time.monotonic() > end:
                raise TimeoutError
            time.sleep(_PAUSE)
        if _ended(made):
            raise ConnectionResetError

    def close(self) -> None:
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.close()
        self._socket = None


def _unacknowledged(made: socket.socket) -> int:
    answer = fcntl.ioctl(made.fileno(), termios.TIOCOUTQ, b"\0" * 4)
    return int(struct.unpack("i", answer)[0])


def _ended(made: socket.socket) -> bool:
    """Whether the receiver closed. Anything that it says is read and let go, so that its end is seen."""
    try:
        while select.select([made], [], [], 0)[0]:
            made.settimeout(0)
            try:
                if not made.recv(4096):
                    return True
            finally:
                made.settimeout(_SECONDS)
    except (ssl.SSLWantReadError, BlockingIOError):
        return False
    except OSError:
        return True
    return False


def _printable(text: str, most: int) -> str:
    kept = "".join(c for c in text if "!" <= c <= "~")
    return kept[:most] or "-"


def why(error: OSError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"TLS failed: {error.reason or error}"
    if isinstance(error, TimeoutError):
        return "it does not answer in time"
    return error.strerror or type(error).__name__
