"""What a million packets cost: CPU seconds, wall seconds, packets a second, peak memory.

    bench.py [CAPTURE] [--runs 3] [--workers 1]

Without a capture it takes the mixed million packets of the speed generator, where that lies beside the
repository, else the demo's capture repeated until there are a million packets. tshark and Suricata are
run on the same file in the same call when they are on the PATH. Figures are the operating system's own
accounting of finished processes; of several runs the median is printed, with least and most.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
GENERATOR = ROOT.parent / "shared" / "tools" / "make_speed_capture.py"
DEMO = ROOT / "pcaps" / "demo.pcap"
PACKETS = 1_000_000
READ_ONLY = """
import sys
from parsers import Engine
engine = Engine([sys.argv[1]], workers=int(sys.argv[2]))
rows = 0
while (window := engine.next()) is not None:
    for table in window.tables.values():
        table.__arrow_c_stream__()
        rows += len(table)
print(rows)
"""


@dataclass(frozen=True)
class Cost:
    """One finished process: seconds and MiB."""

    cpu: float
    wall: float
    peak: float
    status: int


def cost(command: list[str]) -> Cost:
    """Runs a command to its end and reads the kernel's account of it."""
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    stderr = process.stderr.read() if process.stderr else b""
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - started
    code = os.waitstatus_to_exitcode(status)
    if code:
        sys.stderr.write(stderr.decode(errors="replace")[-500:])
    return Cost(usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss / 1024, code)


def repeated(source: Path, target: Path, packets: int) -> None:
    """Writes a capture's packets over and over, each round later than the one before."""
    data = source.read_bytes()
    head, at, records = data[:24], 24, []
    while at + 16 <= len(data):
        seconds, micros, length, original = struct.unpack_from("<IIII", data, at)
        records.append((seconds, micros, length, original, data[at + 16 : at + 16 + length]))
        at += 16 + length
    span = records[-1][0] - records[0][0] + 5
    with target.open("wb") as out:
        out.write(head)
        for i in range(packets):
            seconds, micros, length, original, frame = records[i % len(records)]
            out.write(struct.pack("<IIII", seconds + span * (i // len(records)), micros, length, original) + frame)


def speed_capture(folder: Path, packets: int = PACKETS) -> Path:
    """The capture that figures refer to."""
    path = folder / "speed.pcap"
    if GENERATOR.exists():
        command = [sys.executable, str(GENERATOR), "--profile", "ot", "--packets", str(packets), "--seed", "1"]
        subprocess.run([*command, "--out", str(path)], check=True, stdout=subprocess.DEVNULL)
    else:
        sys.stderr.write("the speed generator is not here: the demo's capture is repeated instead\n")
        repeated(DEMO, path, packets)
    return path


def counted(capture: Path) -> list[dict[str, int]]:
    """What the engine knows of the capture after reading it."""
    code = "import sys, json; from parsers import Engine; e = Engine([sys.argv[1]])\n"
    code += "while e.next() is not None: pass\nprint(json.dumps([{'packets': c['packets']} for c in e.captures()]))"
    done = subprocess.run([sys.executable, "-c", code, str(capture)], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def programs(capture: Path, folder: Path, workers: int) -> dict[str, list[str]]:
    """What is measured, by name; `{run}` is the number of the run."""
    driftspan = Path(sys.executable).with_name("driftspan")
    store = str(folder / "store-{run}")
    chosen = {
        "driftspan read + wire + Arrow": [sys.executable, "-c", READ_ONLY, str(capture), str(workers)],
        "driftspan replay, whole": [
            str(driftspan), "replay", str(capture), "--store", store, "--case", "bench", "--workers", str(workers),
        ],
    }  # fmt: skip
    if tshark := shutil.which("tshark"):
        chosen["tshark"] = [tshark, "-n", "-r", str(capture)]
    if suricata := shutil.which("suricata"):
        chosen["suricata, as configured"] = [suricata, "-r", str(capture), "-l", str(folder), "--runmode", "single"]
    return chosen


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("capture", nargs="?", type=Path)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--peers", action=argparse.BooleanOptionalAction, default=True)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        capture = options.capture or speed_capture(folder)
        packets = sum(facts["packets"] for facts in counted(capture))
        line = "{:32} {:>9} {:>17} {:>9} {:>12} {:>10}"
        sys.stdout.write(line.format("", "CPU s", "least to most", "wall s", "packets/s", "peak MiB") + "\n")
        worst = 0
        for name, command in programs(capture, folder, options.workers).items():
            peer = not name.startswith("driftspan")
            if peer and not options.peers:
                continue
            runs = [cost([part.format(run=run) for part in command]) for run in range(1 if peer else options.runs)]
            worst |= 0 if peer else max(run.status for run in runs)
            cpu = [run.cpu for run in runs]
            wall = statistics.median(run.wall for run in runs)
            middle = f"{statistics.median(cpu):.2f}"
            spread = f"{min(cpu):.2f} to {max(cpu):.2f}"
            peak = f"{max(run.peak for run in runs):.0f}"
            sys.stdout.write(line.format(name, middle, spread, f"{wall:.2f}", f"{packets / wall:,.0f}", peak) + "\n")
            sys.stdout.flush()
    return 1 if worst else 0


if __name__ == "__main__":
    sys.exit(main())
