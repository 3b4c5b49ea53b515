"""A PLC: Modbus/TCP server on port 502 in front of the line.

    plc.py ADDRESS [--units 1] [--certificate CERT KEY [--clients CA]] [--gateway] [--standing]

Holding registers 0-9 (and input registers 0-9) are measurements, 50 and 51 set points (speed in rpm, valve
in tenths of a percent), coil 0 runs the pump, coils 1-15 are outputs nothing hangs on. What is written there
is ordered from the line. With a certificate it serves Modbus/TCP Security on port 802, with `--clients` as the first
devices did: TLS 1.2, and only to clients that show a certificate of that authority. As a gateway it
takes what is written to unit 0 for all its units, and answers nothing to it. `--standing`: its line is off and stays as
it is, whatever is ordered.
"""

import argparse
import asyncio
import ssl

from control import Reality
from pymodbus import ModbusDeviceIdentification
from pymodbus.server import StartAsyncTcpServer, StartAsyncTlsServer
from pymodbus.simulator import DataType, SimData, SimDevice

WRITE_COIL, WRITE_COILS = 5, 15
REGISTERS = (3, 4, 6, 16, 22, 23)
SCALE = {
    "vibration": 100,
    "temperature": 10,
    "current": 100,
    "speed": 1,
    "flow": 100,
    "pressure": 100,
    "level": 10,
}
SETPOINTS = {50: ("speed_setpoint", 1), 51: ("valve", 10)}
IDENTITY = {"VendorName": "Example Controls", "ProductCode": "EC-200", "MajorMinorRevision": "2.1.7"}


class Standing:
    """A line that is off. The real one has to live through every second of a plant, which takes too long for days."""

    def __init__(self) -> None:
        self._values = Reality().read()

    def order(self, **_: float) -> dict[str, float]:
        return self._values


def shown(values: dict[str, float]) -> list[int]:
    """Registers 0-9."""
    numbers = [values[name] * scale for name, scale in SCALE.items()] + [
        values["valve"] * 10,
        values["run"],
        values["product"],
    ]
    return [max(0, min(65535, round(number))) for number in numbers]


def device(unit: int, line: Reality | Standing) -> SimDevice:
    async def access(
        function: int,
        _start: int,
        address: int,
        _count: int,
        registers: list[int],
        written: list[int] | list[bool] | None,
    ) -> None:
        """Orders what is written, then shows the line as it is."""
        orders = {}
        for at, value in enumerate(written or ()):
            if function in (WRITE_COIL, WRITE_COILS):
                if address + at == 0:
                    orders["run"] = float(value)
            elif address + at in SETPOINTS:
                name, scale = SETPOINTS[address + at]
                orders[name] = value / scale
        values = line.order(**orders)
        if function in REGISTERS:
            registers[:10] = shown(values)
            for register, (name, scale) in SETPOINTS.items():
                registers[register] = round(values[name] * scale)
        elif not written:
            registers[0] = (registers[0] & ~1) | round(values["run"])

    words = [SimData(0, count=200, values=0, datatype=DataType.REGISTERS)]
    bits = [SimData(0, count=128, values=False, datatype=DataType.BITS)]
    identity = ModbusDeviceIdentification(info_name=IDENTITY)
    return SimDevice(unit, simdata=(list(bits), list(bits), list(words), list(words)), identity=identity, action=access)


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("address")
    parser.add_argument("--units", type=int, default=1)
    parser.add_argument("--certificate", nargs=2)
    parser.add_argument("--clients")
    parser.add_argument("--gateway", action="store_true")
    parser.add_argument("--standing", action="store_true")
    options = parser.parse_args()
    line = Standing() if options.standing else Reality()
    devices = [device(unit, line) for unit in range(1, options.units + 1)]
    if options.certificate:
        secure = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        secure.load_cert_chain(*options.certificate)
        if options.clients:
            secure.load_verify_locations(options.clients)
            secure.verify_mode = ssl.CERT_REQUIRED
            secure.maximum_version = ssl.TLSVersion.TLSv1_2
        await StartAsyncTlsServer(devices, address=(options.address, 802), sslctx=secure)
    else:
        await StartAsyncTcpServer(devices, address=(options.address, 502), broadcast_enable=options.gateway)


asyncio.run(main())
