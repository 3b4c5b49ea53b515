"""kill -9 at random moments of a live run; inside a network namespace of its own.

    kill_trial.py FOLDER TIMES SEED

What was acknowledged when everything is dead: rows and alerts in the store, and those in the spool's whole files. When
the sensor has begun again and nothing waits any more, each must be in the store, once. Prints what came of it as JSON.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from typing import Any

from sensor.spool import READY, TAKEN, frames
from tests.integration.live_trial import Live, demo
from tests.parsers.mirror_port import cable, send
from tests.sensor.conftest import modbus_reads

TABLES = ("modbus", "dnp3", "opcua", "mqtt")
ONCE = ", ".join(f"(SELECT [count(), uniqExact(tuple(*))] FROM {table}) AS {table}" for table in TABLES)
VICTIMS = ("sensor", "keeper", "both", "keeper while it delivers")


@dataclass
class Acknowledged:
    """`sure`: rows that must be stored; `open`: of files that a keeper had begun with, which may be stored already."""

    stored: Counter[str] = field(default_factory=Counter)
    sure: Counter[str] = field(default_factory=Counter)
    open: Counter[str] = field(default_factory=Counter)
    alerts: set[str] = field(default_factory=set)


class Traffic(threading.Thread):
    """Hosts that were never seen before speak Modbus, which is an alert each, and now and then the whole plant does."""

    def __init__(self, seed: int, first: int) -> None:
        super().__init__(daemon=True)
        self.over = threading.Event()
        self._dice, self._hosts = random.Random(seed), cycle([*range(first, 255), *range(1, first)])

    def run(self) -> None:
        while not self.over.is_set():
            send(iter([frame for _, frame in modbus_reads(20, host=next(self._hosts))]))
            if self._dice.random() < 0.2:
                demo()
            self.over.wait(self._dice.uniform(0.01, 0.2))


class Trial:
    def __init__(self, folder: Path, seed: int) -> None:
        self.live, self.dice = Live(folder), random.Random(seed)
        self.faults: list[str] = []
        self.victims: Counter[str] = Counter()
        self.rows: dict[str, Any] = {}
        self.alerts = 0
        self._known = Acknowledged()

    def go(self, times: int) -> None:
        for number in range(times):
            self.live.begin()
            self.check(number)
            traffic = Traffic(self.dice.randrange(1 << 30), 1 + number * 5 % 254)
            traffic.start()
            time.sleep(self.dice.uniform(0.2, 3.0))
            self.kill(self.dice.choice(VICTIMS))
            traffic.over.set()
            traffic.join()
            self._known = self.acknowledged()
        self.live.begin()
        self.check(times)
        self.live.end()

    def kill(self, victim: str) -> None:
        self.victims[victim] += 1
        keeper = self.live.keeper()
        if victim in ("keeper", "both"):
            os.kill(keeper, signal.SIGKILL)
        if victim == "keeper":
            time.sleep(self.dice.uniform(0.0, 1.0))
        self.live.signal(signal.SIGKILL)
        self.live.wait()
        if victim == "keeper while it delivers":
            time.sleep(self.dice.uniform(0.0, 0.3))
            with contextlib.suppress(ProcessLookupError):
                os.kill(keeper, signal.SIGKILL)
        end = time.monotonic() + 240
        while keepers(self.live.store):  # they deliver what waits, and end; one may have been begun again
            if time.monotonic() > end:
                raise TimeoutError("the keeper does not end")
            time.sleep(0.05)

    def acknowledged(self) -> Acknowledged:
        found = Acknowledged(alerts=self.stored_alerts())
        found.stored.update({table: counts[0] for table, counts in self.counts().items()})
        for path in sorted((self.live.folder / "store-spool").iterdir()):
            if path.suffix not in (READY, TAKEN):
                continue
            with path.open("rb") as file:
                for batch in frames.read(file, path.name):
                    if batch.table == "alert_rows":
                        found.alerts |= {json.loads(line)["alert_id"] for line in batch.payload.splitlines()}
                    elif batch.table in TABLES:
                        (found.sure if path.suffix == READY else found.open)[batch.table] += batch.rows
        return found

    def check(self, number: int) -> None:
        self.live.until(lambda: self.live.ask("status")[0]["spool_waiting_files"] == 0)
        known, self.rows = self._known, self.counts()
        for table, (rows, once) in self.rows.items():
            least = known.stored[table] + known.sure[table]
            if rows != once:
                self.faults.append(f"after kill {number}: {rows - once} rows of {table} are there twice")
            if not least <= rows <= least + known.open[table]:
                self.faults.append(f"after kill {number}: {rows} rows of {table}, {least} were acknowledged")
        alerts = self.stored_alerts()
        self.alerts = len(alerts)
        if lost := known.alerts - alerts:
            self.faults.append(f"after kill {number}: alerts lost: {sorted(lost)}")

    def counts(self) -> dict[str, list[int]]:
        return self.live.ask("query", f"SELECT {ONCE}")[0]

    def stored_alerts(self) -> set[str]:
        return {row["alert_id"] for row in self.live.ask("query", "SELECT DISTINCT alert_id FROM alert_rows")}


def keepers(store: str) -> list[int]:
    """Processes that keep this store, or are about to; whoever ended has no command line any more."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0") if entry.name.isdigit() else []
        except (FileNotFoundError, ProcessLookupError):
            continue
        if b"sensor.keeper" in words and store.encode() in words:
            found.append(int(entry.name))
    return found


def main() -> None:
    cable()
    trial = Trial(Path(sys.argv[1]), int(sys.argv[3]))
    trial.go(int(sys.argv[2]))
    found = {"faults": trial.faults, "victims": trial.victims, "rows": trial.rows, "alerts": trial.alerts}
    said = trial.live.said()
    traces = said.count("Traceback") + said.count("unexpected")
    json.dump(found | {"tracebacks": traces}, sys.stdout)


if __name__ == "__main__":
    main()
