"""A record a request, signed, to the one address that was configured: no redirection is followed."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import time
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

from sensor.errors import InputError
from sensor.export.ways import AwayError
from sensor.export.ways.syslog import why
from sensor.program import version

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sensor.export.ways import Message
    from sensor.export.ways.syslog import Trust

SIGNATURE, TIMESTAMP, DELIVERY = "X-Driftspan-Signature", "X-Driftspan-Timestamp", "X-Driftspan-Delivery"
_SECONDS = 15.0
_MOST_ANSWER = 65_536  # bytes of an answer that are read
# What no second try makes better: the record itself is refused.
_REFUSED = (400, 405, 406, 409, 410, 411, 413, 414, 415, 422)
_MADE = {"http": 80, "https": 443}


class Webhook:
    longest = 0

    def __init__(self, url: str, secret: bytes, trust: Trust) -> None:
        parts, self._port = checked(url)
        self._host, self._https = str(parts.hostname), parts.scheme == "https"
        self._path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._place = f"{parts.scheme}://{self._host}:{self._port}"  # not the path: it may be a secret
        self._secret = secret
        self._context = trust.context() if self._https else None
        self._connection: http.client.HTTPConnection | None = None

    def send(self, messages: Sequence[Message]) -> list[Message]:
        refused = []
        for message in messages:
            status = self._post(message)
            if status in _REFUSED:
                refused.append(message)
            elif not 200 <= status < 300:
                raise AwayError(f"{self._place}: it answered {status} {http.client.responses.get(status, '')}".rstrip())
        return refused

    def _post(self, message: Message) -> int:
        fresh = self._connection is None
        try:
            return self._asked(message)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            if fresh or isinstance(error, TimeoutError):
                raise AwayError(f"{self._place}: {_why(error)}") from None
        try:  # a connection kept open may have been closed in between, which says nothing
            return self._asked(message)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise AwayError(f"{self._place}: {_why(error)}") from None

    def _asked(self, message: Message) -> int:
        if self._connection is None:
            self._connection = self._connected()
        self._connection.request("POST", self._path, message.data, self._headers(message))
        with self._connection.getresponse() as answer:
            status = answer.status
            answer.read(_MOST_ANSWER)
            whole = answer.isclosed()
        if not whole:
            self.close()
        return status

    def _connected(self) -> http.client.HTTPConnection:
        if self._context is not None:
            return http.client.HTTPSConnection(self._host, self._port, timeout=_SECONDS, context=self._context)
        return http.client.HTTPConnection(self._host, self._port, timeout=_SECONDS)

    def _headers(self, message: Message) -> dict[str, str]:
        found = {
            "Content-Type": "application/json" if message.data.startswith(b"{") else "text/plain; charset=utf-8",
            "User-Agent": f"driftspan/{version()}",
            DELIVERY: message.record.id,
        }
        if self._secret:
            now = str(int(time.time()))
            found |= {TIMESTAMP: now, SIGNATURE: f"sha256={signature(self._secret, now, message.data)}"}
        return found

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None


def signature(secret: bytes, timestamp: str, body: bytes) -> str:
    """HMAC-SHA256 of time and body: what was recorded cannot be sent again later."""
    return hmac.new(secret, timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def checked(url: str) -> tuple[SplitResult, int]:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    printable = url.isascii() and url.isprintable() and " " not in url
    if parts.scheme not in _MADE or not parts.hostname or parts.username or parts.fragment or not printable:
        raise InputError("a webhook is http://host/path or https://host/path, without user, password or #")
    return parts, port or _MADE[parts.scheme]


def _why(error: Exception) -> str:
    return why(error) if isinstance(error, OSError) else type(error).__name__
