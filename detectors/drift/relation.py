"""How a model's output follows its inputs: a linear regression over 5-minute means, and drift of what it leaves.

An output that moves because its inputs moved leaves nothing; one that moves by itself (another model, another
training set) does. It is a surrogate for the model, not the model: where it explains little it is not used, and the
monitor's notes say so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from detectors.drift.profile import FOLDS, PER_DAY
from detectors.drift.stream import Stream

if TYPE_CHECKING:
    from detectors.drift.episode import Episode

INPUTS = 8  # that correlate most
LEAST_R2 = 0.3  # on days not fitted on; below, the relation tells nothing
LEARN_MOST = 28 * PER_DAY
LEAST_ROWS = 288
_RIDGE = 1e-3


class Relation:
    def __init__(self, model_id: str, output: str, arl_days: float) -> None:
        self.model_id, self.output = model_id, output
        self.stream = Stream(model_id, f"{output} given inputs", "relation", arl_days)
        self.learnt: list[tuple[int, float, dict[str, float]]] = []
        self.inputs: list[str] = []
        self.weights: list[float] = []  # of the inputs, then the constant
        self.r2 = 0.0

    @property
    def watching(self) -> bool:
        return self.stream.watching

    def row(self, block: int, output: float, inputs: dict[str, float]) -> list[Episode]:
        """Means of one block."""
        if not self.weights:
            self.learnt.append((block, output, dict(inputs)))
            del self.learnt[:-LEARN_MOST]
            return []
        if not self.watching or any(name not in inputs for name in self.inputs):
            return []
        told = sum(w * inputs[name] for w, name in zip(self.weights, self.inputs, strict=False)) + self.weights[-1]
        return self.stream.row((block, output - told, 0.0, 1))

    def calibrate(self) -> bool:
        """Fits, and says whether the inputs explain the output well enough to be used."""
        if self.weights or len(self.learnt) < LEAST_ROWS:
            return False
        names = sorted(set.intersection(*(set(inputs) for _, _, inputs in self.learnt[-PER_DAY:])))
        names = [name for name in names if not self._counts(name)]
        rows = [row for row in self.learnt if all(name in row[2] for name in names)]
        if not names or len(rows) < LEAST_ROWS:
            return False
        blocks = np.array([block for block, _, _ in rows])
        y = np.array([output for _, output, _ in rows])
        x = np.array([[inputs[name] for name in names] for _, _, inputs in rows])
        strength = np.nan_to_num(np.abs(_correlation(x, y)))
        chosen = sorted(np.argsort(-strength, kind="stable")[:INPUTS].tolist())
        x = x[:, chosen]
        left = np.zeros(len(y))
        fold = (blocks // PER_DAY) % FOLDS
        for group in np.unique(fold):
            out = fold == group
            kept = ~out if (~out).any() else out
            left[out] = y[out] - _told(x[out], _fit(x[kept], y[kept]))
        self.r2 = 1.0 - float(np.var(left) / np.var(y)) if np.var(y) > 0 else 0.0
        if self.r2 < LEAST_R2:
            return False
        self.inputs = [names[at] for at in chosen]
        self.weights = [float(w) for w in _fit(x, y)]
        for block, rest in zip(blocks.tolist(), left.tolist(), strict=True):
            self.stream.row((block, rest, 0.0, 1))
        self.learnt = []
        return self.stream.calibrate()

    def _counts(self, name: str) -> bool:
        """Whether an input only ever grows: a clock tells nothing of an output."""
        return bool((np.diff([row[2][name] for row in self.learnt if name in row[2]]) > 0).all())

    def snapshot(self) -> dict[str, Any]:
        return {
            "model_id": self.model_id, "output": self.output, "stream": self.stream.snapshot(), "inputs": self.inputs,
            "learnt": [[block, output, inputs] for block, output, inputs in self.learnt],
            "weights": self.weights, "r2": self.r2,
        }  # fmt: skip

    @classmethod
    def restored(cls, state: dict[str, Any]) -> Relation:
        made = cls(state["model_id"], state["output"], state["stream"]["arl_days"])
        made.stream = Stream.restored(state["stream"])
        made.learnt = [(block, output, dict(inputs)) for block, output, inputs in state["learnt"]]
        made.inputs, made.weights, made.r2 = list(state["inputs"]), list(state["weights"]), state["r2"]
        return made


def _fit(x: Any, y: Any) -> Any:
    """Ridge regression on standardised inputs; weights for the inputs as they are, and the constant."""
    mean, sd = x.mean(axis=0), np.maximum(x.std(axis=0), 1e-12)
    z = (x - mean) / sd
    weights = np.linalg.solve(z.T @ z + _RIDGE * len(z) * np.eye(z.shape[1]), z.T @ (y - y.mean())) / sd
    return np.concatenate((weights, [y.mean() - float(weights @ mean)]))


def _told(x: Any, weights: Any) -> Any:
    return x @ weights[:-1] + weights[-1]


def _correlation(x: Any, y: Any) -> Any:
    spread = x.std(axis=0) * y.std()
    return ((x - x.mean(axis=0)) * (y - y.mean())[:, None]).mean(axis=0) / np.where(spread > 0, spread, np.inf)
