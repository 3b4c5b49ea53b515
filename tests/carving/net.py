"""Captures of several TCP connections, written packet by packet."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pathlib

START = 1_767_600_000
FIN, SYN, PUSH, ACK = 1, 2, 8, 16
SEGMENT = 1_400

End = tuple[str, int]


class Wire:
    """A mirror port: a packet a tenth of a millisecond."""

    def __init__(self) -> None:
        self.records: list[bytes] = []

    def packet(self, source: End, target: End, rest: bytes) -> None:
        number = len(self.records)
        body = struct.pack("!HH", source[1], target[1]) + rest
        ends = b"".join(bytes(map(int, host.split("."))) for host, _ in (source, target))
        ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(body), number & 0xFFFF, 0, 64, 6, 0) + ends
        frame = b"\2\0\0\0\0\2\2\0\0\0\0\1\x08\0" + ip + body
        stamp = (START + number // 10_000, number % 10_000 * 100)
        self.records.append(struct.pack("<IIII", *stamp, len(frame), len(frame)) + frame)

    def write(self, path: pathlib.Path) -> None:
        path.write_bytes(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1) + b"".join(self.records))


class Connection:
    """One TCP connection. Speakers are named by whether they opened it."""

    def __init__(self, wire: Wire, client: End, server: End) -> None:
        self.wire, self.ends = wire, {True: client, False: server}
        self.sequence = {True: 1_000 * len(wire.records), False: 5_000 + 1_000 * len(wire.records)}
        self._segment(b"", SYN, client=True)
        self._segment(b"", SYN | ACK, client=False)
        self._segment(b"", ACK, client=True)

    def client(self, data: bytes) -> None:
        self._say(data, client=True)

    def server(self, data: bytes) -> None:
        self._say(data, client=False)

    def close(self) -> None:
        self._segment(b"", FIN | ACK, client=True)
        self._segment(b"", FIN | ACK, client=False)
        self._segment(b"", ACK, client=True)

    def _say(self, data: bytes, *, client: bool) -> None:
        for at in range(0, len(data), SEGMENT):
            self._segment(data[at : at + SEGMENT], ACK | PUSH, client=client)

    def _segment(self, data: bytes, flags: int, *, client: bool) -> None:
        numbers = (self.sequence[client], self.sequence[not client] if flags & ACK else 0)
        rest = struct.pack("!IIBBHHH", *numbers, 5 << 4, flags, 8192, 0, 0) + data
        self.wire.packet(self.ends[client], self.ends[not client], rest)
        self.sequence[client] += len(data) + bool(flags & (SYN | FIN))
