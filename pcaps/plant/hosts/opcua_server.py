"""An OPC UA server of the line: security policy None, Sign or SignAndEncrypt; anonymous, user name or certificate.

opcua_server.py ADDRESS SECONDS [--policy none|sign|encrypt ...] [--certificate CERT KEY] [--users CERT ...]
"""

import argparse
import asyncio
import datetime
import ssl
from pathlib import Path

import plantclock
from asyncua import Server, ua
from asyncua.server.user_managers import User, UserManager, UserRole
from control import Reality
from plantclock import Ticker

NAMES = {
    "vibration": "Vibration",
    "temperature": "Temperature",
    "current": "MotorCurrent",
    "speed": "Speed",
    "flow": "Flow",
}
POLICY = {
    "none": ua.SecurityPolicyType.NoSecurity,
    "sign": ua.SecurityPolicyType.Basic256Sha256_Sign,
    "encrypt": ua.SecurityPolicyType.Basic256Sha256_SignAndEncrypt,
    "weak": ua.SecurityPolicyType.Basic256_SignAndEncrypt,
}
URI = "urn:example:line1"
PASSWORDS = {"operator": "pump-line-1", "engineer": "commissioning"}


class Users(UserManager):
    """Anonymous reads; a name with the right password, or a known certificate, may write; a wrong password is refused."""

    def __init__(self, certificates: list[str]) -> None:
        self._known = [ssl.PEM_cert_to_DER_cert(Path(file).read_text()) for file in certificates]

    def get_user(self, iserver: object, username: str | None = None, password: str | None = None,
                 certificate: bytes | None = None) -> User | None:  # fmt: skip
        if username is None:
            return User(role=UserRole.Admin if certificate in self._known else UserRole.User)
        return User(role=UserRole.Admin, name=username) if PASSWORDS.get(username) == password else None


def stamped(value: float) -> ua.DataValue:
    time = datetime.datetime.fromtimestamp(plantclock.now(), datetime.UTC).replace(tzinfo=None)
    return ua.DataValue(ua.Variant(value, ua.VariantType.Double), SourceTimestamp=time)


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("address")
    parser.add_argument("seconds", type=float)
    parser.add_argument("--policy", nargs="+", default=["none"])
    parser.add_argument("--certificate", nargs=2)
    parser.add_argument("--users", nargs="*", default=[])
    options = parser.parse_args()
    server = Server(user_manager=Users(options.users))
    await server.init()
    server.set_endpoint(f"opc.tcp://{options.address}:4840/cell")
    server.set_server_name("Line 1")
    await server.set_application_uri(URI)
    server.set_security_policy([POLICY[name] for name in options.policy])
    if options.certificate:
        certificate, key = options.certificate
        await server.load_certificate(certificate)
        await server.load_private_key(key)
    index = await server.register_namespace(f"{URI}:tags")
    line1 = await server.nodes.objects.add_object(index, "Line1")
    tags = {n: await line1.add_variable(ua.NodeId(f"Line1.{text}", index), text, 0.0) for n, text in NAMES.items()}
    setpoint = await line1.add_variable(ua.NodeId("Line1.SpeedSetpoint", index), "SpeedSetpoint", 1450.0)
    await setpoint.set_writable()
    line = Reality()
    async with server:
        ordered = 1450.0
        async for _ in Ticker(1, options.seconds).each():
            written = await setpoint.read_value()
            values = line.order(speed_setpoint=written) if written != ordered else line.read()
            ordered = written
            for name, tag in tags.items():
                await server.write_attribute_value(tag.nodeid, stamped(values[name]))


asyncio.run(main())
