"""Floods as an attacker sends them to blind a sensor, as frames of Ethernet; seeded, so the same in every run."""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator

from tests.sensor.conftest import checksum

PLC = "10.40.0.11"
SYN, ACK, PUSH = 2, 16, 24
Frames = Iterator[bytes]


def ip(src: str, dst: str, protocol: int, payload: bytes, identity: int = 1, fragment: int = 0) -> bytes:
    addresses = bytes(map(int, f"{src}.{dst}".split(".")))
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), identity, fragment, 64, protocol, 0) + addresses
    return b"\2\0\0\0\0\1\2\0\0\0\0\2\x08\0" + head[:10] + struct.pack("!H", checksum(head)) + head[12:] + payload


def tcp(src: str, dst: str, ports: tuple[int, int], seq: int, payload: bytes = b"", flags: int = PUSH) -> bytes:
    segment = struct.pack("!HHIIBBHHH", *ports, seq % 2**32, int(flags != SYN), 5 << 4, flags, 8192, 0, 0) + payload
    addresses = bytes(map(int, f"{src}.{dst}".split(".")))
    padded = addresses + struct.pack("!HH", 6, len(segment)) + segment + b"\0" * (len(segment) % 2)
    return ip(src, dst, 6, segment[:16] + struct.pack("!H", checksum(padded)) + segment[18:])


def somewhere(dice: random.Random) -> str:
    return f"10.30.{dice.randrange(1, 255)}.{dice.randrange(100, 255)}"


def modbus(number: int, function: int, address: int, value: int, unit: int = 1) -> bytes:
    return struct.pack("!HHHBBHH", number % 65536, 0, 6, unit, function, address, value)


def syns(count: int) -> Frames:
    """From random addresses and ports."""
    dice = random.Random(1)
    for _ in range(count):
        yield tcp(somewhere(dice), PLC, (dice.randrange(1024, 65536), 502), dice.randrange(2**32), b"", SYN)


def flows(count: int) -> Frames:
    """Connections that carry data, and datagrams, each of its own ends."""
    dice = random.Random(2)
    for number in range(count):
        port = dice.randrange(1024, 65536)
        if number % 2:
            yield tcp(somewhere(dice), PLC, (port, 8080), 1, b"x")
        else:
            yield ip(somewhere(dice), PLC, 17, struct.pack("!HHHH", port, 9999, 9, 0) + b"x")


def fragments(count: int) -> Frames:
    """Datagrams whose last fragment never comes."""
    dice = random.Random(3)
    for number in range(count):
        yield ip(somewhere(dice), PLC, 17, dice.randbytes(64), number % 65536, 0x2000)


def segments(count: int) -> Frames:
    """Behind a hole in each of many connections."""
    dice = random.Random(4)
    for number in range(count):
        client = f"10.30.5.{100 + number % 100}"
        yield tcp(client, PLC, (40_000, 8080), 1_000 + number * 70 + (number > 99), dice.randbytes(64), ACK)


def pending(count: int) -> Frames:
    """Requests that nobody answers."""
    for number in range(count):
        yield tcp("10.30.6.100", PLC, (40_000, 502), 1 + 12 * number, modbus(number, 3, number % 100, 1))


def behaviours(count: int) -> Frames:
    """Everybody reads something else."""
    sent = [0] * 50
    for number in range(count):
        host = number % 50
        request = modbus(number, 3, number % 65536, 1, 1 + number % 200)
        yield tcp(f"10.30.7.{100 + host}", PLC, (40_000, 502), 1 + sent[host], request)
        sent[host] += len(request)


def topics(count: int) -> Frames:
    """A publisher to ever new topics, with values."""
    connect = b"\x10\x0d\0\x04MQTT\x04\x02\0\x3c\0\x01f"
    sent = 1
    yield tcp("10.30.8.100", "10.40.0.60", (40_000, 1883), sent, connect)
    sent += len(connect)
    for number in range(count):
        topic, payload = f"plant/{number}/x".encode(), b'{"v": %d}' % number
        body = struct.pack("!H", len(topic)) + topic + payload
        message = bytes([0x30, len(body)]) + body
        yield tcp("10.30.8.100", "10.40.0.60", (40_000, 1883), sent, message)
        sent += len(message)


def nodes(count: int) -> Frames:
    """An OPC UA client that writes ever new nodes."""
    sent = 1
    hello = (
        struct.pack("<4sIIIIII", b"HELF", 32 + 18, 0, 65536, 65536, 0, 0)
        + struct.pack("<i", 18)
        + b"opc.tcp://plc:4840"
    )
    yield tcp("10.30.9.100", "10.40.0.31", (40_000, 4840), sent, hello)
    sent += len(hello)
    for number in range(count):
        head = struct.pack("<BBH", 1, 0, 673) + b"\0\0" + struct.pack("<qIIiI", 0, number, 0, -1, 1000) + b"\0\0\0"
        node = struct.pack("<BHI", 2, 2, number)
        value = struct.pack("<Ii", 13, -1) + struct.pack("<BBi", 1, 6, number)
        body = head + struct.pack("<i", 1) + node + value
        message = struct.pack("<4sIIIII", b"MSGF", 24 + len(body), 1, 1, number, number) + body
        yield tcp("10.30.9.100", "10.40.0.31", (40_000, 4840), sent, message)
        sent += len(message)


def storm(count: int) -> Frames:
    """Writes of ever new hosts: an alert each."""
    for number in range(count):
        client = f"10.30.{10 + number // 200}.{20 + number % 200}"
        request = modbus(number, 6, 1, number % 65536)
        yield tcp(client, PLC, (40_000, 502), 1, request)
        yield tcp(PLC, client, (502, 40_000), 1, request)
