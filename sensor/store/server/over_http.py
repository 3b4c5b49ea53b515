"""A connection over HTTP, for where only that is open. The server's formats pass as they are."""

from __future__ import annotations

import http.client
import re
import socket
import ssl
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from sensor.errors import StoreError
from sensor.store.server import faults

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Mapping, Sequence

    from sensor.store.server.place import Place

CONNECT_SECONDS = 5
QUERY_SECONDS = 660  # a question may take 600
AGAIN = (0.2, 0.5, 1.0, 2.0, 4.0)  # seconds before further tries, once a server has answered at all
_PIECE = 1 << 20
_FAILURES = (OSError, EOFError, http.client.HTTPException)
_CODE = re.compile(r"Code: (\d+)\.")


class ServerError(Exception):
    """What the server answered in place of rows."""

    def __init__(self, text: str, status: int) -> None:
        super().__init__(text)
        found = _CODE.search(text)
        self.message = text
        self.code = int(found[1]) if found else status


class HttpSession:
    """One statement at a time. `settings` go with each."""

    def __init__(self, place: Place, settings: Mapping[str, object]) -> None:
        self._place = place
        self._settings = dict(settings)
        self._hosts = list(place.hosts)
        self._database = ""
        self._connection: http.client.HTTPConnection | None = None
        try:
            text = self._ask("SELECT version()").decode()
        except (*_FAILURES, ServerError) as error:
            self.close()
            raise faults.of_connecting(error, place) from None
        if not re.match(r"\d+\.\d+", text):
            self.close()
            raise StoreError(f"{place}: what answers there is no ClickHouse")
        major, minor = text.split(".")[:2]
        self.version = int(major), int(minor)

    def run(self, sql: str) -> str:
        """A statement of our own and its answer, tabs between columns. StoreError if it fails."""
        return bytes(self._tried(lambda: self._ask(sql))).decode()

    def number(self, sql: str) -> int:
        return int(self.run(sql).strip() or 0)

    def use(self, database: str) -> None:
        self._database = database

    def pieces(self, sql: str, fmt: str, more: Mapping[str, object] | None = None) -> Generator[bytes]:
        """The answer in a ClickHouse format, in pieces. RuntimeError if it fails. The server begins to send when it has
        all of it: what goes wrong in the middle is an error, never a short answer."""
        try:
            answer = self._sent(sql.encode(), {**(more or {}), "default_format": fmt, "wait_end_of_query": 1})
            while piece := answer.read(_PIECE):
                yield piece
        except (*_FAILURES, ServerError) as error:
            self._drop()
            raise faults.raised(error, self._place) from None

    def insert(self, table: str, columns: Sequence[str], data: Iterable[bytes], fmt: str, token: str = "") -> None:
        """Writes rows in a ClickHouse format; they are durable when it returns. StoreError if it fails. A broken
        connection is tried again: rows that come again with the same token are not written again."""
        payload = b"".join(data)
        names = ", ".join(f"`{column}`" for column in columns)
        asked = {"query": f"INSERT INTO {table} ({names}) FORMAT {fmt}", "insert_deduplication_token": token}
        self._tried(lambda: self._sent(payload, asked).read())

    def _ask(self, sql: str) -> bytes:
        return self._sent(sql.encode(), {"wait_end_of_query": 1}).read()

    def _sent(self, body: bytes, more: Mapping[str, object]) -> http.client.HTTPResponse:
        asked = {**self._settings, **more, **({"database": self._database} if self._database else {})}
        headers = {"X-ClickHouse-User": self._place.user, "Content-Type": "application/octet-stream"}
        if self._place.password:
            headers["X-ClickHouse-Key"] = self._place.password
        connection = self._alive()
        connection.request("POST", f"/?{urlencode(asked)}", body, headers)
        answer = connection.getresponse()
        if answer.status != http.HTTPStatus.OK:
            raise ServerError(answer.read().decode("utf-8", "replace"), answer.status)
        return answer

    def _alive(self) -> http.client.HTTPConnection:
        """A connection that waits for a question. One whose last answer nobody took to its end does not."""
        if self._connection is not None and not self._idle(self._connection):
            self._drop()
        if self._connection is None:
            self._connection = self._connected()
        return self._connection

    @staticmethod
    def _idle(connection: http.client.HTTPConnection) -> bool:
        response = getattr(connection, "_HTTPConnection__response", None)
        return connection.sock is not None and (response is None or response.isclosed())

    def _connected(self) -> http.client.HTTPConnection:
        failed: OSError = OSError("no host is named")
        for _ in range(len(self._hosts)):
            host, port = self._hosts[0]
            made = self._made(host, port)
            try:
                made.connect()
                made.sock.settimeout(QUERY_SECONDS)
                made.sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            except OSError as error:
                made.close()
                failed = error
                self._hosts.append(self._hosts.pop(0))
                continue
            return made
        raise failed

    def _made(self, host: str, port: int) -> http.client.HTTPConnection:
        if not self._place.secure:
            return http.client.HTTPConnection(host, port, timeout=CONNECT_SECONDS)
        context = ssl.create_default_context(cafile=self._place.ca or None)
        if not self._place.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return http.client.HTTPSConnection(host, port, timeout=CONNECT_SECONDS, context=context)

    def _tried(self, act: Callable[[], Any]) -> Any:
        """With further tries, on the other hosts as well, where the connection broke."""
        for pause in (*AGAIN, None):
            try:
                return act()
            except (*_FAILURES, ServerError) as error:
                self._drop()
                if pause is None or not faults.is_passing(error):
                    raise faults.of_server(error, self._place) from None
                time.sleep(pause)
        raise AssertionError  # the last pause is None

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    close = _drop
