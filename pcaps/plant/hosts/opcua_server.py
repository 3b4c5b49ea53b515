"""An OPC UA server of a packaging cell: security policy None, user name or anonymous.

    opcua_server.py ADDRESS SECONDS
"""

import asyncio
import math
import sys

from asyncua import Server, ua


async def main() -> None:
    address, seconds = sys.argv[1], float(sys.argv[2])
    server = Server()
    await server.init()
    server.set_endpoint(f"opc.tcp://{address}:4840/cell")
    server.set_server_name("Packaging cell 7")
    server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
    index = await server.register_namespace("urn:example:cell7")
    cell = await server.nodes.objects.add_object(index, "Cell7")
    names = ("Vibration", "Temperature", "MotorCurrent")
    tags = [await cell.add_variable(ua.NodeId(f"Cell7.{name}", index), name, 0.0) for name in names]
    speed = await cell.add_variable(ua.NodeId("Cell7.SpeedSetpoint", index), "SpeedSetpoint", 1450.0)
    await speed.set_writable()
    async with server:
        for step in range(int(seconds * 2)):
            for i, tag in enumerate(tags):
                await tag.write_value(10.0 * (i + 1) + math.sin(step / 8 + i))
            await asyncio.sleep(0.5)


asyncio.run(main())
