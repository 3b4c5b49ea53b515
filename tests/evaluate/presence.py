"""Presence while learning: which attacks are still told when the same attack was in what was learnt.

`python -m tests.evaluate.presence [SCENARIO...]`. Each scenario of the plant is judged twice: after the clean capture
alone, and after the clean capture and the scenario itself, a day before, by the same hosts. Beside the share that is
still told: how many of those that are not were at least said to be kept out of the baseline (quarantined) while it was
learnt.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from dataclasses import replace
from typing import Any

from detectors import address
from tests.evaluate import plant
from tests.evaluate.data import DAY, DataSet
from tests.evaluate.judge import judge, learn
from tests.evaluate.scoring import moved, told


def twice(name: str) -> tuple[DataSet, DataSet]:
    """The data set of a scenario, and the same with the scenario in what is learnt."""
    clean = plant.dataset((name,))
    [run] = clean.runs
    later = replace(run, part=replace(run.part, shift=run.part.shift + DAY))
    dirty = replace(clean, learn=(*clean.learn, run.part), runs=(later,), learn_end=clean.learn_end + DAY)
    return clean, dirty


def events(data: DataSet, state: dict[str, Any]) -> dict[str, str]:
    """Of each event that is asked for: the detector that tells it; empty: none."""
    [run] = data.runs
    judged = judge(data, run, state)
    all_ = [moved(event, run.part.shift) for event in run.events]
    found = {}
    for event in all_:
        if event.expected:
            tells = (seen.alert.detector for seen in judged.seen if told(seen, event, all_) is not None)
            found[event.name] = min(tells, default="")
    return found


def measure(names: list[str]) -> dict[str, Any]:
    counts: Counter[str] = Counter()
    lost: dict[str, list[str]] = {}
    for name in names:
        clean, dirty = twice(name)
        before = events(clean, learn(clean))
        state = learn(dirty)
        after = events(dirty, state)
        kept_out = quarantined(state)
        for event in clean.runs[0].events:
            if not before.get(event.name):
                continue
            counts["events"] += 1
            counts["still told"] += bool(after[event.name])
            if not after[event.name]:
                hosts = {address.text(host) for host in event.hosts}
                counts["lost, said while learning"] += bool(hosts & kept_out)
                lost.setdefault(name, []).append(event.name)
    share = round(counts["still told"] / max(1, counts["events"]), 3)
    return {"presence": dict(counts) | {"scenarios": len(names), "share": share, "lost": lost}}


def quarantined(state: dict[str, Any]) -> set[str]:
    """Hosts that learning kept out."""
    return {address.text(bytes.fromhex(host)) for host in state["site"]["learning"]["suspects"]}


def scenarios() -> list[str]:
    return [run.name for run in plant.dataset().runs if any(event.expected for event in run.events)]


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1:] or scenarios()), indent=1))
