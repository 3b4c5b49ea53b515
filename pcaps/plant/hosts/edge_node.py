"""The edge AI node: reads the line's values, scores the wear of its bearing, publishes the score over MQTT.

    edge_node.py BROKER SECONDS --model FILE [--registry URL [CA]] [--opcua SERVER] [--serve ADDRESS] ...

Inputs come from the topic plant/line1/telemetry, or, with `--opcua`, from a subscription at the line's OPC UA
server. With a registry it asks every `--refresh` seconds for the latest version and takes it. `--serve` offers
the score as an OPC UA variable as well.
"""

import asyncio
import hashlib
import http.client
import json
import ssl
import sys
import tempfile
import urllib.parse
from pathlib import Path

import numpy as np
import plantclock
from messages import SCORE, TELEMETRY, arguments, client, leave
from model import NAME, Model
from plantclock import Ticker
from process import FEATURES

OPCUA = {
    "vibration": "Vibration",
    "temperature": "Temperature",
    "current": "MotorCurrent",
    "speed": "Speed",
    "flow": "Flow",
}


class Inputs:
    """The latest value of each input, whoever sent it."""

    def __init__(self) -> None:
        self.values: dict[str, float] = {}

    def on_message(self, _client: object, _data: object, message: object) -> None:
        received = json.loads(message.payload)  # type: ignore[attr-defined]
        self.values |= {name: float(received[name]) for name in FEATURES}

    def datachange_notification(self, node: object, value: float, _data: object) -> None:
        tag = str(node).rpartition(".")[2]
        self.values |= {name: float(value) for name, text in OPCUA.items() if text == tag}


def fetch(registry: list[str], path: str) -> bytes:
    address = urllib.parse.urlsplit(registry[0])
    if address.scheme == "https":
        context = ssl.create_default_context(cafile=registry[1])
        connection = http.client.HTTPSConnection(str(address.hostname), address.port, timeout=5, context=context)
    else:
        connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=5)
    connection.request("GET", path, headers={"User-Agent": "edge-node/1.8"})
    answer = connection.getresponse().read()
    connection.close()
    return answer


def refresh(registry: list[str], model: Model) -> Model:
    """The registry's latest model, or the present one if that is it or its checksum is wrong."""
    latest = json.loads(fetch(registry, f"/models/{NAME}/latest.json"))
    if latest["version"] == model.version:
        return model
    blob = fetch(registry, f"/models/{NAME}/{latest['file']}")
    if hashlib.sha256(blob).hexdigest() != latest["sha256"]:
        sys.stderr.write("checksum differs from the manifest: the model stays\n")
        return model
    with tempfile.NamedTemporaryFile(suffix=".safetensors") as kept:
        kept.write(blob)
        kept.flush()
        return Model.load(Path(kept.name))


async def subscribe(server: str, inputs: Inputs) -> object:
    from asyncua import Client, ua

    link = Client(f"opc.tcp://{server}:4840/cell")
    await link.connect()
    subscription = await link.create_subscription(500, inputs)
    await subscription.subscribe_data_change([link.get_node(ua.NodeId(f"Line1.{n}", 2)) for n in OPCUA.values()])
    return link


async def serve(address: str) -> tuple[object, object]:
    """An OPC UA server with the score as its only variable."""
    from asyncua import Server, ua

    server = Server()
    await server.init()
    server.set_endpoint(f"opc.tcp://{address}:4840/model")
    server.set_server_name("Edge node 1")
    await server.set_application_uri("urn:example:edge1")
    server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
    index = await server.register_namespace("urn:example:edge1:models")
    folder = await server.nodes.objects.add_object(index, "Models")
    score = await folder.add_variable(ua.NodeId("PumpWear.Score", index), "Score", 0.0)
    await server.start()
    return server, score


async def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--registry", nargs="+")
    parser.add_argument("--refresh", type=float, default=15)
    parser.add_argument("--opcua")
    parser.add_argument("--serve")
    options = parser.parse_args()
    model, inputs = Model.load(options.model), Inputs()
    link = await subscribe(options.opcua, inputs) if options.opcua else None
    server, shown = await serve(options.serve) if options.serve else (None, None)
    publisher = client(options, "edge-ai-1")
    if link is None:
        publisher.on_message = inputs.on_message
        publisher.subscribe(TELEMETRY, qos=0)
    asked = 0.0
    async for _ in Ticker(options.period, options.seconds).each():
        if options.registry and plantclock.now() - asked >= options.refresh:
            model, asked = refresh(options.registry, model), plantclock.now()
        if len(inputs.values) < len(FEATURES):
            continue
        score = float(model.score(np.array([inputs.values[name] for name in FEATURES]))[0])
        message = {
            "model": NAME,
            "version": model.version,
            "score": round(score, 4),
            "time": int(plantclock.now() * 1000),
        }
        publisher.publish(SCORE, json.dumps(message), qos=1)
        if shown is not None:
            await shown.write_value(score)  # type: ignore[attr-defined]
    leave(publisher)
    if link is not None:
        await link.disconnect()  # type: ignore[attr-defined]
    if server is not None:
        await server.stop()  # type: ignore[attr-defined]


asyncio.run(main())
