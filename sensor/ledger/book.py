"""The writing side: every record of a stream goes to the store together with its leaf, in order, each once.

A leaf follows its record. Before both, what is to be written goes to a file of the log's directory; after both it is
taken away. Whoever opens the log next finds the file of a process that was killed, looks how far that came, and brings
it to its end: rows that are there have their leaves, and no leaf stands for a row that never came. Deliveries of the
spool come again by themselves under the same token, which the leaves know too.

Leaves beyond what the directory knows are taken over only under their seals: nobody else appends to a log.
"""

from __future__ import annotations

import base64
import threading
import time
from secrets import token_hex
from typing import TYPE_CHECKING, Any

from sensor.case_name import LIVE
from sensor.errors import StoreError
from sensor.ledger import note
from sensor.ledger.keys import Keys, sealed
from sensor.ledger.leaves import KEY, REMOVAL, RETENTION, leaf_hash, linked, of_note, of_records
from sensor.ledger.reading import LEAVES, asking, encoder_of, key_sql, of_tree, records_sql
from sensor.ledger.state import Files, State
from sensor.ledger.streams import NAMED, STREAMS
from sensor.ledger.witness import Witness
from sensor.service.log import say
from sensor.store.literal import quote
from sensor.store.rows import ndjson, seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from sensor.ledger.config import LedgerSection
    from sensor.ledger.encoding import Encoder
    from sensor.ledger.streams import Stream
    from sensor.store.case_store import Session

MOST_AT_ONCE = 20_000  # records of one write; the file of what is under way holds them
_LOOKED_FOR = 1_000  # keys in one question after a process was killed
_REMEMBERED = 200_000  # leaves among which a delivery that comes again is looked for


class Book:
    """`folder`: the log's directory. `retention`: days that tables keep rows of live runs, 0: for ever; those not named
    keep them for ever. StoreError or InputError says why the log cannot be kept."""

    def __init__(
        self, session: Session, sensor: str, section: LedgerSection, folder: Path, retention: dict[str, int]
    ) -> None:
        self._session, self._sensor, self._section, self._retention = session, sensor, section, retention
        self._ask = asking(session.pieces)
        self.keys = Keys(folder, _path(section.key), sensor)
        self._trees: dict[str, tuple[State, bytes]] = {}  # and what the file of it holds
        self._encoders: dict[str, Encoder] = {}
        self._witness = Witness(section)
        self._lock = threading.RLock()
        self._begun = False

    def write(
        self, stream: Stream, columns: Sequence[str], payload: bytes, put: Callable[[], None], token: str = ""
    ) -> None:
        """`put` writes the rows of `payload` (a line of JSON each). `token`: of a delivery that comes again until it is
        acknowledged."""
        with self._lock, self._opened():
            state = self._tree(stream)
            if token and self._has(stream, state, token):
                put()
                return
            now = seconds(time.time_ns())
            leaves = of_records(stream, self._encoder(stream), payload.splitlines(), now)
            files = Files(self.keys.folder, stream.name)
            batch = token or token_hex(8)
            about = {"token": batch, "again": bool(token), "now": now, "columns": list(columns)}
            files.begin(about, payload, durable=not token)
            put()
            self._append(stream, state, leaves, batch)
            files.done()
            if time.time() - state.signed_at >= self._section.interval:
                self._sign([stream])

    def removed(self, case: str, runs: Iterable[str] = (), *, who: str, why: str) -> None:
        """Says that rows of a case (only of these runs) are about to be taken away on purpose."""
        with self._lock, self._opened():
            for stream in (each for each in STREAMS if not each.stays):
                scopes = [{"case_id": case, "run": run} for run in runs] if stream.run else []
                if not list(runs):
                    scopes = [{"case_id": case}]
                condition = " OR ".join(
                    " AND ".join(f"{name} = {quote(value)}" for name, value in scope.items()) for scope in scopes
                )
                if condition and self._session.number(f"SELECT count() FROM {stream.table} WHERE {condition}"):
                    self._note(stream, REMOVAL, {"who": who, "why": why}, scopes)

    def tick(self) -> None:
        """Signs what has waited for long enough; for processes that stay."""
        with self._lock:
            if not self._begun:
                return
            due = [NAMED[name] for name, (state, _) in self._trees.items() if self._is_due(state)]
            if due:
                with self._opened():
                    self._sign(due)

    def sign(self) -> None:
        """Signs what is not signed yet, of all streams."""
        with self._lock, self._opened():
            self._sign(STREAMS)

    def rotate(self) -> None:
        """A new key: each stream says so in a leaf that the old one signs, and goes on under the new one."""
        with self._lock, self._opened():
            begun = [stream for stream in STREAMS if self._tree(stream).tree.size]
            made = self.keys.replaced()
            told = {"public_key": _base64(made.public), "before": _base64(self.keys.public)}
            for stream in begun:
                self._note(stream, KEY, told, [{}])
            self._sign(begun)
            self.keys.adopt(made)
            self._sign(begun, anew=True)

    def close(self) -> None:
        """Signs whatever was not yet."""
        with self._lock:
            grown = [NAMED[name] for name, (state, _) in self._trees.items() if state.tree.size > state.signed]
            try:
                if grown:
                    with self._opened():
                        self._sign(grown)
            except StoreError as error:
                say(f"{error}; the ledger's heads are signed when it is opened next", "warning")
            self._witness.end()

    def _opened(self) -> Any:
        return _Opened(self.keys, self._begin)

    def _begin(self) -> None:
        new = self.keys.open()
        self._begun = True
        if new:
            counts = " UNION ALL ".join(f"SELECT '{s.name}', toString(count()) FROM {s.table}" for s in STREAMS)
            for name, count in list(self._ask(counts)):
                if int(count):
                    self._adopt(NAMED[name])

    def _adopt(self, stream: Stream) -> None:
        """Rows that are older than the ledger: from now on they stay as they are."""
        if self._session.number(f"SELECT count() FROM ledger_leaves WHERE stream = {quote(stream.name)}"):
            return  # another log has seen to that
        encoder = self._encoder(stream)
        version = f"toString(`{stream.version}`)" if stream.version == "version" else "'0'"
        if stream.version.endswith("ts"):
            version = f"toString(toUnixTimestamp64Nano(`{stream.version}`))"
        run = "toString(run)" if stream.run else "''"
        rows = self._ask(
            f"SELECT toString(sensor), toString(case_id), {key_sql(stream, encoder)}, {version}, {run},"
            f" toString(toUnixTimestamp64Nano(ts)), lower(hex(SHA256({encoder.sql()}))) FROM {stream.table}"
            f"{' FINAL' if stream.version else ''} ORDER BY ts"
        )
        now = seconds(time.time_ns())
        waiting: list[dict[str, Any]] = []
        for sensor, case, key, state, of_run, ts, hashed in rows:
            waiting.append(
                {
                    "sensor": sensor, "case_id": case, "ts": now, "stream": stream.name, "kind": "record", "key": key,
                    "version": max(0, int(state)), "run": of_run, "row_ts": seconds(int(ts)), "record_hash": hashed,
                    "note": "",
                }
            )  # fmt: skip
        tree = self._tree(stream) if waiting else None
        for at in range(0, len(waiting), MOST_AT_ONCE):
            if tree is not None:
                self._append(stream, tree, waiting[at : at + MOST_AT_ONCE], token_hex(8))

    def _encoder(self, stream: Stream) -> Encoder:
        if stream.name not in self._encoders:
            self._encoders[stream.name] = encoder_of(self._ask, stream.table)
        return self._encoders[stream.name]

    def _tree(self, stream: Stream) -> State:
        """Where the stream is, whoever wrote to it last."""
        files = Files(self.keys.folder, stream.name)
        state, data = self._trees.get(stream.name, (None, b""))
        pending = files.pending()
        if state is not None and pending is None and files.read() == data:
            return state
        state = files.state() or State.begun(self.keys.log, stream.name)
        self._take_over(stream, state)
        self._trees[stream.name] = (state, files.keep(state))
        if pending is not None:
            self._finish(stream, state, pending)
            files.done()
        days = self._retention.get(stream.table, 0)
        if days != state.retention:
            state.retention = days
            self._note(stream, RETENTION, {"days": days}, [{"case_id": LIVE}])
        return state

    def _take_over(self, stream: Stream, state: State) -> None:
        """Leaves of this log that its directory does not know of: a process was killed before it could say so."""
        secrets = [known.seal for known in self.keys.known]
        where = f"{of_tree(self.keys.log, stream.name)} AND leaf_index >= {state.tree.size} ORDER BY leaf_index"
        strange = 0
        for place, hashed, _, seal in self._ask(f"{LEAVES} WHERE {where}"):
            leaf = bytes.fromhex(hashed)
            if int(place) == state.tree.size and any(sealed(key, int(place), leaf) == seal for key in secrets):
                state.chain = linked(state.chain, leaf)
                state.tree.add(leaf)
            elif int(place) >= state.tree.size:
                strange += 1
        if strange:
            say(f"{strange} leaves of the stream {stream.name} were not written by this log; it goes on without them",
                "warning")  # fmt: skip

    def _finish(self, stream: Stream, state: State, pending: tuple[dict[str, Any], bytes]) -> None:
        """What a process that was killed had begun. Rows of a delivery come again by themselves, others are here."""
        about, payload = pending
        if not payload or self._has(stream, state, about["token"]):
            return
        encoder = self._encoder(stream)
        lines = payload.splitlines()
        leaves = of_records(stream, encoder, lines, about["now"])
        there = self._there(stream, encoder, leaves)
        lacking = [
            line for line, leaf in zip(lines, leaves, strict=True) if (leaf["key"], leaf["record_hash"]) not in there
        ]
        if about["again"]:
            if lacking:
                return
        elif lacking:
            self._session.insert(stream.table, about["columns"], [b"\n".join(lacking) + b"\n"], "JSONEachRow")
        self._append(stream, state, leaves, about["token"])

    def _there(self, stream: Stream, encoder: Encoder, leaves: list[dict[str, Any]]) -> set[tuple[str, str]]:
        found = set()
        for at in range(0, len(leaves), _LOOKED_FOR):
            some = leaves[at : at + _LOOKED_FOR]
            cases = ", ".join(sorted({quote(leaf["case_id"]) for leaf in some}))
            keys = ", ".join(quote(leaf["key"]) for leaf in some)
            sql = records_sql(stream, encoder, f"case_id IN ({cases})")
            for _, key, hashed in self._ask(f"SELECT * FROM ({sql}) WHERE of_key IN ({keys})"):
                found.add((key, hashed))
        return found

    def _has(self, stream: Stream, state: State, token: str) -> bool:
        near = max(0, state.tree.size - _REMEMBERED)
        where = f"{of_tree(self.keys.log, stream.name)} AND leaf_index >= {near} AND batch = {quote(token)}"
        return bool(self._session.number(f"SELECT count() FROM ledger_leaves WHERE {where}"))

    def _note(self, stream: Stream, kind: str, told: Mapping[str, object], scopes: Iterable[dict[str, str]]) -> None:
        state = self._tree(stream)
        now = seconds(time.time_ns())
        leaves = [of_note(self._sensor, stream.name, kind, told, now, **scope) for scope in scopes]
        token = token_hex(8)
        Files(self.keys.folder, stream.name).begin({"token": token, "again": False, "now": now}, b"", durable=False)
        self._append(stream, state, leaves, token)
        Files(self.keys.folder, stream.name).done()

    def _append(self, stream: Stream, state: State, leaves: list[dict[str, Any]], token: str) -> None:
        tree, chain = state.tree.copy(), state.chain
        for leaf in leaves:
            leaf |= {"log": self.keys.log, "batch": token}
            hashed = leaf_hash(leaf)
            chain = linked(chain, hashed)
            leaf |= {"leaf_index": tree.size, "chain": chain.hex(),
                     "seal": sealed(self.keys.seal, tree.size, hashed)}  # fmt: skip
            tree.add(hashed)
        if leaves:
            self._session.insert("ledger_leaves", list(leaves[0]), [ndjson(leaves)], "JSONEachRow", f"{token}-leaves")
        state.tree, state.chain = tree, chain
        self._keep(stream, state)

    def _keep(self, stream: Stream, state: State) -> None:
        self._trees[stream.name] = (state, Files(self.keys.folder, stream.name).keep(state))

    def _is_due(self, state: State) -> bool:
        return state.tree.size > state.signed and time.time() - state.signed_at >= self._section.interval

    def _sign(self, streams: Sequence[Stream], *, anew: bool = False) -> None:
        """`anew`: also what has a head already, of an earlier key."""
        now = time.time()
        rows, texts = [], []
        for stream in streams:
            state = self._tree(stream)
            if state.tree.size == state.signed and not anew:
                continue
            name = note.origin(self.keys.sensor, self.keys.log, stream.name)
            state.checkpoint = note.sign(name, state.tree.size, state.tree.root(), self.keys.private())
            state.signed, state.signed_at = state.tree.size, now
            texts.append(state.checkpoint)
            rows.append(
                {
                    "sensor": self.keys.sensor, "case_id": "", "ts": seconds(int(now * 1e9)), "log": self.keys.log,
                    "stream": stream.name, "tree_size": state.tree.size, "public_key": _base64(self.keys.public),
                    "checkpoint": state.checkpoint,
                }
            )  # fmt: skip
        if rows:
            self._session.insert("tree_heads", list(rows[0]), [ndjson(rows)], "JSONEachRow")
            for stream in streams:
                self._keep(stream, self._trees[stream.name][0])
            self._witness.tell(texts)


class _Opened:
    """The log's lock, and what the first of a process does under it."""

    def __init__(self, keys: Keys, begin: Callable[[], None]) -> None:
        self._locked, self._begin = keys.locked(), begin

    def __enter__(self) -> None:
        self._locked.__enter__()
        try:
            self._begin()
        except BaseException:
            self._locked.__exit__(None, None, None)
            raise

    def __exit__(self, *told: object) -> None:
        self._locked.__exit__(*told)  # type: ignore[arg-type]


def _path(given: str) -> Path | None:
    from pathlib import Path

    return Path(given) if given else None


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
