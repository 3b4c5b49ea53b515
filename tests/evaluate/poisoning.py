"""Slow poisoning: how far a feature has moved when its drift is told, and how often one that stays is called drifting.

`python -m tests.evaluate.poisoning`. Each stream is autocorrelated, with a daily cycle of its own, a day that is a little
busier than another, and now and then an hour of half the work; all are watched by one `Anchor`, as a site's conversations
are, over the days of commissioning and 30 more. Half of them move by a twentieth of their spread a day from then on.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from detectors.statistics.anchor import DAY, DAYS, Anchor
from tests.evaluate.drift import autoregressive

STREAMS = 240  # that move, and as many that stay
WATCHED = 30  # days
STEPS = 1440  # windows a day, of a minute
PACE = 0.05  # spreads a day
ENOUGH = 0.5  # spreads: it must be told before it has moved that far
START = 20_000 * DAY


def stream(number: int) -> np.ndarray:
    """Of a spread of one about its daily cycle; the same in every run."""
    rng = np.random.default_rng([number, 501])
    days = DAYS + WATCHED
    t = np.arange(days * STEPS) / STEPS
    size = rng.uniform(0, 3)
    cycle = size * np.sin(2 * np.pi * (t + rng.random())) if number % 2 else size * (np.floor(t * 3) % 3 - 1)
    busy = np.repeat(rng.normal(0, 0.05, days), STEPS)
    half = np.zeros(len(t))
    for hour in rng.integers(0, days * 24, rng.poisson(days / 7)):
        half[hour * STEPS // 24 : (hour + 1) * STEPS // 24] -= size / 2 + 0.5
    made: np.ndarray = 20 + autoregressive(rng, len(t), 0.9**6) + cycle + busy + half
    return made


def measure(streams: int = STREAMS) -> dict[str, Any]:
    values = np.stack([stream(number) for number in range(2 * streams)])
    moved = PACE * np.maximum(0.0, np.arange(values.shape[1]) / STEPS - DAYS)
    values[:streams] += moved
    anchor, told = Anchor(1), np.full(2 * streams, np.inf)
    keys = np.arange(1, 2 * streams + 1, dtype=np.uint64)
    for step in range(values.shape[1] + 1):
        x = values[:, min(step, values.shape[1] - 1), None]
        over, drift = anchor.take(keys, x, START + step * (DAY // STEPS))
        found = over[np.abs(drift[:, 0]) >= 1.0]
        which = anchor.store["key"][found].astype(np.int64) - 1
        told[which] = np.minimum(told[which], step / STEPS - DAYS)
    shift = PACE * told[:streams]
    return {
        "poisoning": {
            "streams": streams, "days": WATCHED, "spreads_a_day": PACE,
            "told": int(np.isfinite(shift).sum()), "told_in_time": int((shift <= ENOUGH).sum()),
            "moved_when_told_median": round(float(np.median(shift)), 3), "moved_when_told_most": round(float(shift.max()), 3),
            "false_per_stream_in_30_days": round(float(np.isfinite(told[streams:]).mean() * 30 / WATCHED), 4),
        }
    }  # fmt: skip


if __name__ == "__main__":
    print(json.dumps(measure(), indent=1))
