"""Drift of the plant's model and its cause, whole path: from packets to drift alerts and incidents.

`python -m tests.evaluate.causes`. Each capture whose labels name a model is played as `judge` plays it: normal life and
the capture's own clean part are learnt, then the rest is judged. The labels say the true cause and when it began; how
far the output really moved is measured from the outputs themselves: the largest mean of half an hour after the onset
less the mean before, in standard deviations of single outputs before. A drift has to be found where that is one or more.
"""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from sensor.replay import pipeline_of
from tests.evaluate import plant
from tests.evaluate.data import SECOND, DataSet, Run
from tests.evaluate.judge import learn, windows

if TYPE_CHECKING:
    from detectors.correlate.rows import Incident
    from detectors.drift.rows import DriftAlert
    from detectors.pipeline import Pipeline

HALF_HOUR = 1800 * SECOND
OUTPUTS = ("output", "confidence", "class_mix")
LEAST = 20  # outputs before and in half an hour after, to measure a move


def measure() -> dict[str, Any]:
    """The JSON key `models`: a row a capture, and what they come to."""
    rows = [row for days in (False, True) for row in _rows(plant.dataset(days=days))]
    moved = [row for row in rows if row["sigma"] is not None and row["sigma"] >= 1]
    judged = [row for row in moved if row["cause_given"]]
    return {
        "models": {
            "captures": rows,
            "moved": len(moved),
            "found": sum(row["found"] for row in moved),
            "false": sum(row["drifts"] > 0 for row in rows if row["sigma"] is not None and row["sigma"] < 1),
            "cause_first": sum(row["cause_rank"] == 1 for row in judged),
            "cause_first_three": sum(row["cause_rank"] <= 3 for row in judged),
            "actor_first": sum(bool(row["actor_first"]) for row in judged if row["actor_first"] is not None),
            "actors": sum(row["actor_first"] is not None for row in judged),
        }
    }


def _rows(data: DataSet) -> list[dict[str, Any]]:
    runs = [run for run in data.runs if run.cause]
    state = learn(data) if runs else {}
    return [row(data, run, state) for run in runs]


def row(data: DataSet, run: Run, state: dict[str, Any]) -> dict[str, Any]:
    labels = json.loads((plant.PCAPS / f"{run.name}.labels.json").read_text())
    onset = min(step["start"] for step in labels["steps"] if bool(step["benign"]) != labels["attack"]) + run.part.shift
    outputs, drift, incidents = _played(data, run, state)
    of_output = sorted((d for d in drift if d.kind in OUTPUTS), key=lambda d: d.ts)
    after = [d for d in of_output if d.ts > onset]
    shown = max(incidents, key=lambda i: (i.probability, i.incident_id), default=None)
    actors = {host for step in labels["steps"] if not step["benign"] for host in step["actors"]}
    told: dict[str, Any] = {
        "name": run.name, "sigma": _sigma(outputs, onset), "drifts": len(of_output), "found": bool(after),
        "delay_minutes": round((after[0].ts - onset) / SECOND / 60, 1) if after else None, "cause_expected": run.cause,
        "cause_given": shown.cause if shown else None, "probability": shown.probability if shown else None,
        "level": shown.level if shown else None, "cause_rank": _rank(shown, run.cause), "actor_first": None,
    }  # fmt: skip
    if actors and shown is not None and run.cause != "benign_process":
        first = shown.suspects[0].event if shown.suspects else None
        told["actor_first"] = first is not None and bool({first.src, first.dst} & actors)
    return told


def _rank(incident: Incident | None, cause: str) -> int | None:
    """Place of the true cause among the incident's, 1 the likeliest."""
    if incident is None:
        return None
    if incident.cause == cause:
        return 1
    order = sorted(incident.causes, key=lambda name: (-incident.causes[name], name))
    return max(2, order.index(cause) + 1)


def _played(
    data: DataSet, run: Run, state: dict[str, Any]
) -> tuple[list[tuple[int, float]], list[DriftAlert], list[Incident]]:
    shift = run.part.shift
    approved = [replace(change, start=change.start + shift, end=change.end + shift) for change in run.changes]
    pipeline = pipeline_of(data.config, data.name, changes=approved)
    pipeline.restore(copy.deepcopy(state))
    outputs: list[tuple[int, float]] = []
    drift: dict[str, DriftAlert] = {}
    learning = True
    for window in windows(data, run.part):
        if learning and window.end > run.learn_until + shift:
            pipeline.end_learning()
            learning = False
        pipeline.observe(window.tables, window.start, window.end, window.last)
        seen = pipeline.site.observer.seen.outputs if window.last else ()
        outputs += [(one.ts, one.value) for one in seen if isinstance(one.value, float)]
        drift |= _due(pipeline)
    pipeline.finish()
    assert not pipeline.failures
    return outputs, list((drift | _due(pipeline)).values()), list(pipeline.insight.incidents)


def _due(pipeline: Pipeline) -> dict[str, DriftAlert]:
    return {alert.drift_id: alert for alert in pipeline.insight.due().drift}


def _sigma(outputs: list[tuple[int, float]], onset: int) -> float | None:
    """How far the output moved; None: too few of them to tell."""
    ts, values = np.array([ts for ts, _ in outputs]), np.array([value for _, value in outputs])
    before = values[(ts < onset) & (ts > onset - 4 * HALF_HOUR)] if len(ts) else values
    if len(before) < LEAST:
        return None
    moves = []
    for begin in range(onset, int(ts[-1]), HALF_HOUR // 2):
        part = values[(ts >= begin) & (ts < begin + HALF_HOUR)]
        if len(part) >= LEAST:
            moves.append(abs(float(part.mean() - before.mean())) / max(float(before.std()), 1e-9))
    return round(max(moves), 2) if moves else None


if __name__ == "__main__":
    print(json.dumps(measure(), indent=1))
