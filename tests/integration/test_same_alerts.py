"""What must not change an alert: a restart at any moment, and the number of workers. Real captures, the whole pipeline."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from detectors.alert import Alert
from detectors.pipeline import Pipeline
from detectors.zones import Policy
from parsers import Engine
from sensor import config

ROOT = Path(__file__).parents[2]
CAPTURES = (
    "address_scan", "arp_mitm", "beacon", "brute_force_io", "cleartext_credentials", "dnp3_restart", "injected_sequence",
    "model_swap", "opcua_browse", "pivot", "rogue_writer", "spoofed_publisher",
)  # fmt: skip
DAY = ("day_campaign.pcap.gz", 240)  # windows of it, of ten seconds


def windows(name: str, workers: int = 1) -> Iterator[Any]:
    engine = Engine([ROOT / "pcaps" / name], workers=workers)
    while (window := engine.next()) is not None:
        yield window


def fresh() -> Pipeline:
    loaded = config.load(ROOT / "pcaps" / "plant.toml")
    return Pipeline(Policy(loaded.zones, loaded.conduits), {}, models=loaded.models)


def restarted(pipeline: Pipeline) -> Pipeline:
    """Another pipeline of the same configuration, that goes on where this one stands."""
    other = fresh()
    other.restore(json.loads(json.dumps(pipeline.snapshot())))
    return other


def alerts(made: list[Any], every: int = 0) -> list[Alert]:
    """In the order in which they were given out. `every`: windows after which it is started anew; 0: never."""
    pipeline, found = fresh(), []
    for number, window in enumerate(made, 1):
        found += pipeline.observe(window.tables, window.start, window.end, window.last)
        if every and window.last and number % every == 0:
            pipeline = restarted(pipeline)
    assert not pipeline.failures
    return found + pipeline.finish()


@pytest.mark.parametrize("name", CAPTURES)
def test_a_restart_after_every_window_changes_no_alert(name: str) -> None:
    made = list(windows(f"{name}.pcap"))
    unbroken = alerts(made)
    assert unbroken
    assert alerts(made, every=1) == unbroken


@pytest.mark.parametrize("every", [7, 60])
def test_a_restart_in_a_day_changes_no_alert(every: int) -> None:
    name, count = DAY
    made = list(itertools.islice(windows(name), count))
    unbroken = alerts(made)
    assert unbroken
    assert alerts(made, every=every) == unbroken


def rows(made: list[Any]) -> Counter[tuple[str, str]]:
    """How often each row comes, by its table."""
    found: Counter[tuple[str, str]] = Counter()
    for window in made:
        for name, source in window.tables.items():
            found.update((name, repr(row)) for row in pa.table(source).to_pylist())
    return found


@pytest.mark.parametrize("name", CAPTURES)
def test_the_number_of_workers_changes_nothing(name: str) -> None:
    one, two, four = (list(windows(f"{name}.pcap", workers)) for workers in (1, 2, 4))
    expected = rows(one)
    assert expected and rows(two) == expected and rows(four) == expected
    told = alerts(one)
    assert told and alerts(two) == told and alerts(four) == told
