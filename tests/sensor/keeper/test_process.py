"""The keeper as a process of its own: what people say reaches the sensor that runs."""

from __future__ import annotations

import time
from pathlib import Path

import orjson

from detectors.models import Model
from sensor import config, model_registry
from sensor.keeper.__main__ import role
from sensor.keeper.process import KeeperProcess
from sensor.ledger.config import LedgerSection
from sensor.spool.writer import Writer
from sensor.store import Layout
from tests.sensor.conftest import Program


def test_what_is_said_of_models_reaches_the_sensor_at_once(tmp_path: Path) -> None:
    program = Program(tmp_path)
    (tmp_path / "driftspan.toml").write_text("[[model]]\nid = 'wear'\nhosts = ['10.50.0.10']\n")
    store, spool = tmp_path / "driftspan-store", tmp_path / "spool"
    writer = Writer(spool, 1 << 20)
    keeper = KeeperProcess(str(store), config.load(tmp_path / "driftspan.toml"), spool)
    try:
        assert keeper.models() == [] and keeper.models() is None
        [said] = program.rows("models", "approve", "wear", "1.5", "--sha256", "a" * 64)
        assert said["model"] == "wear", "the keeper owns the store: the command asked it"
        found = None
        for _ in range(100):
            if (found := keeper.models()) is not None:
                break
            time.sleep(0.1)
        assert found is not None
        [model] = model_registry.merged([Model("wear", ("10.50.0.10",))], found)
        assert model.approved == {"1.5": ("a" * 64,)}
        [row] = program.rows("models", "list")
        assert (row["model"], row["newest"]) == ("wear", "1.5")
        assert orjson.dumps(keeper.models()) == b"null"
    finally:
        assert keeper.end()
        writer.close()
    assert [row["version"] for row in program.rows("models", "history")] == ["1.5"], "it is in the store"


def test_the_keeper_reaches_other_machines_only_where_it_has_to() -> None:
    assert role("site", Layout()) == "keeper"
    assert role("clickhouse://ch/site", Layout()) == "writer"
    assert role("site", Layout(ledger=LedgerSection(heads=("heads.log",)))) == "keeper"
    assert role("site", Layout(ledger=LedgerSection(heads=("heads.log", "tls://log.plant")))) == "writer"
