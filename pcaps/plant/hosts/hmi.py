"""An HMI: polls a PLC over Modbus and lets its operator change a set point now and then.

    hmi.py PLC SECONDS [--period 1] [--operator 40] [--tls CA CERT KEY] [--setpoint 1450] [--stubborn]
           [--release COIL COIL [--skip TURN]]

`--stubborn`: it asks on, once a period, if it gets no answer. `--operator` is the pause between two changes; 0: the operator watches only.
`--release`: a change is released by one coil and ended by the other; from turn `--skip` on nobody releases.
"""

import argparse
import asyncio
import ssl

from plantclock import Ticker, real
from pymodbus import ModbusException
from pymodbus.client import AsyncModbusTcpClient, AsyncModbusTlsClient


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("plc")
    parser.add_argument("seconds", type=float)
    parser.add_argument("--period", type=float, default=1)
    parser.add_argument("--operator", type=float, default=40)
    parser.add_argument("--setpoint", type=int, default=1450)
    parser.add_argument("--tls", nargs=3)
    parser.add_argument("--stubborn", action="store_true")
    parser.add_argument("--release", type=int, nargs=2)
    parser.add_argument("--skip", type=int, default=10**9)
    options = parser.parse_args()
    if options.tls:
        authority, certificate, key = options.tls
        context = ssl.create_default_context(cafile=authority)
        context.load_cert_chain(certificate, key)
        client = AsyncModbusTlsClient(options.plc, port=802, sslctx=context)
    else:
        patience = {"timeout": real(options.period) / 2, "retries": 0} if options.stubborn else {}
        client = AsyncModbusTcpClient(options.plc, port=502, **patience)
    await client.connect()
    await client.read_device_information(device_id=1)
    changes = int(options.operator / options.period) if options.operator else 0
    async for turn in Ticker(options.period, options.seconds).each():
        try:
            await client.read_holding_registers(0, count=10, device_id=1)
        except ModbusException:
            if not options.stubborn:
                raise
            if not client.connected:
                await client.connect()
            continue
        await client.read_holding_registers(50, count=2, device_id=1)
        await client.read_coils(0, count=8, device_id=1)
        if changes and turn % changes == 2:
            step = (0, 5, -5, 10)[turn // changes % 4]
            released = options.release is not None and turn < options.skip
            if released:
                await client.write_coil(options.release[0], True, device_id=1)
            await client.write_register(50, options.setpoint + step, device_id=1)
            if released:
                await client.write_coil(options.release[1], True, device_id=1)
    client.close()


asyncio.run(main())
