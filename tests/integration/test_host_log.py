"""A recorded plant, and a log that the model's host would have kept: what its payloads say, with one value changed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from detectors import registry
from detectors.models import Models
from detectors.outputs.observer import Observer
from detectors.pipeline import Pipeline
from detectors.window import Window
from parsers import Engine
from sensor import config
from sensor.intake.feed import Feed
from sensor.replay import pipeline_of

ROOT = Path(__file__).parents[2]
PLANT = config.load(ROOT / "pcaps" / "plant.toml")
SWAP, DAY = "pcaps/model_swap.pcap", "pcaps/day_clean.pcap.gz"
WINDOWS = 150  # that are read of a day
Change = Callable[[list[dict[str, Any]]], object]


def windows(capture: str) -> Iterator[Any]:
    engine = Engine([ROOT / capture])
    return islice(iter(engine.next, None), WINDOWS)


@cache
def told(capture: str) -> str:
    """The host's log as the payloads tell it: each output with the readings that came last before it."""
    observer = Observer(Models(PLANT.models))
    lines: list[dict[str, Any]] = []
    read: dict[str, float] = {}
    for window in windows(capture):
        observer.learn(Window(window.tables, window.start, window.end, window.last))
        if not window.last:
            continue
        seen = observer.seen
        rows = [(r.ts, 0, r) for r in seen.inputs] + [(r.ts, 1, r) for r in seen.records]
        for ts, _, row in sorted(rows, key=lambda one: one[:2]):
            if hasattr(row, "stream"):
                read[row.stream.rpartition("#")[2]] = row.value
            else:
                lines.append({"model_id": row.model_id, "ts": ts / 1e9, "output": json.loads(row.output),
                              "version": row.model_version, "inputs": dict(read)})  # fmt: skip
    return json.dumps(lines)


def alerts(capture: str, folder: Path, change: Change, shift: float = 0.0) -> tuple[list[Any], Pipeline]:
    lines = json.loads(told(capture))
    change(lines)
    path = folder / "pump-wear.jsonl"
    path.write_text("".join(json.dumps(line | {"ts": line["ts"] + shift}) + "\n" for line in lines))
    only = {name: {"enabled": name == "inference"} for name in registry.BUILTIN}
    feed, pipeline = Feed((), [str(path)]), pipeline_of(replace(PLANT, detectors=only), "test")
    last: dict[str, Any] = {}
    for window in windows(capture):
        pipeline.arrive(**feed.until(window.start, window.end))
        for alert in pipeline.observe(window.tables, window.start, window.end, window.last):
            last[alert.alert_id] = alert
    pipeline.arrive(**feed.rest())
    last |= {alert.alert_id: alert for alert in pipeline.finish()}
    assert not pipeline.failures
    assert pipeline.counters()["inference.agreed"] >= 0.95 * len(lines)
    return [alert for alert in last.values() if alert.detector == "inference"], pipeline


@pytest.mark.slow
@pytest.mark.parametrize("capture", [SWAP, DAY])
def test_the_host_s_own_account_agrees(capture, tmp_path) -> None:
    assert alerts(capture, tmp_path, lambda lines: None)[0] == []


@pytest.mark.slow
@pytest.mark.parametrize(("capture", "shift"), [(SWAP, 0.0), (SWAP, 37.5), (SWAP, -12.0), (DAY, 37.5)])
def test_an_output_that_the_host_s_log_denies(capture, shift, tmp_path) -> None:
    def change(lines: list[dict[str, Any]]) -> None:
        lines[len(lines) // 2]["output"] = 0.9999

    [alert], pipeline = alerts(capture, tmp_path, change, shift)
    assert (alert.kind, alert.count, alert.severity) == ("inference.disagreement", 1, "high")
    lines = json.loads(told(capture))
    middle = lines[len(lines) // 2]
    assert f"output {middle['output']:g}" in alert.summary
    assert f"says 0.9999 ({tmp_path / 'pump-wear.jsonl'}:{len(lines) // 2 + 1})" in alert.summary
    assert abs(alert.first_ts / 1e9 - middle["ts"]) < 0.001
    assert alert.frames
    clock = [note for note in pipeline.notes() if "clock of the host" in note]
    assert len(clock) == bool(shift)


@pytest.mark.parametrize("capture", [SWAP])
def test_an_input_that_the_host_s_log_denies(capture, tmp_path) -> None:
    def change(lines: list[dict[str, Any]]) -> None:
        lines[len(lines) // 3]["inputs"]["vibration"] += 5

    [alert], _ = alerts(capture, tmp_path, change)
    assert (alert.kind, alert.count, alert.severity) == ("inference.disagreement", 1, "high")
    assert alert.evidence["what"] == "input plant/line1/telemetry#vibration"
