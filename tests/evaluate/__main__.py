"""Measures the sensor against labelled captures: `make evaluate`.

    python -m tests.evaluate [--dataset NAME ...] [--write]

Prints the tables. `--write` keeps them in tests/golden/evaluation.json and in the README; what is not measured now
(a data set that is not here, or not asked for) keeps its figures there.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable

from tests.evaluate import lab, lemay, plant, report
from tests.evaluate.data import DataSet, NotThereError
from tests.evaluate.judge import judge, learn
from tests.evaluate.report import Figures
from tests.evaluate.scoring import Score

Answer = tuple[Figures, list[Figures]]


def by_events(data: DataSet) -> Answer:
    state, score = learn(data), Score()
    for run in data.runs:
        score.add(judge(data, run, state))
    for note in score.notes:
        sys.stderr.write(f"{data.name}: {note}\n")
    causes = {run.name: run.cause for run in data.runs}
    return report.of_events(score), report.of_scenarios(data.name, score, causes)


DATASETS: dict[str, Callable[[], Answer]] = {
    "plant": lambda: by_events(plant.dataset()),
    "plant_days": lambda: by_events(plant.dataset(days=True)),
    "lab": lambda: by_events(lab.dataset()),
    "lemay": lambda: (report.of_windows(lemay.evaluate()), []),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset", action="append", choices=sorted(DATASETS), help="only this one; may be repeated")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    datasets: dict[str, Figures] = {}
    scenarios: list[Figures] = []
    for name in options.dataset or DATASETS:
        start = time.monotonic()
        try:
            datasets[name], rows = DATASETS[name]()
        except NotThereError as missing:
            sys.stderr.write(f"{name}: skipped, {missing}\n")
            continue
        scenarios += rows
        sys.stderr.write(f"{name}: {time.monotonic() - start:.0f} s\n")
    if not datasets:
        return 1
    told = report.merged(report.read() if options.write else {}, datasets, scenarios)
    print(report.summary(told))
    print(report.events(told))
    for name, found in datasets.items():
        for wrong, count in found.get("wrong", {}).items():
            print(f"false, {name}: {wrong} ({count})")
    if options.write:
        report.write(told)
        sys.stderr.write(f"written: {report.plain(report.GOLDEN)}, {report.plain(report.README)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
