"""A program that reads a PLC's registers in rounds, and from some day on a little more often each day.

    rounds.py PLC DAYS [--every 7200] [--reads 3] [--creep DAY]

A day ends at midnight UTC; `--creep`: from that day on (the first is 1) each day has one read more in each round.
"""

import argparse

import plantclock
from pymodbus.client import ModbusTcpClient

DAY = 86400
parser = argparse.ArgumentParser()
parser.add_argument("plc")
parser.add_argument("days", type=float)
parser.add_argument("--every", type=float, default=7200)
parser.add_argument("--reads", type=int, default=3)
parser.add_argument("--creep", type=int, default=10**6)
options = parser.parse_args()
client = ModbusTcpClient(options.plc, port=502)
client.connect()
for _ in plantclock.Ticker(options.every, options.days * DAY):
    day = int(plantclock.now() // DAY - plantclock.EPOCH // DAY) + 1
    for _ in range(options.reads + max(0, day - options.creep + 1)):
        client.read_holding_registers(0, count=10, device_id=1)
client.close()
