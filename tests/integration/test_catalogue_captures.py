"""Each kind of alert in the catalogue is raised by the capture that it names, and not by the one that must not."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest

from detectors import catalogue
from detectors.changes import Change
from detectors.pipeline import Pipeline
from detectors.zones import Policy
from parsers import Engine
from sensor import config
from tests.evaluate import plant
from tests.evaluate.judge import judge, learn

ROOT = Path(__file__).parents[2]
# A site with approved changes, none of which covers what the capture shows.
CHANGED = ("pcaps/maintenance_window.pcap",)
CHANGES = (Change("CHG-1", 1, 2),)


@cache
def kinds(capture: str, *, policy: bool) -> frozenset[str]:
    """Kinds of alert that a replay of the capture alone raises, under the plant's own policy or with zones inferred."""
    loaded = config.load(ROOT / "pcaps" / "plant.toml")
    chosen = Policy(loaded.zones, loaded.conduits) if policy else Policy((), ())
    changes = CHANGES if capture in CHANGED else ()
    models, sources = (loaded.models, loaded.data_sources) if policy else ((), ())
    pipeline = Pipeline(chosen, {}, sensor="test", case_id="test", changes=changes, models=models, sources=sources)
    engine = Engine([ROOT / capture])
    found = set()
    while (window := engine.next()) is not None:
        found |= {a.kind for a in pipeline.observe(window.tables, window.start, window.end, window.last)}
    assert not pipeline.failures
    return frozenset(found | {a.kind for a in pipeline.finish()})


@cache
def baseline() -> dict[str, Any]:
    """What the sensor knows after the plant's clean day."""
    return learn(plant.dataset(("rogue_writer",)))


@cache
def learnt(capture: str) -> frozenset[str]:
    """Kinds raised by a sensor that knows the clean day, as `make evaluate` judges it."""
    data = plant.dataset((Path(capture).name.partition(".")[0],))
    return frozenset(seen.alert.kind for seen in judge(data, data.runs[0], baseline()).seen)


@pytest.mark.parametrize("entry", [e for e in catalogue.entries() if e.fires], ids=lambda entry: entry.id)
def test_the_capture_that_fires(entry):
    plain = kinds(entry.fires, policy=True) | kinds(entry.fires, policy=False)
    assert entry.id in plain or entry.id in learnt(entry.fires)


@pytest.mark.parametrize("entry", catalogue.entries(), ids=lambda entry: entry.id)
def test_the_capture_that_must_not(entry):
    assert entry.id not in kinds(entry.silent, policy=True)
    if Path(entry.silent).name != "normal_plant.pcap":
        assert entry.id not in learnt(entry.silent)
