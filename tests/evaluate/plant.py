"""The plant's own captures: normal life is learnt first, then each scenario, or day, is judged.

What is true is no false alarm, and what counts as true is stated here once, not with each scenario:
* a host that nobody learnt is new: `assets.new` is true of an attack's actor that was not in what was learnt;
* who moves the process, or alters what is told of it, moves every reading: `values.range`, `values.step` and
  `feeds.altered` are true of such an attack whoever
  reads them, since a pump that was stopped stands still on every screen.
Of steps that are benign neither holds: an alarm about them is false, whatever it says.

A scenario's own clean part is learnt as well: up to where its labels say, or up to its first step. Scenarios are
played a day (or, those that are days, as many) after the day that was learnt, at their own hour.
"""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

from detectors import address
from detectors.changes import Change
from sensor import config
from tests.evaluate.data import DAY, ROOT, SECOND, DataSet, Event, Part, Run

PCAPS = ROOT / "pcaps"
SCENARIOS, DAYS = "normal_plant", "day_clean"  # what is learnt for each
CAMPAIGN = "day_campaign"  # clean up to where its labels say
# Techniques that move the process, a reading or a model's output, and the kinds of alert that show such a move.
MOVES = frozenset(("T0806", "T0836", "T1692.001", "T1692.002", "AML.T0018", "AML.T0020", "AML.T0043"))
READINGS = frozenset(("values.range", "values.step", "feeds.altered"))
SHOWN = READINGS | {"period.doubled", "feeds.new_source", "feeds.altered"}
BEFOREHAND, AFTERWARDS = 300 * SECOND, 900 * SECOND  # a change is approved for longer than it takes
OWN = 7200 * SECOND  # of a clean day's own beginning that is learnt
EPOCH = 1793599200 * SECOND  # the plant's days begin at 06:00


def dataset(only: tuple[str, ...] = (), folder: Path = PCAPS, *, days: bool = False) -> DataSet:
    """Scenarios, or days, which are called `day_…`. A scenario is minutes in which stations poll faster than on a day:
    a baseline of one says nothing of the other's rhythm."""
    found = {path.name.removesuffix(".labels.json"): json.loads(path.read_text()) for path in labels(folder)}
    learnt = found[DAYS if days else SCENARIOS]
    later = max(1, math.ceil((learnt["end"] - EPOCH) / DAY - 0.2))  # what a day runs over its end is left out
    end = EPOCH + later * DAY
    names = only or tuple(name for name in found if name.startswith("day_") == days and name != learnt["name"])
    known = hosts(learnt)
    runs = tuple(run(found[name], later * DAY, known, folder) for name in names)
    name = "plant_days" if days else "plant"
    return DataSet(name, config.load(PCAPS / "plant.toml"), (Part(folder / learnt["capture"]),), runs, end)


def clean_days(folder: Path = PCAPS) -> list[DataSet]:
    """A clean day judged by what the morning of another one and its own first hours taught, and that morning judged by
    the day and its own first hours. Nothing in them is to raise an alarm, though shifts, products, an update, a backup
    and a retraining come that were not learnt. The first hours are learnt since the bearing is another one."""
    found = {path.name.removesuffix(".labels.json"): json.loads(path.read_text()) for path in labels(folder)}
    day, other = found[DAYS], found[CAMPAIGN]
    quiet = other["learn_until"]
    plan = config.load(PCAPS / "plant.toml")

    def clean(learnt: dict[str, Any], judged: dict[str, Any], learn_end: int, until: int) -> DataSet:
        told = judged | {
            "steps": [step for step in judged["steps"] if step["benign"]],
            "name": f"{judged['name']} after {learnt['name']}",
            "learn_until": judged["start"] + OWN,
        }
        one = replace(run(told, DAY, hosts(learnt), folder), until=until)
        return DataSet("clean_days", plan, (Part(folder / learnt["capture"]),), (one,), learn_end)

    return [clean(other, day, quiet, 0), clean(day, other, EPOCH + DAY, quiet)]


def labels(folder: Path = PCAPS) -> list[Path]:
    return sorted(folder.glob("*.labels.json"))


def hosts(told: dict[str, Any]) -> frozenset[bytes]:
    return frozenset(address.parse(host["ip"]) for host in told["hosts"].values())


def run(told: dict[str, Any], shift: int, known: frozenset[bytes], folder: Path = PCAPS) -> Run:
    """`known`: hosts that were learnt."""
    attacks = [step for step in told["steps"] if not step["benign"]]
    moves = (moved(step) for step in attacks if MOVES & set(step["techniques"]))
    first = min((step["start"] for step in told["steps"]), default=0)
    return Run(
        told["name"],
        Part(folder / told["capture"], shift),
        (*(event(step, hosts(told) - known) for step in attacks), *moves),
        told["learn_until"] or first,
        frozenset(told["standing"]),
        tuple(told["silent"]),
        told["drift"]["cause"] if told["drift"] else "",
        tuple(change(n, step) for n, step in enumerate(told["steps"]) if step["approved"]),
        known - hosts(told),
    )


def change(number: int, step: dict[str, Any]) -> Change:
    """The ticket under which a step was done."""
    hosts = (*step["actors"], *step["targets"])
    start, end = step["start"] - BEFOREHAND, step["end"] + AFTERWARDS
    return Change(f"CHG-{number}", start, end, hosts, tuple(step["approved"]), step["what"])


def event(step: dict[str, Any], new: frozenset[bytes]) -> Event:
    """`new`: hosts of the scenario that were not learnt."""
    actors, targets = (frozenset(address.parse(ip) for ip in step[who]) for who in ("actors", "targets"))
    also = frozenset(step["also"])
    also |= SHOWN if MOVES & set(step["techniques"]) else frozenset()
    also |= frozenset(("assets.new",)) if actors & new else frozenset()
    return Event(step["what"], step["start"], step["end"], frozenset(step["expected"]), also, step["all"],
                 actors | targets)  # fmt: skip


def moved(step: dict[str, Any]) -> Event:
    """What an attack does to the process: not asked for, and true of whoever reads it."""
    return Event(f"{step['what']}: what it moves", step["start"], step["end"], frozenset(), READINGS)
