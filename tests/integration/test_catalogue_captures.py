"""Each kind of alert in the catalogue is raised by the capture that it names, and not by the one that must not."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import pytest

from detectors import catalogue
from detectors.changes import Change
from detectors.pipeline import Pipeline
from detectors.zones import Policy
from parsers import Engine
from sensor import config

ROOT = Path(__file__).parents[2]
CLEAN = "pcaps/normal_plant.pcap"
# A site with approved changes, none of which covers what the capture shows.
CHANGED = ("pcaps/maintenance_window.pcap",)
CHANGES = (Change("CHG-1", 1, 2),)


@cache
def baseline() -> str:
    """What the sensor knows after the clean capture, as JSON."""
    loaded = config.load(ROOT / "pcaps" / "plant.toml")
    pipeline = Pipeline(Policy(loaded.zones, loaded.conduits), {}, sensor="test", case_id="test")
    pipeline.begin_learning()
    engine = Engine([ROOT / CLEAN])
    while (window := engine.next()) is not None:
        pipeline.observe(window.tables, window.start, window.end, window.last)
    pipeline.end_learning()
    return json.dumps(pipeline.snapshot())


@cache
def kinds(capture: str, *, policy: bool, learnt: bool = False) -> frozenset[str]:
    """Kinds of alert that a replay of the capture raises, under the plant's own policy or with zones inferred; `learnt`:
    by a sensor that knows the clean capture."""
    loaded = config.load(ROOT / "pcaps" / "plant.toml")
    chosen = Policy(loaded.zones, loaded.conduits) if policy else Policy((), ())
    changes = CHANGES if capture in CHANGED else ()
    pipeline = Pipeline(chosen, {}, sensor="test", case_id="test", changes=changes)
    if learnt:
        pipeline.restore(json.loads(baseline()))
    engine = Engine([ROOT / capture])
    found = set()
    while (window := engine.next()) is not None:
        found |= {a.kind for a in pipeline.observe(window.tables, window.start, window.end, window.last)}
    return frozenset(found | {a.kind for a in pipeline.finish()})


@pytest.mark.parametrize("entry", catalogue.entries(), ids=lambda entry: entry.id)
def test_the_capture_that_fires(entry):
    if not (ROOT / entry.fires).exists():
        pytest.skip(f"{entry.fires} is not recorded yet")
    plain = kinds(entry.fires, policy=True) | kinds(entry.fires, policy=False)
    assert entry.id in plain | kinds(entry.fires, policy=True, learnt=True)


@pytest.mark.parametrize("entry", catalogue.entries(), ids=lambda entry: entry.id)
def test_the_capture_that_must_not(entry):
    assert entry.id not in kinds(entry.silent, policy=True)
    assert entry.id not in kinds(entry.silent, policy=True, learnt=True)
