"""Questions of ordinary hosts: a name, the time.

office.py dns SERVER NAME | ntp SERVER
"""

import socket
import struct
import sys
import time

kind, server = sys.argv[1:3]
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
    asker.settimeout(3)
    if kind == "dns":
        labels = b"".join(bytes([len(part)]) + part.encode() for part in sys.argv[3].split("."))
        question = struct.pack("!HHHHHH", int(time.time() * 1000) & 0xFFFF, 0x0100, 1, 0, 0, 0) + labels + b"\0"
        asker.sendto(question + struct.pack("!HH", 1, 1), (server, 53))
    else:
        stamp = struct.pack("!II", int(time.time()) + 2208988800, 0)  # seconds since 1900
        asker.sendto(bytes([0x23]) + bytes(39) + stamp, (server, 123))
    asker.recvfrom(512)
