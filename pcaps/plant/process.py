"""The physical process behind everything: one pump line with a drive, a valve, a tank and a bearing that wears.

Deterministic for a seed and a course of commands: the noise is drawn per step, the wall clock is not read.
PLCs, outstations and OPC UA servers report what `Line.values` holds, the model's inputs come from the same
place, and what an operator (or an intruder) writes changes it: so registers, tags, vibration and the model's
score agree with each other, or visibly do not.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

STEP = 0.25  # seconds of one step
NOMINAL = 1450.0  # rpm
PRODUCTS = {"A": 0.50, "B": 0.72}  # load at nominal speed: B is the thicker medium
SHIFTS = ((6, 0.00), (14, 0.06), (22, -0.10))  # from this hour on the line runs that much harder
FEATURES = ("vibration", "temperature", "current", "speed", "flow")


def shift_load(clock: float) -> float:
    hour = clock / 3600 % 24
    current = SHIFTS[-1][1]
    for start, change in SHIFTS:
        if hour >= start:
            current = change
    return current


@dataclass
class Line:
    """`wear` goes from 0 (new bearing) to 1 (to be replaced); `wear_rate` is per hour at full load."""

    seed: int = 1
    clock: float = 0.0
    wear: float = 0.12
    wear_rate: float = 0.0004
    product: str = "A"
    commands: dict[str, float] = field(default_factory=lambda: {"speed_setpoint": NOMINAL, "valve": 80.0, "run": 1.0})
    faults: dict[str, float] = field(default_factory=dict)  # added to what a sensor reports (ageing, defects)

    def __post_init__(self) -> None:
        self._noise = np.random.default_rng(self.seed)
        self._slow = 0.0
        self.speed, self.temperature, self.level, self.load = NOMINAL, 52.0, 55.0, 0.5
        self.vibration = self.current = self.flow = self.pressure = 0.0
        self.step()

    def step(self) -> None:
        """One step of the line."""
        draw = self._noise.normal(size=5)
        self.clock += STEP
        self._slow = 0.998 * self._slow + 0.002 * 1.4 * draw[0]
        target = self.commands["speed_setpoint"] * (self.commands["run"] >= 0.5)
        self.speed += (target - self.speed) * (1 - math.exp(-STEP / 3))
        share, opening = self.speed / NOMINAL, self.commands["valve"] / 100
        self.load = max(0.05, PRODUCTS[self.product] + shift_load(self.clock) + self._slow) * share
        self.flow = max(0.0, 42 * share * opening**0.6 / (0.6 + 0.5 * self.load) + 0.15 * draw[1])
        self.pressure = max(0.0, 2.1 * share**2 * (1.5 - opening) * (0.7 + self.load) + 0.02 * draw[2])
        self.current = max(0.1, 2.4 + 11 * self.load * share + 1.3 * self.wear + 0.06 * draw[3])
        self.vibration = max(0.05, 0.6 + 1.1 * share**2 * (0.6 + self.load) + 3.6 * self.wear * share + 0.05 * draw[4])
        warm = 24 + 38 * self.load + 26 * self.wear * share
        self.temperature += (warm - self.temperature) * (1 - math.exp(-STEP / 90))
        self.level = min(100.0, max(0.0, self.level + STEP * (0.011 * (52 - self.level) + 0.004 * (self.flow - 38))))
        self.wear = min(1.0, self.wear + self.wear_rate * self.load * STEP / 3600)

    def advance(self, clock: float) -> None:
        """Steps until the line's clock has reached `clock`."""
        while self.clock + STEP <= clock:
            self.step()

    def values(self) -> dict[str, float]:
        """What the instruments show."""
        names = ("vibration", "temperature", "current", "speed", "flow", "pressure", "level")
        shown = {name: getattr(self, name) + self.faults.get(name, 0.0) for name in names}
        product = float(list(PRODUCTS).index(self.product))
        return {**shown, "product": product, **self.commands}

    def order(self, name: str, value: float | str) -> None:
        """A command, a change of product or wear, or a fault (`fault.vibration`)."""
        if name == "product":
            self.product = str(value)
        elif name in ("wear", "wear_rate"):
            setattr(self, name, float(value))
        elif name.startswith("fault."):
            self.faults[name.removeprefix("fault.")] = float(value)
        else:
            self.commands[name] = float(value)
