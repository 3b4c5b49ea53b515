"""The factory tables: how each cause usually shows itself, and how often what happens without one.

They ship as data (`factory.json`: probabilities, fitted to simulated plants; `kinds.toml`: which alert is of which
type, words for the analyst). Only background rates are learnt on site.
"""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from detectors.correlate.rows import ALIKE, CAUSES, FEATURES, MARKS, REACHES

if TYPE_CHECKING:
    from collections.abc import Mapping

Array = npt.NDArray[Any]

# Hours between an event and the onset it may have caused; the first bin holds what the onset's interval overlaps.
LAG_EDGES = (0.0, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 72.0, 168.0, 336.0, 720.0)
HORIZON = 30 * 24.0  # hours an event is remembered
# Poison reaches the model by an update: one explanation takes a second event, as the other one has it.
THROUGH = {"data_poisoning": "approved_update"}
OTHER = "other"  # the type of alerts that `kinds.toml` does not name
SYMPTOM = "symptom"  # of alerts that show the drift itself; no type of the tables


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """One way a drift comes about. `visible`: share of which the root event is seen. Tables are natural logarithms:
    `types`, `reaches`, by place in `Factory.types` and `REACHES`; `marks`, `features` by name and place; `lags` of the
    density per hour in each bin. `final`: share of roots that are the last of their source's events before the
    drift that meet the model's data flow."""

    name: str
    cause: str
    prior: float
    visible: float
    types: Array
    reaches: Array
    marks: Mapping[str, Array]
    features: Mapping[str, Array]
    lags: Array
    final: float


@dataclass(frozen=True, slots=True)
class Background:
    """What happens anyway: `rates` an hour by type, `reaches` and `marks` as probabilities, (type, value); `final` by
    type, as for a hypothesis."""

    rates: Array
    reaches: Array
    marks: Mapping[str, Array]
    final: Array


@dataclass(frozen=True, slots=True)
class Factory:
    """`platt`: slope and offset from log odds of an attack to a calibrated logit; `lapses`: see `score.calibrated`.
    `share`, `share_weight`: the share of attacks among causes of drift before anything was seen, and the cases it
    weighs as much as. `incident`, `suspicion`: probabilities at the factory's share from which a
    case is called so; set by a budget of false incidents."""

    types: tuple[str, ...]
    hypotheses: tuple[Hypothesis, ...]
    background: Background
    platt: tuple[float, float]
    lapses: tuple[float, float]
    share: float
    share_weight: float
    incident: float
    suspicion: float


def parse(document: Mapping[str, Any]) -> Factory:
    """ValueError for tables that do not belong together."""
    types = tuple(document["types"])
    hypotheses = tuple(_hypothesis(name, given, types) for name, given in document["hypotheses"].items())
    given = document["background"]
    rates = np.array([given["rates"][t] for t in types])
    if (
        OTHER in types
    ):  # no simulated plant has what nobody named: it is taken to be as common as anything, not unheard of
        rates[types.index(OTHER)] = rates.max()
    background = Background(
        rates,
        np.array([[given["reaches"][t][r] for r in REACHES] for t in types]),
        {m: np.array([_values(given["marks"][t][m], values) for t in types]) for m, values in MARKS.items()},
        np.array([given["final"][t] for t in types]),
    )
    if OTHER not in types or (background.rates <= 0).any():
        raise ValueError(f"the factory tables need a type {OTHER!r}, and a rate above 0 for each type")
    slope, offset = document["platt"]
    missed, feigned = document["lapses"]
    keys = ("share", "share_weight", "incident", "suspicion")
    return Factory(
        types, hypotheses, background, (slope, offset), (missed, feigned), *(float(document[key]) for key in keys)
    )


def _hypothesis(name: str, given: Mapping[str, Any], types: tuple[str, ...]) -> Hypothesis:
    if given["cause"] not in CAUSES:
        raise ValueError(f"{name}: there is no cause {given['cause']!r}")
    lags = np.array(given["lags"])
    if len(lags) != len(LAG_EDGES) - 1:
        raise ValueError(f"{name}: {len(lags)} bins of the lag where {len(LAG_EDGES) - 1} are expected")
    return Hypothesis(
        name, given["cause"], float(given["prior"]), float(given["visible"]),
        np.log([given["types"][t] for t in types]), np.log([given["reaches"][r] for r in REACHES]),
        {mark: np.log(_values(given["marks"][mark], values)) for mark, values in MARKS.items()},
        {feature: np.log([given["features"][feature][v] for v in values]) for feature, values in FEATURES.items()},
        np.log(lags / np.diff(LAG_EDGES)),
        float(given["final"]),
    )  # fmt: skip


def _values(given: Mapping[str, float], values: tuple[str, ...]) -> list[float]:
    return [given[value] if value in given else given[ALIKE[value]] for value in values]


@lru_cache(maxsize=1)
def factory() -> Factory:
    """The tables that ship."""
    return parse(json.loads(files(__package__).joinpath("factory.json").read_text(encoding="utf-8")))


@lru_cache(maxsize=1)
def words() -> Mapping[str, Any]:
    """`kinds.toml`."""
    return tomllib.loads(files(__package__).joinpath("kinds.toml").read_text(encoding="utf-8"))


@lru_cache(maxsize=1024)
def type_of(kind: str) -> str:
    """The type of an alert's kind: the longest prefix that is named (`new_writer.write`, `new_writer`)."""
    types: Mapping[str, str] = words()["types"]
    parts = kind.split(".")
    for end in range(len(parts), 0, -1):
        found = types.get(".".join(parts[:end]))
        if found is not None:
            return found
    return OTHER
