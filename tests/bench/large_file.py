"""A large model file on its way: hashed as it passes, in constant memory.

    large_file.py [--size 2048] [--carrier http smb]

A transfer of that many MiB (safetensors, seeded numbers) is written packet by packet into a pipe; the engine reads it in a
process of its own, nothing is kept on disk. Printed: whether SHA-256 and size are the file's own, how far the process grew
between its first window (a tenth of a second) and its largest, and MiB a second (making the packets is part of that time).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import struct
import subprocess
import sys
import time
from typing import IO, TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

HEADER = bytes.fromhex("d4c3b2a1020004000000000000000000ffff000001000000")
START = 1_767_600_000
MIB = 1 << 20
SEGMENT = 1_448
MICROSECONDS = 8  # between packets: 1.4 Gbit/s
RUN = """
import json, os
import pyarrow
from parsers import Engine
held = lambda: int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
engine, tables, sizes = Engine(["-"], window_seconds=0.1), [], []
while (window := engine.next()) is not None:
    sizes.append(held())
    tables += [window.tables["files"]] if "files" in window.tables else []
columns = ["sha256", "size", "missing", "model_format"]
files = [row for table in tables for row in pyarrow.table(table).select(columns).to_pylist()]
print(json.dumps({"files": files, "first": sizes[0], "peak": max(sizes), "windows": len(sizes)}))
"""

Said = tuple[bool, bytes]  # by the client?, bytes


class Packets:
    """One TCP connection as records of a capture."""

    def __init__(self, out: IO[bytes], port: int) -> None:
        self.out, self.port, self.count = out, port, 0
        self.sequence = {True: 1_000, False: 5_000}
        out.write(HEADER)
        self.out.write(self._rows(b"", 1, client=True, flags=2).tobytes())
        self.out.write(self._rows(b"", 1, client=False, flags=18).tobytes())

    def say(self, client: bool, data: bytes) -> None:
        """Whole segments are laid out at once, the rest is one more packet."""
        whole = len(data) // SEGMENT
        for at, size, count in ((0, SEGMENT, whole), (whole * SEGMENT, len(data) - whole * SEGMENT, 1)):
            if size and count:
                self.out.write(self._rows(data[at : at + size * count], count, client=client, flags=16).tobytes())

    def _rows(self, data: bytes, count: int, *, client: bool, flags: int) -> np.ndarray:
        size = len(data) // count
        ends, ports = ([1, 2], [40_000, self.port]) if client else ([2, 1], [self.port, 40_000])
        tcp = struct.pack("!HHIIBBHHH", *ports, 0, self.sequence[not client], 5 << 4, flags, 65_535, 0, 0)
        ip = struct.pack("!BBHHHBBH", 0x45, 0, 40 + size, 0, 0x4000, 64, 6, 0) + b"".join(
            bytes((10, 0, 0, n)) for n in ends
        )
        frame = bytes.fromhex("020000000002020000000001") + b"\x08\x00" + ip + tcp
        record = bytes(8) + struct.pack("<II", len(frame) + size, len(frame) + size) + frame
        rows = np.empty((count, len(record) + size), np.uint8)
        rows[:, : len(record)] = np.frombuffer(record, np.uint8)
        rows[:, len(record) :] = np.frombuffer(data, np.uint8).reshape(count, size)
        micros = (self.count + np.arange(count, dtype=np.int64)) * MICROSECONDS
        rows[:, 0:4] = (START + micros // 1_000_000).astype("<u4").view(np.uint8).reshape(-1, 4)
        rows[:, 4:8] = (micros % 1_000_000).astype("<u4").view(np.uint8).reshape(-1, 4)
        numbers = (self.sequence[client] + np.arange(count, dtype=np.int64) * size) & 0xFFFFFFFF
        rows[:, 16 + 38 : 16 + 42] = numbers.astype(">u4").view(np.uint8).reshape(-1, 4)
        self.sequence[client] = (self.sequence[client] + len(data) + bool(flags & 2)) & 0xFFFFFFFF
        self.count += count
        return rows


def pieces(size: int) -> Iterator[bytes]:
    """A safetensors file of about `size` bytes, a MiB at a time."""
    tensor = {"dtype": "U8", "shape": [size], "data_offsets": [0, size]}
    header = json.dumps({"w": tensor}, separators=(",", ":")).encode()
    yield struct.pack("<Q", len(header)) + header
    dice = np.random.default_rng(7)
    for at in range(0, size, MIB):
        yield dice.bytes(min(MIB, size - at))


def http(size: int, length: int) -> Iterator[Said]:
    yield True, b"GET /models/wear.safetensors HTTP/1.1\r\nHost: registry\r\n\r\n"
    yield False, f"HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n".encode()
    for piece in pieces(size):
        yield False, piece


def smb(size: int, length: int) -> Iterator[Said]:
    """Reads of a MiB each."""

    def message(command: int, number: int, body: bytes, *, response: bool, follows: int = 0) -> bytes:
        header = struct.pack("<4sHHIHHIIQIIQ16x", b"\xfeSMB", 64, 1, 0, command, 1, int(response), 0, number, 0, 1, 7)
        return struct.pack(">I", len(header) + len(body) + follows) + header + body

    path = "models\\wear.safetensors".encode("utf-16-le")
    handle = struct.pack("<QQ", 7, 0)
    yield True, message(5, 1, bytes(44) + struct.pack("<HHII", 120, len(path), 0, 0) + path, response=False)
    yield False, message(5, 1, bytes(48) + struct.pack("<QQ", length, 0) + handle + bytes(8), response=True)
    at = 0
    for number, piece in enumerate(pieces(size), 2):
        yield (
            True,
            message(8, number, struct.pack("<HBBIQ", 49, 80, 0, len(piece), at) + handle + bytes(16), response=False),
        )
        head = struct.pack("<HBBIII", 17, 80, 0, len(piece), 0, 0)
        yield False, message(8, number, head, response=True, follows=len(piece)) + piece
        at += len(piece)
    yield True, message(6, 9, bytes(8) + handle, response=False)


CARRIERS = {"http": (http, 80), "smb": (smb, 445)}


def transfer(carrier: str, size: int) -> dict[str, Any]:
    """Send a file of `size` bytes of numbers: what the engine found, what was sent, MiB of growth, seconds."""
    speak, port = CARRIERS[carrier]
    length = sum(map(len, pieces(0))) + len(str(size)) * 2 - 2 + size
    digest, sent = hashlib.sha256(), 0
    for piece in pieces(size):
        digest.update(piece)
        sent += len(piece)
    assert sent == length
    started = time.perf_counter()
    with subprocess.Popen([sys.executable, "-c", RUN], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as reader:
        assert reader.stdin and reader.stdout
        packets = Packets(reader.stdin, port)
        for client, data in speak(size, length):
            packets.say(client, data)
        reader.stdin.close()
        told = json.loads(reader.stdout.read())
    wanted = {"sha256": digest.hexdigest(), "size": sent, "missing": 0, "model_format": "safetensors"}
    return {
        "right": told["files"] == [wanted],
        "files": told["files"],
        "wanted": wanted,
        "packets": packets.count,
        "growth": told["peak"] - told["first"],
        "peak": told["peak"],
        "windows": told["windows"],
        "seconds": time.perf_counter() - started,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=2_048, help="MiB of the file")
    parser.add_argument("--carrier", nargs="+", choices=sorted(CARRIERS), default=sorted(CARRIERS))
    options = parser.parse_args()
    for carrier in options.carrier:
        done = transfer(carrier, options.size * MIB)
        sums = "SHA-256 and size right" if done["right"] else f"WRONG: {done['files']}, wanted {done['wanted']}"
        rate = options.size / done["seconds"]
        print(
            f"{carrier:5} {options.size:,} MiB in {done['packets']:,} packets: {sums}; memory grew by {done['growth']:.1f} MiB "
            f"(peak {done['peak']:.0f} MiB); {rate:.0f} MiB/s"
        )
        if not done["right"]:
            raise SystemExit(1)


if __name__ == "__main__":
    main()
