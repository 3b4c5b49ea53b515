"""The store away for ten minutes of traffic, then back, then killed in the middle of taking it: what is lost, in which order
it comes, how much memory that takes. `--minutes` and `--rate` for a shorter form."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.clickhouse.engine import Engine, library
from tests.clickhouse.traffic import Keeper, Sensor, rss, tables

WINDOW = 10.0  # seconds of traffic of a commit
SQL = (
    "SELECT (SELECT count() FROM d.health WHERE counter = 'commit'), (SELECT max(value) FROM d.health),"
    " (SELECT count() FROM d.alert_rows), (SELECT count() FROM d.modbus)"
)


def asked(server: Engine) -> list[int] | None:
    try:
        return [int(number) for number in server.ask(SQL).split()]
    except (OSError, RuntimeError):
        return None


class Watch(threading.Thread):
    """The most memory of both processes, each quarter of the time apart."""

    def __init__(self, pids: dict[str, int]) -> None:
        super().__init__(daemon=True)
        self.pids, self.seen = pids, {name: [] for name in pids}
        self.over = threading.Event()

    def run(self) -> None:
        while not self.over.wait(0.5):
            for name, pid in self.pids.items():
                try:
                    self.seen[name].append(rss(pid))
                except OSError:
                    continue

    def said(self, name: str) -> str:
        found = self.seen[name]
        quarter = max(1, len(found) // 4)
        parts = [max(found[at : at + quarter]) / 2**20 for at in range(0, len(found), quarter)][:4]
        return " ".join(f"{part:.0f}" for part in parts)


def pumped(sensor: Sensor, keeper: Keeper, commits: int, *, paced: bool) -> float:
    """CPU seconds of the sensor's half."""
    begun, spent = time.monotonic(), 0.0
    for number in range(commits):
        started = time.thread_time()
        sensor.commit()
        spent += time.thread_time() - started
        keeper.nudge()
        due = begun + (number + 1) * WINDOW
        if paced and due > time.monotonic():
            time.sleep(due - time.monotonic())
    return spent


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--rate", type=int, default=20_000, help="messages a second")
    parser.add_argument("--unpaced", action="store_true", help="as fast as it goes in place of real time")
    given = parser.parse_args()
    if library() is None:
        print("no server: npm cannot fetch it")
        return 1
    with tempfile.TemporaryDirectory(prefix="driftspan-outage-") as name:
        return measured(Path(name), given.minutes, given.rate, paced=not given.unpaced)


def measured(folder: Path, minutes: float, rate: int, *, paced: bool) -> int:
    rows = round(rate * WINDOW)
    made = tables(folder, rows)
    server = Engine(folder / "server").start()
    sensor = Sensor(folder / "spool", made)
    keeper = Keeper(server.url("d"), folder / "spool", folder / "said")
    pumped(sensor, keeper, 2, paced=False)
    while (found := asked(server)) is None or found[0] < 2:
        time.sleep(0.2)
    server.kill()
    watch = Watch({"sensor": os.getpid(), "keeper": keeper.pid})
    watch.start()
    commits = max(1, round(minutes * 60 / WINDOW))
    spent = pumped(sensor, keeper, commits, paced=paced)
    waiting = sum(file.stat().st_size for file in (folder / "spool").iterdir())
    print(
        f"away: {commits} windows of {rows} messages, {commits * rows:,} in all, {waiting / 2**20:,.0f} MiB in the spool"
    )
    print(f"      {spent / commits / WINDOW:.1%} of a core for the spool; memory in MiB by quarters:"
          f" sensor {watch.said('sensor')}, keeper {watch.said('keeper')}")  # fmt: skip
    server.start()
    back = time.monotonic()
    orderly, killed = True, 0
    total = commits + 2
    while (found := asked(server)) is None or found[0] < total:
        if found is not None:
            orderly &= found[0] == found[1]
            if killed < 3 and found[0] > 2 + total * (killed + 1) // 4:
                server.kill()
                server.start()
                killed += 1
        time.sleep(0.05)
    took = time.monotonic() - back
    watch.over.set()
    status = keeper.end()
    windows, last, alerts, messages = asked(server) or [0, 0, 0, 0]
    print(f"back: delivered in {took:.0f} s, {commits * rows / took:,.0f} messages a second, the server killed {killed} times"
          f" meanwhile; keeper's memory {watch.said('keeper')} MiB by quarters of all")  # fmt: skip
    lost = total * rows - messages
    print(f"      windows {windows} of {total}, last {last}, in order {orderly}, alerts {alerts}, messages lost {lost},"
          f" given up {sensor.lost}, keeper's exit status {status}")  # fmt: skip
    server.kill()
    return 0 if (windows, last, alerts, lost, orderly, status) == (total, total, total, 0, True, 0) else 1


if __name__ == "__main__":
    sys.exit(main())
