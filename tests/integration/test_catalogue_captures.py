"""Each kind of alert in the catalogue is raised by the capture that it names, and not by the one that must not."""

from __future__ import annotations

import json
import struct
import tempfile
from functools import cache
from pathlib import Path

import pytest

from detectors import catalogue
from detectors.pipeline import Pipeline
from detectors.zones import Policy
from parsers import Engine
from sensor import config

ROOT = Path(__file__).parents[2]
_DAY = 86400 * 10**9
LEARNING = ("assets", "lateral", "exfiltration", "credentials", "encryption", "boundary_shape")  # silent after it, too


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


@cache
def learnt(capture: str) -> frozenset[str]:
    """Kinds raised a day after the clean plant was learnt; the capture's own clean part is learnt as well."""
    with tempfile.TemporaryDirectory() as folder:
        parts = [ROOT / "pcaps" / "normal_plant.pcap", _a_day_later(ROOT / capture, Path(folder))]
        labels = json.loads((ROOT / capture).with_suffix(".labels.json").read_text())
        until = labels["learn_until"] or min((step["start"] for step in labels["steps"]), default=0)
        loaded = config.load(ROOT / "pcaps" / "plant.toml")
        pipeline = Pipeline(Policy(loaded.zones, loaded.conduits), {}, sensor="test", case_id="test")
        pipeline.begin_learning()
        found, learning = set(), True
        for part in parts:
            engine = Engine([part])
            while (window := engine.next()) is not None:
                if learning and part != parts[0] and window.end > until + _DAY:
                    pipeline.end_learning()
                    learning = False
                told = pipeline.observe(window.tables, window.start, window.end, window.last)
                found |= set() if learning else {a.kind for a in told}
        assert not pipeline.failures
        return frozenset(found | {a.kind for a in pipeline.finish()})


def _a_day_later(capture: Path, folder: Path) -> Path:
    """Packet time never goes backwards: what is judged comes after what was learnt."""
    data = bytearray(capture.read_bytes())
    place = 24
    while place + 16 <= len(data):
        seconds, _, kept, _ = struct.unpack_from("<IIII", data, place)
        struct.pack_into("<I", data, place, seconds + _DAY // 10**9)
        place += 16 + kept
    out = folder / capture.name
    out.write_bytes(data)
    return out


FIRED = [entry for entry in catalogue.entries() if entry.fires]


@pytest.mark.parametrize("entry", FIRED, ids=lambda entry: entry.id)
def test_the_capture_that_fires(entry):
    unlearnt = kinds(entry.fires, policy=True) | kinds(entry.fires, policy=False)
    assert entry.id in unlearnt or entry.id in learnt(entry.fires)


@pytest.mark.parametrize("entry", catalogue.entries(), ids=lambda entry: entry.id)
def test_the_capture_that_must_not(entry):
    assert entry.id not in kinds(entry.silent, policy=True)
    if entry.id.partition(".")[0] in LEARNING:
        assert entry.id not in learnt(entry.silent)
