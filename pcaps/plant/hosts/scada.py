"""A SCADA server: polls the PLC over Modbus every half second and writes a set point now and then.

    scada.py PLC SECONDS
"""

import asyncio
import sys

from pymodbus.client import AsyncModbusTcpClient


async def main() -> None:
    plc, seconds = sys.argv[1], float(sys.argv[2])
    client = AsyncModbusTcpClient(plc, port=502)
    await client.connect()
    for turn in range(int(seconds * 2)):
        await client.read_holding_registers(0, count=10, device_id=1)
        await client.read_coils(0, count=8, device_id=1)
        if turn % 20 == 5:
            await client.write_register(50, 1200 + turn % 7, device_id=1)
        if turn == 3:
            await client.read_device_information(device_id=1)
        await asyncio.sleep(0.5)
    client.close()


asyncio.run(main())
