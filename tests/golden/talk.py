"""Conversations written as captures, to ask a dissector what it makes of a message."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from tests.golden import corpus, pcap

if TYPE_CHECKING:
    import pathlib

CLIENT, SERVER = bytes((10, 0, 0, 1)), bytes((10, 0, 0, 2))
START = 1_767_600_000
SYN, ACK, PUSH = 2, 16, 8


class Talk:
    """One TCP connection, or one pair of UDP ports, a packet a millisecond."""

    def __init__(self, port: int, *, udp: bool = False) -> None:
        self.port, self.udp = port, udp
        self.packets: list[bytes] = []
        self.sequence = {True: 1000, False: 5000}  # by speaker: client or server
        if not udp:
            self._segment(b"", SYN, client=True)
            self._segment(b"", SYN | ACK, client=False)
            self._segment(b"", ACK, client=True)

    def client(self, data: bytes) -> int:
        return self._say(data, client=True)

    def server(self, data: bytes) -> int:
        return self._say(data, client=False)

    def rows(self, folder: pathlib.Path) -> dict[str, list[corpus.Row]]:
        """Dissect what was said; every oddity is told, however many there are."""
        path = folder / "talk.pcap"
        header = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
        pcap.write(path, header, (pcap.Packet(0, record) for record in self.packets))
        return corpus.rows(path, limits={"anomalies_per_flow": 1_000_000})

    def _say(self, data: bytes, *, client: bool) -> int:
        """Send and give the number of the frame."""
        if self.udp:
            self._packet(pcap.UDP, struct.pack("!HH", 8 + len(data), 0) + data, client=client)
        else:
            self._segment(data, ACK | PUSH, client=client)
        return len(self.packets)

    def _segment(self, data: bytes, flags: int, *, client: bool) -> None:
        numbers = (self.sequence[client], self.sequence[not client] if flags & ACK else 0)
        self._packet(pcap.TCP, struct.pack("!IIBBHHH", *numbers, 5 << 4, flags, 8192, 0, 0) + data, client=client)
        self.sequence[client] += len(data) + bool(flags & SYN)

    def _packet(self, protocol: int, rest: bytes, *, client: bool) -> None:
        ends, ports = (CLIENT + SERVER, (49152, self.port)) if client else (SERVER + CLIENT, (self.port, 49152))
        number = len(self.packets)
        body = struct.pack("!HH", *ports) + rest
        ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(body), number & 0xFFFF, 0, 64, protocol, 0) + ends
        frame = b"\2\0\0\0\0\2\2\0\0\0\0\1\x08\0" + ip + body
        stamp = (START + number // 1000, number % 1000 * 1000)
        self.packets.append(pcap.RECORD.pack(*stamp, len(frame), len(frame)) + frame)


def crc(data: bytes) -> bytes:
    """CRC-16/DNP (IEEE 1815 clause 9.2.4.3)."""
    value = 0
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0xA6BC if value & 1 else 0)
    return struct.pack("<H", value ^ 0xFFFF)


def dnp3(application: bytes, *, master: bool) -> bytes:
    """Frame an application fragment of at most 249 octets."""
    user = b"\xc0" + application
    header = struct.pack("<HBBHH", 0x6405, 5 + len(user), 0xC4 if master else 0x44, 1, 2)
    blocks = (user[at : at + 16] for at in range(0, len(user), 16))
    return header + crc(header) + b"".join(block + crc(block) for block in blocks)
