"""Fits the factory tables of the correlator to simulated plants and prints them as JSON.

`python -m tests.evaluate.fit > detectors/correlate/factory.json`. Seeds from `SEED` on, none of which the evaluation
uses; the share of attacks, the canary and the gaps of the graph differ from plant to plant, so that no table leans
on one setting. Counts are smoothed; what was never seen is rare, not impossible.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace

import numpy as np

from detectors.correlate.cases import cases
from detectors.correlate.evidence import Evidence
from detectors.correlate.factory import LAG_EDGES, SYMPTOM, parse, words
from detectors.correlate.incidents import groups, log_odds
from detectors.correlate.rows import ALIKE, FEATURES, MARKS, REACHES, SILENT
from detectors.correlate.score import calibrated, candidates, judge, probability, share_here
from tests.evaluate.simulator import DAYS, FIRST_DAY, HOUR, Plant, Stress, plant

SEED, PLANTS = 100_000, 500
CAUSE = {
    "process_change": "benign_process", "approved_update": "benign_process", "false_drift": "benign_process",
    "sensor_ageing": "sensor_fault", "sensor_replaced": "sensor_fault", **{f"{way}_{pace}": "input_manipulation" for way in ("write", "publish", "middle") for pace in ("fast", "slow")},
    "data_poisoning": "data_poisoning", "model_swap": "model_swap", "edge_compromise": "edge_compromise",
}  # fmt: skip
SMOOTH = 0.7  # added to each count
SMOOTH_TYPE = 0.05  # to a type of event: a cause has few ways, and one that was never seen must not win by rarity alone
FALSE_BUDGET = 0.032  # false incidents a plant and day that the level `incident` is set for


def sample(index: int, canary: float = 0.5) -> Plant:
    """The settings vary with the seed. `canary`: chance that the plant replays reference inputs."""
    rng = np.random.default_rng([SEED, index])
    stress = Stress(
        background=float(rng.uniform(15, 45)), unseen_edges=float(rng.uniform(0.05, 0.35)),
        unseen_roots=float(rng.choice((0.0, 0.05, 0.3))), attack_share=None, canary=bool(rng.random() < canary),
    )  # fmt: skip
    return plant(SEED + index, stress)


def judged(made: Plant) -> tuple[list, dict]:
    """The plant's cases, and the truth by drift id."""
    found = cases(made.drifts, made.facts, made.graph, made.linked, made.watched)
    truth = {drift: t for t in made.truths for drift in t.drift_ids}
    return found, truth


def _shares(counts: dict[str, float], silent: str = "", smooth: float = SMOOTH) -> dict[str, float]:
    total = sum(count + smooth for value, count in counts.items() if value != silent)
    return {value: 1.0 if value == silent else round((count + smooth) / total, 6) for value, count in counts.items()}


def _fitted(counts: dict[str, float]) -> dict[str, float]:
    """Without the values that are as another one is: no plant of the simulator has them."""
    return {value: count for value, count in counts.items() if value not in ALIKE}


def tables(plants: list[Plant]) -> dict:
    types = sorted({*words()["types"].values(), "other"} - {SYMPTOM})
    empty = parse(_document(types))
    counts = {name: _zero(types) for name in CAUSE}
    background = {
        t: {"n": 0.0, "final": 0.0, "met": 0.0, "reaches": dict.fromkeys(REACHES, 0.0), "marks": _marks()}
        for t in types
    }
    for made in plants:
        evidence = Evidence(made.events, DAYS * 24, empty)
        found, truth = judged(made)
        roots = _count_causes(made, evidence, found, truth, counts, types)
        _count_background(made, evidence, found, roots, background, types)
    hours = len(plants) * DAYS * 24
    total = sum(count["n"] for count in counts.values())
    document = {
        "about": f"fitted by tests/evaluate/fit.py to {len(plants)} simulated plants, seeds from {SEED}; not edited by hand",
        "types": types, "hypotheses": {}, "background": {"rates": {}, "reaches": {}, "marks": {}, "final": {}},
    }  # fmt: skip
    for name, count in counts.items():
        visible = (count["visible"] + 0.5) / (count["n"] + 1)
        lags = np.array(count["lags"]) + SMOOTH * np.diff(np.log1p(LAG_EDGES)) / np.log1p(LAG_EDGES[-1]) * 4
        document["hypotheses"][name] = {
            "cause": CAUSE[name], "prior": round((count["n"] + 1) / (total + len(counts)), 5),
            "final": round((count["final"] + 1) / (count["visible"] + 2), 4),
            "visible": round(min(0.97, max(0.002, visible)), 4), "types": _shares(count["types"], smooth=SMOOTH_TYPE), "reaches": _shares(count["reaches"]),
            "marks": {m: _shares(_fitted(v)) for m, v in count["marks"].items()},
            "features": {f: _shares(v, SILENT.get(f, "")) for f, v in count["features"].items()},
            "lags": [round(float(v), 5) for v in lags / lags.sum()],
        }  # fmt: skip
    for t, kind in background.items():
        document["background"]["rates"][t] = round((kind["n"] + 1) / hours, 7)
        document["background"]["final"][t] = round((kind["final"] + 1) / (kind["met"] + 2), 4)
        document["background"]["reaches"][t] = _shares(kind["reaches"])
        document["background"]["marks"][t] = {m: _shares(_fitted(v)) for m, v in kind["marks"].items()}
    return document | {
        "platt": [1.0, 0.0],
        "lapses": [0.0, 0.0],
        "share": 0.3,
        "share_weight": 8.0,
        "incident": 0.5,
        "suspicion": 0.3,
    }


def _count_causes(
    made: Plant, evidence: Evidence, found: list, truth: dict, counts: dict, types: list[str]
) -> set[int]:
    """What each cause's first case shows, and its root event; gives the places of all roots."""
    place = {e.event_id: at for at, e in enumerate(evidence.events)}
    seen: set[int] = set()
    for case in found:
        t = next((truth[d] for d in case.drift_ids if d in truth), None)
        if t is None or id(t) in seen:
            continue
        seen.add(id(t))
        count = counts[t.hypothesis]
        count["n"] += 1
        for name in FEATURES:
            count["features"][name][case.features.get(name) or FEATURES[name][0]] += 1
        if t.root is None:
            continue
        at = place[t.root]
        count["visible"] += 1
        count["types"][types[evidence.type[at]]] += 1
        count["reaches"][REACHES[evidence.reach(made.graph, case.model_id, case.moved, case.sourced)[at]]] += 1
        for mark, values in MARKS.items():
            count["marks"][mark][values[evidence.marks[mark][at]]] += 1
        near = candidates(case, evidence, made.graph)
        count["final"] += float((near.final[near.at == at] == 1).sum())
        hours = max(0.0, (case.since - evidence.ts[at]) / HOUR)
        count["lags"][min(len(LAG_EDGES) - 2, int(np.searchsorted(LAG_EDGES, hours, side="right")) - 1)] += 1
    return {place[t.root] for t in made.truths if t.root}


def _count_background(
    made: Plant, evidence: Evidence, found: list, roots: set[int], background: dict, types: list[str]
) -> None:
    """How background meets the data flow depends on what moved: asked as the plant's own cases would."""
    reach = [evidence.reach(made.graph, c.model_id, c.moved, c.sourced) for c in found]
    for case in found:
        seen = candidates(case, evidence, made.graph)
        for at, final in zip(seen.at.tolist(), seen.final.tolist(), strict=True):
            if at not in roots and final >= 0:
                kind = background[types[evidence.type[at]]]
                kind["met"] += 1
                kind["final"] += final
    for at in range(len(evidence.events)):
        if at in roots:
            continue
        kind = background[types[evidence.type[at]]]
        kind["n"] += 1
        for codes in reach:
            kind["reaches"][REACHES[codes[at]]] += 1 / len(reach)
        for mark, values in MARKS.items():
            kind["marks"][mark][values[evidence.marks[mark][at]]] += 1


def _marks() -> dict:
    return {mark: dict.fromkeys(values, 0.0) for mark, values in MARKS.items()}


def _zero(types: list[str]) -> dict:
    return {
        "n": 0.0, "visible": 0.0, "final": 0.0, "types": dict.fromkeys(types, 0.0), "reaches": dict.fromkeys(REACHES, 0.0),
        "marks": {m: dict.fromkeys(v, 0.0) for m, v in MARKS.items()},
        "features": {f: dict.fromkeys(v, 0.0) for f, v in FEATURES.items()}, "lags": [0.0] * (len(LAG_EDGES) - 1),
    }  # fmt: skip


def _document(types: list[str]) -> dict:
    """Tables that say nothing, for counting with the same code that scores."""
    flat = {t: dict.fromkeys(REACHES, 1.0) for t in types}
    marks = {t: {m: dict.fromkeys(v, 1.0) for m, v in MARKS.items()} for t in types}
    return {
        "types": types, "hypotheses": {}, "platt": [1.0, 0.0], "lapses": [0.0, 0.0], "share": 0.5, "share_weight": 1.0, "incident": 0.5, "suspicion": 0.5,
        "background": {"rates": dict.fromkeys(types, 1.0), "reaches": flat, "marks": marks, "final": dict.fromkeys(types, 0.5)},
    }  # fmt: skip


def calibrate(document: dict, plants: list[Plant]) -> dict:
    """Platt's slope and offset by least log-loss, the weight of the factory's share, and the level of an incident."""
    made = parse(document)
    sites = []
    for one in plants:
        evidence = Evidence(one.events, DAYS * 24, made)
        found, truth = judged(one)
        first: dict[int, tuple] = {}
        for group in groups([(case, judge(case, evidence, one.graph, made)) for case in found]):
            whose = [truth[d] for case, _ in group for d in case.drift_ids if d in truth]
            row = (min(case.ts for case, _ in group), log_odds(group), any(t.attack for t in whose))
            first[id(whose[0])] = min(row, first.get(id(whose[0]), row))
        rows = [(odds, attack, key) for key, (_, odds, attack) in first.items()]
        sites.append(rows)
    x = np.array([odds for rows in sites for odds, _, _ in rows])
    y = np.array([attack for rows in sites for _, attack, _ in rows], dtype=float)
    share = float(y.mean())
    document |= _curve(x, y, share) | {"share": round(share, 4)}
    best = (np.inf, 8.0)
    for weight in (4.0, 8.0, 16.0, 32.0, 64.0):  # more, and a site could not convince it otherwise
        loss = 0.0
        made = replace(parse(document), share_weight=weight)
        for rows in sites:
            loss -= sum(np.log(max(1e-9, p if a else 1 - p)) for p, a, _ in _site(rows, made))
        print(f"share_weight {weight}: log loss {loss / len(x):.4f}", file=sys.stderr)
        best = min(best, (loss, weight))
    document["share_weight"] = best[1]
    made = parse(document)
    false = [probability(calibrated(odds, made)) for rows in sites for odds, attack, _ in rows if not attack]
    days = len(plants) * (DAYS - FIRST_DAY)
    false.sort(reverse=True)
    document["incident"] = round(false[int(FALSE_BUDGET * days)], 4)
    document["suspicion"] = round(document["incident"] / 2, 4)
    return document


def _site(rows: list, made) -> list:
    logits = [calibrated(odds, made) for odds, _, _ in rows]
    share = share_here(logits, made)
    shift = np.log(share / (1 - share)) - np.log(made.share / (1 - made.share))
    return [(probability(logit + shift), attack, t) for logit, (_, attack, t) in zip(logits, rows, strict=True)]


def _curve(x: np.ndarray, y: np.ndarray, share: float) -> dict:
    """Slope, offset and lapses of least log-loss, by a search that halves its steps."""
    prior = np.log(share / (1 - share))

    def loss(w: np.ndarray) -> float:
        ratio = np.exp(np.clip(w[0] * x + w[1] - prior, -50, 50))
        logit = prior + np.log(((1 - w[2]) * ratio + w[2]) / ((1 - w[3]) + w[3] * ratio))
        return float(np.mean(np.logaddexp(0, -logit) * y + np.logaddexp(0, logit) * (1 - y)))

    best, steps = np.array([0.7, 0.0, 0.05, 0.005]), np.array([0.2, 0.5, 0.04, 0.004])
    least, most = np.array([0.05, -9, 0, 0]), np.array([3, 9, 0.5, 0.2])
    lowest = loss(best)
    for _ in range(400):
        moved = False
        for at in range(4):
            for sign in (1, -1):
                tried = best.copy()
                tried[at] = np.clip(tried[at] + sign * steps[at], least[at], most[at])
                if (value := loss(tried)) < lowest:
                    best, lowest, moved = tried, value, True
        if not moved:
            steps = steps / 2
    print(f"log loss of the curve {lowest:.4f}: {best}", file=sys.stderr)
    return {"platt": [round(float(v), 4) for v in best[:2]], "lapses": [round(float(v), 4) for v in best[2:]]}


def main() -> None:
    plants = [sample(index) for index in range(PLANTS)]
    # The curve of probabilities is fitted to plants the tables were not counted on, without the canary that makes
    # things clear: most sites have none.
    document = calibrate(tables(plants), [sample(PLANTS + index, 0.0) for index in range(PLANTS // 2)])
    json.dump(document, sys.stdout, indent=1)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
