"""Drift alerts of one model that belong together, and what they show of their cause."""

from __future__ import annotations

from typing import TYPE_CHECKING

from detectors.correlate.rows import Case

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from detectors.correlate.graph import Graph
    from detectors.correlate.rows import Fact
    from detectors.drift.rows import DriftAlert

HOUR = 3600 * 10**9
DAY = 24 * HOUR
ONE = 8 * HOUR  # alerts of one model whose onsets lie nearer are one case
NEAR = 3 * HOUR  # onsets that are called the same time, beyond their intervals
AFTER = {"version": 6 * HOUR, "canary": 3 * DAY, "sides": DAY, "change": 6 * HOUR, "lineage": 0}
BEFORE = {"version": DAY, "canary": 6 * HOUR, "sides": DAY, "change": 12 * HOUR, "lineage": 30 * DAY}
_SHAPES_FIRST = ("output", "class_mix", "confidence", "missing", "frozen", "rate", "relation", "input")
_GRAVE = ("changed", "differ", "new_source")  # once seen, not taken back by a milder fact
MIDDLE, LARGE = 1.5, 3.0


def cases(
    drifts: Sequence[DriftAlert], facts: Iterable[Fact], graph: Graph, linked: Mapping[str, str],
    watched: Mapping[str, frozenset[str]],
) -> list[Case]:  # fmt: skip
    """`linked`: stream → its group of physically linked ones. `watched`: model → facts the sensor would see of it
    (`version`, `lineage`, `sides`), so that not seeing one means something."""
    by_model: dict[str, list[list[DriftAlert]]] = {}
    for drift in sorted(drifts, key=lambda d: (d.since, d.ts, d.drift_id)):
        if not drift.model_id:
            continue
        groups = by_model.setdefault(drift.model_id, [])
        if groups and drift.since - groups[-1][0].since <= ONE:
            groups[-1].append(drift)
        else:
            groups.append([drift])
    inputs = [drift for drift in drifts if drift.kind == "input"]
    leading = [(_leading(group), group) for groups in by_model.values() for group in groups]
    known: dict[str, list[Fact]] = {}
    for fact in facts:
        known.setdefault(fact.model_id, []).append(fact)
    made = []
    for first, group in leading:
        others = {other.model_id for other, _ in leading if _together(first, other)}
        reach = graph.reach(first.model_id)
        near = [d for d in inputs if _together(first, d)]
        moved = {d.stream for d in near}
        fed = {d.stream for d in near if reach.get(d.stream) == "feed" or d.model_id == first.model_id}
        # What moves at the very time is an input that the graph does not know of, where it knows of none that moved.
        fed = fed or moved
        features = {
            "shape": first.shape, "models": "1" if len(others) < 2 else "2-3" if len(others) < 4 else "4+",
            "relation": _relation(group, watched.get(first.model_id, frozenset())), "size": _size(first.magnitude),
            **_inputs(fed, reach, linked, moved), **_facts(first, known.get(first.model_id, []), watched),
        }  # fmt: skip
        since = first.since_high - BEFORE["lineage"]
        mine = known.get(first.model_id, [])
        sourced = {
            f.ts for f in mine if f.feature == "lineage" and f.value != "same" and since <= f.ts <= first.since_high
        }
        made.append(_case(first, group, features, tuple(sorted(fed)), tuple(sorted(sourced))))
    return sorted(made, key=lambda case: (case.since, case.model_id))


def _case(
    first: DriftAlert, group: list[DriftAlert], features: dict[str, str], fed: tuple[str, ...], sourced: tuple[int, ...]
) -> Case:
    ids = [d.drift_id for d in sorted(group, key=lambda d: (d.ts, d.drift_id))]
    back = [d.returned for d in group]
    streams = tuple(sorted({d.stream for d in group}))
    high = max(first.since, first.since_high)
    return Case(
        model_id=first.model_id,
        drift_ids=tuple(ids),
        ts=min(d.ts for d in group),
        since=first.since,
        low=first.since_low,
        high=high,
        features=features,
        streams=streams,
        moved=fed,
        sourced=sourced,
        summary=first.summary,
        returned=max(back) if all(back) else 0,
    )


def _leading(group: list[DriftAlert]) -> DriftAlert:
    """The alert that stands for the case: of an output before those of its relation or inputs; of these the surest."""
    order = {kind: at for at, kind in enumerate(_SHAPES_FIRST)}
    return min(
        group, key=lambda d: (order.get(d.kind, len(order)), d.since_high - d.since_low, d.since, d.drift_id)
    )  # fmt: skip


def _together(one: DriftAlert, other: DriftAlert) -> bool:
    return one.since_low - NEAR <= other.since_high and other.since_low - NEAR <= one.since_high


def _size(magnitude: float) -> str:
    return "small" if abs(magnitude) < MIDDLE else "middle" if abs(magnitude) < LARGE else "large"


def _relation(group: list[DriftAlert], watched: frozenset[str]) -> str:
    if any(d.kind == "relation" for d in group):
        return "moved"
    return "held" if "relation" in watched else "unknown"


def _inputs(fed: set[str], reach: Mapping[str, str], linked: Mapping[str, str], moved: set[str]) -> dict[str, str]:
    """How many inputs of the model moved with it, and whether what is linked to them did."""
    if not fed:
        seen = any(how == "feed" for how in reach.values())
        return {"inputs": "none" if seen else "unseen", "related": "unknown"}
    groups = {linked[stream] for stream in fed if stream in linked}
    members = {stream for stream, group in linked.items() if group in groups}
    together = "unknown"
    if len(members) > 1:
        together = "together" if len(members & moved) >= max(2, len(members) / 2) else "alone"
    return {"inputs": "one" if len(fed) == 1 else "several", "related": together}


def _facts(first: DriftAlert, facts: list[Fact], watched: Mapping[str, frozenset[str]]) -> dict[str, str]:
    seen = watched.get(first.model_id, frozenset())
    found: dict[str, str] = {name: "same" for name in ("version", "lineage", "sides") if name in seen}
    for fact in sorted(facts, key=lambda f: (f.ts, f.feature, f.value)):
        name = fact.feature
        if name not in AFTER:
            continue
        if name == "canary" and fact.value == "same" and fact.ts < first.since_high:
            continue  # what was still the same before says nothing of what came then
        near = first.since_low - BEFORE[name] <= fact.ts <= max(first.since_high, first.since) + AFTER[name]
        if near and not (found.get(name) in _GRAVE and fact.value not in _GRAVE):
            found[name] = fact.value
    return found
