"""An OPC UA client: reads the line's tags every second; may log in, write the set point, or browse everything.
With `--score` it reads what the edge node's model says instead.

opcua_client.py SERVER SECONDS [--policy none|sign|encrypt] [--certificate CERT KEY] [--trust CA]
                [--user NAME PASSWORD] [--user-certificate CERT KEY] [--write VALUE] [--browse] [--period 1] [--score]
                [--quiet]

`--quiet`: it does not ask for the server's state in between.
"""

import argparse
import asyncio
from pathlib import Path

from asyncua import Client, ua
from asyncua.crypto.security_policies import SecurityPolicyBasic256, SecurityPolicyBasic256Sha256
from plantclock import Ticker

TAGS = ("Vibration", "Temperature", "MotorCurrent", "Speed", "Flow")
MODES = {
    "sign": (SecurityPolicyBasic256Sha256, ua.MessageSecurityMode.Sign),
    "encrypt": (SecurityPolicyBasic256Sha256, ua.MessageSecurityMode.SignAndEncrypt),
    "weak": (SecurityPolicyBasic256, ua.MessageSecurityMode.SignAndEncrypt),
}


async def browse(node: object, seen: set[str]) -> None:
    """Walks the address space below a node and reads what it finds."""
    for child in await node.get_children():  # type: ignore[attr-defined]
        if str(child) in seen or len(seen) > 150:
            continue
        seen.add(str(child))
        await child.read_browse_name()
        await browse(child, seen)


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("server")
    parser.add_argument("seconds", type=float)
    parser.add_argument("--policy", default="none")
    parser.add_argument("--certificate", nargs=2)
    parser.add_argument("--trust")
    parser.add_argument("--user", nargs=2)
    parser.add_argument("--user-certificate", nargs=2)
    parser.add_argument("--write", type=float)
    parser.add_argument("--browse", action="store_true")
    parser.add_argument("--period", type=float, default=1)
    parser.add_argument("--score", action="store_true")
    parser.add_argument("--quiet", action="store_true")
    options = parser.parse_args()
    watch = {"watchdog_intervall": options.seconds} if options.quiet else {}
    client = Client(f"opc.tcp://{options.server}:4840/{'model' if options.score else 'cell'}", **watch)
    client.application_uri = "urn:example:client"
    if options.policy != "none":
        certificate, key = options.certificate
        server = str(Path(certificate).parent / "gateway.pem")
        policy, mode = MODES[options.policy]
        await client.set_security(policy, certificate, key, server_certificate=server, mode=mode)
    if options.user:
        client.set_user(options.user[0])
        client.set_password(options.user[1])
    if options.user_certificate:
        await client.load_client_certificate(options.user_certificate[0])
        await client.load_private_key(options.user_certificate[1])
    async with client:
        names = ["PumpWear.Score"] if options.score else [f"Line1.{name}" for name in TAGS]
        nodes = [client.get_node(ua.NodeId(name, 2)) for name in names]
        async for turn in Ticker(options.period, options.seconds).each():
            await client.read_values(nodes)
            if options.write is not None and turn == 2:
                await client.get_node(ua.NodeId("Line1.SpeedSetpoint", 2)).write_value(options.write)
        if options.browse:
            await browse(client.nodes.root, set())


asyncio.run(main())
