"""Outputs of the plant's captures, held against a reading of the payloads by nothing but the JSON module."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from detectors.models import Model, Models
from detectors.outputs.chain import genesis, hashed
from detectors.outputs.held import LOOK_BACK
from detectors.outputs.observer import Observer
from detectors.window import Window
from parsers import Engine

PCAPS = Path(__file__).parents[3] / "pcaps"
TELEMETRY, SCORE = "plant/line1/telemetry", "plant/line1/pump-wear/score"
WEAR = Model("pump-wear", hosts=("10.50.0.10",), inputs=(TELEMETRY,), outputs=(SCORE,))


def windows(name: str, workers: int = 1, **limits: int) -> Iterator[Any]:
    engine = Engine([PCAPS / name], workers=workers, limits=limits)
    while (window := engine.next()) is not None:
        yield window


def observed(name: str, *models: Model, workers: int = 1, **limits: int) -> tuple[Observer, list[Any], list[Any]]:
    observer, records, inputs = Observer(Models(models)), [], []
    for window in windows(name, workers, **limits):
        observer.learn(Window(window.tables, window.start, window.end, window.last))
        if window.last:
            records += observer.seen.records
            inputs += observer.seen.inputs
            assert len(observer.seen.outputs) == len(observer.seen.records)
    return observer, records, inputs


def rows(name: str, table: str) -> list[dict[str, Any]]:
    found = [
        row for window in windows(name) if table in window.tables for row in pa.table(window.tables[table]).to_pylist()
    ]
    return sorted(found, key=lambda row: (row["ts"], row.get("frame") or row.get("response_frame")))


def published(name: str, topic: str) -> list[dict[str, Any]]:
    """What its publisher sent under a topic: who spoke first of all that carried its first message."""
    sent = [row for row in rows(name, "mqtt") if row["packet"] == "PUBLISH" and row["topic"] == topic]
    return [json.loads(row["payload"]) for row in sent if row["src_ip"] == sent[0]["src_ip"]]


@pytest.mark.parametrize(
    ("name", "count", "versions"),
    [
        ("day_clean.pcap.gz", 2158, {"1.4.0", "1.5.0", "1.6.0"}),
        ("denial_of_inference.pcap", 52, {"1.4.0"}),
        ("model_swap.pcap", 407, {"1.4.0", "1.4.1"}),
        ("poisoned_retraining.pcap", 402, {"1.4.0", "1.5.0"}),
        ("adversarial_input.pcap", 431, {"1.4.0"}),
    ],
)
def test_every_score_of_the_plant_is_read_once(name: str, count: int, versions: set[str]) -> None:
    observer, records, inputs = observed(name, WEAR)
    said = published(name, SCORE)
    assert len(records) == len(said) == count
    assert [(json.loads(record.output), record.model_version) for record in records] == [
        (message["score"], message["version"]) for message in said
    ]
    assert {record.model_version for record in records} == versions
    assert [record.source_ts for record in records] == [message["time"] * 10**6 for message in said]
    assert {record.quality for record in records} == {"good"}
    assert not observer.notes()
    seen: dict[str, int] = {}
    for reading in inputs:
        seen[reading.stream] = seen.get(reading.stream, 0) + 1
    assert set(seen) == {f"{TELEMETRY}#{what}" for what in ("vibration", "temperature", "current", "speed", "flow")}
    assert len({record.input_sha256 for record in records}) > count / 3
    times = [reading.ts for reading in inputs]
    for record in records:
        assert bool(record.input_sha256) == any(record.ts - LOOK_BACK <= ts <= record.ts for ts in times)


def test_the_chain_goes_from_the_first_record_to_the_last() -> None:
    observer, records, _ = observed("model_swap.pcap", WEAR)
    prev = genesis("", "", "")
    for number, record in enumerate(records, 1):
        assert (record.seq, record.prev_hash) == (number, prev)
        assert record.hash == hashed(prev, asdict(record))
        prev = record.hash
    assert observer.chain.head == prev


def test_workers_and_parts_change_nothing() -> None:
    plain = observed("denial_of_inference.pcap", WEAR)
    assert observed("denial_of_inference.pcap", WEAR, workers=4)[1:] == plain[1:]
    assert observed("denial_of_inference.pcap", WEAR, window_rows=50)[1:] == plain[1:]


def test_opcua_notifications_count_by_their_source_time() -> None:
    node, gateway = "ns=2;s=Line1.Vibration", "10.40.0.31"
    samples = set()
    for row in rows("normal_plant.pcap", "opcua"):
        if row["service"] in ("Publish", "Read"):
            items = (row[f"items.{what}"] for what in ("node_id", "attribute", "value", "source_time"))
            samples |= {(t.value, v) for n, a, v, t in zip(*items, strict=True) if (n, a) == (node, "Value") and v}
    _, records, _ = observed("normal_plant.pcap", Model("m", outputs=(f"{node}@{gateway}",)))
    assert sorted((record.source_ts, float(record.output)) for record in records) == sorted(
        (t, float(v)) for t, v in samples
    )
    assert len(records) == 166
    assert {record.tag for record in records} == {f"{node}@{gateway}"}
    assert not observed("normal_plant.pcap", Model("m", outputs=(f"{node}@10.40.0.32",)))[1]
    assert not observed("normal_plant.pcap", Model("m", hosts=("10.50.0.11",), outputs=(node,)))[1]
    assert len(observed("normal_plant.pcap", Model("m", hosts=("10.50.0.10",), outputs=(node,)))[1]) == 166


def test_modbus_registers_count_unchanged_too() -> None:
    plc = "10.40.0.11"
    wanted = ("u1/holding_register/50-51", "u1/40051:int16")
    _, records, inputs = observed(
        "normal_plant.pcap", Model("m", inputs=(f"u1/coil/0-7@{plc}",), outputs=tuple(f"{w}@{plc}" for w in wanted))
    )
    polls = [
        row for row in rows("normal_plant.pcap", "modbus")
        if row["dst_ip"][12:] == bytes([10, 40, 0, 11]) and row["status"] == "ok" and row["function_code"] in (3, 6)
        and row["address"] <= 50 < row["address"] + row["quantity"]
    ]  # fmt: skip
    whole = [row["values"][50 - row["address"] :][:2] for row in polls if row["address"] + row["quantity"] > 51]
    both = [json.loads(record.output) for record in records if "50-51" in record.tag]
    assert both == whole and len(both) == 150
    one = [json.loads(record.output) for record in records if "50-51" not in record.tag]
    assert one == [row["values"][50 - row["address"]] for row in polls] and len(one) == 154
    assert len(inputs) == 8 * 150


def test_dnp3_points_that_two_masters_read_count_once() -> None:
    _, records, _ = observed("normal_plant.pcap", Model("m", outputs=("10/analog_input/0",)))
    told = [
        value for row in rows("normal_plant.pcap", "dnp3") if not row["from_master"] and row["points.group"]
        for group, index, value in zip(row["points.group"], row["points.index"], row["points.value"], strict=True)
        if group in (30, 32) and index == 0
    ]  # fmt: skip
    assert {json.loads(record.output) for record in records} == set(told)
    assert len(told) / 2 <= len(records) < len(told)


def test_what_http_answers_is_read_with_the_version_beside_it() -> None:
    path, registry = "/models/pump-wear/latest.json#file", "10.50.0.20"
    _, records, _ = observed("model_swap.pcap", Model("m", outputs=(f"{path}@{registry}",)))
    assert [(json.loads(record.output), record.model_version) for record in records] == [
        ("pump-wear-1.4.0.safetensors", "1.4.0"),
        ("pump-wear-1.4.1.safetensors", "1.4.1"),
    ]
    answers = [row for row in rows("model_swap.pcap", "tag_changes") if row["source"] == "http"]
    assert [record.frame for record in records] == [row["frame"] for row in answers]
    assert {record.kind for record in records} == {"classification"}


def test_odd_payloads_on_the_wire_of_many_kinds_never_stop_it() -> None:
    """Everything that any capture publishes, taken for the output of a model, and all else for its inputs."""
    total = 0
    for name in (
        "spoofed_publisher.pcap",
        "mqtt_wildcard.pcap",
        "many_controllers.pcap",
        "exfiltration_telemetry.pcap",
    ):
        everything = Model("m", outputs=("#",), inputs=("#", "u1/holding_register/0-9", "10/analog_input/0"))
        observer, records = Observer(Models([everything])), 0
        for window in windows(name):
            observer.learn(Window(window.tables, window.start, window.end, window.last))
            records += len(observer.seen.records) if window.last else 0
        assert observer.chain.seq == records
        assert json.loads(json.dumps(observer.snapshot()))
        total += records
    assert total > 1000
