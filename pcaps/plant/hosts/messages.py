"""What the plant's MQTT clients share: how one connects, and the line's readings as JSON."""

from __future__ import annotations

import argparse
import json
import ssl

import paho.mqtt.client as mqtt
import plantclock

TELEMETRY, SCORE = "plant/line1/telemetry", "plant/line1/pump-wear/score"


def arguments(description: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("broker")
    parser.add_argument("seconds", type=float)
    parser.add_argument("--tls", metavar="CA", help="port 8883, trusting this authority")
    parser.add_argument("--user", nargs=2, metavar=("NAME", "PASSWORD"))
    parser.add_argument("--id", default="")
    parser.add_argument("--v5", action="store_true")
    parser.add_argument("--period", type=float, default=2)
    return parser


def client(options: argparse.Namespace, name: str) -> mqtt.Client:
    """A client with its loop started."""
    version = mqtt.MQTTv5 if options.v5 else mqtt.MQTTv311
    made = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id=options.id or name, protocol=version)
    if options.user:
        made.username_pw_set(*options.user)
    if options.tls:
        context = ssl.create_default_context(cafile=options.tls)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        made.tls_set_context(context)
    made.connect(options.broker, 8883 if options.tls else 1883, keepalive=60)
    made.loop_start()
    return made


def leave(made: mqtt.Client) -> None:
    made.disconnect()
    made.loop_stop()


def reading(values: dict[str, float]) -> str:
    names = ("vibration", "temperature", "current", "speed", "flow")
    shown = {name: round(float(values[name]), 3) for name in names}
    return json.dumps({"line": "line1", **shown, "time": int(plantclock.now() * 1000)})
