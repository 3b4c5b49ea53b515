"""Whether the budget of false alarms is kept on days that nothing was calibrated on: `python -m tests.evaluate.budget`.

Simulated plants without any attack: conversations with polls that are lost now and then, daily cycles or shifts, bursts of
congestion, operators at work, days that differ. Each conversation learns some days and is watched on others, by the
`Layer` that judges amounts, under the budget's own floor and margin; alarms of a conversation less than five minutes apart
are one alert, as the sensor groups them. The budget of a plant is the share that amounts have of it.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from detectors.budget import SHARES, Budget
from detectors.statistics.conversations import FEATURES
from detectors.statistics.layer import SCALES, Layer
from tests.evaluate.drift import autoregressive

BUDGETS = (0.5, 1.0, 2.0, 5.0)
PLANTS, STREAMS = 12, 12  # conversations of a plant
LEARNT, WATCHED = 5, 12  # days
STEPS = 1440  # windows a day, of a minute
LENGTH = 60 * 10**9
GAP = 5  # windows without an alarm after which the next one is another alert
WITHIN = (0.3, 3.0)  # times the budget


def conversation(number: int, days: int) -> np.ndarray:
    """Windows by features; the same in every run."""
    rng = np.random.default_rng([number, 902])
    n = days * STEPS
    t = np.arange(n) / STEPS
    polls = rng.integers(6, 300)
    shift = np.floor((t * 3 + rng.random()) % 3)
    cycle = rng.uniform(0, 0.3) * (np.sin(2 * np.pi * (t + rng.random())) if number % 2 else shift - 1)
    daily = np.repeat(rng.normal(0, 0.03, days), STEPS)
    wander = 0.03 * autoregressive(rng, n, 0.97)
    messages = np.maximum(0, np.round(polls * (1 + (cycle + daily + wander) * (number % 3 > 0))))
    lost = rng.poisson(0.002 * polls, n).astype(float)
    for start in rng.integers(0, n, rng.poisson(days / 2)):  # congestion
        lost[start : start + rng.integers(1, 6)] += rng.pareto(2.5) * 0.02 * polls
    lost = np.minimum(np.round(lost), messages)
    work = np.zeros(n)
    for start in rng.integers(
        0, n, rng.poisson(days * rng.uniform(0.5, 4))
    ):  # an operator at work, in day shifts mostly
        if shift[start] != 2 or rng.random() < 0.2:
            work[start : start + rng.integers(1, 20)] += 1 + rng.geometric(0.3)
    session = (rng.random(n) < rng.uniform(0, 0.02)) * rng.geometric(0.5, n)
    size = rng.integers(12, 200)
    octets = np.round((messages + work) * size * (1 + 0.01 * autoregressive(rng, n, 0.9)))
    errors = rng.poisson(0.0005 * polls, n)
    kinds = rng.integers(1, 20) + np.minimum(work, 3) + (session > 0)
    columns = (messages + work + session, octets, errors, lost, kinds, work, session)
    assert len(columns) == len(FEATURES)
    return np.stack(columns, axis=1).astype(np.float32)


def alerts(per_day: float, values: np.ndarray) -> int:
    """Of all plants together; `values` (conversations, windows, features)."""
    budget, layer = Budget(per_day), Layer(len(FEATURES), (False,) * len(FEATURES))
    keys = np.arange(1, len(values) + 1, dtype=np.uint64)
    floor = budget.floor("baseline.traffic", STREAMS * len(FEATURES) * len(SCALES), LENGTH)
    told, last = 0, np.full(len(values), -GAP - 1)
    for step in range(values.shape[1]):
        x = values[:, step]
        layer.settle(keys[:0])
        rows, _, _ = layer.begin(keys, x, (step + 1) * LENGTH)
        live = step >= LEARNT * STEPS
        found = layer.judge(rows, x, floor=floor, margin=budget.margin, live=live).alarm
        told += int((found & (step - last > GAP)).sum())
        last[found] = step
    return told


def measure(plants: int = PLANTS) -> dict[str, Any]:
    values = np.stack([conversation(number, LEARNT + WATCHED) for number in range(plants * STREAMS)])
    rows = []
    for per_day in BUDGETS:
        allowed = per_day * SHARES["baseline.traffic"]
        achieved = alerts(per_day, values) / plants / WATCHED
        rows.append({
            "budget": per_day, "share": round(allowed, 3), "achieved": round(achieved, 4),
            "times": round(achieved / allowed, 2), "within": WITHIN[0] <= achieved / allowed <= WITHIN[1],
        })  # fmt: skip
    return {"budget": {"plant_days": plants * WATCHED, "conversations": STREAMS, "rows": rows}}


if __name__ == "__main__":
    print(json.dumps(measure(), indent=1))
