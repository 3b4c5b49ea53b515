"""Two-sided CUSUM whose threshold comes from the stream's own learnt days.

Nothing is assumed about their distribution: stretches of them are put together at random (a block bootstrap with a
fixed seed), and the threshold is the height that such paths reach once in `arl_days`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

CAP = 4.0  # one block speaks at most this loud: a lone outlier is no drift
STRETCH = 36  # blocks drawn together (3 h), so that dependence within them survives
PATHS = 600
PATH_DAYS = 5
LEAST = 4.0  # a threshold is never below this
MARGIN = 1.6  # on top: a week or two does not show all that a stream does (without it one alarm in 30 days, not in 120)


@dataclass(slots=True)
class Cusum:
    """`k`: what a block may be off without counting, `h`: the threshold. `high_from`, `low_from`: the block at which
    the sum last left zero."""

    k: float
    h: float
    one_sided: bool = False
    high: float = 0.0
    low: float = 0.0
    high_from: int = 0
    low_from: int = 0

    def step(self, block: int, z: float) -> int:
        """1: drifted upwards, -1: downwards, 0: neither."""
        z = max(-CAP, min(CAP, z))
        if self.high == 0.0:
            self.high_from = block
        if self.low == 0.0:
            self.low_from = block
        self.high = max(0.0, self.high + z - self.k)
        self.low = 0.0 if self.one_sided else max(0.0, self.low - z - self.k)
        if self.high > self.h:
            return 1
        return -1 if self.low > self.h else 0

    def reset(self) -> None:
        self.high = self.low = 0.0


def threshold(z: Array, k: float, per_day: float, arl_days: float, seed: int, *, one_sided: bool = False) -> float:
    """The height that a CUSUM over data like `z` (standardised blocks in order) reaches once in `arl_days`.

    `per_day`: blocks a day that have a value. Run lengths of a CUSUM are nearly exponential, so the share of paths of
    `PATH_DAYS` that stay below is exp(-PATH_DAYS / arl_days).
    """
    if len(z) == 0:
        return LEAST
    rng = np.random.default_rng(seed)
    steps = max(STRETCH, int(PATH_DAYS * per_day))
    starts = rng.integers(0, len(z), size=(PATHS, -(-steps // STRETCH)))
    within = np.clip(z, -CAP, CAP)[(starts[:, :, None] + np.arange(STRETCH)) % len(z)].reshape(PATHS, -1)
    columns = np.ascontiguousarray(within[:, :steps].T)
    high, low, top = np.zeros(PATHS), np.zeros(PATHS), np.zeros(PATHS)
    for column in columns:
        high += column - k
        np.maximum(high, 0.0, out=high)
        np.maximum(top, high, out=top)
        if not one_sided:
            low -= column + k
            np.maximum(low, 0.0, out=low)
            np.maximum(top, low, out=top)
    return max(LEAST, MARGIN * float(np.quantile(top, math.exp(-PATH_DAYS / arl_days))))
