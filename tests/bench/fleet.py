"""Fifty sensors of one store: rows a second that a server takes, bytes of a row, what questions cost meanwhile, and what that
means for a thousand. Every sensor delivers its windows as a keeper does."""

from __future__ import annotations

import argparse
import itertools
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from statistics import quantiles

sys.path.insert(0, str(Path(__file__).parents[2]))

from sensor.case_name import LIVE
from sensor.spool import Batch
from sensor.store import CaptureFacts, open_reading, open_store
from tests.clickhouse.engine import Engine, library
from tests.clickhouse.traffic import tables
from tests.sensor.conftest import alert_row

ROOT = Path(__file__).parents[2]
DAY = ROOT / "pcaps" / "day_clean.pcap.gz"
WINDOW = 10  # seconds
TABLES = ("modbus", "tag_changes", "behaviours", "flows", "sightings")
QUESTIONS = {
    "fleet": "SELECT sensor, max(ts) AS last, count() AS n FROM health WHERE case_id = 'live' GROUP BY sensor",
    "open alerts, latest 200": "SELECT * FROM alerts WHERE status = 'open' ORDER BY last_ts DESC, alert_id LIMIT 200",
    "messages by minute": "SELECT ts, protocol, sum(messages) AS n, sum(bytes) AS b FROM protocol_minutes GROUP BY ts, protocol",
    "top talkers": "SELECT client_ip, server_ip, sum(bytes) AS b FROM talker_hours GROUP BY ALL ORDER BY b DESC LIMIT 20",
    "one sensor's writes": "SELECT ts, src_ip, dst_ip, address, values FROM modbus WHERE sensor = 's07' AND function_code = 16"
    " ORDER BY ts DESC LIMIT 100",
    "messages of all sensors": "SELECT count() AS n, uniq(src_ip) AS hosts FROM modbus",
}


def insert(url: str, first: int, sensors: int, seconds: float, rate: int) -> int:
    """Rows written by so many sensors in turn."""
    with tempfile.TemporaryDirectory() as folder:
        made = tables(Path(folder), rate * WINDOW)
    stores = [open_store(url, "driftspan", f"s{first + n:02d}") for n in range(sensors)]
    written, end = 0, time.monotonic() + seconds
    for window in itertools.count():
        for number, store in enumerate(stores, first):
            name = f"s{number:02d}"
            for table in TABLES:
                if table not in made:
                    continue
                parts = made[table]
                payload = b"".join(rows.native({"sensor": name, "case_id": LIVE}) for rows in parts)
                columns = ("sensor", "case_id", *parts[0].column_names)
                count = sum(rows.num_rows for rows in parts)
                store.deliver(Batch(table, columns, "Native", count, payload, f"{name}-{window}-{table}"))
                written += count
            if window % 6 == 0:  # of a minute
                store.record("health", LIVE, [{"ts": time.time_ns(), "counter": c, "value": 1} for c in "abcdefgh"])
                store.record("alert_rows", LIVE, [alert_row(f"{number:016x}{window:016x}")])
            if time.monotonic() > end:
                for each in stores:
                    each.close()
                return written
    raise AssertionError


def latencies(url: str, seconds: float) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {name: [] for name in QUESTIONS}
    end = time.monotonic() + seconds
    with closing(open_reading(url, "driftspan")) as store:
        while time.monotonic() < end:
            for name, sql in QUESTIONS.items():
                begun = time.monotonic()
                for _ in store.query(sql, "JSONEachRow"):
                    pass
                found[name].append(time.monotonic() - begun)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sensors", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--rate", type=int, default=200, help="messages a second of one sensor")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--insert", nargs=3, metavar=("URL", "FIRST", "SENSORS"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.insert:
        print(insert(given.insert[0], int(given.insert[1]), int(given.insert[2]), given.seconds, given.rate))
        return 0
    if library() is None:
        print("no server: npm cannot fetch it")
        return 1
    with tempfile.TemporaryDirectory(prefix="driftspan-fleet-") as name:
        server = Engine(Path(name) / "server").start()
        try:
            report(server, given)
        finally:
            server.kill()
    return 0


def bytes_of_a_message(server: Engine) -> float:
    """On disk, with values, behaviours and all else that belongs to it, of a recorded day of real stacks."""
    command = [sys.executable, "-m", "sensor", "replay", str(DAY), "--store", server.url("day"), "--case", "day"]
    subprocess.run(command, check=True, capture_output=True, cwd=ROOT)
    print("a recorded day on disk:")
    found = server.ask("SELECT table, sum(rows) AS n, sum(bytes_on_disk) AS b FROM system.parts WHERE active AND database = 'day'"
                       " GROUP BY table ORDER BY b DESC LIMIT 8")  # fmt: skip
    for table, rows, size in (line.split() for line in found.splitlines()):
        print(f"  {table:<26} {int(rows):>7} rows of {int(size) / int(rows):6.1f} bytes")
    counts = " UNION ALL ".join(
        f"SELECT count() AS n FROM day.{table}" for table in ("modbus", "dnp3", "opcua", "mqtt")
    )
    messages = f"SELECT sum(n) FROM ({counts})"
    whole = "SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND database = 'day'"
    each = int(server.ask(whole)) / int(server.ask(messages))
    print(f"  a message with all that belongs to it: {each:.0f} bytes")
    return each


def report(server: Engine, given: argparse.Namespace) -> None:
    url = server.url("fleet")
    with closing(open_store(url, "driftspan", "first")) as store:
        store.begin_case(LIVE, [CaptureFacts("f" * 32, "eth")])
    share = given.sensors // given.processes
    more = ["--seconds", str(given.seconds), "--rate", str(given.rate)]
    command = [sys.executable, __file__, *more, "--insert", url]
    begun = time.monotonic()
    writers = [
        subprocess.Popen([*command, str(at * share), str(share)], stdout=subprocess.PIPE, text=True)
        for at in range(given.processes)
    ]
    asked = latencies(url, given.seconds * 0.9)
    rows = sum(int(writer.communicate()[0]) for writer in writers)
    took = time.monotonic() - begun
    messages = int(server.ask("SELECT count() FROM fleet.modbus"))
    print(f"{given.sensors} sensors, {given.processes} processes: {rows / took:,.0f} rows a second,"
          f" {messages / took:,.0f} of them messages")  # fmt: skip
    for name, seconds in asked.items():
        if len(seconds) > 1:
            middle, high = quantiles(seconds, n=20)[9], quantiles(seconds, n=20)[18]
            print(
                f"  {name:<26} median {middle * 1000:7.0f} ms, 95 % {high * 1000:7.0f} ms, asked {len(seconds)} times"
            )
    each = bytes_of_a_message(server)
    wanted = 1000 * given.rate
    day = wanted * 86400 * each / 2**30
    print(f"1,000 sensors of {given.rate} messages a second: {wanted:,} messages a second, {day:,.0f} GiB a day,"
          f" {wanted / (messages / took):.1f} machines like this one at full load, {2 * wanted / (messages / took):.0f}"
          " with half of it free")  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
