"""Measures the sensor against labelled captures: `make evaluate`.

    python -m tests.evaluate [--dataset NAME ...] [--write]

Prints the tables. `--write` keeps them in tests/golden/evaluation.json and in the README; what is not measured now
(a data set that is not here, or not asked for) keeps its figures there.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable

from tests.evaluate import attribution, budget, causes, drift, lab, lemay, plant, poisoning, qut, qut_model, report
from tests.evaluate.data import DataSet, NotThereError
from tests.evaluate.judge import judge, learn
from tests.evaluate.report import Figures
from tests.evaluate.scoring import Score

Answer = tuple[Figures, list[Figures]]


def by_events(*data: DataSet) -> Answer:
    """Of data sets of one name, each with what it learns."""
    score, causes = Score(), {}
    for one in data:
        state = learn(one)
        for run in one.runs:
            score.add(judge(one, run, state))
            causes[run.name] = run.cause
    for note in score.notes:
        sys.stderr.write(f"{data[0].name}: {note}\n")
    return report.of_events(score), report.of_scenarios(data[0].name, score, causes)


def by_counts() -> Answer:
    """The QUT days under labels that two days needed moved, beside the labels as they came; see `qut_model`."""
    model = qut_model.learnt()
    moved, shipped = (qut_model.score(model, qut.days(), moved=way) for way in (True, False))
    told = [
        report.figures(events=r.events, hit=r.hit, true=r.hit, false=r.news, days=float(r.days))
        | {"false_alarms_per_day_with_tails": round(r.false / r.days, 2), "worst_day": r.worst}
        for r in (moved, shipped)
    ]
    return told[0] | {"labels_as_shipped": told[1]}, []


DATASETS: dict[str, Callable[[], Answer]] = {
    "plant": lambda: by_events(plant.dataset()),
    "plant_days": lambda: by_events(plant.dataset(days=True)),
    "clean_days": lambda: by_events(*plant.clean_days()),
    "lab": lambda: by_events(lab.dataset()),
    "lemay": lambda: (report.of_windows(lemay.evaluate()), []),
    "qut": by_counts,
}
# Whole path over the plant's captures, then simulated: drift of model outputs, which cause a drift has, whether the
# budget is kept, and slow poisoning.
SIMULATED: dict[str, Callable[[], Figures]] = {
    "models": causes.measure,
    "drift": drift.measure,
    "attribution": attribution.measure,
    "budget": budget.measure,
    "poisoning": poisoning.measure,
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--dataset", action="append", choices=sorted([*DATASETS, *SIMULATED]), help="only this one; may be repeated"
    )
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    datasets: dict[str, Figures] = {}
    scenarios: list[Figures] = []
    simulated: Figures = {}
    for name in options.dataset or [*DATASETS, *SIMULATED]:
        start = time.monotonic()
        if name in SIMULATED:
            simulated |= SIMULATED[name]()
            sys.stderr.write(f"{name}: {time.monotonic() - start:.0f} s\n")
            continue
        try:
            datasets[name], rows = DATASETS[name]()
        except NotThereError as missing:
            sys.stderr.write(f"{name}: skipped, {missing}\n")
            continue
        scenarios += rows
        sys.stderr.write(f"{name}: {time.monotonic() - start:.0f} s\n")
    if not datasets and not simulated:
        return 1
    given = {row["name"]: row["cause_given"] for row in simulated.get("models", {}).get("captures", ())}
    told = report.merged((report.read() if options.write else {}) | simulated, datasets, scenarios)
    for row in told["scenarios"]:
        row["cause_given"] = given.get(row["name"], row["cause_given"])
    for name, found in simulated.items():
        print(f"{name}: {json.dumps(found, indent=1)}")
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
