"""The line's vibration sensor: publishes its readings over MQTT (JSON), as plant/line1/telemetry.

telemetry.py BROKER SECONDS [--tls CA] [--user NAME PASSWORD] [--v5] [--period 2]
"""

from control import Reality
from messages import TELEMETRY, arguments, client, leave, reading
from plantclock import Ticker

options = arguments(__doc__).parse_args()
publisher = client(options, "sensor-line1")
line = Reality()
for _ in Ticker(options.period, options.seconds):
    publisher.publish(TELEMETRY, reading(line.read()), qos=0)
leave(publisher)
