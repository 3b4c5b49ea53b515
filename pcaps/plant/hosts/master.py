"""A DNP3 master (opendnp3): integrity poll at start, event polls, one command.

    master.py OUTSTATION SECONDS
"""

import sys
import time

import opendnp3 as dnp3


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
    outstation, seconds = sys.argv[1], float(sys.argv[2])
    manager = dnp3.DNP3Manager(1)
    endpoint = dnp3.IPEndpoint(outstation, 20000)
    channel = manager.AddTCPClient("scada", dnp3.levels.NORMAL, dnp3.ChannelRetry.Default(), [endpoint], "0.0.0.0", None)
    config = dnp3.MasterStackConfig()
    config.link.LocalAddr, config.link.RemoteAddr = 1, 10
    events = Events()
    master = channel.AddMaster("scada", events, Application(), config)
    master.AddClassScan(dnp3.ClassField.AllEventClasses(), dnp3.TimeDuration.Seconds(2), events)
    master.AddClassScan(dnp3.ClassField.AllClasses(), dnp3.TimeDuration.Seconds(15), events)
    master.Enable()
    time.sleep(seconds / 2)
    master.SelectAndOperate(dnp3.ControlRelayOutputBlock(dnp3.OperationType.LATCH_ON), 3, lambda _: None)
    time.sleep(seconds / 2)
    manager.Shutdown()


main()
