"""A DNP3 master (opendnp3): integrity poll at start and now and then, event polls, an operator's command.

master.py OUTSTATION SECONDS [--events 4] [--integrity 30] [--command 45] [--unsolicited]
"""

import argparse
import time

import opendnp3 as dnp3
from plantclock import real


class Events(dnp3.ISOEHandler):
    def __init__(self) -> None:
        super().__init__()

    def BeginFragment(self, *_: object) -> None:  # noqa: N802 (opendnp3's names)
        pass

    def EndFragment(self, *_: object) -> None:  # noqa: N802
        pass

    def Process(self, *_: object) -> None:  # noqa: N802
        pass


class Application(dnp3.IMasterApplication):
    def __init__(self) -> None:
        super().__init__()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("outstation")
    parser.add_argument("seconds", type=float)
    parser.add_argument("--events", type=float, default=4)
    parser.add_argument("--integrity", type=float, default=30)
    parser.add_argument("--command", type=float, default=45)
    parser.add_argument("--unsolicited", action="store_true")
    options = parser.parse_args()
    manager = dnp3.DNP3Manager(1)
    endpoint = dnp3.IPEndpoint(options.outstation, 20000)
    retry = dnp3.ChannelRetry.Default()
    channel = manager.AddTCPClient("scada", dnp3.levels.NORMAL, retry, [endpoint], "0.0.0.0", None)
    config = dnp3.MasterStackConfig()
    config.link.LocalAddr, config.link.RemoteAddr = 1, 10
    config.master.disableUnsolOnStartup = not options.unsolicited
    events, application = Events(), Application()
    master = channel.AddMaster("scada", events, application, config)
    pause = dnp3.TimeDuration.Milliseconds
    master.AddClassScan(dnp3.ClassField.AllEventClasses(), pause(int(1000 * real(options.events))), events)
    master.AddClassScan(dnp3.ClassField.AllClasses(), pause(int(1000 * real(options.integrity))), events)
    master.Enable()
    end = time.monotonic() + real(options.seconds)
    turn = 0
    while time.monotonic() < end:
        time.sleep(min(real(options.command or options.seconds), max(0.0, end - time.monotonic())))
        if options.command and time.monotonic() < end:
            master.SelectAndOperate(dnp3.AnalogOutputFloat32(80.0 - turn % 3), 0, lambda _: None)
            turn += 1
    manager.Shutdown()


if __name__ == "__main__":
    main()
