"""A PLC: Modbus/TCP server on port 502 in front of the line.

    plc.py ADDRESS [--units 1] [--certificate CERT KEY]

Holding registers 0-9 (and input registers 0-9) are measurements, 50 and 51 set points (speed in rpm, valve
in tenths of a percent), coil 0 runs the pump, coils 1-15 are outputs nothing hangs on. What is written there
is ordered from the line. With a certificate it serves Modbus/TCP Security on port 802.
"""

import argparse
import asyncio

from control import Reality
from pymodbus import ModbusDeviceIdentification
from pymodbus.datastore import ModbusDeviceContext, ModbusSequentialDataBlock, ModbusServerContext
from pymodbus.server import StartAsyncTcpServer, StartAsyncTlsServer

COILS, HOLDING, INPUT = 1, 3, 4
SCALE = {"vibration": 100, "temperature": 10, "current": 100, "speed": 1, "flow": 100, "pressure": 100, "level": 10}
SETPOINTS = {50: ("speed_setpoint", 1), 51: ("valve", 10)}
IDENTITY = {"VendorName": "Example Controls", "ProductCode": "EC-200", "MajorMinorRevision": "2.1.7"}


def block() -> ModbusSequentialDataBlock:
    return ModbusSequentialDataBlock(1, [0] * 200)


async def serve(device: ModbusDeviceContext, line: Reality) -> None:
    """Shows the line's values, and orders from it what was written."""
    values = line.read()
    for register, (name, scale) in SETPOINTS.items():
        device.setValues(HOLDING, register, [round(values[name] * scale)])
    device.setValues(COILS, 0, [values["run"] >= 0.5])
    while True:
        orders: dict[str, float] = {}
        for register, (name, scale) in SETPOINTS.items():
            written = device.getValues(HOLDING, register, 1)[0]
            if written != round(values[name] * scale):
                orders[name] = written / scale
        if bool(device.getValues(COILS, 0, 1)[0]) != (values["run"] >= 0.5):
            orders["run"] = float(device.getValues(COILS, 0, 1)[0])
        values = line.order(**orders)
        shown = [max(0, min(65535, round(values[name] * scale))) for name, scale in SCALE.items()]
        shown += [round(values["valve"] * 10), round(values["run"]), round(values["product"])]
        device.setValues(HOLDING, 0, shown)
        device.setValues(INPUT, 0, shown)
        await asyncio.sleep(0.05)


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("address")
    parser.add_argument("--units", type=int, default=1)
    parser.add_argument("--certificate", nargs=2)
    options = parser.parse_args()
    line = Reality()
    units = {n: ModbusDeviceContext(di=block(), co=block(), hr=block(), ir=block()) for n in range(1, options.units + 1)}
    tasks = [asyncio.create_task(serve(unit, line)) for unit in units.values()]
    identity = ModbusDeviceIdentification(info_name=IDENTITY)
    context = ModbusServerContext(devices=units, single=False)
    if options.certificate:
        certificate, key = options.certificate
        await StartAsyncTlsServer(context, identity=identity, address=(options.address, 802), certfile=certificate,
                                  keyfile=key)  # fmt: skip
    else:
        await StartAsyncTcpServer(context, identity=identity, address=(options.address, 502))
    await asyncio.gather(*tasks)


asyncio.run(main())
