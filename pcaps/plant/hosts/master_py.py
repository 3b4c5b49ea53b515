"""A DNP3 master of another make (dnp3py): an integrity poll, then event polls.

master_py.py OUTSTATION SECONDS [--events 6]
"""

import argparse
import asyncio

from dnp3.master import DefaultSOEHandler, Master, MasterConfig, MasterTcpRunner
from plantclock import Ticker


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("outstation")
    parser.add_argument("seconds", type=float)
    parser.add_argument("--events", type=float, default=6)
    options = parser.parse_args()
    handler = DefaultSOEHandler()
    master = Master(handler=handler, config=MasterConfig(address=1, outstation_address=10))
    async with MasterTcpRunner(master=master, host=options.outstation, port=20000) as runner:
        await runner.integrity_poll()
        print(len(handler.analog_inputs), "analog inputs")
        async for _ in Ticker(options.events, options.seconds).each():
            await runner.class_poll(class_1=True, class_2=True, class_3=True)


asyncio.run(main())
