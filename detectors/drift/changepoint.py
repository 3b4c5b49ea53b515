"""When did it begin: the most likely block of a change of level, and the interval it lies in with 95 %."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

SURE = 0.95


def estimate(values: Array, sd: float, phi: float = 0.0) -> tuple[int, int, int]:
    """Index of the first value after the change, its earliest and its latest place.

    `values`: deviations from the baseline, oldest first, the last ones changed; before the change their mean is 0,
    after it unknown. `sd`: of a single one; `phi`: their autocorrelation at lag 1, for which the likelihood is
    flattened. A flat prior over all places.
    """
    n = len(values)
    if n == 0:
        return 0, 0, 0
    tail = np.cumsum(values[::-1])[::-1]
    left = np.arange(n, 0, -1)
    gain = tail**2 / left / (2 * sd**2) * (1 - phi) / (1 + phi) if sd > 0 else tail**2 / left
    chance = np.exp(gain - gain.max())
    chance /= chance.sum()
    order = np.argsort(-chance, kind="stable")
    kept = order[: int(np.searchsorted(np.cumsum(chance[order]), SURE)) + 1]
    return int(order[0]), int(kept.min()), int(kept.max())
