"""Packets of an attacker with a TCP of its own: right unless a field is said, checksums too."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pathlib

FIN, SYN, RST, PSH, ACK, URG = 1, 2, 4, 8, 16, 32
START = 1_767_600_000_000_000
MILLISECOND = 1_000
CLIENT, SERVER = (10, 0, 0, 1), (10, 0, 0, 2)
TCP, UDP = 6, 17


def checksum(data: bytes) -> int:
    padded = data + b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(padded) // 2}H", padded))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


class Wire:
    """A mirror port and one connection, or pair of UDP ports, before it. A packet a millisecond."""

    def __init__(self, port: int = 502, *, udp: bool = False) -> None:
        self.port, self.udp = port, udp
        self.records: list[bytes] = []
        self.now = START
        self.seq = {True: 1_000, False: 5_000}  # by speaker: the client or the server
        self.ids = {True: 1, False: 40_001}

    def open(self) -> Wire:
        self.say(flags=SYN)
        self.say(flags=SYN | ACK, client=False)
        self.say(flags=ACK)
        return self

    def wait(self, seconds: float) -> None:
        self.now += int(seconds * 1_000_000)

    def client(self, data: bytes, **fields: int) -> None:
        self.say(data, **fields)

    def server(self, data: bytes) -> None:
        self.say(data, client=False)

    def acknowledge(self, *, client: bool = False) -> None:
        self.say(flags=ACK, client=client)

    def say(
        self,
        data: bytes = b"",
        *,
        client: bool = True,
        flags: int = 0,
        at: int | None = None,
        wrong: int = 0,
        ttl: int = 64,
        urgent: int = 0,
    ) -> None:
        """A packet; `at`: so far from the stream's place, which then stays. `wrong`: its checksum is."""
        flags = flags or PSH | ACK
        body = self.body(data, client=client, flags=flags, at=at or 0, wrong=wrong, urgent=urgent)
        if at is None:
            self.seq[client] += len(data) + bool(flags & (SYN | FIN))
        self.packet(body, client=client, ttl=ttl)

    def body(
        self, data: bytes, *, client: bool = True, flags: int = PSH | ACK, at: int = 0, wrong: int = 0, urgent: int = 0
    ) -> bytes:
        """A TCP segment or UDP datagram with its checksum."""
        ports = (49_152, self.port) if client else (self.port, 49_152)
        ends = bytes((*CLIENT, *SERVER)) if client else bytes((*SERVER, *CLIENT))
        if self.udp:
            head = struct.pack("!HHHH", *ports, 8 + len(data), 0)
            protocol, place = UDP, 6
        else:
            ack = self.seq[not client] if flags & ACK else 0
            numbers = ((self.seq[client] + at) % 2**32, ack)
            flags |= URG if urgent else 0
            head = struct.pack("!HHIIBBHHH", *ports, *numbers, 5 << 4, flags, 8_192, 0, urgent)
            protocol, place = TCP, 16
        whole = bytearray(head + data)
        pseudo = ends + struct.pack("!HH", protocol, len(whole))
        whole[place : place + 2] = struct.pack("!H", (checksum(pseudo + whole) + wrong) % 2**16)
        return bytes(whole)

    def packet(
        self, body: bytes, *, client: bool = True, ttl: int = 64, place: int = 0, number: int | None = None
    ) -> None:
        """An IP packet with this payload; `place`: flags and fragment offset, `number`: its identification."""
        if number is None:
            number = self.ids[client]
            self.ids[client] += 1
        ends = bytes((*CLIENT, *SERVER)) if client else bytes((*SERVER, *CLIENT))
        protocol = UDP if self.udp else TCP
        head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(body), number, place, ttl, protocol, 0)
        right = struct.pack("!H", checksum(head + ends))
        macs = (b"\2\0\0\0\0\2", b"\2\0\0\0\0\1")
        frame = b"".join(macs if client else macs[::-1]) + b"\x08\0" + head[:10] + right + ends + body
        self.now += MILLISECOND
        stamp = divmod(self.now, 1_000_000)
        self.records.append(struct.pack("<IIII", *stamp, len(frame), len(frame)) + frame)

    def fragments(self, whole: bytes, pieces: list[tuple[int, bytes]], number: int) -> None:
        """Fragments of a datagram as (offset, bytes), in this order; `whole` tells where the last one ends."""
        for offset, piece in pieces:
            more = 0x2000 if offset + len(piece) < len(whole) else 0
            self.packet(piece, place=more | offset // 8, number=number)

    def write(self, path: pathlib.Path) -> None:
        path.write_bytes(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65_535, 1) + b"".join(self.records))
