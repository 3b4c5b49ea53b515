"""Each kind of alert in the catalogue is raised by the capture that it names, and not by the one that must not."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from detectors import catalogue
from detectors.pipeline import Pipeline
from detectors.zones import Policy
from parsers import Engine
from sensor import config

ROOT = Path(__file__).parents[2]


@cache
def kinds(capture: str, *, policy: bool) -> frozenset[str]:
    """Kinds of alert that a replay of the capture raises, under the plant's own policy or with zones inferred."""
    loaded = config.load(ROOT / "pcaps" / "plant.toml")
    chosen = Policy(loaded.zones, loaded.conduits) if policy else Policy((), ())
    pipeline = Pipeline(chosen, {}, sensor="test", case_id="test")
    engine = Engine([ROOT / capture])
    found = set()
    while (window := engine.next()) is not None:
        found |= {a.kind for a in pipeline.observe(window.tables, window.start, window.end, window.last)}
    return frozenset(found | {a.kind for a in pipeline.finish()})


@pytest.mark.parametrize("entry", catalogue.entries(), ids=lambda entry: entry.id)
def test_the_capture_that_fires(entry):
    assert entry.id in kinds(entry.fires, policy=True) | kinds(entry.fires, policy=False)


@pytest.mark.parametrize("entry", catalogue.entries(), ids=lambda entry: entry.id)
def test_the_capture_that_must_not(entry):
    assert entry.id not in kinds(entry.silent, policy=True)
