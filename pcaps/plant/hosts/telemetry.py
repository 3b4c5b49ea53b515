"""The line's vibration sensor: publishes its readings over MQTT (JSON), as plant/line1/telemetry.

telemetry.py BROKER SECONDS [--tls CA] [--user NAME PASSWORD] [--v5] [--period 2] [--replay N]

`--replay`: after N readings it gives the last N once more, in the same order, with the time of day they are sent at.
"""

from control import Reality
from messages import TELEMETRY, arguments, client, leave, reading
from plantclock import Ticker

parser = arguments(__doc__)
parser.add_argument("--replay", type=int, default=0)
options = parser.parse_args()
publisher = client(options, "sensor-line1")
line = Reality()
heard: list[dict[str, float]] = []
for turn in Ticker(options.period, options.seconds):
    again = options.replay and turn >= options.replay
    heard.append(heard[turn - options.replay] if again else line.read())
    publisher.publish(TELEMETRY, reading(heard[turn]), qos=0)
leave(publisher)
