"""How long the correlator takes to join ten thousand alerts with a hundred drifts.

    correlate.py [--alerts 10000] [--drifts 100] [--runs 5]

A plant of 20 models, 60 controllers and 300 hosts, seeded. What is timed is the whole answer: evidence, the posterior of
each drift over all alerts before it, and the incidents with their words. The median of several runs is printed, with
least and most; the first run also reads the factory tables.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from detectors.correlate.correlator import Correlator
from detectors.correlate.graph import Graph
from detectors.correlate.rows import Event
from detectors.drift.rows import DriftAlert

HOUR = 3600 * 10**9
DAY = 24 * HOUR
NOW = 20_500 * DAY
KINDS = (
    "new_writer.write", "scan.ports", "lateral.new_admin_edge", "artefacts.unknown", "spoofing.two_publishers",
    "spoofing.arp_move", "boundary.conduit", "baseline.new_behaviour",
)  # fmt: skip
TARGET = 1.0  # seconds


def plant(alerts: int, drifts: int, seed: int) -> Correlator:
    rng = random.Random(seed)
    models = [f"model-{n}" for n in range(20)]
    edges = [(f"plc-{n}", f"s{n}", "data") for n in range(60)] + [(f"s{n}", models[n % 20], "data") for n in range(60)]
    made = Correlator(Graph(edges))
    made.events(
        Event(
            str(n),
            NOW - rng.randrange(20 * DAY),
            rng.choice(KINDS),
            f"h{rng.randrange(300)}",
            f"plc-{rng.randrange(60)}",
        )
        for n in range(alerts)
    )
    made.drifts(drift(n, rng.choice(models)) for n in range(drifts))
    return made


def drift(number: int, model: str) -> DriftAlert:
    since = NOW - number * 4 * HOUR
    return DriftAlert(
        drift_id=f"d{number}", ts=since + HOUR // 2, model_id=model, kind="output", detector="cusum", statistic=12.0,
        threshold=9.0, p_value=None, baseline="", current="", window="", stream="output", shape="step", magnitude=2.0,
        since=since, since_low=since - HOUR // 6, since_high=since + HOUR // 6,
    )  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--alerts", type=int, default=10_000)
    parser.add_argument("--drifts", type=int, default=100)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    spent, incidents = [], 0
    for run in range(options.runs):
        made = plant(options.alerts, options.drifts, run)
        begun = time.process_time()
        incidents = len(made.judge(NOW + DAY))
        spent.append(time.process_time() - begun)
    middle = statistics.median(spent)
    what = f"{options.alerts} alerts with {options.drifts} drifts into {incidents} incidents"
    print(f"joined {what}: {middle:.3f} s of CPU ({min(spent):.3f} to {max(spent):.3f}), {TARGET:g} s are aimed at")
    return 0 if middle <= TARGET else 1


if __name__ == "__main__":
    sys.exit(main())
