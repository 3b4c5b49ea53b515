"""One client that polls many controllers.

many.py PREFIX FIRST N SECONDS
"""

import asyncio
import sys

from plantclock import Ticker
from pymodbus.client import AsyncModbusTcpClient


async def poll(address: str, seconds: float) -> None:
    client = AsyncModbusTcpClient(address, port=502)
    await client.connect()
    async for _ in Ticker(4, seconds).each():
        await client.read_holding_registers(0, count=10, device_id=1)
    client.close()


async def main() -> None:
    prefix, first, number, seconds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
    await asyncio.gather(*(poll(f"{prefix}.{first + n}", seconds) for n in range(number)))


asyncio.run(main())
