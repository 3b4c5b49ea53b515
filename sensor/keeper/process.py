"""The keeper as the sensor sees it: a child process that is begun again when it dies."""

from __future__ import annotations

import queue
import subprocess
import sys
import threading
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import orjson

from detectors.verdicts import Verdict
from sensor.case_name import LIVE
from sensor.errors import DriftspanError, InputError, StoreError
from sensor.intake.keep import keep
from sensor.keeper.client import keeper_of
from sensor.model_registry import record_of
from sensor.service.log import say
from sensor.starter import Here

if TYPE_CHECKING:
    from pathlib import Path

    from sensor.config import Config
    from sensor.intake.lines import Batch
    from sensor.model_registry import Record
    from sensor.starter import Beginner, Child

FIRST = 120.0  # seconds in which a keeper opens its store, migrations included
LAST = 60.0  # seconds in which it ends
MOST_ARRIVED = 1000  # batches from outside that wait for a window
_AGAIN = 5.0  # seconds between two tries to begin it again


class KeeperProcess:
    """StoreError or InputError, as the keeper said it, where the store cannot be opened at all."""

    def __init__(self, location: str, config: Config, spool: Path, beginner: Beginner | None = None) -> None:
        self._beginner = beginner or Here()
        self._command = [
            sys.executable, "-P", "-m", "sensor.keeper", "--store", location, "--database", config.store.database,
            "--sensor", config.sensor.name, "--spool", str(spool),
            "--layout", orjson.dumps(asdict(config.layout())).decode(),
            "--log-format", config.log.format, "--log-level", config.log.level,
            *([] if config.sensor.confine else ["--unconfined"]),
        ]  # fmt: skip
        self._location, self._spool = location, str(spool)
        self._told: queue.Queue[dict[str, Any]] = queue.Queue()
        self._arrived: queue.Queue[dict[str, Any]] = queue.Queue()
        self.overflow = 0  # batches from outside that nobody took in time
        self.store: dict[str, Any] = {"rows": 0, "problem": ""}  # what the store took, and why it takes nothing
        self._begun = 0.0
        self.restarts = 0
        self._trouble = ""
        self._child = self._begin()
        try:
            self._found = self._told.get(timeout=FIRST)
        except queue.Empty:
            self._child.kill()
            raise DriftspanError(f"{location}: the store was not opened within {FIRST:.0f} s") from None
        if "ended" in self._found:
            raise _SilentError(self._found["ended"])

    def _begin(self) -> Child:
        self._begun = time.monotonic()
        child = self._beginner.begin(self._command, out=True)
        threading.Thread(target=self._hear, args=(child,), name="keeper", daemon=True).start()
        return child

    def _hear(self, child: Child) -> None:
        for line in child.stdout or ():
            told = orjson.loads(line)
            if "store" in told:
                self.store = told["store"]
            elif "arrived" not in told:
                self._told.put(told)
            elif self._arrived.qsize() < MOST_ARRIVED:
                self._arrived.put(told["arrived"])
            else:
                self.overflow += 1
        if child.stdout is not None:
            child.stdout.close()
        self._told.put({"ended": child.wait()})

    @property
    def pid(self) -> int:
        return self._child.pid

    def nudge(self) -> None:
        """Something was committed. A keeper that died is begun again."""
        if self._child.poll() is not None:
            if time.monotonic() - self._begun < _AGAIN:
                return
            self.restarts += 1
            try:
                self._child = self._begin()
            except DriftspanError as error:
                if str(error) != self._trouble:
                    self._trouble = str(error)
                    say(f"{error}; rows wait in the spool", "error")
                return
        try:
            if self._child.stdin is not None:
                self._child.stdin.write(b"\n")
                self._child.stdin.flush()
        except OSError:  # it dies right now: the next nudge sees to that
            pass

    def verdicts(self) -> list[Verdict] | None:
        """All that hold, if they may have changed since this was asked last."""
        rows = self._heard("verdicts")
        return None if rows is None else [Verdict(*row) for row in rows]

    def models(self) -> list[Record] | None:
        """All that was said of models, if that may have changed since this was asked last."""
        rows = self._heard("models")
        return None if rows is None else [record_of(row) for row in rows]

    def arrived(self) -> list[dict[str, list[dict[str, Any]]]]:
        """Rows by table that came from outside since this was asked last; they are stored already."""
        return [self._arrived.get() for _ in range(self._arrived.qsize())]

    def keep(self, batch: Batch) -> None:
        """Stores records that were read from files; StoreError while no keeper answers."""
        keeper = keeper_of(self._location, self._spool)
        if keeper is None:
            raise StoreError(f"{self._location}: the process that keeps the store does not answer")
        keep(keeper, LIVE, batch, time.time_ns())

    def _heard(self, what: str) -> Any:
        while not self._told.empty():
            self._found |= self._told.get()
        return self._found.pop(what, None)

    def end(self) -> bool:
        """Lets it deliver what waits; whether it ended in time."""
        try:
            if self._child.stdin is not None:
                self._child.stdin.close()
            self._child.wait(LAST)
        except subprocess.TimeoutExpired:
            self._child.terminate()
            self._child.wait()
            return False
        except OSError:
            pass
        return True


class _SilentError(DriftspanError):
    """The keeper has said already what is wrong."""

    def __init__(self, status: int) -> None:
        super().__init__("the store cannot be kept; the line above says why")
        self.status = InputError.status if status == InputError.status else DriftspanError.status
