"""The branching posterior: which event, by which cause, began a case of drift; or none that was seen.

For a hypothesis c and an event e as its root, in nats:

    log prior(c) + log visible(c) + log P(type|c) + log P(reach|c) + log P(marks|c) + log f(lag|c) - log λ(type, reach,
    marks) + log P(features of the drift|c)

and for c with no visible event: log prior(c) + log(1 - visible(c)) + log P(features|c). The event's part is the
likelihood ratio of a marked Hawkes process between "this drift's root" and "it happens anyway"; λ is what `Evidence`
learnt here. Sums over events and hypotheses give the posterior, and every term can be shown.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from detectors.correlate.factory import HORIZON, LAG_EDGES, THROUGH
from detectors.correlate.rows import ATTACKS, FEATURES, MARKS, REACHES, Suspect

if TYPE_CHECKING:
    from detectors.correlate.evidence import Evidence
    from detectors.correlate.factory import Factory, Hypothesis
    from detectors.correlate.graph import Graph
    from detectors.correlate.rows import Case

Array = npt.NDArray[Any]

HOUR = 3600 * 10**9
SUSPECTS = 5
_PLACE = {name: {value: at for at, value in enumerate(values)} for name, values in FEATURES.items()}


@dataclass(frozen=True, slots=True)
class Verdict:
    """Of one case. `log_odds`: attack against benign, uncalibrated. `causes`, `unseen`: shares of the posterior.
    `suspects`: events as roots of an attack; `lawful`: the event that best explains the drift without one. `contrast`:
    what each feature and mark says for an attack (nats, against the best benign explanation)."""

    log_odds: float
    causes: dict[str, float]
    suspects: tuple[Suspect, ...]
    unseen: float
    lawful: Suspect | None
    contrast: dict[str, float]


@dataclass(frozen=True, slots=True)
class Candidates:
    """The events that may have begun a case: places in `Evidence`, and what the terms are made of."""

    at: Array
    reach: Array
    lag: Array
    log_rate: Array
    final: Array


def candidates(case: Case, evidence: Evidence, graph: Graph) -> Candidates:
    """Events before the end of the interval the onset lies in, within the horizon. λ counts all events."""
    reach = evidence.reach(graph, case.model_id, case.moved, case.sourced)
    log_rate = evidence.log_rate(reach)
    end = int(np.searchsorted(evidence.ts, case.high, side="right"))
    begin = int(np.searchsorted(evidence.ts, case.low - int(HORIZON * HOUR)))
    at = np.arange(begin, end)
    hours = np.maximum(0.0, (case.since - evidence.ts[at]) / HOUR)
    lag = np.clip(np.searchsorted(LAG_EDGES, hours, side="right") - 1, 0, len(LAG_EDGES) - 2)
    return Candidates(at, reach[at], lag, log_rate[at], evidence.final(at, reach[at]))


def judge(case: Case, evidence: Evidence, graph: Graph, factory: Factory) -> Verdict:
    found = candidates(case, evidence, graph)
    count = len(factory.hypotheses)
    scores = np.full((count, len(found.at) + 1), -np.inf)  # the last column: no visible event
    for row, hypothesis in enumerate(factory.hypotheses):
        shown = math.log(hypothesis.prior) + sum(_features(case, hypothesis).values())
        shown += _through(found, evidence, hypothesis, factory)
        scores[row, -1] = shown + math.log1p(-hypothesis.visible)
        scores[row, :-1] = shown + math.log(hypothesis.visible) + _events(found, evidence, hypothesis)
    top = float(scores.max())
    weight = np.exp(scores - top)
    posterior = weight / weight.sum()
    attacks = np.array([h.cause in ATTACKS for h in factory.hypotheses])
    bad, good = float(weight[attacks].sum()), float(weight[~attacks].sum())
    log_odds = math.log(max(bad, 1e-300)) - math.log(max(good, 1e-300))
    causes: dict[str, float] = {}
    for row, hypothesis in enumerate(factory.hypotheses):
        causes[hypothesis.cause] = causes.get(hypothesis.cause, 0.0) + float(posterior[row].sum())
    explained = (case, found, evidence, factory, scores, posterior)
    suspects = _roots(*explained, np.flatnonzero(attacks), SUSPECTS)
    lawful = _roots(*explained, np.flatnonzero(~attacks), 1)
    contrast = _contrast(case, factory, posterior, attacks, suspects)
    unseen = float(posterior[:, -1].sum())
    return Verdict(log_odds, causes, suspects, unseen, lawful[0] if lawful else None, contrast)


def _events(found: Candidates, evidence: Evidence, hypothesis: Hypothesis) -> Array:
    terms = hypothesis.types[evidence.type[found.at]] + hypothesis.reaches[found.reach] + hypothesis.lags[found.lag]
    for mark in MARKS:
        terms = terms + hypothesis.marks[mark][evidence.marks[mark][found.at]]
    total: Array = terms + _final(found, evidence, hypothesis) - found.log_rate
    return total


def _final(found: Candidates, evidence: Evidence, hypothesis: Hypothesis) -> Array:
    """Whoever prepares an attack does what begins the drift last."""
    anyway = evidence.factory.background.final[evidence.type[found.at]]
    last = math.log(hypothesis.final) - np.log(anyway)
    followed = math.log1p(-hypothesis.final) - np.log1p(-anyway)
    told: Array = np.where(found.final == 1, last, np.where(found.final == 0, followed, 0.0))
    return told


def _through(found: Candidates, evidence: Evidence, hypothesis: Hypothesis, factory: Factory) -> float:
    """What speaks for the second event that an explanation takes, in nats: the update by which poison comes in."""
    way = next((h for h in factory.hypotheses if h.name == THROUGH.get(hypothesis.name)), None)
    if way is None:
        return 0.0
    seen = _events(found, evidence, way)
    top = float(seen.max(initial=-math.inf))
    whole = top + math.log(float(np.exp(seen - top).sum())) if math.isfinite(top) else -math.inf
    return float(np.logaddexp(math.log(way.visible) + whole, math.log1p(-way.visible)))


def _features(case: Case, hypothesis: Hypothesis) -> dict[str, float]:
    return {
        name: float(hypothesis.features[name][_PLACE[name].get(case.features.get(name, ""), 0)]) for name in FEATURES
    }


def _contrast(
    case: Case, factory: Factory, posterior: Array, attacks: Array, suspects: tuple[Suspect, ...]
) -> dict[str, float]:
    """Features: the best attack against the best benign hypothesis. Marks: as the attack's root against what is usual
    for any root of benign drift."""
    by = posterior.sum(axis=1)
    bad = factory.hypotheses[int(np.where(attacks, by, -1).argmax())]
    good = factory.hypotheses[int(np.where(attacks, -1, by).argmax())]
    ours, theirs = _features(case, bad), _features(case, good)
    told = {f"{name} {case.features.get(name) or FEATURES[name][0]}": ours[name] - theirs[name] for name in FEATURES}
    event = suspects[0].event if suspects else None
    for mark, values in MARKS.items() if event is not None and suspects else ():
        shown = next((term for term in suspects[0].terms if term.startswith(f"{mark} ")), "")
        code = values.index(shown.removeprefix(f"{mark} "))
        told[shown] = float(bad.marks[mark][code] - good.marks[mark][code])
    return told


def _roots(
    case: Case, found: Candidates, evidence: Evidence, factory: Factory, scores: Array, posterior: Array, rows: Array,
    most: int,
) -> tuple[Suspect, ...]:  # fmt: skip
    """The events that are most probably the root by one of the hypotheses of `rows`, each with its best one and that
    one's terms. (The lawful work that an attack rides on, the retraining that brings poisoned data in, explains the
    drift as well, but is not what an analyst of the attack seeks: the two are asked for apart.)"""
    ranked = posterior[rows][:, :-1].sum(axis=0)
    # Of equal ones the later in time: it is nearer to the drift.
    order = np.lexsort((-found.at, -ranked))[:most]
    made = []
    for column in order.tolist():
        row = int(rows[scores[rows, column].argmax()])
        hypothesis = factory.hypotheses[row]
        terms = explain(case, found, evidence, factory, hypothesis, column)
        event = evidence.events[int(found.at[column])]
        share = float(ranked[column])
        made.append(Suspect(event, hypothesis.name, hypothesis.cause, share, float(scores[row, column]), terms))
    return tuple(made)


def explain(
    case: Case, found: Candidates, evidence: Evidence, factory: Factory, hypothesis: Hypothesis, column: int
) -> dict[str, float]:
    """The terms of one hypothesis with one event as its root, in nats; they add up to its score."""
    at = int(found.at[column])
    terms = {
        "prior": math.log(hypothesis.prior),
        "visible": math.log(hypothesis.visible),
        "type": float(hypothesis.types[evidence.type[at]]),
        f"reach {REACHES[int(found.reach[column])]}": float(hypothesis.reaches[found.reach[column]]),
    }
    for mark, values in MARKS.items():
        code = int(evidence.marks[mark][at])
        terms[f"{mark} {values[code]}"] = float(hypothesis.marks[mark][code])
    terms["lag"] = float(hypothesis.lags[found.lag[column]])
    terms["rarity"] = -float(found.log_rate[column])
    terms["last"] = float(_final(found, evidence, hypothesis)[column])
    if hypothesis.name in THROUGH:
        terms["update"] = _through(found, evidence, hypothesis, factory)
    for name, value in _features(case, hypothesis).items():
        terms[f"drift {name} {case.features.get(name) or FEATURES[name][0]}"] = value
    return terms


def calibrated(log_odds: float, factory: Factory) -> float:
    """Logit of the probability of an attack, at the factory's share of attacks.

    Platt's line, and two lapses: some attacks look just as benign drift does, and some benign drift as an attack, so
    that no evidence counts for more than these shares allow.
    """
    slope, offset = factory.platt
    prior = math.log(factory.share / (1 - factory.share))
    ratio = math.exp(min(50.0, max(-50.0, slope * log_odds + offset - prior)))
    missed, feigned = factory.lapses
    return prior + math.log(((1 - missed) * ratio + missed) / ((1 - feigned) + feigned * ratio))


def share_here(logits: list[float], factory: Factory) -> float:
    """The share of attacks among this site's causes of drift, as far as its own cases tell (expectation-maximisation
    under a Beta prior), so that a quiet site does not inherit a noisy one's suspicion."""
    prior = math.log(factory.share / (1 - factory.share))
    share = factory.share
    for _ in range(30):
        shift = math.log(share / (1 - share)) - prior
        found = sum(probability(logit + shift) for logit in logits)
        share = (factory.share * factory.share_weight + found) / (factory.share_weight + len(logits))
        share = min(0.95, max(0.01, share))
    return share


def probability(logit: float) -> float:
    return 1 / (1 + math.exp(-logit)) if logit > -700 else 0.0
