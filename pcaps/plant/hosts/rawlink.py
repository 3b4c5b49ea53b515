"""Frames by hand: Ethernet, ARP, IPv4 and TCP of an attacker whose own kernel must not help."""

from __future__ import annotations

import socket
import struct
from pathlib import Path

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16


def packed(mac: str) -> bytes:
    return bytes.fromhex(mac.replace(":", ""))


def own_mac(interface: str = "eth0") -> bytes:
    return packed(Path(f"/sys/class/net/{interface}/address").read_text().strip())


def checksum(data: bytes) -> int:
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total & 0xFFFF) + (total >> 16)
    return ~(total + (total >> 16)) & 0xFFFF


def link(interface: str = "eth0") -> socket.socket:
    raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    raw.bind((interface, 3))
    return raw


def arp(operation: int, sender: tuple[bytes, str], target: tuple[bytes, str]) -> bytes:
    """RFC 826: operation 1 asks, 2 answers."""
    to = target[0] if any(target[0]) else b"\xff" * 6
    body = struct.pack("!HHBBH", 1, 0x0800, 6, 4, operation)
    body += sender[0] + socket.inet_aton(sender[1]) + target[0] + socket.inet_aton(target[1])
    return to + sender[0] + b"\x08\x06" + body + bytes(18)


def ipv4(source: str, target: str, payload: bytes, *, number: int = 1, fragment: int = 0, protocol: int = 6) -> bytes:
    """`fragment`: flags and offset as they stand in the header."""
    addresses = socket.inet_aton(source) + socket.inet_aton(target)
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), number, fragment, 64, protocol, 0) + addresses
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + payload


def tcp(ends: tuple[str, int, str, int], sequence: int, acknowledged: int, flags: int, payload: bytes = b"") -> bytes:
    source, sport, target, dport = ends
    head = struct.pack(
        "!HHIIBBHHH", sport, dport, sequence & 0xFFFFFFFF, acknowledged & 0xFFFFFFFF, 0x50, flags, 64240, 0, 0
    )
    pseudo = socket.inet_aton(source) + socket.inet_aton(target) + struct.pack("!BBH", 0, 6, len(head) + len(payload))
    total = checksum(pseudo + head + payload)
    return head[:16] + struct.pack("!H", total) + head[18:] + payload


class Talk:
    """A TCP connection in userland: enough to be believed."""

    def __init__(self, raw: socket.socket, macs: tuple[bytes, bytes], ends: tuple[str, int, str, int]) -> None:
        self.raw, self.ends = raw, ends
        self._head = macs[1] + macs[0] + b"\x08\x00"
        self.sequence, self.acknowledged = 1_000_000 + ends[1], 0
        self._number = ends[1]

    def frame(self, packet: bytes) -> None:
        self.raw.send(self._head + packet)

    def segment(self, flags: int, payload: bytes = b"", ahead: int = 0) -> bytes:
        """The IPv4 packet of a segment that begins `ahead` bytes after what was sent."""
        self._number += 1
        body = tcp(self.ends, self.sequence + ahead, self.acknowledged, flags, payload)
        return ipv4(self.ends[0], self.ends[2], body, number=self._number & 0xFFFF)

    def open(self) -> None:
        self.frame(self.segment(SYN))
        self.sequence += 1
        self.receive()
        self.frame(self.segment(ACK))

    def receive(self, seconds: float = 1) -> bytes:
        """The next segment of the peer that brings something; it is acknowledged with the next of ours."""
        self.raw.settimeout(seconds)
        source, sport, target, dport = self.ends
        wanted = socket.inet_aton(target) + socket.inet_aton(source)
        ports = struct.pack("!HH", dport, sport)
        while True:
            frame = self.raw.recv(2048)
            if frame[12:14] != b"\x08\x00" or frame[26:34] != wanted or frame[34:38] != ports:
                continue
            sequence, flags, size = struct.unpack("!I", frame[38:42])[0], frame[47], (frame[46] >> 4) * 4
            payload = frame[34 + size : 14 + struct.unpack("!H", frame[16:18])[0]]
            if payload or flags & (SYN | FIN):
                self.acknowledged = sequence + len(payload) + bool(flags & (SYN | FIN))
                return payload

    def close(self) -> None:
        self.frame(self.segment(FIN | ACK))
        self.sequence += 1
        self.frame(self.segment(ACK))
