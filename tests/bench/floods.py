"""Memory under floods: SYNs from random addresses, and one-byte segments that overlap.

    floods.py [--packets 5000000] [--bytes 2000000]

Writes both captures to a temporary folder, replays each in a process of its own and prints peak memory, CPU
seconds and the counters that say what was shed. Seeded: the same packets in every run.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

HEADER = bytes.fromhex("d4c3b2a1020004000000000000000000ffff000001000000")
START = 1_767_600_000
CHUNK = 250_000
RUN = """
import json, resource, sys
from parsers import Engine
engine, counters = Engine([sys.argv[1]]), {}
while (window := engine.next()) is not None:
    for name, value in window.counters.items():
        counters[name] = counters.get(name, 0) + value
usage = resource.getrusage(resource.RUSAGE_SELF)
said = {name: value for name, value in counters.items() if value}
print(json.dumps({"peak_mib": usage.ru_maxrss // 1024, "cpu": usage.ru_utime + usage.ru_stime, **said}))
"""


def frames(count: int, payload: bytes, flags: int) -> np.ndarray:
    """TCP packets to 10.0.0.2:502 as pcap records, one a row; addresses and numbers still to be filled in."""
    tcp = bytes(12) + bytes([0x50, flags, 0xFF, 0xFF, 0, 0, 0, 0]) + payload
    ip = bytes([0x45, 0, 0, 20 + len(tcp), 0, 0, 0x40, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2])
    frame = bytes.fromhex("020000000002020000000001") + b"\x08\x00" + ip + tcp
    record = bytes(8) + len(frame).to_bytes(4, "little") * 2 + frame
    rows = np.tile(np.frombuffer(record, np.uint8), (count, 1)).copy()
    rows[:, 16 + 34 : 16 + 38] = np.frombuffer((40_000).to_bytes(2, "big") + (502).to_bytes(2, "big"), np.uint8)
    return rows


def stamp(rows: np.ndarray, first: int) -> None:
    """A packet every two microseconds."""
    micros = (np.arange(first, first + len(rows), dtype=np.int64)) * 2
    rows[:, 0:4] = (START + micros // 1_000_000).astype("<u4").view(np.uint8).reshape(-1, 4)
    rows[:, 4:8] = (micros % 1_000_000).astype("<u4").view(np.uint8).reshape(-1, 4)


def syns(path: Path, count: int) -> None:
    """SYNs from random addresses and ports."""
    dice = np.random.default_rng(1)
    with path.open("wb") as out:
        out.write(HEADER)
        for first in range(0, count, CHUNK):
            rows = frames(min(CHUNK, count - first), b"", 2)
            rows[:, 16 + 26 : 16 + 30] = dice.integers(1, 255, (len(rows), 4), np.uint8)
            rows[:, 16 + 34 : 16 + 36] = dice.integers(4, 255, (len(rows), 2), np.uint8)
            stamp(rows, first)
            rows.tofile(out)


def overlaps(path: Path, count: int) -> None:
    """One flow of one-byte segments, each beyond a hole and many twice."""
    dice = np.random.default_rng(2)
    with path.open("wb") as out:
        out.write(HEADER)
        for first in range(0, count, CHUNK):
            rows = frames(min(CHUNK, count - first), b"x", 16)
            numbers = (np.arange(first, first + len(rows)) * 2 + dice.integers(0, 64, len(rows)) + 1_000).astype(">u4")
            rows[:, 16 + 38 : 16 + 42] = numbers.view(np.uint8).reshape(-1, 4)
            stamp(rows, first)
            rows.tofile(out)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--packets", type=int, default=5_000_000)
    parser.add_argument("--bytes", type=int, default=2_000_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        for name, make, count in (("syns", syns, options.packets), ("overlaps", overlaps, options.bytes)):
            path = Path(scratch) / f"{name}.pcap"
            make(path, count)
            done = subprocess.run([sys.executable, "-c", RUN, str(path)], capture_output=True, text=True, check=True)
            sys.stdout.write(f"{name}: {json.dumps(json.loads(done.stdout))}\n")
            path.unlink()
    sys.stdout.write(f"(making them took {resource.getrusage(resource.RUSAGE_SELF).ru_utime:.0f} CPU s)\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
