"""Whether memory stays flat: a day of packet time at two thousand messages a second, replayed at full speed.

    day_long.py [--hours 24] [--store DIRECTORY]

The mixed capture of `bench.py` goes through stdin over and over, each round later than the one before, its TCP streams
going on where they were. Resident memory is read after each round, some eighteen times a packet hour: what waits for the
next insert comes and goes, so that an hour is told by its median, and its peak beside it. The store of a whole day takes some
twenty GB of disk. Memory in the last hour must be within a tenth of that in the second.
"""

from __future__ import annotations

import argparse
import math
import os
import shutil
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.bench.bench import speed_capture

HOUR = 3600
MOST = 1.1  # times the memory of hour SETTLED
SETTLED = 2
STORED_A_ROUND = 64 * 2**20  # bytes
PIECE = 1 << 20
ROOM = 5  # seconds between rounds


class Rounds:
    """A classic pcap of Ethernet, little-endian, as many times as wanted. Only its times, the numbers of its TCP segments
    and what checksums those want change from round to round."""

    def __init__(self, capture: Path) -> None:
        self._data = np.frombuffer(bytearray(capture.read_bytes()[24:]), dtype=np.uint8)
        self.head = capture.read_bytes()[:24]
        self._stamps: list[int] = []
        self._segments: list[tuple[int, int, int, int]] = []  # where, stream, the other direction, octets
        self._streams: dict[bytes, int] = {}
        self._index()
        self._at = np.array(self._stamps)
        self._first = self._big(self._at, little=True)
        self.seconds = int(self._first[-1] - self._first[0]) + ROOM
        where, stream, other, octets = np.array(self._segments or [(0, 0, 0, 0)], dtype=np.int64).T
        passed = np.bincount(stream, weights=octets, minlength=len(self._streams) + 1).astype(np.int64)
        self._seq, self._ack = where, where + 4
        self._by, self._back = passed[stream], passed[other]
        self._numbers = self._big(self._seq), self._big(self._ack)
        self._sum = where[:, None] + np.array([12, 13])
        self._sums = self._data[self._sum] @ np.array([256, 1])

    def _index(self) -> None:
        at, data = 0, self._data.tobytes()
        while at + 16 <= len(data):
            length = struct.unpack_from("<I", data, at + 8)[0]
            self._stamps.append(at)
            self._segment(data, at + 16)
            at += 16 + length

    def _segment(self, data: bytes, frame: int) -> None:
        kind = frame + 12
        while data[kind : kind + 2] == b"\x81\x00":
            kind += 4
        ip = kind + 2
        if data[kind : kind + 2] != b"\x08\x00" or data[ip + 9] != 6:
            return
        tcp = ip + 4 * (data[ip] & 15)
        sent = struct.unpack_from(">H", data, ip + 2)[0] - (tcp - ip) - 4 * (data[tcp + 12] >> 4)
        ends = data[ip + 12 : ip + 16] + data[tcp : tcp + 2], data[ip + 16 : ip + 20] + data[tcp + 2 : tcp + 4]
        here, there = (self._streams.setdefault(key, len(self._streams)) for key in (b"".join(ends), ends[1] + ends[0]))
        self._segments.append((tcp + 4, here, there, max(0, sent)))

    def _big(self, at: np.ndarray, *, little: bool = False) -> np.ndarray:
        octets = self._data[at[:, None] + np.arange(4)]
        return octets.copy().view("<u4" if little else ">u4").ravel().astype(np.int64)

    def _put(self, at: np.ndarray, numbers: np.ndarray, kind: str) -> None:
        octets = (numbers & 0xFFFFFFFF).astype(kind).view(np.uint8).reshape(-1, 4)
        self._data[at[:, None] + np.arange(4)] = octets

    def of(self, number: int) -> memoryview:
        """The records of a round; they hold until the next is asked for."""
        self._put(self._at, self._first + number * self.seconds, "<u4")
        moved = [numbers + number * by for numbers, by in zip(self._numbers, (self._by, self._back), strict=True)]
        for at, numbers in zip((self._seq, self._ack), moved, strict=True):
            self._put(at, numbers, ">u4")
        # RFC 1624, 3: the new sum from the old one and what changed.
        total = ~self._sums & 0xFFFF
        for old, new in zip(self._numbers, moved, strict=True):
            total += sum((~(old >> shift) & 0xFFFF) + (new >> shift & 0xFFFF) for shift in (0, 16))
        for _ in range(2):
            total = (total & 0xFFFF) + (total >> 16)
        self._data[self._sum] = (~total & 0xFFFF).astype(">u2").view(np.uint8).reshape(-1, 2)
        return self._data.data


def usage(process: int) -> tuple[float, float]:
    """Resident MiB and CPU seconds of a process that runs."""
    status = Path(f"/proc/{process}/status").read_text()
    resident = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return resident / 1024, (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def run(rounds: Rounds, hours: float, store: Path) -> list[float]:
    """Resident MiB in each hour."""
    driftspan = Path(sys.executable).with_name("driftspan")
    command = [str(driftspan), "replay", "-", "--store", str(store), "--case", "day"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    assert process.stdin is not None
    told: list[float] = []
    samples: list[float] = []
    started = time.monotonic()
    sys.stdout.write(f"{'hour':>5} {'RSS MiB':>9} {'peak':>9} {'CPU s':>9} {'wall s':>9}\n")
    try:
        process.stdin.write(rounds.head)
        for number in range(math.ceil(hours * HOUR / rounds.seconds)):
            data = rounds.of(number)
            for at in range(0, len(data), PIECE):
                process.stdin.write(data[at : at + PIECE])
            resident, cpu = usage(process.pid)
            samples.append(resident)
            if (number + 1) * rounds.seconds >= (len(told) + 1) * HOUR:
                told.append(statistics.median(samples))
                wall = time.monotonic() - started
                row = f"{len(told):>5} {told[-1]:>9.1f} {max(samples):>9.1f} {cpu:>9.1f} {wall:>9.1f}\n"
                sys.stdout.write(row)
                sys.stdout.flush()
                samples.clear()
        process.stdin.close()
        if process.wait():
            sys.exit(f"the replay ended with status {process.returncode}")
    except BrokenPipeError:
        sys.exit(f"the replay ended with status {process.wait()}")
    return told


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=float, default=24)
    parser.add_argument("--store", type=Path, help="where the store goes meanwhile; else a temporary folder")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.store) as scratch:
        rounds = Rounds(speed_capture(Path(scratch)))
        wanted = int(options.hours * HOUR / rounds.seconds * STORED_A_ROUND)
        if shutil.disk_usage(scratch).free < wanted:
            sys.exit(f"{scratch} has no room for {wanted / 2**30:.0f} GiB; name another place with --store")
        told = run(rounds, options.hours, Path(scratch) / "store")
    if len(told) <= SETTLED:
        sys.stdout.write("too short to tell\n")
        return 0
    growth = told[-1] / told[SETTLED - 1]
    sys.stdout.write(f"hour {len(told)} takes {growth:.3f} times the memory of hour {SETTLED}, at most {MOST}\n")
    return 0 if growth <= MOST else 1


if __name__ == "__main__":
    sys.exit(main())
