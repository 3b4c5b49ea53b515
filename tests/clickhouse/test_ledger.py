"""Several sensors and processes commit to records of one server: each machine in trees of its own."""

from __future__ import annotations

import threading
from contextlib import closing
from pathlib import Path

from sensor.ledger import verifying
from sensor.ledger.config import LedgerSection
from sensor.ledger.keys import Keys
from sensor.store import Layout, open_reading, open_store
from tests.sensor.ledger import filled


def layout(folder: Path) -> Layout:
    return Layout(ledger=LedgerSection(path=str(folder)))


def test_logs_of_several_machines_in_one_store(url: str, tmp_path: Path) -> None:
    """Two machines at once, and on each of them two processes that take turns."""

    def write(machine: int, process: int) -> None:
        with closing(open_store(url, "", f"s{machine}", layout(tmp_path / f"m{machine}"))) as store:
            for n in range(10):
                store.record("verdicts", "live", [filled.verdict(n) | {"note": f"{machine} {process} {n}"}])

    open_store(url, "", "s", layout(tmp_path / "m0")).close()
    threads = [threading.Thread(target=write, args=(machine, process)) for machine in (1, 2) for process in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with closing(open_store(url, "", "s1", layout(tmp_path / "m1"))) as store:
        filled.fill(store)
    keys = Keys(tmp_path / "m1")
    assert keys.read()
    with closing(open_reading(url, "driftspan")) as reading:
        done = verifying.verify(reading, None, keys, None, [])
        sizes = {tree.log == keys.log: tree.size for tree in done.trees if tree.stream == "verdicts"}
        assert sizes == {True: 28, False: 20}
        assert done.records["verdicts"].records == 48
        assert not any(tree.broken for tree in done.trees), done.trees
        assert not any(found.wrong for found in done.records.values()), done.records
    with closing(open_store(url, "", "s", layout(tmp_path / "m0"))) as store:
        store._session.run("ALTER TABLE verdicts DELETE WHERE note = '2 1 5' SETTINGS mutations_sync = 2")
        store.remove("c", who="ann", why="case closed")  # by a machine that wrote none of it
        for table in ("alert_rows", "incident_rows", "runbook_steps", "verdicts"):
            store._session.run(f"ALTER TABLE {table} DELETE WHERE case_id = 'c' SETTINGS mutations_sync = 2")
    with closing(open_reading(url, "driftspan")) as reading:
        done = verifying.verify(reading, None, keys, None, [])
        [wrong] = [fault for found in done.records.values() for fault in found.wrong]
        assert (wrong.what, wrong.case) == ("removed", "live")
