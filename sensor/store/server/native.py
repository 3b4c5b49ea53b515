"""A connection over ClickHouse's native protocol, through clickhouse-driver.

Rows of the packet path are blocks in the server's own format already. They are sent as they are: the driver's part is
the conversation, compression and TLS around them. Rows of our own (alerts, assets) go as its columns. Answers come in
the formats that commands print: the server writes each row (`formatRow`), so that they are the same from any store.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any

from clickhouse_driver import Client
from clickhouse_driver.block import BlockInfo, ColumnOrientedBlock
from clickhouse_driver.errors import Error
from clickhouse_driver.protocol import ClientPacketTypes
from clickhouse_driver.varint import write_varint
from clickhouse_driver.writer import write_binary_str

from sensor.store.server import answers, blocks, faults
from sensor.store.server.columns import columns_of, columns_of_arrow

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Mapping, Sequence

    from sensor.store.server.place import Place

# Above this revision of the protocol every column has a byte more than in the format Native.
_REVISION = 54453
CONNECT_SECONDS = 5
QUERY_SECONDS = 660  # a question may take 600
AGAIN = (0.2, 0.5, 1.0, 2.0, 4.0)  # seconds before further tries, once a server has answered at all
_CHUNK = 1000  # rows of an answer that are handed on together
_FAILURES = (Error, OSError, EOFError)
_SELECTS = ("select", "with", "(")


def connect(place: Place) -> Client:
    """The driver's client."""
    logging.getLogger("clickhouse_driver").disabled = True  # what fails is raised, and said once
    for name in ("connection", "client"):
        logging.getLogger(f"clickhouse_driver.{name}").disabled = True
    (host, port), *others = place.hosts
    return Client(
        host,
        port=port,
        alt_hosts=",".join(f"[{h}]:{p}" if ":" in h else f"{h}:{p}" for h, p in others) or None,
        user=place.user,
        password=place.password,
        client_name="driftspan",
        secure=place.secure,
        verify=place.verify,
        ca_certs=place.ca or None,
        compression=False if place.compression == "none" else place.compression,
        connect_timeout=CONNECT_SECONDS,
        send_receive_timeout=QUERY_SECONDS,
        client_revision=_REVISION,
        tcp_keepalive=True,
    )


class NativeSession:
    """One statement at a time. `settings` go with each."""

    def __init__(self, place: Place, settings: Mapping[str, object]) -> None:
        self._place = place
        self._settings = dict(settings)
        self._client = connect(place)
        try:
            self._client.connection.connect()
        except _FAILURES as error:
            raise faults.of_connecting(error, place) from None
        self.version = self._version()

    def _version(self) -> tuple[int, int]:
        info = self._client.connection.server_info
        return info.version_major, info.version_minor

    def run(self, sql: str) -> str:
        """A statement of our own and its answer, tabs between columns. StoreError if it fails."""
        rows = self._tried(lambda: self._client.execute(sql, settings=self._settings))
        return "".join("\t".join(map(str, row)) + "\n" for row in rows if isinstance(rows, list))

    def number(self, sql: str) -> int:
        return int(self.run(sql).strip() or 0)

    def use(self, database: str) -> None:
        """Reconnections are to it as well."""
        self._client.connection.database = database
        self.run(f"USE {database}")

    def pieces(self, sql: str, fmt: str, more: Mapping[str, object] | None = None) -> Generator[bytes]:
        """The answer in a ClickHouse format, in pieces. RuntimeError if it fails. `more`: settings of this one."""
        try:
            yield from self._pieces(sql, fmt, {**self._settings, **(more or {})})
        except _FAILURES as error:
            self._client.disconnect()
            raise faults.raised(error, self._place) from None

    def _pieces(self, sql: str, fmt: str, settings: Mapping[str, object]) -> Generator[bytes]:
        if not sql.lstrip().lower().startswith(_SELECTS):
            rows, columns = self._asked(sql, settings, with_column_types=True)
            yield answers.written([name for name, _ in columns], rows, fmt)
            return
        if fmt in answers.NAMED:
            described = self._asked(f"DESCRIBE TABLE ({sql}\n)", settings)
            yield answers.names([row[0] for row in described], fmt)
        wanted = f"SELECT formatRow({answers.NAMED.get(fmt, fmt)!r}, *) AS line FROM ({sql}\n)"
        self._alive()
        lines = self._client.execute_iter(wanted, settings={**settings, "strings_as_bytes": True}, chunk_size=_CHUNK)
        for chunk in lines:
            yield b"".join(line for (line,) in chunk)

    def _asked(self, sql: str, settings: Mapping[str, object], **options: Any) -> Any:
        self._alive()
        return self._client.execute(sql, settings=settings, **options)

    def _alive(self) -> None:
        """An answer that nobody took to its end is in the way of the next question."""
        if self._client.connection.is_query_executing:
            self._client.disconnect()

    def insert(self, table: str, columns: Sequence[str], data: Iterable[bytes], fmt: str, token: str = "") -> None:
        """Writes rows in a ClickHouse format; they are durable when it returns. StoreError if it fails. A broken
        connection is tried again: rows that come again with the same token are not written again."""
        payload = b"".join(data)
        settings = {**self._settings, "insert_deduplication_token": token}
        if fmt == "Native":
            self._tried(lambda: self._insert_blocks(table, payload, settings))
        elif fmt == "JSONEachRow":
            self._tried(lambda: self._insert_rows(table, columns, payload, settings))
        else:
            self._tried(lambda: self._insert_arrow(table, columns, payload, settings))

    def _insert_blocks(self, table: str, payload: bytes, settings: Mapping[str, object]) -> None:
        found = list(blocks.split(payload))
        if found:
            names = [name for name, _ in found[0].columns]
            self._insert(table, names, settings, lambda _: [block.data for block in found])

    def _insert_rows(self, table: str, columns: Sequence[str], payload: bytes, settings: Mapping[str, object]) -> None:
        def made(sample: Any) -> Iterable[Any]:
            kinds = sample.columns_with_types
            return [ColumnOrientedBlock(kinds, columns_of(payload, kinds))]

        self._insert(table, columns, settings, made)

    def _insert_arrow(self, table: str, columns: Sequence[str], payload: bytes, settings: Mapping[str, object]) -> None:
        def made(sample: Any) -> Iterable[Any]:
            kinds = sample.columns_with_types
            return [ColumnOrientedBlock(kinds, columns_of_arrow(payload, kinds))]

        self._insert(table, columns, settings, made)

    def _insert(
        self,
        table: str,
        columns: Sequence[str],
        settings: Mapping[str, object],
        made: Callable[[Any], Iterable[Any]],
    ) -> None:
        """`made`: of the server's empty block, the blocks to send; bytes go as they are."""
        names = ", ".join(f"`{column}`" for column in columns)
        query = f"INSERT INTO {table} ({names}) VALUES"
        self._alive()
        with self._client.disconnect_on_error(query, settings):
            connection = self._client.connection
            connection.send_query(query)
            connection.send_external_tables(None)
            sample = self._client.receive_sample_block()
            for block in made(sample):
                if isinstance(block, memoryview):
                    _send_raw(connection, block)
                else:
                    connection.send_data(block)
            connection.send_data(ColumnOrientedBlock())
            self._client.receive_end_of_query()

    def _tried(self, act: Callable[[], Any]) -> Any:
        """With further tries, on the other hosts as well, where the connection broke."""
        for pause in (*AGAIN, None):
            try:
                return act()
            except _FAILURES as error:
                self._client.disconnect()
                if pause is None or not faults.is_passing(error):
                    raise faults.of_server(error, self._place) from None
                time.sleep(pause)
        raise AssertionError  # the last pause is None

    def close(self) -> None:
        self._client.disconnect()


def _send_raw(connection: Any, block: memoryview) -> None:
    """A packet of data whose block is written already."""
    write_varint(ClientPacketTypes.DATA, connection.fout)
    write_binary_str("", connection.fout)
    out = connection.block_out
    BlockInfo().write(out.fout)
    out.fout.write(bytes(block))
    out.finalize()
