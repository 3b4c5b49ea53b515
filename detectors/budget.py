"""The budget of false alarms: how many a day the sensor may give, and what that asks of each detector.

Exact rules have no part in it. What judges by amounts gets a share, and asks for the floor of its thresholds: the
surprise, in nats, that chance alone reaches as often as the share allows, over all that is judged in a day. Thresholds
stand `margin` above that and above the worst that was seen while learning. The margin was fixed in advance, for
transfer: extreme quantiles of one day do not hold on the next (one alarm a day became fourteen on other days of the
same plant); a smaller budget widens it, a larger one narrows it. An analyst who says that alarms were false raises it,
within bounds; a quiet time lets it fall back.
"""

from __future__ import annotations

import math
from typing import Any

DAY = 86400 * 10**9
PER_DAY = 1.0
MARGIN, MOST = 2.0, 3.0  # at one a day, and with any budget
TAIL = 2.6  # false alarms fall as this power of the margin: measured on plants that no figure is reported of
STEP, DECAY = 1.1, 0.99
DAYS = 3  # over which false alarms are counted
CHANGES = 64  # of the margin, remembered
FALSE = 1024  # false alarms remembered
# Exact novelty spends what is new behaviour; drift of AI outputs has its own budget.
SHARES = {"baseline.traffic": 0.4, "baseline.slow_drift": 0.1, "period": 0.2, "values": 0.3}


class Budget:
    """`per_day`: false alarms of all anomaly detectors together. ValueError if it is not a positive number."""

    def __init__(self, per_day: float = PER_DAY) -> None:
        if not 0 < per_day < math.inf:
            raise ValueError(f"a budget of {per_day} false alarms a day makes no sense: a positive number is expected")
        self.per_day = per_day
        # What false alarms go beyond the worst that was learnt has a heavy tail: a larger budget buys a smaller margin.
        self.least = min(MOST, max(1.0, MARGIN * per_day ** (-1.0 / TAIL)))
        self.margin = self.least
        self.changes: list[dict[str, Any]] = []  # of the margin: when, from, to, why
        self._false: list[int] = []
        self._checked = 0

    def floor(self, share: str, judged: int, window: int) -> float:
        """Nats that chance reaches within the share, where `judged` numbers are judged each `window` nanoseconds."""
        chances = max(1, judged) * DAY / max(1, window)
        return max(0.0, math.log(chances / (self.per_day * SHARES[share])))

    def false(self, ts: int) -> None:
        """An analyst says that an anomaly of this time was a false alarm."""
        self._false = sorted([*self._false, ts])[-FALSE:]

    def close(self, now: int) -> None:
        """A window ends: once a day of packet time the margin is looked at."""
        if not self._checked:
            self._checked = now
        while now - self._checked >= DAY:
            self._checked += DAY
            if now - self._checked > 400 * DAY:  # a leap of the clock
                self._checked = now
            self._adjust(self._checked)

    def _adjust(self, now: int) -> None:
        recent = sum(1 for ts in self._false if now - DAYS * DAY < ts <= now)
        if recent > self.per_day * DAYS:
            self._move(now, min(MOST, self.margin * STEP), f"{recent} false alarms in {DAYS} days")
        elif not recent:
            self._move(now, max(self.least, self.margin * DECAY), f"none in {DAYS} days")

    def _move(self, now: int, to: float, why: str) -> None:
        if to != self.margin:
            self.changes.append({"ts": now, "from": round(self.margin, 6), "to": round(to, 6), "why": why})
            del self.changes[:-CHANGES]
            self.margin = to

    def snapshot(self) -> dict[str, Any]:
        return {
            "margin": self.margin,
            "changes": [dict(change) for change in self.changes],
            "false": list(self._false),
            "checked": self._checked,
        }

    def restore(self, state: dict[str, Any]) -> None:
        self.margin, self._checked = state["margin"], state["checked"]
        self.changes = [dict(change) for change in state["changes"]]
        self._false = list(state["false"])
