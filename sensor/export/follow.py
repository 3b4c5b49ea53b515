"""An export that goes on: what is new in the store, sent in the order in which it was stored, each at least once. A
receiver tells doubles by their ids. An alert that grows is sent again with the same id and a later time."""

from __future__ import annotations

import threading
from contextlib import closing
from typing import TYPE_CHECKING

from sensor.errors import DriftspanError
from sensor.export import formats
from sensor.export.source import PAGE, PLACES, made, rows
from sensor.export.ways import AwayError, Message
from sensor.store.guard import check_reading
from sensor.store.literal import quote

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sensor.export.cursor import Cursor, Mark
    from sensor.export.job import Job
    from sensor.export.record import Record
    from sensor.export.ways import Way
    from sensor.store import Reading

LOOK = 2.0  # seconds between two looks at a store in which nothing is new
# Seconds that a row is left alone: one stamped a moment earlier may become visible a moment later.
SETTLED = 2
LONGEST_WAIT = 60.0  # seconds between two tries when receiver or store is away


class Follow:
    """`reading` opens the store, which is closed again between two looks: others may want it. Nothing is held but one
    page; what waits, waits in the store."""

    def __init__(
        self, job: Job, way: Way, cursor: Cursor, reading: Callable[[], Reading], say: Callable[[str, str], None]
    ) -> None:
        self.name = job.name
        self._job, self._way, self._cursor = job, way, cursor
        self._reading, self._say = reading, say
        self._over = threading.Event()
        self._trouble = ""
        self.sent = self.refused = 0

    def run(self) -> None:
        """Until `end`. What cannot be mended by waiting is raised."""
        wait = 1.0
        while not self._over.is_set():
            try:
                more = self.look()
            except (AwayError, DriftspanError) as error:
                self._complain(str(error))
                self._over.wait(wait)
                wait = min(LONGEST_WAIT, wait * 2)
                continue
            if self._trouble:
                self._say(f"export {self._job.name}: goes on", "info")
            self._trouble, wait = "", 1.0
            if not more:
                self._over.wait(LOOK)

    def end(self) -> None:
        self._over.set()

    def _complain(self, text: str) -> None:
        if text != self._trouble:
            self._trouble = text
            self._say(f"export {self._job.name}: {text}; everything waits in the store, and is tried again", "warning")

    def look(self) -> bool:
        """Sends what is new, a page of each kind at most; whether there is more."""
        more = False
        with closing(self._reading()) as store:
            for kind in PLACES:
                if self._job.wanted.takes(kind) and not self._over.is_set():
                    more |= self._page(store, kind)
        return more

    def _page(self, store: Reading, kind: str) -> bool:
        place = PLACES[kind]
        sql = (
            f"SELECT toString(stored) AS at, case_id, {place.id} AS id FROM {place.rows}"
            f" WHERE {self._cursor.after(kind, place.id)} AND stored <= now64(9, 'UTC') - INTERVAL {SETTLED} SECOND"
            f" ORDER BY stored, case_id, {place.id} LIMIT {PAGE}"
        )
        marks: list[Mark] = [(row["at"], row["case_id"], row["id"]) for row in rows(store, sql, final=False)]
        if not marks:
            return False
        self._send(self._records(store, kind, marks))
        self._cursor.move(kind, marks[-1])
        return len(marks) == PAGE

    def _records(self, store: Reading, kind: str, marks: Sequence[Mark]) -> list[Record]:
        place = PLACES[kind]
        keys = ", ".join(f"({quote(case)}, {quote(identity)})" for _, case, identity in dict.fromkeys(marks))
        conditions = [f"(case_id, {place.id}) IN ({keys})", *self._job.wanted.conditions(kind)]
        sql = f"SELECT * FROM {place.view} WHERE {' AND '.join(conditions)} ORDER BY {place.last}, case_id, {place.id}"
        return made(store, kind, list(rows(store, check_reading(sql))))

    def _send(self, records: Sequence[Record]) -> None:
        messages = [Message(r, formats.encoded(self._job.to, r, self._way.longest)) for r in records]
        if not messages:
            return
        refused = self._way.send(messages)
        self.sent += len(messages) - len(refused)
        if refused:
            self._set_aside(refused)

    def _set_aside(self, refused: Sequence[Message]) -> None:
        """What the receiver will never take must not stop what it would: it is kept in a file beside the cursor."""
        path = self._cursor.path.with_name(f"{self._cursor.path.name}.refused")
        try:
            with path.open("ab") as out:
                out.write(b"".join(message.data + b"\n" for message in refused))
        except OSError as error:
            raise DriftspanError(f"{path}: what was refused cannot be kept: {error.strerror}") from None
        self.refused += len(refused)
        self._say(f"export {self._job.name}: {len(refused)} records were refused; they are in {path}", "error")
