"""Looks for hosts and ports with ordinary connects and pings.

attack_scan.py ports HOST N | addresses PREFIX N | controllers PREFIX N | call ADDRESS N

`call` asks all devices of a network to name themselves: List Identity of EtherNet/IP and Who-Is of BACnet.
"""

import socket
import struct
import sys

from plantclock import wait

what, where, number = sys.argv[1], sys.argv[2], int(sys.argv[3])
FIRST = (
    21,
    22,
    23,
    25,
    80,
    102,
    135,
    139,
    443,
    445,
    502,
    802,
    1883,
    2404,
    3389,
    4840,
    5900,
    8080,
    8883,
    20000,
    44818,
)


def knock(host: str, port: int) -> None:
    with socket.socket() as one:
        one.settimeout(0.05)
        one.connect_ex((host, port))


def ping(host: str, sequence: int) -> None:
    body = b"abcdefghijklmnopqrstuvwabcdefghi"
    head = struct.pack("!BBHHH", 8, 0, 0, 7, sequence)
    total = sum(struct.unpack(f"!{len(head + body) // 2}H", head + body))
    total = (total & 0xFFFF) + (total >> 16)
    head = struct.pack("!BBHHH", 8, 0, ~(total + (total >> 16)) & 0xFFFF, 7, sequence)
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as raw:
        raw.sendto(head + body, (host, 0))


# CIP Networks Library vol. 2, 2-4.2: command 0x63, no data. ASHRAE 135, annex J: original broadcast NPDU, Who-Is.
CALLS = ((44818, struct.pack("<HHIIQI", 0x63, 0, 0, 0, 0, 0)), (47808, bytes.fromhex("810b000c0120ffff00ff1008")))


def call(where: str) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        for port, question in CALLS:
            one.sendto(question, (where, port))


if what == "call":
    for _ in range(number):
        call(where)
        wait(2)
elif what == "ports":
    for port in (*FIRST, *range(1000, 1000 + number - len(FIRST))):
        knock(where, port)
elif what == "addresses":
    for last in range(1, number + 1):
        ping(f"{where}.{last + 9}", last)
        wait(0.02)
else:
    for last in range(number):
        for port in (102, 502, 20000, 44818):
            knock(f"{where}.{last + 11}", port)
