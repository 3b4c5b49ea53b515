"""The plant's time: real time, stretched by the recording's speed, from a fixed beginning.

Every program of the plant waits and tells the time through this module, so that a shift change falls
where the capture's own packet times say it does.
"""

from __future__ import annotations

import asyncio
import os
import time

EPOCH = 1793599200.0  # Monday 2026-11-02 06:00:00 UTC: the early shift begins
SPEED = float(os.environ.get("PLANT_SPEED", "1"))
_START = float(os.environ.get("PLANT_EPOCH", str(EPOCH)))
_WALL = float(os.environ.get("PLANT_WALL", str(time.time())))


def now() -> float:
    """Seconds since the epoch, in the plant."""
    return _START + (time.time() - _WALL) * SPEED


def real(seconds: float) -> float:
    """How long the plant's `seconds` take here."""
    return seconds / SPEED


def wait(seconds: float) -> None:
    time.sleep(max(0.0, real(seconds)))


async def pause(seconds: float) -> None:
    await asyncio.sleep(max(0.0, real(seconds)))


class Ticker:
    """Turns of a fixed period that do not drift: `for turn in Ticker(0.5, 60)`, or `await` each of `turns`."""

    def __init__(self, period: float, seconds: float) -> None:
        self.period, self.turns = period, max(1, int(seconds / period))
        self._begin = time.monotonic()

    def left(self, turn: int) -> float:
        return max(0.0, self._begin + real(turn * self.period) - time.monotonic())

    def __iter__(self):
        for turn in range(self.turns):
            time.sleep(self.left(turn))
            yield turn

    async def each(self):
        for turn in range(self.turns):
            await asyncio.sleep(self.left(turn))
            yield turn
