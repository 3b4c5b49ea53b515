"""Faults of a mirror port, through the whole packet path: each is told by its kind, and by no other of the class."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from detectors import catalogue, registry
from detectors.pipeline import Pipeline
from detectors.zones import Policy
from parsers import Engine
from tests import mirror_faults

ROOT = Path(__file__).parents[2]
SOUND = ROOT / "pcaps" / "normal_plant.pcap"
# What follows: of what is routed between VLANs one leg is still there, and acknowledges what went over the other.
ALSO = {"mirror.one_sided": {"mirror.loss"}, "mirror.vlan_lost": {"mirror.loss"}}
ALONE: dict[str, dict[str, object]] = {name: {"enabled": name == "mirror"} for name in registry.BUILTIN}


def kinds(capture: Path, workers: int = 1) -> set[str]:
    pipeline = Pipeline(Policy((), ()), ALONE, sensor="test", case_id="test")
    engine = Engine([capture], workers=workers)
    found = set()
    while (window := engine.next()) is not None:
        found |= {a.kind for a in pipeline.observe(window.tables, window.start, window.end, window.last)}
    assert not pipeline.failures
    return {kind for kind in found | {a.kind for a in pipeline.finish()} if kind.startswith("mirror.")}


def test_every_kind_has_a_capture_that_fires_it() -> None:
    of_captures = set(mirror_faults.FAULTS) | {"mirror.dropped"}  # which only a ring has: tests/parsers/test_live.py
    assert of_captures == {e.id for e in catalogue.entries() if e.category == catalogue.OPERATIONAL}


@pytest.mark.parametrize("kind", mirror_faults.FAULTS)
def test_a_fault_is_told_by_its_kind(kind: str, tmp_path: Path) -> None:
    packets = mirror_faults.repeated(mirror_faults.read(SOUND), mirror_faults.LONG.get(kind, 1))
    faulty = mirror_faults.write(tmp_path / "faulty.pcap", mirror_faults.FAULTS[kind](packets))
    assert kinds(faulty) - ALSO.get(kind, set()) == {kind}


def test_a_sound_capture_is_told_to_be_none(tmp_path: Path) -> None:
    again = mirror_faults.write(tmp_path / "again.pcap", mirror_faults.repeated(mirror_faults.read(SOUND), 3))
    assert kinds(again) == kinds(SOUND, workers=3) == set()


def rows(capture: Path, workers: int) -> list[tuple[object, ...]]:
    engine = Engine([capture], workers=workers)
    found: list[tuple[object, ...]] = []
    while (window := engine.next()) is not None:
        table = pa.table(window.tables["mirror"])
        found += [(window.start, *row.values()) for row in table.to_pylist()]
    return found


def test_counts_are_the_same_with_any_number_of_workers(tmp_path: Path) -> None:
    packets = mirror_faults.loss(mirror_faults.read(SOUND))
    faulty = mirror_faults.write(tmp_path / "faulty.pcap", packets)
    assert rows(faulty, 1) == rows(faulty, 3)


def test_what_was_lost_is_counted_by_the_byte(tmp_path: Path) -> None:
    packets = mirror_faults.read(SOUND)
    kept = mirror_faults.loss(packets)
    engine = Engine([mirror_faults.write(tmp_path / "faulty.pcap", kept)])
    unseen = 0
    while (window := engine.next()) is not None:
        unseen += sum(pa.table(window.tables["mirror"])["unseen_bytes"].to_pylist())
    missing = sum(p.payload for p in packets) - sum(p.payload for p in kept)
    assert 0.9 * missing <= unseen <= missing  # nobody acknowledged the last segments of the capture any more
