"""An attack under floods that are made to hide it: what the flood costs is shed and counted, and the attack is told.

The attack is a capture of the project's own; the flood begins before it and goes on behind it. Limits are lowered so
that a few thousand packets do what millions do to the real ones.
"""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from detectors import book
from detectors.pipeline import Pipeline
from detectors.zones import Policy
from parsers import Engine, anomaly_kinds, limits
from tests import floods
from tests.integration import limits_table
from tests.mirror_faults import Packet, read, write

if TYPE_CHECKING:
    from collections.abc import Callable

    from detectors.alert import Alert

ATTACK = Path(__file__).parents[2] / "pcaps" / "rogue_writer.pcap"
WROTE = "10.30.0.77 wrote to 10.40.0.11"
BEGIN, END = 113.0, 125.0  # seconds into the capture; the host writes at 114.4 for the first time
PACKETS = 2400


@dataclass(frozen=True)
class Flood:
    make: Callable[[int], floods.Frames]
    limits: dict[str, int]
    cost: str  # the counter, or the kind of oddity, that says what was shed
    packets: int = PACKETS


FLOODS = {
    "SYNs": Flood(floods.syns, {"flows": 200}, "dropped.flows"),
    "connections and datagrams": Flood(floods.flows, {"flows": 200}, "dropped.flows"),
    "fragments": Flood(floods.fragments, {"fragment_datagrams": 32}, "dropped.fragments"),
    "bytes of fragments": Flood(floods.fragments, {"fragment_bytes": 4096}, "dropped.fragments"),
    "segments behind holes": Flood(floods.segments, {"reassembly_bytes": 8192}, "dropped.reassembly"),
    "unanswered requests": Flood(floods.pending, {"pending_requests": 16}, "pending_full"),
    "distinct behaviours": Flood(floods.behaviours, {"behaviours": 128}, "dropped.behaviours"),
    "topics": Flood(floods.topics, {"behaviours": 128, "tags_per_flow": 64}, "dropped.behaviours"),
    "node ids": Flood(floods.nodes, {"behaviours": 128, "tags_per_flow": 64}, "dropped.behaviours"),
}


def mixed(path: Path, flood: Flood) -> Path:
    packets = read(ATTACK)
    first = packets[0].ts
    every = (END - BEGIN) / flood.packets
    sent = zip(itertools.count(), flood.make(flood.packets), strict=False)
    made = [Packet(first + round((BEGIN + n * every) * 1e9), frame, len(frame)) for n, frame in sent]
    return write(path, sorted(packets + made, key=lambda packet: packet.ts))


def seen(capture: Path, limits: dict[str, int], workers: int = 1) -> tuple[dict[str, Alert], Counter[str], Pipeline]:
    """Alerts by id, what was counted, and the pipeline."""
    pipeline = Pipeline(Policy((), ()), {}, sensor="test", case_id="test")
    engine = Engine([capture], limits=limits, workers=workers)
    alerts: dict[str, Alert] = {}
    counts: Counter[str] = Counter()
    while (window := engine.next()) is not None:
        counts.update(window.counters)
        if "anomalies" in window.tables:
            counts.update(kinds(window.tables["anomalies"]))
        alerts |= {a.alert_id: a for a in pipeline.observe(window.tables, window.start, window.end, window.last)}
    alerts |= {a.alert_id: a for a in pipeline.finish()}
    assert not pipeline.failures
    return alerts, counts, pipeline


def kinds(table: Any) -> Counter[str]:
    import pyarrow as pa

    return Counter(pa.table(table)["kind"].to_pylist())


@pytest.mark.parametrize("name", FLOODS)
def test_the_attack_is_told_under_a_flood(name: str, tmp_path: Path) -> None:
    flood = FLOODS[name]
    alerts, counts, _ = seen(mixed(tmp_path / "mixed.pcap", flood), flood.limits)
    assert counts[flood.cost] > 0, f"the flood bites: {dict(counts)}"
    told = [alert for alert in alerts.values() if WROTE in alert.summary]
    assert [(alert.kind, alert.severity) for alert in told] == [("new_writer.write", "high")]


def test_of_an_alert_storm_the_first_are_told_and_all_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twelve hundred hosts write for the first time, the real one among them."""
    monkeypatch.setattr(book, "STORM", 200)
    alerts, _, pipeline = seen(mixed(tmp_path / "mixed.pcap", Flood(floods.storm, {}, "", 1200)), {})
    writes = [alert for alert in alerts.values() if alert.kind == "new_writer.write"]
    [storm] = [alert for alert in writes if "grouped" in alert.evidence]
    assert any(WROTE in alert.summary for alert in writes), "it was among the first"
    assert len(writes) == 201 and storm.severity == "high"
    plain, _, _ = seen(ATTACK, {})
    hosts = 1200 + sum(alert.kind == "new_writer.write" for alert in plain.values())
    assert 200 + storm.evidence["grouped"] <= hosts
    assert storm.count == storm.evidence["grouped"] == pipeline.counters()["new_writer.grouped"] > 500


def test_every_limit_says_what_it_costs_and_the_document_says_so() -> None:
    assert set(limits_table.TOLD) == {name for name, _, _ in limits()}
    window = Engine([ATTACK]).next()
    assert window is not None
    known = {"counter": set(window.counters), "kind": {name for name, _ in anomaly_kinds()}}
    for name, told in limits_table.TOLD.items():
        way, _, what = told.partition(" ")
        assert what in known.get(way, {what}), (name, told)
    assert limits_table.DOCUMENT.read_text() == limits_table.document()
