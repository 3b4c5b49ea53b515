"""What the correlator reads and gives: network events with their context marks, cases of drift, incidents."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

CAUSES = (
    "benign_process",
    "sensor_fault",
    "input_manipulation",
    "data_poisoning",
    "model_swap",
    "edge_compromise",
    "network_only",
)
ATTACKS = frozenset(CAUSES[2:])

# Context marks of an event and the values each can have; the first is what is assumed when nothing is known.
MARKS: dict[str, tuple[str, ...]] = {
    "source": ("known", "approved", "new"),  # who did it: on the approved list, seen for long, or neither
    "ticket": ("no", "yes"),  # an approved change covers time, host and action
    "shift": ("in", "out"),  # of the working hours
    "verdict": (
        "none",
        "approved",
        "unknown",
        "known_old",
        "changed",
        "opaque",
        "retrained",
    ),  # of an artefact, by the registry
    "chain": ("0", "1", "2+"),  # other kinds of event from the same source in the day before
}
# Values that the factory tables need not know: they tell the causes apart as little as another one does.
ALIKE = {"retrained": "opaque"}  # an artefact on no list, but made by the host that was seen to fetch training data
# Where an event meets the data flow of a model: the input that moved or its source, what lies above that, the model's
# host, another input, further upstream, where its artefacts come from, where its training data do, what it feeds.
# `lineage`: it came with the source that was new in its training data.
REACHES = ("none", "moved", "above", "host", "feed", "upstream", "supply", "training", "lineage", "downstream")

# What a case of drift shows, and the values; the first is what is assumed when nothing is known.
FEATURES: dict[str, tuple[str, ...]] = {
    "shape": ("unknown", "step", "ramp", "variance", "frozen", "mode_switch", "periodic", "missing", "rate", "mix"),
    "inputs": ("unseen", "none", "one", "several"),  # inputs of the model that drifted with the output
    "relation": ("unknown", "held", "moved"),  # of output to inputs
    "related": ("unknown", "alone", "together"),  # streams physically linked to the inputs that moved
    "models": ("1", "2-3", "4+"),  # models that drift at the same time
    "sides": ("unknown", "same", "differ"),  # the value at its source and at the model
    "canary": ("none", "same", "changed"),  # outputs for frozen reference inputs
    "change": ("none", "covered"),  # an approved change covers the onset, upstream of the model
    "version": ("unknown", "same", "changed"),  # of the model, since the day before the onset
    "lineage": (
        "unknown",
        "same",
        "new_approved",
        "new_source",
    ),  # of what fed the training: a new source, approved or not
    "size": ("small", "middle", "large"),  # below 1.5 standard deviations, up to 3, above
}

# The values that say nothing: they speak for no cause and against none.
SILENT = {
    "shape": "unknown", "inputs": "unseen", "relation": "unknown", "related": "unknown", "sides": "unknown",
    "canary": "none", "version": "unknown", "lineage": "unknown",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Event:
    """A network alert as the correlator sees it. `kind`: of the alert catalogue (`new_writer.write`). `src`, `dst`:
    hosts; `target`: what was touched, where it is known (topic, node id, register, path). `marks`: see `MARKS`.
    `type`: for the factory tables, where the kind alone does not say it. `alert`: whether it is a row of `alerts`, or
    something lawful that the sensor saw."""

    event_id: str
    ts: int
    kind: str
    src: str
    dst: str
    target: str = ""
    marks: Mapping[str, str] = field(default_factory=dict)
    summary: str = ""
    techniques: tuple[str, ...] = ()
    severity: str = "medium"
    type: str = ""
    alert: bool = True


@dataclass(frozen=True, slots=True)
class Fact:
    """Something seen of a model that is neither an event nor a drift: `feature` and `value` as in `FEATURES` (`canary`,
    `sides`, `version`, `lineage`, `change`)."""

    ts: int
    model_id: str
    feature: str
    value: str
    summary: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    """Drift alerts of one model that are one thing. Times in nanoseconds; the onset lies in `low .. high`.
    `moved`: inputs of the model that drifted with it. `sourced`: when a new source began to feed its training."""

    model_id: str
    drift_ids: tuple[str, ...]
    ts: int
    since: int
    low: int
    high: int
    features: Mapping[str, str]
    streams: tuple[str, ...] = ()
    moved: tuple[str, ...] = ()
    sourced: tuple[int, ...] = ()
    summary: str = ""
    returned: int = 0


@dataclass(frozen=True, slots=True)
class Suspect:
    """One event as the possible root. `terms`: nats by name, which add up to `score`; `probability`: its share of all
    explanations of the case, that of no visible event included."""

    event: Event | None
    hypothesis: str
    cause: str
    probability: float
    score: float
    terms: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Incident:
    """A row of the table `incidents`, and what is shown with it.

    `incident_id` comes from the model that drifted first and the time of its first drift alert, so it stays while
    evidence arrives. `probability`: calibrated, that the cause is an attack. `causes`: share by cause. `level`:
    `incident`, `suspicion` or `note`. `speaks_for`, `speaks_against`: sentences, strongest first; `would_settle`: what
    to look at; `blast_radius`: assets and decisions that hang on the model. `rollback`: see `rollback.Clock`.
    """

    incident_id: str
    ts: int
    title: str
    severity: str
    cause: str
    probability: float
    model_id: str
    alert_ids: tuple[str, ...]
    drift_ids: tuple[str, ...]
    timeline: tuple[Mapping[str, Any], ...]
    techniques: tuple[str, ...]
    controls: tuple[str, ...]
    runbook: str
    first_ts: int
    last_ts: int
    level: str = "note"
    status: str = "open"
    causes: Mapping[str, float] = field(default_factory=dict)
    suspects: tuple[Suspect, ...] = ()
    unseen: float = 0.0
    models: tuple[str, ...] = ()
    speaks_for: tuple[str, ...] = ()
    speaks_against: tuple[str, ...] = ()
    would_settle: tuple[str, ...] = ()
    blast_radius: tuple[str, ...] = ()
    rollback: Mapping[str, Any] = field(default_factory=dict)
