"""A sensor's hand without its ears: windows of real rows into a spool, and the keeper's process that delivers them."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from parsers import Engine as Packets
from sensor.case_name import LIVE
from sensor.spool.store import SpoolStore
from sensor.spool.writer import Writer
from sensor.store import CaptureFacts
from tests.sensor.conftest import START, alert_row, modbus_reads

PLENTY = 64 << 30


def tables(folder: Path, transactions: int) -> dict[str, list[Any]]:
    """The rows of one window of so many Modbus transactions; a large one comes in parts."""
    capture = folder / "window.pcap"
    head = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
    records = [
        struct.pack("<IIII", *divmod(round((START + at) * 1_000_000), 1_000_000), len(frame), len(frame)) + frame
        for at, frame in modbus_reads(transactions, every=9.0 / transactions)
    ]
    capture.write_bytes(head + b"".join(records))
    engine = Packets([str(capture)], window_seconds=100.0, workers=1)
    found: dict[str, list[Any]] = {}
    while (window := engine.next()) is not None:
        for name, rows in window.tables.items():
            found.setdefault(name, []).append(rows)
    return found


class Sensor:
    """`commit` is a window: its rows, a state of health that bears the window's number, and an alert."""

    def __init__(self, folder: Path, rows: dict[str, list[Any]], name: str = "s", limit: int = PLENTY) -> None:
        self._store = SpoolStore(Writer(folder, limit), name, LIVE)
        self._rows = {table: rows[table] for table in ("modbus", "behaviours", "tag_changes") if table in rows}
        self.commits = 0
        self._store.begin_case(LIVE, [CaptureFacts("c" * 32, "eth")])

    def commit(self) -> None:
        self.commits += 1
        for table, parts in self._rows.items():
            for rows in parts:
                self._store.append(table, rows)
        self._store.upsert("health", [{"ts": self.commits * 10**9, "counter": "commit", "value": self.commits}])
        self._store.upsert("alert_rows", [alert_row(f"{self.commits:032x}")])
        self._store.flush()

    @property
    def lost(self) -> int:
        return self._store.lost.total()

    def close(self) -> None:
        self._store.close()


class Keeper:
    def __init__(self, url: str, spool: Path, said: Path, name: str = "s") -> None:
        self._command = [
            sys.executable, "-m", "sensor.keeper", "--store", url, "--database", "driftspan", "--sensor", name,
            "--spool", str(spool),
        ]  # fmt: skip
        self._said = said
        self._child = self._begun()

    def _begun(self) -> subprocess.Popen[bytes]:
        with self._said.open("ab") as said:
            return subprocess.Popen(self._command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=said)

    @property
    def pid(self) -> int:
        return self._child.pid

    def nudge(self) -> None:
        assert self._child.stdin is not None
        with suppress(OSError):  # it was killed
            self._child.stdin.write(b"\n")
            self._child.stdin.flush()

    def kill(self) -> None:
        self._child.kill()
        self._child.wait()
        assert self._child.stdin is not None
        with suppress(OSError):  # what was not sent goes nowhere
            self._child.stdin.close()

    def restart(self) -> None:
        self._child = self._begun()

    def end(self, seconds: float = 120) -> int:
        """When what waits is delivered."""
        assert self._child.stdin is not None
        self._child.stdin.close()
        try:
            return self._child.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise


def rss(pid: int) -> int:
    """Bytes."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
