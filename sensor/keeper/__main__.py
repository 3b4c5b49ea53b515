"""The keeper's process: `python -m sensor.keeper`, begun by `driftspan run` and ended with it.

Lines on stdin say that something was committed; their end says that the sensor is gone. Lines on stdout are JSON for
the sensor: verdicts that hold and what was said of models, whenever they change.
"""

from __future__ import annotations

import argparse
import os
import select
import signal
import sys
import threading
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from detectors.verdicts import Verdict  # noqa: TC001
from sensor import model_registry, verdicts
from sensor.case_name import LIVE
from sensor.confine import confine
from sensor.errors import DriftspanError, StoreError
from sensor.keeper.said import Said
from sensor.keeper.server import Server
from sensor.ledger.config import LedgerSection
from sensor.output import quiet_broken_pipe
from sensor.places import socket_of
from sensor.service.config import LogSection
from sensor.service.log import configure, say
from sensor.spool.reader import Reader
from sensor.store import Layout, open_beside, open_store
from sensor.store.bounds import Bounds
from sensor.store.server.place import is_server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sensor.spool import Batch
    from sensor.store import Store

RECORDED = (
    "drift",
    "inference_log",
    "intake_rejects",
    "incident_rows",
    "custody",
    "access_log",
    "access_heads",
    "runbook_steps",
    "alert_rows",
)  # what comes from outside may be written to
SAID = ("verdicts", "model_registry")  # what people say, told the sensor as it holds then
TOLD = ("drift", "inference_log")  # of these what is new is for the sensor's detectors as well
LOOK = 1.0  # seconds between two looks at the spool when nobody says anything
LONGEST_WAIT = 60.0  # seconds between two tries while the store fails
LAST = 30.0  # seconds that the keeper goes on when the sensor is gone


class Keeper:
    """A server may be away at any time, also when this begins; an embedded store is there or cannot be used."""

    def __init__(self, location: str, database: str, sensor: str, spool: Path, layout: Layout) -> None:
        self._location, self._database, self._sensor, self._layout = location, database, sensor, layout
        self._reader = Reader(spool)
        self._server_store = is_server(location)
        self._said = Said(spool, kept=self._server_store)
        self._store: Store | None = None
        self._writing, self._telling = threading.Lock(), threading.Lock()
        self._failing = ""
        self._wait = self._again = 0.0  # seconds between two tries, and when the next one is
        self._delivered = 0
        self._told: dict[str, Any] = {}
        self._over = False
        try:
            self._opened()
        except StoreError as error:
            if not self._server_store:
                raise
            self._fail(error)
        self._server = Server(socket_of(location, str(spool)), self.answer)

    def _opened(self) -> Store:
        if self._store is None:
            self._store = open_store(self._location, self._database, self._sensor, self._layout)
            self._store.expect_tokens()
        return self._store

    def run(self) -> None:
        self._server.begin()
        self._look_for_said()
        gone: float | None = None
        while not self._over:
            self._drain()
            if gone is None:
                gone = self._listen()
            if gone is not None and (self._reader.is_empty() or time.monotonic() - gone > LAST):
                break
            if self._server_store and self._said.is_old():
                self._look_for_said()
            if self._wait:
                time.sleep(min(self._wait, LOOK) if gone is None else 0.2)
        self._server.end()
        with self._writing:
            if self._store is not None:
                self._store.close()
        self._reader.close()

    def stop(self) -> None:
        self._over = True

    def _listen(self) -> float | None:
        """Waits for a line; the time when the sensor was found to be gone."""
        ready, _, _ = select.select([sys.stdin], [], [], LOOK)
        return time.monotonic() if ready and not os.read(sys.stdin.fileno(), 4096) else None

    def _drain(self) -> None:
        if self._wait and time.monotonic() < self._again:
            return
        try:
            with self._writing:
                self._opened()
            self._reader.drain(self._deliver, lambda: not self._over)
            with self._writing:
                self._opened().tick()
        except DriftspanError as error:
            self._fail(error)
            return
        if self._failing:
            say("the store takes rows again")
        self._failing, self._wait = "", 0.0
        self._tell_store()
        while self._reader.damaged:
            say(f"{self._reader.damaged.pop()}; what follows in it is not stored", "error")

    def _fail(self, error: DriftspanError) -> None:
        if str(error) != self._failing:
            self._failing = str(error)
            say(f"{error}; rows wait in the spool", "error")
            self._tell_store()
        self._wait = min(LONGEST_WAIT, max(1.0, self._wait * 2))
        self._again = time.monotonic() + self._wait

    def _deliver(self, batch: Batch) -> None:
        with self._writing:
            self._opened().deliver(batch)
        self._delivered += batch.rows

    def answer(self, request: dict[str, Any]) -> Iterator[bytes]:
        match request["do"]:
            case "query":
                reading = open_beside(self._location, self._database, Bounds(*request.get("bounds", ())))
                try:
                    yield from reading.query(request["sql"], request["format"], final=request.get("final", True))
                finally:
                    reading.close()
            case "record":
                if request["table"] not in (*RECORDED, *SAID):
                    raise KeyError(request["table"])
                with self._writing:
                    self._opened().record(request["table"], request["case"], request["rows"])
                if request["table"] in SAID:
                    self._look_for_said()
                elif request["case"] == LIVE and request["table"] in TOLD:
                    self._tell({"arrived": {request["table"]: request["rows"]}})
            case "status":
                files, size = self._reader.backlog()
                state = {"delivered_rows": self._delivered, "waiting_files": files, "waiting_bytes": size}
                yield orjson.dumps(state | {"store": self._location, "failing": self._failing})
            case other:
                raise KeyError(other)

    def _tell_store(self) -> None:
        state = {"rows": self._delivered, "problem": self._failing}
        if state != self._told:
            self._told = state
            self._tell({"store": state})

    def _look_for_said(self) -> None:
        """What others say to a server is looked for now and then. What held last holds while it is away."""
        if self._store is None:
            self._tell(self._said.last())
            return
        try:
            with self._writing:
                found: list[Verdict] = verdicts.running(self._store, LIVE)
                models = model_registry.records(self._store)
        except DriftspanError:
            if not self._server_store:
                raise
            self._tell(self._said.last())
            return
        rows = [[v.alert_id, v.action, v.expiry, v.last_seen] for v in found]
        if told := self._said.new({"verdicts": rows, "models": [asdict(said) for said in models]}):
            self._tell(told)

    def _tell(self, told: dict[str, Any]) -> None:
        """A line for the sensor. Several threads answer requests."""
        if not told:
            return
        with self._telling:
            try:
                sys.stdout.buffer.write(orjson.dumps(told) + b"\n")
                sys.stdout.buffer.flush()
            except BrokenPipeError:  # the sensor was killed: what it left behind is delivered all the same
                quiet_broken_pipe()


def _layout(given: str) -> Layout:
    plain = orjson.loads(given)
    told: dict[str, Any] = plain.pop("ledger", {})
    ledger: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in told.items()}
    return Layout(**plain, ledger=LedgerSection(**ledger))


def role(store: str, layout: Layout) -> str:
    """Whether it reaches other machines: a server, or receivers of signed heads."""
    away = is_server(store) or any("://" in place for place in layout.ledger.heads)
    return "writer" if away else "keeper"


def main() -> int:
    parser = argparse.ArgumentParser(prog="driftspan keeper")
    for name in ("store", "database", "sensor", "spool"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--layout", default="{}")
    parser.add_argument("--log-format", default="console")
    parser.add_argument("--log-level", default="info")
    parser.add_argument("--unconfined", action="store_true")
    given = parser.parse_args()
    configure(LogSection(given.log_format, given.log_level), "driftspan keeper")
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the sensor, which ends this process
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        layout = _layout(given.layout)
        if not given.unconfined:
            confine(role(given.store, layout))
        keeper = Keeper(given.store, given.database, given.sensor, Path(given.spool), layout)
        signal.signal(signal.SIGTERM, lambda *_: keeper.stop())
        keeper.run()
    except DriftspanError as error:
        say(str(error), "error")
        return error.status
    except Exception as error:  # noqa: BLE001  the sensor begins another; with threads in it the engine may never end
        say(f"unexpected {type(error).__name__}: {error}", "error")
        os._exit(1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
