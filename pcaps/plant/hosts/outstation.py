"""A DNP3 outstation (opendnp3) of the tank: level, flow, pressure as analog inputs, commands accepted.

    outstation.py ADDRESS SECONDS [--unsolicited]

Binary output 3 runs the pump, analog output 0 is the valve; the others it accepts and does nothing with,
as a field device without interlocks does. A restart makes it drop its event buffers and set IIN1.7.
"""

import argparse
import time

import opendnp3 as dnp3
from control import Reality
from plantclock import Ticker, real

TAGS = ("level", "flow", "pressure", "speed", "current", "temperature", "vibration", "valve")


class Application(dnp3.IOutstationApplication):
    def __init__(self) -> None:
        super().__init__()

    def SupportsWriteAbsoluteTime(self) -> bool:  # noqa: N802 (opendnp3's names)
        return True

    def WriteAbsoluteTime(self, *_: object) -> bool:  # noqa: N802
        return True

    def ColdRestartSupport(self) -> dnp3.RestartMode:  # noqa: N802
        return dnp3.RestartMode.SUPPORTED_DELAY_COARSE

    def ColdRestart(self) -> int:  # noqa: N802
        return 5

    def WarmRestartSupport(self) -> dnp3.RestartMode:  # noqa: N802
        return dnp3.RestartMode.SUPPORTED_DELAY_COARSE

    def WarmRestart(self) -> int:  # noqa: N802
        return 2


class Commands(dnp3.ICommandHandler):
    def __init__(self, line: Reality) -> None:
        super().__init__()
        self._line = line

    def Begin(self) -> None:  # noqa: N802
        pass

    def End(self) -> None:  # noqa: N802
        pass

    def Select(self, *_: object) -> dnp3.CommandStatus:  # noqa: N802
        return dnp3.CommandStatus.SUCCESS

    def Operate(self, command: object, index: int, *_: object) -> dnp3.CommandStatus:  # noqa: N802
        if isinstance(command, dnp3.ControlRelayOutputBlock):
            if index == 3:
                self._line.order(run=float(command.opType == dnp3.OperationType.LATCH_ON))
        elif index == 0:
            self._line.order(valve=float(command.value))
        return dnp3.CommandStatus.SUCCESS


def settings(unsolicited: bool) -> dnp3.OutstationStackConfig:
    database = dnp3.DatabaseConfig(len(TAGS))
    database.time_and_interval = {}  # tshark takes group 50 variation 4 for malformed
    config = dnp3.OutstationStackConfig(database)
    config.outstation.eventBufferConfig = dnp3.EventBufferConfig.AllTypes(50)
    config.outstation.params.allowUnsolicited = unsolicited
    config.link.LocalAddr, config.link.RemoteAddr = 10, 1
    return config


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("address")
    parser.add_argument("seconds", type=float)
    parser.add_argument("--unsolicited", action="store_true")
    options = parser.parse_args()
    manager = dnp3.DNP3Manager(1)
    commands, application, line = Commands(Reality()), Application(), Reality()
    sessions = []
    for port in (20000, 20001):  # a session for each of two masters
        endpoint = dnp3.IPEndpoint(options.address, port)
        channel = manager.AddTCPServer(
            f"rtu{port}", dnp3.levels.NORMAL, dnp3.ServerAcceptMode.CloseExisting, endpoint, None
        )
        sessions.append(channel.AddOutstation(f"rtu{port}", commands, application, settings(options.unsolicited)))
        sessions[-1].Enable()
    for _ in Ticker(2, options.seconds):
        values = line.read()
        builder = dnp3.UpdateBuilder()
        for index, name in enumerate(TAGS):
            builder.Update(dnp3.Analog(values[name]), index)
        builder.Update(dnp3.Binary(values["run"] >= 0.5), 0)
        builder.Update(dnp3.Binary(values["level"] > 54), 1)
        updates = builder.Build()
        for session in sessions:
            session.Apply(updates)
    time.sleep(real(2))
    manager.Shutdown()


main()
