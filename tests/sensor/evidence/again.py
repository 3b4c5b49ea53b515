"""Whether a replay of an alert's slice raises the alert again: over captures of the project, as the sensor knows the
plant's clean day (`--baseline`), and as it is without any.

    python -m tests.sensor.evidence.again [CAPTURE ...]

prints a table by kind of alert over all captures that the catalogue names.
"""

from __future__ import annotations

import copy
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from detectors import catalogue
from detectors.alert import Alert
from detectors.changes import Change
from detectors.pipeline import Pipeline
from detectors.zones import Policy
from parsers import Engine, packets_of
from sensor import config
from sensor.evidence import slices
from sensor.evidence.collector import WORTH
from sensor.evidence.scope import question
from sensor.evidence_config import EvidenceSection
from sensor.replay import pipeline_of
from tests.evaluate import plant
from tests.evaluate.judge import learn, shifted

ROOT = Path(__file__).parents[3]
SETTINGS = EvidenceSection()


@dataclass(frozen=True, slots=True)
class Trial:
    """One alert's slice. `again`: the same kind between the same hosts."""

    capture: str
    mode: str
    alert: Alert
    packets: int
    again: bool
    note: str


@cache
def _clean_day() -> dict[str, Any]:
    return learn(plant.dataset(("rogue_writer",)))


def modes(capture: Path, folder: Path) -> Iterator[tuple[str, Path, Callable[[], Pipeline]]]:
    """Sensors that may see the capture: its name, the capture as it sees it, and how one is made."""
    loaded = config.load(ROOT / "pcaps" / "plant.toml")
    # Which work was approved is of the site, as its zones are.
    changes = (Change("CHG-1", 1, 2),) if capture.stem == "maintenance_window" else ()
    policy = Policy(loaded.zones, loaded.conduits)
    known = {"models": loaded.models, "sources": loaded.data_sources}
    yield "policy", capture, lambda: Pipeline(policy, {}, changes=changes, **known)
    yield "inferred", capture, lambda: Pipeline(Policy((), ()), {}, changes=changes)
    data = plant.dataset((capture.stem,))
    (run,) = data.runs
    shift = run.part.shift
    approved = [replace(change, start=change.start + shift, end=change.end + shift) for change in run.changes]
    moved = shifted(run.part, folder)
    taught = pipeline_of(data.config, data.name, changes=approved)
    taught.restore(copy.deepcopy(_clean_day()))
    for window in _windows(moved):
        if window.end > run.learn_until + shift:
            break
        taught.observe(window.tables, window.start, window.end, window.last)
    taught.end_learning()
    state = taught.snapshot()

    def learnt() -> Pipeline:
        pipeline = pipeline_of(data.config, data.name, changes=approved)
        pipeline.restore(copy.deepcopy(state))
        return pipeline

    yield "baseline", moved, learnt


def _windows(capture: Path) -> Iterator[Any]:
    engine = Engine([capture])
    while (window := engine.next()) is not None:
        yield window


def judged(pipeline: Pipeline, capture: Path) -> dict[str, tuple[Alert, int]]:
    """Alerts in their last state by id, each with the end of the window that told it first as one worth a slice."""
    told: dict[str, tuple[Alert, int]] = {}

    def keep(alerts: list[Alert], end: int) -> None:
        for alert in alerts:
            if alert.severity in WORTH and alert.status == "open":
                told[alert.alert_id] = (alert, told.get(alert.alert_id, (alert, end))[1])

    end = 0
    for window in _windows(capture):
        end = window.end
        keep(pipeline.observe(window.tables, window.start, end, window.last), end)
    keep(pipeline.finish(), end)
    return told


def trials(capture: Path) -> Iterator[Trial]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for mode, path, fresh in modes(capture, folder):
            told = list(judged(fresh(), path).values())
            identity = [str(facts["id"]) for facts in Engine([path]).captures()]
            found = packets_of([path], [question(alert, end, identity, SETTINGS) for alert, end in told])
            for (alert, _), packets in zip(told, found, strict=True):
                made = slices.made(alert, packets, [path.name], 0)
                place = folder / "slice.pcapng"
                place.write_bytes(made.data)
                same = [seen for seen, _ in judged(fresh(), place).values() if seen.kind == alert.kind]
                hosts = {(alert.src_ip, alert.dst_ip)}
                again = bool(hosts & {(seen.src_ip, seen.dst_ip) for seen in same})
                yield Trial(capture.stem, mode, alert, made.packets, again, made.note)


def main(only: list[str]) -> None:
    fires = {Path(entry.fires) for entry in catalogue.entries() if entry.fires}
    captures = sorted(ROOT / path for path in fires if path.suffix == ".pcap" and (not only or path.stem in only))
    kinds: dict[str, list[Trial]] = defaultdict(list)
    for capture in captures:
        for trial in trials(capture):
            kinds[trial.alert.kind].append(trial)
            sys.stderr.write(f"{trial.capture} {trial.mode} {trial.alert.kind} {trial.packets} {trial.again}\n")
    print("| kind | slices | raise it again | without a baseline | with one |\n| --- | --- | --- | --- | --- |")
    for kind, made in sorted(kinds.items()):
        counts = [_share([t for t in made if (t.mode == "baseline") == taught]) for taught in (False, True)]
        print(f"| {kind} | {len(made)} | {sum(t.again for t in made)} | {' | '.join(counts)} |")
    once = sum(any(t.again for t in made) for made in kinds.values())
    total = [t for made in kinds.values() for t in made]
    print(f"\n{once} of {len(kinds)} kinds, {sum(t.again for t in total)} of {len(total)} slices")


def _share(made: list[Trial]) -> str:
    return f"{sum(t.again for t in made)} of {len(made)}"


if __name__ == "__main__":
    main(sys.argv[1:])
