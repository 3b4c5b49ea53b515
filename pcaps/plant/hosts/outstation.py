"""A DNP3 outstation (opendnp3): analog inputs that move, binary inputs that change, commands accepted.

    outstation.py ADDRESS SECONDS
"""

import math
import sys
import time

import opendnp3 as dnp3


class Application(dnp3.IOutstationApplication):
    def __init__(self) -> None:
        super().__init__()


class Commands(dnp3.ICommandHandler):
    """Says yes to every command, as a field device without interlocks does."""

    def __init__(self) -> None:
        super().__init__()

    def Begin(self) -> None:  # noqa: N802 (opendnp3's names)
        pass

    def End(self) -> None:  # noqa: N802
        pass

    def Select(self, *_: object) -> dnp3.CommandStatus:  # noqa: N802
        return dnp3.CommandStatus.SUCCESS

    def Operate(self, *_: object) -> dnp3.CommandStatus:  # noqa: N802
        return dnp3.CommandStatus.SUCCESS


def main() -> None:
    address, seconds = sys.argv[1], float(sys.argv[2])
    manager = dnp3.DNP3Manager(1)
    endpoint = dnp3.IPEndpoint(address, 20000)
    channel = manager.AddTCPServer("rtu", dnp3.levels.NORMAL, dnp3.ServerAcceptMode.CloseExisting, endpoint, None)
    config = dnp3.OutstationStackConfig(dnp3.DatabaseConfig(8))
    config.outstation.eventBufferConfig = dnp3.EventBufferConfig.AllTypes(50)
    config.outstation.params.allowUnsolicited = True
    config.link.LocalAddr, config.link.RemoteAddr = 10, 1
    outstation = channel.AddOutstation("rtu", Commands(), Application(), config)
    outstation.Enable()
    for step in range(int(seconds)):
        builder = dnp3.UpdateBuilder()
        for index in range(8):
            builder.Update(dnp3.Analog(100 * index + 20 * math.sin(step / 5 + index)), index)
        builder.Update(dnp3.Binary(step % 20 < 10), 0)
        outstation.Apply(builder.Build())
        time.sleep(1)
    manager.Shutdown()


main()
