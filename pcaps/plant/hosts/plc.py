"""A PLC: Modbus/TCP server on port 502. Registers 0-19 follow a slow process; coils 0-7 are its outputs.

    plc.py ADDRESS [SEED]
"""

import asyncio
import math
import sys

from pymodbus import ModbusDeviceIdentification
from pymodbus.datastore import ModbusDeviceContext, ModbusSequentialDataBlock, ModbusServerContext
from pymodbus.server import StartAsyncTcpServer

TABLE_HOLDING = 3


async def process(context: ModbusDeviceContext, seed: int) -> None:
    """Moves the registers as a pump line would."""
    for step in range(1_000_000):
        values = [int(2000 + 100 * i + 50 * math.sin((step + seed) / 20 + i)) for i in range(20)]
        context.setValues(TABLE_HOLDING, 0, values)
        await asyncio.sleep(0.2)


async def main() -> None:
    address, seed = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 0
    device = ModbusDeviceContext(
        di=ModbusSequentialDataBlock(1, [0] * 100),
        co=ModbusSequentialDataBlock(1, [0] * 100),
        hr=ModbusSequentialDataBlock(1, [0] * 200),
        ir=ModbusSequentialDataBlock(1, [0] * 200),
    )
    identity = ModbusDeviceIdentification(
        info_name={"VendorName": "Example Controls", "ProductCode": "EC-200", "MajorMinorRevision": "2.1.7"}
    )
    task = asyncio.create_task(process(device, seed))
    await StartAsyncTcpServer(ModbusServerContext(devices=device, single=True), identity=identity, address=(address, 502))
    await task


asyncio.run(main())
