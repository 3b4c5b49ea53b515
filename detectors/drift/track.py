"""One sequence of block values against what was learnt of it: profile off, whitened, two-sided CUSUM.

Beside the fast CUSUM a slow one over daily means stands on the learnt days for good: a level that is moved a little
every day is caught there, since nothing is learnt after calibration.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from detectors.drift.cusum import CAP, Cusum, threshold
from detectors.drift.profile import PER_DAY, Profile, fit

Array = npt.NDArray[Any]

PHI_MOST = 0.98
K_LEAST, K_MOST = 0.25, 0.75
ANCHOR_K, ANCHOR_H = 1.0, 6.0  # over daily means: 0.02 to 1 sigma a day are caught at 0.2 to 2
SHORT_LEAST = 8  # blocks (40 minutes) that a provisional baseline takes at least
SHORT_K, SHORT_H = 1.0, 12.0  # its sums: so little is learnt that its centre and spread may be off by half
NEVER = 1e9  # a height that no sum reaches
DAY_SHARE = 0.5  # of the usual blocks of a day, for its mean to count

_NORMAL_80 = 1.2816  # of a normal distribution's absolute values, where 80 % lie below


@dataclass(slots=True)
class Track:
    """`sd` is of a block's deviation from the profile, `scale` of its innovation, `sigma` the stream's own unit."""

    profile: Profile
    phi: float
    sd: float
    scale: float
    sigma: float
    centre: float
    cusum: Cusum
    spread: Cusum
    spread_mean: float
    spread_sd: float
    anchor: Cusum
    day_sd: float
    per_day: float
    previous: int = -1
    rest: float = 0.0
    day: int = -1
    day_sum: float = 0.0
    day_count: int = 0
    offset: float = 0.0
    short: bool = False  # of less than two days: no profile, and nothing from day to day

    def residual(self, block: int, value: float) -> float:
        return value - float(self.profile.at(np.array([block]))[0]) - self.centre - self.offset

    def step(self, block: int, value: float) -> str:
        """The alarm this block raises: `level`, `spread`, `anchor`, or none."""
        rest = self.residual(block, value)
        known = self.previous == block - 1
        innovation = rest - self.phi * self.rest if known else rest * math.sqrt(1 - self.phi**2)
        self.previous, self.rest = block, rest
        z = innovation / self.scale
        level = self.cusum.step(block, z)
        loud = (min(abs(z), CAP) - self.spread_mean) / self.spread_sd
        spread = self.spread.step(block, loud)
        anchor = self._anchor(block, rest)
        return "level" if level else "spread" if spread else "anchor" if anchor else ""

    def _anchor(self, block: int, rest: float) -> int:
        """A day that is over adds its mean."""
        alarm = 0
        day = block // PER_DAY
        if day != self.day:
            if self.day_count >= DAY_SHARE * self.per_day and self.day_count > 0:
                mean = self.day_sum / self.day_count
                alarm = self.anchor.step(self.day * PER_DAY, mean / self.day_sd)
            self.day, self.day_sum, self.day_count = day, 0.0, 0
        self.day_sum += rest
        self.day_count += 1
        return alarm

    def reset(self) -> None:
        for cusum in (self.cusum, self.spread, self.anchor):
            cusum.reset()

    def snapshot(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    @classmethod
    def restored(cls, state: dict[str, Any]) -> Track:
        profile = Profile(state["profile"]["kind"], tuple(state["profile"]["medians"]))
        sums = {name: Cusum(**state[name]) for name in ("cusum", "spread", "anchor")}
        return cls(**(state | sums | {"profile": profile}))


def calibrate(blocks: Array, values: Array, arl_days: float, seed: int, sigma: float = 0.0) -> Track:
    """Learns from the blocks of at least two days, in order. `sigma`: the stream's unit, where that is not
    the spread of its blocks. Residuals are taken under profiles fitted without the day itself, so that what the profile
    gets wrong is in the threshold. `arl_days` for each of the level and the spread."""
    profile, rest = fit(blocks, values)
    centre = float(np.median(rest))
    rest = rest - centre
    days, counts = np.unique(blocks // PER_DAY, return_counts=True)
    per_day = float(np.median(counts))
    floor = 1e-6 * (abs(float(np.median(values))) + 1e-6)
    together = np.diff(blocks) == 1
    variance = float(np.mean(rest**2))
    phi = 0.0
    if variance > 0 and np.count_nonzero(together) > 24:
        phi = float(np.mean((rest[1:] * rest[:-1])[together]) / variance)
    phi = min(PHI_MOST, max(0.0, phi))
    innovation = rest * math.sqrt(1 - phi**2)
    innovation[1:][together] = (rest[1:] - phi * rest[:-1])[together]
    scale = max(_spread(innovation), floor)
    sd = max(math.sqrt(variance), floor)
    sigma = max(sigma, floor) if sigma else sd
    z = np.clip(innovation / scale, -CAP, CAP)
    k = min(K_MOST, max(K_LEAST, (1 - phi) * sigma / scale / 2))
    loud = np.abs(z)
    spread_mean, spread_sd = float(loud.mean()), max(float(loud.std()), 1e-3)
    means = np.array(
        [rest[blocks // PER_DAY == d].mean() for d, c in zip(days, counts, strict=True) if c >= per_day / 2]
    )
    h = threshold(z, k, per_day, arl_days, seed)
    spread_h = threshold((loud - spread_mean) / spread_sd, 0.5, per_day, arl_days, seed + 1, one_sided=True)
    return Track(
        profile=profile, phi=phi, sd=sd, scale=scale, sigma=sigma, centre=centre, cusum=Cusum(k, h),
        spread=Cusum(0.5, spread_h, one_sided=True), spread_mean=spread_mean, spread_sd=spread_sd,
        anchor=Cusum(ANCHOR_K, ANCHOR_H), day_sd=_day_sd(means, scale, phi, per_day), per_day=per_day,
    )  # fmt: skip


def provisional(values: Array, sigma: float = 0.0, least: float = 0.0) -> Track:
    """Learns from less than two days, as a short capture has them: no daily profile, no whitening, and a width that the
    few blocks cannot understate. Medians, so that an hour of another state does not widen it. `least`: of its width;
    never less than a thousandth of the value, which in so short a time may have stood still by chance."""
    centre = float(np.median(values))
    rest = values - centre
    floor = max(least, 1e-3 * abs(centre), 1e-9)
    sd = max(float(np.quantile(np.abs(rest), 0.8)) / _NORMAL_80 * (1 + 4 / len(values)), floor)
    loud = np.minimum(np.abs(rest) / sd, CAP)
    profile = Profile("flat", (centre,) * 24)
    return Track(
        profile=profile, phi=0.0, sd=sd, scale=sd, sigma=max(sigma, sd), centre=0.0, cusum=Cusum(SHORT_K, SHORT_H),
        spread=Cusum(SHORT_K, SHORT_H, one_sided=True), spread_mean=max(0.8, float(loud.mean())),
        spread_sd=max(0.6, float(loud.std())), anchor=Cusum(ANCHOR_K, NEVER), day_sd=sd, per_day=float(PER_DAY),
        short=True,
    )  # fmt: skip


def _spread(values: Array) -> float:
    """Standard deviation, of which the outermost hundredth says no more than the rest."""
    low, high = np.quantile(values, (0.005, 0.995))
    return float(np.std(np.clip(values, low, high)))


def _day_sd(means: Array, scale: float, phi: float, per_day: float) -> float:
    """Of a daily mean: as seen, not less than independent innovations make it, wider the fewer days were seen."""
    least = scale / (1 - phi) / math.sqrt(max(per_day, 1.0))
    if len(means) < 3:
        return 3 * least
    return max(least, float(np.std(means, ddof=1)) * (1 + 4 / len(means)))
