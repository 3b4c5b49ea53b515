"""An edge-of-network node that publishes the line as Sparkplug B: NBIRTH, DBIRTH, DDATA, NDEATH as its will.

    sparkplug.py BROKER SECONDS [--period 2] ...

The payload is protocol buffers (org.eclipse.tahu.protobuf.Payload), written by hand: fields timestamp 1, metrics 2,
seq 3; a metric has name 1, alias 2, timestamp 3, datatype 4, double_value 13, long_value 11.
"""

import struct

import paho.mqtt.client as mqtt
import plantclock
from control import Reality
from messages import arguments
from plantclock import Ticker

GROUP, NODE, DEVICE = "spBv1.0/plant", "edge-line1", "pump"
DOUBLE, UINT64 = 10, 8
NAMES = ("vibration", "temperature", "current", "speed", "flow")


def varint(number: int) -> bytes:
    out = b""
    while number > 0x7F:
        out += bytes([number & 0x7F | 0x80])
        number >>= 7
    return out + bytes([number])


def whole(field: int, number: int) -> bytes:
    return varint(field << 3) + varint(number)


def text(field: int, data: bytes) -> bytes:
    return varint(field << 3 | 2) + varint(len(data)) + data


def metric(name: str, alias: int, value: float, *, birth: bool) -> bytes:
    body = text(1, name.encode()) if birth else b""
    body += whole(2, alias) + whole(3, int(plantclock.now() * 1000)) + whole(4, DOUBLE)
    return text(2, body + varint(13 << 3 | 1) + struct.pack("<d", value))


def payload(sequence: int, metrics: bytes) -> bytes:
    return whole(1, int(plantclock.now() * 1000)) + metrics + whole(3, sequence)


def death(number: int) -> bytes:
    body = text(1, b"bdSeq") + whole(4, UINT64) + whole(11, number)
    return whole(1, int(plantclock.now() * 1000)) + text(2, body)


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--inject", action="store_true", help="no node, but somebody who puts messages between its own")
    options = parser.parse_args()
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id=options.id or NODE, protocol=mqtt.MQTTv311)
    if not options.inject:
        client.will_set(f"{GROUP}/NDEATH/{NODE}", death(0), qos=1)
    client.connect(options.broker, 1883)
    client.loop_start()
    line = Reality()
    if not options.inject:
        born = text(2, text(1, b"bdSeq") + whole(4, UINT64) + whole(11, 0))
        client.publish(f"{GROUP}/NBIRTH/{NODE}", payload(0, born))
    for turn in Ticker(options.period, options.seconds):
        values = line.read()
        first = turn == 0 and not options.inject
        if options.inject:
            values["vibration"] *= 2.2
        metrics = b"".join(metric(name, n + 1, values[name], birth=first) for n, name in enumerate(NAMES))
        number = turn + (200 if options.inject else 1)
        client.publish(f"{GROUP}/{'DBIRTH' if first else 'DDATA'}/{NODE}/{DEVICE}", payload(number % 256, metrics))
    if not options.inject:
        client.publish(f"{GROUP}/NDEATH/{NODE}", death(0), qos=1)
    client.disconnect()
    client.loop_stop()


main()
