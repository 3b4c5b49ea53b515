"""False drift alerts and delays of the drift monitor on autocorrelated streams with a daily cycle.

`python -m tests.evaluate.drift`. Each stream: AR(1) with 0.9 at 10 s, variance 1, plus a daily cycle of up to four
standard deviations (smooth, or in three shifts), 14 days learnt and 30 watched, through `Monitor` as readings come
off the wire, all of its alerts counted. A step of 1 or 2 standard deviations is put on at a random time of the third
watched day; the delay runs to the alert of the block that told it. Beside it the CUSUM on raw blocks without the
profile, as the prototype had it.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from detectors.drift.cusum import Cusum
from detectors.drift.monitor import Settings
from detectors.drift.profile import BLOCK
from detectors.drift.stream import Stream
from detectors.drift.words import of_stream

STREAMS = 40
LEARN, WATCH = 14, 30
PER_DAY = 8640
STEP = 10 * 10**9
DAY = 86_400 * 10**9
START = 20_000 * DAY


def autoregressive(rng: np.random.Generator, n: int, phi: float = 0.9) -> np.ndarray:
    """Variance 1; by doubling, so that no loop over samples is needed."""
    x = rng.standard_normal(n) * np.sqrt(1 - phi * phi)
    power, shift = phi, 1
    while power > 1e-12 and shift < n:
        y = x.copy()
        y[shift:] += power * x[:-shift]
        x, power, shift = y, power * power, shift * 2
    return x


def signal(rng: np.random.Generator, days: int, number: int) -> np.ndarray:
    t = np.arange(days * PER_DAY) / PER_DAY
    size = rng.uniform(0, 4)
    if number % 2:
        cycle = size * (np.floor((t * 24 - 6) / 8) % 3 - 1)
    else:
        cycle = size * np.sin(2 * np.pi * (t + rng.random())) + 0.4 * size * np.sin(4 * np.pi * (t + rng.random()))
    return autoregressive(rng, len(t)) + cycle


def feed(stream: Stream, values: np.ndarray, first_day: int) -> list[int]:
    """Times of new alerts, a day of readings at a time."""
    alerts: dict[str, int] = {}
    for day in range(len(values) // PER_DAY):
        start = START + (first_day + day) * DAY
        times = start + np.arange(PER_DAY, dtype=np.int64) * STEP
        episodes = stream.take(times, values[day * PER_DAY : (day + 1) * PER_DAY])
        episodes += stream.tick(start + DAY)
        for episode in episodes:
            alert = of_stream(stream, episode, start + DAY)
            alerts.setdefault(alert.drift_id, (episode.alarm + 1) * BLOCK)
    return sorted(alerts.values())


def one(number: int, settings: Settings) -> tuple[int, dict[float, float], int]:
    """False alerts in the days watched, the delay in minutes by size, and false alarms of the raw CUSUM."""
    rng = np.random.default_rng([number, 77])
    values = signal(rng, LEARN + WATCH, number)
    learnt = Stream("model", f"stream-{number}", "output", settings.arl_days)
    feed(learnt, values[: LEARN * PER_DAY], 0)
    learnt.calibrate()
    state = learnt.snapshot()
    watched = values[LEARN * PER_DAY :]
    false = len(feed(learnt, watched, LEARN))
    delays = {}
    at = 2 * PER_DAY + int(rng.integers(PER_DAY))
    for size in (1.0, 2.0):
        moved = watched[: 4 * PER_DAY].copy()
        moved[at:] += size
        begun = START + LEARN * DAY + at * STEP
        seen = [ts for ts in feed(Stream.restored(state), moved, LEARN) if ts > begun]
        delays[size] = (seen[0] - begun) / 60e9 if seen else np.inf
    return false, delays, raw(values)


def raw(values: np.ndarray) -> int:
    """Alarms of a CUSUM (k 0.75, h 12) on standardised 5-minute means."""
    blocks = values.reshape(-1, 30).mean(axis=1)
    usual = blocks[: LEARN * 288]
    made, alarms = Cusum(0.75, 12.0), 0
    for number, z in enumerate((blocks[LEARN * 288 :] - usual.mean()) / usual.std()):
        if made.step(number, float(z)):
            alarms += 1
            made.reset()
    return alarms


def measure(streams: int = STREAMS) -> dict[str, Any]:
    """The JSON key `drift`."""
    settings = Settings()
    rows = [one(number, settings) for number in range(streams)]
    return {
        "drift": {
            "streams": streams,
            "false_per_stream_30d": round(float(np.mean([false for false, _, _ in rows])), 4),
            "false_worst_stream_30d": max(false for false, _, _ in rows),
            "delay_min_1sigma": round(float(np.median([d[1.0] for _, d, _ in rows])), 1),
            "delay_min_2sigma": round(float(np.median([d[2.0] for _, d, _ in rows])), 1),
            "missed_1sigma": sum(d[1.0] == np.inf for _, d, _ in rows),
            "missed_2sigma": sum(d[2.0] == np.inf for _, d, _ in rows),
            "raw_cusum_false_per_stream_30d": round(float(np.mean([alarms for _, _, alarms in rows])), 1),
        }
    }


if __name__ == "__main__":
    print(json.dumps(measure(), indent=1))
