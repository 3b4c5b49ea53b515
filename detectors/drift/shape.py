"""What the change looks like: step, ramp, variance, mode switch or periodic. (Frozen and missing are seen directly.)"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

_BEFORE = 12  # blocks before the change that a ramp is fitted with at least
_LEAST = 6  # blocks after it, below which it is a step as far as can be told
_RAMP_BETTER = 0.85  # squares left by the ramp over squares left by the step
_WIDER = 2.0  # times the usual spread, for which a level that moves less than that is none
_CYCLES = 3  # a period has to be seen this often
_PEAK = 0.45  # of the power in the strongest frequency and its neighbours
_APART = 4.0  # distance of two modes over the spread within them
_SHARE = 0.15  # of the time in the rarer mode


def classify(values: Array, at: int, sd: float, *, moved: bool) -> str:
    """`values`: deviations from the baseline, oldest first, changed from index `at` on. `sd`: usual spread of one.
    `moved`: whether the level moved; else only the spread did."""
    after = values[at:]
    if len(after) < _LEAST:
        return "step" if moved else "variance"
    if np.std(after) > 1.5 * sd:
        if periodic(after):
            return "periodic"
        if modes(after):
            return "mode_switch"
        if moved and abs(float(np.mean(after))) < float(np.std(after)) and np.std(after) > _WIDER * sd:
            return "variance"
    if not moved:
        return "variance"
    # The place where a level would change lies in the middle of a ramp: as much is looked at before it as after.
    before = min(at, max(_BEFORE, len(after)))
    return "ramp" if _ramp(values[at - before :], before) else "step"


def periodic(values: Array) -> bool:
    """Whether one frequency holds most of what moves, seen at least three times."""
    n = len(values)
    if n < 4 * _CYCLES:
        return False
    centred = values - np.polyval(np.polyfit(np.arange(n), values, 1), np.arange(n))
    power = np.abs(np.fft.rfft(centred * np.hanning(n))) ** 2
    total = power[1:].sum()
    peak = int(power[1:].argmax()) + 1
    near = power[max(1, peak - 1) : peak + 2].sum()
    return bool(total > 0 and near / total > _PEAK and peak >= _CYCLES and peak < len(power) - 1)


def modes(values: Array) -> bool:
    """Whether it jumps between two levels, there and back at least once."""
    low, high = float(values.min()), float(values.max())
    for _ in range(20):
        upper = values > (low + high) / 2
        if upper.all() or not upper.any():
            return False
        before = (low, high)
        low, high = float(values[~upper].mean()), float(values[upper].mean())
        if before == (low, high):
            break
    upper = values > (low + high) / 2
    within = np.sqrt((np.var(values[upper]) * upper.sum() + np.var(values[~upper]) * (~upper).sum()) / len(values))
    share = float(upper.mean())
    turns = int(np.count_nonzero(upper[1:] != upper[:-1]))
    return bool(high - low > _APART * within and _SHARE < share < 1 - _SHARE and 2 <= turns <= len(values) / 3)


def _ramp(values: Array, at: int) -> bool:
    """Whether a line that rises from some place leaves clearly less than a level that is reached at once."""
    n = len(values)
    tail = np.cumsum(values[::-1])[::-1]
    total = float((values**2).sum())
    step = total - float((tail**2 / np.arange(n, 0, -1)).max())
    best = total
    for start in range(max(1, min(n - _LEAST, at + _LEAST))):
        line = np.maximum(0.0, np.arange(n) - start + 1.0)
        best = min(best, total - float(line @ values) ** 2 / float(line @ line))
    return best < _RAMP_BETTER * step
