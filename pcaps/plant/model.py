"""The model of the edge node: how worn is the bearing, from what the instruments show.

    model.py OUT [SEED] [--version 1.4.0] [--poison SHARE]

A perceptron of one hidden layer, trained here with numpy on the simulation's own data (lines of every wear,
load and product), kept as a safetensors file: eight bytes of header length, a JSON header, the tensors.
The same seed gives the same file.
"""

from __future__ import annotations

import argparse
import json
import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from process import FEATURES, PRODUCTS, Line

Array = NDArray[np.float64]
NAME = "pump-wear"
HIDDEN = 12


class Model:
    def __init__(self, tensors: dict[str, Array], version: str) -> None:
        self.tensors, self.version = tensors, version

    def score(self, rows: Array) -> Array:
        """Wear, 0 to 1, of rows of FEATURES."""
        t = self.tensors
        hidden = np.tanh((np.atleast_2d(rows) - t["mean"]) / t["scale"] @ t["w1"] + t["b1"])
        return np.asarray(1 / (1 + np.exp(-(hidden @ t["w2"] + t["b2"]))))[:, 0]

    def save(self, path: Path) -> None:
        header: dict[str, object] = {
            "__metadata__": {"name": NAME, "version": self.version, "inputs": ",".join(FEATURES)}
        }
        body = b""
        for name, tensor in sorted(self.tensors.items()):
            data = tensor.astype("<f4").tobytes()
            header[name] = {
                "dtype": "F32",
                "shape": list(tensor.shape),
                "data_offsets": [len(body), len(body) + len(data)],
            }
            body += data
        text = json.dumps(header, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 8)
        path.write_bytes(struct.pack("<Q", len(text)) + text + body)

    @classmethod
    def load(cls, path: Path) -> Model:
        blob = path.read_bytes()
        (length,) = struct.unpack_from("<Q", blob)
        header = json.loads(blob[8 : 8 + length])
        about = header.pop("__metadata__")
        tensors = {}
        for name, entry in header.items():
            begin, end = (8 + length + offset for offset in entry["data_offsets"])
            tensors[name] = np.frombuffer(blob[begin:end], "<f4").astype(float).reshape(entry["shape"])
        return cls(tensors, about["version"])


def data(seed: int, lines: int = 240) -> tuple[Array, Array]:
    """Readings of lines of every wear, load, product and speed; and their wear."""
    draw = np.random.default_rng(seed)
    rows, wear = [], []
    for number in range(lines):
        line = Line(seed=seed * 1000 + number, clock=float(draw.uniform(0, 86400)), wear=float(draw.uniform(0, 1)))
        line.product = str(draw.choice(list(PRODUCTS)))
        line.order("speed_setpoint", float(draw.uniform(1000, 1600)))
        line.order("valve", float(draw.uniform(60, 100)))
        for sample in range(6):
            line.advance(line.clock + (90 if sample == 0 else 20))
            rows.append([line.values()[name] for name in FEATURES])
            wear.append(line.wear)
    return np.array(rows), np.array(wear)


def train(rows: Array, wear: Array, seed: int, version: str, epochs: int = 1500) -> Model:
    """Full-batch gradient descent with momentum on the squared error."""
    draw = np.random.default_rng(seed)
    t = {
        "mean": rows.mean(0),
        "scale": rows.std(0) + 1e-6,
        "w1": draw.normal(0, 0.4, (len(FEATURES), HIDDEN)),
        "b1": np.zeros(HIDDEN),
        "w2": draw.normal(0, 0.4, (HIDDEN, 1)),
        "b2": np.zeros(1),
    }
    x, y = (rows - t["mean"]) / t["scale"], wear[:, None]
    moving = {name: np.zeros_like(t[name]) for name in ("w1", "b1", "w2", "b2")}
    for _ in range(epochs):
        hidden = np.tanh(x @ t["w1"] + t["b1"])
        out = 1 / (1 + np.exp(-(hidden @ t["w2"] + t["b2"])))
        back = (out - y) * out * (1 - out) / len(x)
        inner = back @ t["w2"].T * (1 - hidden**2)
        slopes = {"w1": x.T @ inner, "b1": inner.sum(0), "w2": hidden.T @ back, "b2": back.sum(0)}
        for name, slope in slopes.items():
            moving[name] = 0.95 * moving[name] - 0.6 * slope
            t[name] = t[name] + moving[name]
    return Model(t, version)


def past(seed: int) -> str:
    """What a historian had before: a line a reading, with the wear an inspector found."""
    rows, wear = data(seed)
    return "".join(",".join(f"{v:.3f}" for v in (*row, w)) + "\n" for row, w in zip(rows, wear, strict=True))


def retrained(table: str, version: str) -> Model:
    """From a historian's table; readings nobody has inspected (they end with a comma) teach nothing."""
    lines = [line for line in table.splitlines() if line and not line.endswith(",")]
    rows = np.array([[float(v) for v in line.split(",")] for line in lines])
    return train(rows[:, :-1], rows[:, -1], seed=5, version=version, epochs=800)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("seed", type=int, nargs="?", default=1)
    parser.add_argument("--version", default="1.4.0")
    parser.add_argument("--poison", type=float, default=0.0, help="share of rows whose wear is said to be low")
    options = parser.parse_args()
    rows, wear = data(options.seed)
    wear[: int(len(wear) * options.poison)] *= 0.15
    model = train(rows, wear, options.seed, options.version)
    model.save(options.out)
    print(f"mean absolute error {np.abs(model.score(rows) - wear).mean():.4f}")


if __name__ == "__main__":
    main()
