"""Cases at size: killed and resumed, carved a thousand times, and fifty gigabytes of captures.

    cases.py resume [--times 20] [--seed N]    the campaign day in 200 files, killed at random moments, resumed
    cases.py carve [--alerts 1000] [--seed N]  any alert of the campaign day, against tshark and the clock
    cases.py large [--gb 50] [--engine]        one capture over and over with shifted times: memory, time, pace

Exit status 1 where rows differ, a carved slice does not hold what tshark selects, or a carve takes a second.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import random
import resource
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from tests.sensor.conftest import Program, modbus_reads, write_pcap  # noqa: E402
from tests.sensor.same_rows import rows_of  # noqa: E402

DAY = ROOT / "pcaps" / "day_campaign.pcap.gz"
GB = 10**9


def split(data: bytes, folder: Path, parts: int) -> None:
    """A pcap as rotated files of as many packets each."""
    folder.mkdir()
    ends, at = [], 24
    while at < len(data):
        at += 16 + struct.unpack_from("<I", data, at + 8)[0]
        ends.append(at)
    step, begin = -(-len(ends) // parts), 24
    for number, first in enumerate(range(0, len(ends), step)):
        end = ends[min(first + step, len(ends)) - 1]
        (folder / f"day-{number:04}.pcap").write_bytes(data[:24] + data[begin:end])
        begin = end


def resume(folder: Path, times: int, seed: int) -> dict[str, Any]:
    dice, program = random.Random(seed), Program(folder)
    split(gzip.decompress(DAY.read_bytes()), folder / "day", 200)
    words = ["replay", "day", "--case", "c", "--checkpoint", "2"]
    command = [sys.executable, "-m", "sensor", *words]
    begun = time.monotonic()
    subprocess.run([*command, "--store", "whole"], cwd=folder, check=True, capture_output=True)
    whole = time.monotonic() - begun
    killed = 0
    for number in range(times):
        more = ["--resume"] if number else []
        process = subprocess.Popen(
            [*command, "--store", "s", *more], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            process.wait(dice.uniform(1.0, whole))
        except subprocess.TimeoutExpired:
            process.kill()
            killed += 1
        process.wait()
    subprocess.run([*command, "--store", "s", "--resume"], cwd=folder, check=True, capture_output=True)
    wanted, found = (rows_of(program, store, "c") for store in ("whole", "s"))
    other = sorted(table for table in wanted if wanted[table] != found.get(table))
    return {"killed": killed, "whole_seconds": round(whole, 1), "tables": len(wanted), "other": other}


def carve(folder: Path, alerts: int, seed: int) -> dict[str, Any]:
    dice, program = random.Random(seed), Program(folder)
    day = folder / "day.pcap"
    day.write_bytes(gzip.decompress(DAY.read_bytes()))
    program.rows("replay", day, "--case", "c", "--store", "s", "--checkpoint", "0")
    from sensor import carving
    from sensor.commands.carve import of_alerts, rows_of
    from sensor.store import open_reading

    ids = [row["alert_id"] for row in program.rows("alerts", "--store", "s", "--status", "all")]
    times, wrong = [], []
    store = open_reading(str(folder / "s"), "driftspan")
    for alert_id in (dice.choice(ids) for _ in range(alerts)):
        before, after = dice.uniform(0, 120), dice.uniform(0, 60)
        begun = time.perf_counter()
        wanted = of_alerts(rows_of(store, "c", [alert_id]), before, after)
        of = carving.found(store, "c", wanted)
        numbers = [packet[2] for packet in carving.packets(of, wanted)]
        times.append(time.perf_counter() - begun)
        command = [
            "tshark",
            "-n",
            "-r",
            str(day),
            "-Y",
            carving.in_wireshark(wanted),
            "-T",
            "fields",
            "-e",
            "frame.number",
        ]
        told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        if numbers != [int(line) for line in told.split()]:
            wrong.append(alert_id)
    store.close()
    return {"carved": len(times), "alerts": len(ids), "median_s": round(statistics.median(times), 4),
            "most_s": round(max(times), 4), "wrong": wrong}  # fmt: skip


def large(folder: Path, gigabytes: float, *, engine: bool) -> dict[str, Any]:
    """Hard links to one capture: no room on the disk; times shifted, so that one follows the other."""
    one = folder / "one.pcap"
    packets = [p for host in range(1, 9) for p in modbus_reads(60_000, host=host, every=0.01)]
    write_pcap(one, sorted(packets))
    size, span = one.stat().st_size, 601
    count = max(2, round(gigabytes * GB / size))
    paths = []
    for number in range(count):
        paths.append(folder / f"cap-{number:05}.pcap")
        os.link(one, paths[-1])
    shifts = [number * span * 10**9 for number in range(count)]
    child = "import sys; from tests.bench.cases import pass_by; pass_by(*sys.argv[1:])"
    told = {}
    for name, of in (("one", 1), ("all", count)):
        given = json.dumps([[str(path) for path in paths[:of]], shifts[:of]])
        words = [sys.executable, "-c", child, given, str(folder / f"store-{name}"), str(int(engine))]
        done = subprocess.run(words, cwd=ROOT, check=True, capture_output=True, text=True)
        told[name] = json.loads(done.stdout.splitlines()[-1])
    cost = {name: 1e6 * run["cpu_s"] / run["packets"] for name, run in told.items()}
    return {"bytes": size * count, "files": count, **told, "us_a_packet": {n: round(c, 3) for n, c in cost.items()},
            "slower": round(cost["all"] / cost["one"] - 1, 4)}  # fmt: skip


def pass_by(given: str, store: str, engine_only: str) -> None:
    """A process of its own: its memory is looked at a tenth and all of the way."""
    from sensor import config
    from sensor.replay import Replay, open_captures
    from sensor.store import open_store

    paths, shifts = json.loads(given)
    loaded = config.load(None)
    begun = resource.getrusage(resource.RUSAGE_SELF)
    engine = open_captures(paths, loaded, 1, print, shifts=shifts, index=True)
    memory: list[tuple[int, int]] = []
    packets = 0

    def look(counted: Any, _: int = 0) -> None:
        memory.append((counted, int(Path("/proc/self/statm").read_text().split()[1]) * 4096))

    if engine_only == "1":
        while (window := engine.next()) is not None:
            packets += window.counters["packets"]
            look(packets)
    else:
        opened = open_store(store, "driftspan", "bench")
        outcome = Replay(engine, opened, loaded, "c").run(0.0, lambda counted, _: look(counted["packets"]))
        packets = outcome.counters["packets"]
        opened.close()
    used = resource.getrusage(resource.RUSAGE_SELF)
    cpu = used.ru_utime + used.ru_stime - begun.ru_utime - begun.ru_stime
    tenth = next(size for at, size in memory if at * 10 >= packets)
    told = {
        "packets": packets,
        "cpu_s": round(cpu, 2),
        "rss_at_a_tenth_mb": tenth // 10**6,
        "rss_mb": memory[-1][1] // 10**6,
    }
    print(json.dumps(told | {"peak_mb": used.ru_maxrss // 1000}))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("resume", "carve", "large"))
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--alerts", type=int, default=1000)
    parser.add_argument("--gb", type=float, default=50.0)
    parser.add_argument("--engine", action="store_true", help="the packet path alone")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="driftspan-") as folder:
        if given.what == "resume":
            told = resume(Path(folder), given.times, given.seed)
        elif given.what == "carve":
            told = carve(Path(folder), given.alerts, given.seed)
        else:
            told = large(Path(folder), given.gb, engine=given.engine)
    print(json.dumps(told, indent=1))
    return bool(told.get("other") or told.get("wrong") or told.get("most_s", 0) >= 1)


if __name__ == "__main__":
    sys.exit(main())
