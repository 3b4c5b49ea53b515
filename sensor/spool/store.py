"""The spool as the sensor's store: what it writes, the keeper delivers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sensor.spool import MESSAGES, RECORDS, Batch
from sensor.store.batch import batch_for
from sensor.store.rows import OF_RUN, ndjson, run_id

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterable, Mapping, Sequence

    from sensor.spool.writer import Writer
    from sensor.store import CaptureFacts
    from sensor.store.batch import Batch as Waiting

BATCH_ROWS = 200_000
BATCH_BYTES = 64 * 1024 * 1024


class SpoolStore:
    """The writing half of `sensor.store.Store`."""

    def __init__(self, writer: Writer, sensor: str, case: str) -> None:
        self._writer = writer
        self._constants = {"sensor": sensor, "case_id": case}
        self._run = ""
        self._waiting: dict[str, Waiting] = {}
        self._captures: tuple[CaptureFacts, ...] = ()

    @property
    def lost(self) -> Counter[str]:
        """Rows given up because the spool was full."""
        return self._writer.lost

    def begin_case(self, case: str, captures: Sequence[CaptureFacts]) -> int:
        self._captures = tuple(captures)
        self._run = run_id([capture.id for capture in captures])
        self.register({}, finished=False)
        self.flush()
        return 0

    def append(self, table: str, rows: Any) -> None:
        waiting = self._waiting.get(table)
        if waiting is None:
            waiting = self._waiting[table] = batch_for(rows, self._constants)
        waiting.add(rows)
        if waiting.rows >= BATCH_ROWS or waiting.size >= BATCH_BYTES:
            self._hand_over(table)

    def _hand_over(self, table: str) -> None:
        waiting = self._waiting.pop(table)
        payload = b"".join(waiting.pieces())
        self._writer.add(MESSAGES, Batch(table, tuple(waiting.columns), waiting.format, waiting.rows, payload))

    def upsert(self, table: str, rows: Iterable[Mapping[str, object]]) -> None:
        constants = self._constants | ({"run": self._run} if table in OF_RUN else {})
        found = [{**row, **constants} for row in rows]
        if found:
            batch = Batch(table, tuple(found[0]), "JSONEachRow", len(found), ndjson(found))
            self._writer.add(RECORDS, batch)

    def flush(self) -> None:
        """What was written so far survives whatever happens to the process."""
        for table in sorted(self._waiting):
            self._hand_over(table)
        self._writer.commit()

    def finish_case(self, found: Mapping[str, Mapping[str, object]]) -> None:
        self.register(found, finished=True)
        self.flush()

    def register(self, found: Mapping[str, Mapping[str, object]], *, finished: bool) -> None:
        """States of the interfaces, as of captures."""
        rows = []
        for facts in self._captures:
            known = {"packets": 0, "first_ts": 0, "last_ts": 0, "truncated_packets": 0, **found.get(facts.id, {})}
            plain = {"id": facts.id, "path": facts.path, "format": facts.format, "bytes": facts.bytes}
            rows.append({"ts": known["first_ts"], **plain, **known, "finished": finished})
        self.upsert("captures", rows)

    def close(self) -> None:
        self._writer.close()
