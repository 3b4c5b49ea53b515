"""Connects to a remote desktop as far as its encryption, stays for a while, and leaves.

    remote_desktop.py SERVER SECONDS

X.224 connection request with RDP negotiation (MS-RDPBCGR 2.2.1.1), then TLS. Nobody logs in.
"""

import socket
import ssl
import struct
import sys

from plantclock import wait

COOKIE = b"Cookie: mstshash=helpdesk\r\n"
NEGOTIATE_TLS = struct.pack("<BBHI", 1, 0, 8, 1)

request = struct.pack("!BHHB", 0xE0, 0, 0, 0) + COOKIE + NEGOTIATE_TLS
tpkt = struct.pack("!BBHB", 3, 0, 5 + len(request), len(request)) + request
context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # as users click through it
with socket.create_connection((sys.argv[1], 3389), timeout=10) as plain:
    plain.sendall(tpkt)
    answer = plain.recv(64)
    if answer[5] != 0xD0 or answer[11] != 2:
        raise SystemExit(f"no negotiation: {answer.hex()}")
    with context.wrap_socket(plain) as secure:
        wait(float(sys.argv[2]))
        print(secure.version())
