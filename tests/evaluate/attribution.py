"""Which event began a drift, and is it an attack: over simulated plants, beside two common ways of joining.

`python -m tests.evaluate.attribution`. The factory tables were fitted on other seeds. One incident of the correlator is
one judgement; a benign cause or a false drift alert at level `incident` is a false incident. Figures:

- `top1`, `top3`: of attacks that were detected as drift and whose root event the sensor saw, the share in which that
  event is first (among the first three) of the suspects.
- `recall`: of attacks that were detected as drift, the share called an incident; `at_budget`: the same with the level
  set so that this very run has 0.05 (0.1) false incidents a plant and day.
- `ece`: expected calibration error of the probability of an attack, ten bins. The share of attacks is learnt without
  labels, from the plants before, as the store of a fleet or of a longer life would; `ece_alone`: a plant by itself.
- joins: `join_24h` takes the nearest alert of the last day; `join_reach` the nearest that reaches the model; `risk_sum`
  adds up the severity of what each source did in a day and takes the riskiest source's last event.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from detectors.correlate.correlator import Correlator
from tests.evaluate.simulator import ALL, DAY, DAYS, FIRST_DAY, T0, Plant, Stress, Truth, plant

PLANTS = 150
SEED = 20_000  # neither fitted (from 100,000 on) nor looked at while the correlator was made (below 1,000)
BUDGETS = (0.05, 0.1)
_RISK = {
    "new_writer.write": 3, "new_writer.control": 4, "boundary.crossing": 2, "cleartext.login": 1, "scan.ports": 2,
    "scan.hosts": 2, "remote.session": 2, "auth.failure": 2, "program.download": 4, "artefact.transfer": 3,
    "artefact.read": 2, "publisher.new": 3, "arp.change": 3, "historian.write": 2, "training.source": 3,
    "protocol.anomaly": 1, "config.change": 2, "subscriber.new": 1,
}  # fmt: skip


class Row:
    """One cause of drift: what was said of it."""

    def __init__(
        self, truth: Truth, probability: float, alone: float, called: bool, ranks: dict[str, int], risk: float
    ) -> None:
        self.truth, self.probability, self.alone, self.called, self.ranks, self.risk = (
            truth,
            probability,
            alone,
            called,
            ranks,
            risk,
        )


def measure(plants: int = PLANTS) -> dict[str, Any]:
    """The JSON key `attribution`, stress rows first."""
    found = {"stress": run(ALL, plants), "plain": run(Stress(), plants), "canary": run(Stress(canary=True), plants)}
    plain = found["plain"]
    keys = ("top1", "top3", "recall", "false_incidents_per_plant_day", "ece")
    return {
        "attribution": {
            "stress": found["stress"],
            **{k: plain[k] for k in keys},
            "plain": plain,
            "canary": found["canary"],
        }
    }


def run(stress: Stress, plants: int = PLANTS, seed: int = SEED) -> dict[str, Any]:
    rows: list[Row] = []
    history: list[float] = []
    for index in range(plants):
        made = plant(seed + index, stress)
        rows += judged(made, history)
    return figures(rows, plants)


def correlator(made: Plant, history: list[float]) -> Correlator:
    one = Correlator(made.graph, made.linked, made.watched, history=history)
    one.events(made.events)
    one.drifts(made.drifts)
    one.facts(made.facts)
    return one


def judged(made: Plant, history: list[float]) -> list[Row]:
    """Adds the plant's odds to `history`."""
    now = T0 + DAYS * DAY
    one = correlator(made, history)
    incidents = one.incidents(now)
    alone = {i.incident_id: i.probability for i in correlator(made, []).incidents(now)}
    history[:] = one.odds()
    by_drift = {drift: i for i in incidents for drift in i.drift_ids}
    rows = []
    for truth in made.truths:
        shown = [by_drift[d] for d in truth.drift_ids if d in by_drift]
        if not shown:
            continue
        top = max(shown, key=lambda i: i.probability)
        first = min(shown, key=lambda i: (i.ts, i.incident_id))
        ranks = {"correlator": _rank([s.event.event_id for s in top.suspects if s.event], truth.root)}
        joined, risk = joins(made, truth, min(d.since for d in made.drifts if d.drift_id in truth.drift_ids))
        ranks |= {name: _rank(order, truth.root) for name, order in joined.items()}
        called = any(i.level == "incident" for i in shown)
        rows.append(Row(truth, first.probability, alone.get(first.incident_id, 0.0), called, ranks, risk))
    return rows


def _rank(order: list[str], root: str | None) -> int:
    return order.index(root) if root in order else 99


def joins(made: Plant, truth: Truth, since: int) -> tuple[dict[str, list[str]], float]:
    """Events in the order in which each of the simple ways names them; and the highest risk of a source."""
    near = [e for e in made.events if since - DAY <= e.ts <= since + DAY // 24]
    near.sort(key=lambda e: (-e.ts, e.event_id))
    reach: dict[str, str] = {}
    for model in truth.models:
        reach |= made.graph.reach(model)
    risk: dict[str, int] = {}
    for e in near:
        new = 2 if e.marks.get("source") == "new" else 1
        risk[e.src] = risk.get(e.src, 0) + new * _RISK[e.kind]
    riskiest = sorted(near, key=lambda e: (-risk[e.src], -e.ts, e.event_id))
    last: list[str] = []
    seen: set[str] = set()
    for e in riskiest:
        if e.src not in seen:
            seen.add(e.src)
            last.append(e.event_id)
    reaching = [e.event_id for e in near if e.dst in reach or e.target in reach]
    return {"join_24h": [e.event_id for e in near], "join_reach": reaching, "risk_sum": last}, float(
        max(risk.values(), default=0)
    )


def figures(rows: list[Row], plants: int) -> dict[str, Any]:
    days = plants * (DAYS - FIRST_DAY)
    attacks, benign = [r for r in rows if r.truth.attack], [r for r in rows if not r.truth.attack]
    seen = [r for r in attacks if r.truth.root is not None]
    told: dict[str, Any] = {"attacks": len(attacks), "benign": len(benign), "roots_seen": len(seen)}
    told |= _ranks(seen, "correlator")
    told["recall"] = _share([r.called for r in attacks])
    told["false_incidents_per_plant_day"] = round(sum(r.called for r in benign) / days, 4)
    told["at_budget"] = {str(b): _at_budget(attacks, benign, days, b) for b in BUDGETS}
    told["ece"], told["ece_alone"] = (ece(rows, name) for name in ("probability", "alone"))
    for name in ("join_24h", "join_reach", "risk_sum"):
        told[name] = _ranks(seen, name)
    for name in ("join_24h", "join_reach"):
        # A join raises an incident for every drift that has an alert to show: all there are.
        told[name] |= {"recall": 1.0, "false_incidents_per_plant_day": round(len(benign) / days, 4)}
    told["risk_sum"] |= {"at_budget": {str(b): _at_budget(attacks, benign, days, b, "risk") for b in BUDGETS}}
    return told


def _ranks(rows: list[Row], name: str) -> dict[str, float]:
    return {f"top{n}": _share([r.ranks[name] < n for r in rows]) for n in (1, 3)}


def _share(given: list[bool]) -> float:
    return round(float(np.mean(given)), 4) if given else 0.0


def _at_budget(
    attacks: list[Row], benign: list[Row], days: int, budget: float, by: str = "probability"
) -> dict[str, float]:
    """Recall at a level that this run's own benign causes set, all and of poisoning."""
    scores = sorted((getattr(r, by) for r in benign), reverse=True)
    allowed = int(budget * days)
    level = scores[allowed] if allowed < len(scores) else -1.0
    poisoned = [r for r in attacks if r.truth.hypothesis == "data_poisoning"]
    return {
        "recall": _share([getattr(r, by) > level for r in attacks]),
        "poisoning": _share([getattr(r, by) > level for r in poisoned]),
    }


def ece(rows: list[Row], by: str) -> float:
    chance = np.array([getattr(r, by) for r in rows])
    truth = np.array([r.truth.attack for r in rows], dtype=float)
    bins = np.minimum(9, (chance * 10).astype(int))
    gaps = [abs(chance[bins == b].mean() - truth[bins == b].mean()) * (bins == b).mean() for b in np.unique(bins)]
    return round(float(np.sum(gaps)), 4)


if __name__ == "__main__":
    print(json.dumps(measure(), indent=1))
