"""Lemay's Modbus captures: a SCADA sandbox with attacks, labelled packet by packet.

Of its five captures the two that are there: 37 of the 45 windows of ten seconds with an attack. Learnt on the clean
beginning of the one capture that has one.
"""

from __future__ import annotations

from sensor.config import Config
from tests.evaluate.data import CORPUS, SECOND, DataSet, Part, Run, wanted
from tests.evaluate.judge import judge, learn
from tests.evaluate.packets import times
from tests.evaluate.scoring import Windows

FOLDER = CORPUS / "dev" / "Modbus_dataset"
CLEAN = "CnC_uploading_exe_modbus_6RTU_with_operate"
NAMES = (CLEAN, "characterization_modbus_6RTU_with_operate")
WINDOW = 10 * SECOND


def attacked(name: str) -> list[int]:
    """Packet times of the attack."""
    path = wanted(FOLDER) / f"{name}.pcap"
    rows = (path.parent / f"{path.name}.expected" / f"{name}_labeled.csv").read_text().split()
    marks = {int(frame) for frame, _, label in (row.partition(";") for row in rows) if label == "1"}
    return [ts for frame, ts in enumerate(times(path), 1) if frame in marks]


def evaluate() -> Windows:
    wanted(FOLDER, [f"{name}.pcap" for name in NAMES])
    until = {name: attacked(name)[0] if name == CLEAN else 0 for name in NAMES}
    clean = Part(FOLDER / f"{CLEAN}.pcap")
    runs = tuple(Run(name, Part(FOLDER / f"{name}.pcap"), learn_until=until[name]) for name in NAMES)
    data = DataSet("lemay", Config(), (clean,), runs, until[CLEAN] // WINDOW * WINDOW)
    state, total = learn(data), Windows()
    nothing = learn(DataSet("lemay", Config(), (), ()))
    for run in runs:
        judged = judge(data, run, nothing if run.name == CLEAN else state)
        total.add(judged, {ts // WINDOW * WINDOW for ts in attacked(run.name)})
    return total
