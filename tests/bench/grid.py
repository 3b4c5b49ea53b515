"""The grid of alerts over ten million: server time of a first page for filters and sorts, beside a bare SELECT of its rows.

A twentieth of the alerts have a later state, two thousand a verdict. `wall` is the median of five; on a busy machine
`cpu` (the fastest of five, both cores together) says more. `ratio`: wall to that of a SELECT of the same rows by their
ids. Usage: grid.py [ALERTS] [DIR, kept with the store for another run]
"""

from __future__ import annotations

import re
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from sensor.alerts import ask
from sensor.api import grid
from sensor.api.grid_filter import Filter
from sensor.api.grid_order import Order
from sensor.store import open_store
from sensor.store.chdb_reading import ChdbReading

STEP = 1_000_000
AGAIN, SAID = 20, 2_000  # one of so many has a later state; verdicts
TARGET = 300.0  # ms
_ROW = """INSERT INTO alert_rows (sensor, case_id, ts, run, alert_id, detector, kind, title, severity, confidence, src_ip,
    dst_ip, src_zone, dst_zone, protocol, summary, techniques, count, first_ts, last_ts)
SELECT 'bench', 'live', last_ts, 'r', lower(hex(MD5(toString(number)))),
    ['scan', 'commands', 'baseline', 'cleartext'][number % 4 + 1] AS detector,
    concat(detector, '.', ['a', 'b', 'c', 'd', 'e'][h(1) % 5 + 1]), concat('Something of ', detector), {severity}, 0.5,
    toIPv6(concat('10.', toString(h(2) % 4), '.', toString(h(3) % 50), '.', toString(h(4) % 250))),
    toIPv6(concat('10.9.', toString(h(5) % 4), '.', toString(h(6) % 250))),
    ['cell-1', 'cell-2', 'dmz', 'enterprise'][h(7) % 4 + 1], ['cell-1', 'cell-2', 'dmz', 'enterprise'][h(8) % 4 + 1],
    ['modbus', 'dnp3', 'opcua', 'mqtt'][number % 4 + 1],
    concat('10.1.', toString(h(3) % 50), '.', toString(h(4) % 250), ' wrote holding register ', toString(h(9) % 65536),
        ' of unit ', toString(number % 200), ' which it never did before'),
    ['T0836'], 1 + h(10) % 500, last_ts - toIntervalSecond(60),
    toDateTime64('2026-01-01 00:00:00', 9, 'UTC') + toIntervalMillisecond(number * 260 + {late}) AS last_ts
FROM numbers({first}, {rows}) {only}"""
_SEVERITY = "CAST(multiIf(h(11) % 1000 = 0, 4, h(11) % 50 = 0, 3, h(11) % 5 = 0, 2, 1) AS Enum8('info' = 0, 'low' = 1,"
_SEVERITY += " 'medium' = 2, 'high' = 3, 'critical' = 4))"
PAGES: list[tuple[str, Filter, Order, int]] = [
    ("first page", Filter(), Order(), 0),
    ("page 20", Filter(), Order(), 1_900),
    ("severity high", Filter(severity="high"), Order(), 0),
    ("critical of one kind", Filter(severity="critical", kind="scan.a"), Order(), 0),
    ("a host", Filter(host="10.1.7.9"), Order(), 0),
    ("a network", Filter(host="10.1.7.0/24"), Order(), 0),
    ("no such host", Filter(host="10.77.7.9"), Order(), 0),
    ("a zone", Filter(zone="dmz", protocol="dnp3"), Order(), 0),
    ("an hour", Filter(since="2026-01-02T10:00:00Z", until="2026-01-02T11:00:00Z"), Order(), 0),
    ("learned", Filter(status="learned"), Order(), 0),
    ("closed", Filter(status="closed"), Order(), 0),
    ("any status", Filter(status="all"), Order(), 0),
    ("text, often there", Filter(text="register 123"), Order(), 0),
    ("text, seldom there", Filter(text="register 12345 of unit 17"), Order(), 0),
    ("text, never there", Filter(text="xyzzy"), Order(), 0),
    ("oldest first", Filter(), Order("last_ts", descending=False), 0),
    ("gravest first", Filter(), Order("severity"), 0),
    ("by count", Filter(), Order("count"), 0),
    ("by source", Filter(), Order("src_ip", descending=False), 0),
    ("by kind", Filter(severity="high"), Order("kind"), 0),
]


def main() -> None:
    alerts = int(sys.argv[1]) if len(sys.argv) > 1 else 10 * STEP
    folder = Path(sys.argv[2] if len(sys.argv) > 2 else tempfile.mkdtemp(prefix="driftspan-grid-"))
    try:
        if not (folder / "store").exists():
            _fill(folder / "store", alerts)
        reading = ChdbReading(folder / "store", "driftspan")
        print(f"{'':22}{'wall ms':>9}{'cpu ms':>9}{'bare ms':>9}{'ratio':>7}{'total':>12}")
        slow = [name for name, wanted, order, offset in PAGES if _page(reading, name, wanted, order, offset) > TARGET]
        reading.close()
        print(f"above {TARGET:.0f} ms: {', '.join(slow) or 'none'}")
    finally:
        if len(sys.argv) <= 2:
            shutil.rmtree(folder, ignore_errors=True)


def _page(reading: ChdbReading, name: str, wanted: Filter, order: Order, offset: int) -> float:
    wall, cpu, found = _timed(lambda: grid.page(reading, wanted, order, 100, offset))
    ids = ", ".join(f"'{row['alert_id']}'" for row in found.rows) or "''"
    sql = f"SELECT * FROM alert_rows WHERE case_id = 'live' AND alert_id IN ({ids})"
    bare, _, _ = _timed(lambda: ask(reading, sql, final=False))
    print(f"{name:22}{wall:9.0f}{cpu:9.0f}{bare:9.1f}{wall / bare:7.1f}{found.total:12,}", flush=True)
    return wall


def _timed(act: Callable[[], object]) -> tuple[float, float, grid.Page]:
    walls, cpus, found = [], [], None
    for _ in range(5):
        begun, used = time.perf_counter(), time.process_time()
        found = act()
        cpus.append(1e3 * (time.process_time() - used))
        walls.append(1e3 * (time.perf_counter() - begun))
    return statistics.median(walls), min(cpus), found  # type: ignore[return-value]


def _fill(path: Path, alerts: int) -> None:
    begun = time.monotonic()
    store = open_store(str(path), "driftspan", "bench")
    run = store._session.run  # type: ignore[attr-defined]  rows are made where they are stored
    for first in range(0, alerts, STEP):
        rows = min(STEP, alerts - first)
        run(_sql(first, rows, 0, ""))
        run(_sql(first, rows, 3_600_000, f"WHERE number % {AGAIN} = 0"))
    for action, part in (("learn", 0), ("mute", 1), ("close", 2)):
        run(
            "INSERT INTO verdicts (sensor, case_id, ts, alert_id, action, analyst, expiry, last_seen) SELECT 'bench',"
            f" if('{action}' = 'close', 'live', ''), now64(9), lower(hex(MD5(toString(number * 3000 + {part})))), '{action}',"
            f" 'bench', toDateTime64(0, 9, 'UTC'), toDateTime64('2027-01-01 00:00:00', 9, 'UTC') FROM numbers({SAID // 3})"
        )
    store.close()
    print(f"{alerts:,} alerts made in {time.monotonic() - begun:.0f} s", flush=True)


def _sql(first: int, rows: int, late: int, only: str) -> str:
    """`h(n)`: a number that looks like chance, for each alert and column another."""
    sql = _ROW.format(severity=_SEVERITY, first=first, rows=rows, late=late, only=only)
    return re.sub(r"\bh\((\d+)\)", r"cityHash64(number, \1)", sql)


if __name__ == "__main__":
    main()
