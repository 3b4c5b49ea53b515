"""The figures as JSON, which a change shows in, and as tables, which the README shows."""

from __future__ import annotations

import json
import statistics
from pathlib import Path
from typing import Any

from tests.evaluate.data import DAY, ROOT
from tests.evaluate.qut import Score as Counts
from tests.evaluate.scoring import Score, Windows

GOLDEN = ROOT / "tests" / "golden" / "evaluation.json"
README = ROOT / "README.md"
EVENTS = ROOT / "docs" / "evaluation.md"
BEGIN, END = "<!-- evaluation: written by make evaluate -->", "<!-- /evaluation -->"
Figures = dict[str, Any]
RULE = """\
An alert tells an event if it is of a kind that its technique asks for, names one of its hosts and was seen in its time.
It is a false alarm if it is of medium severity or above, tells no event and is not true of one either. True are, besides
the kinds that a scenario names: whatever is always so in the plant (plain Modbus); that a host is new, of an attacker's
host that nobody learnt; that readings leave their range or leap, while an attack moves the process, on whatever host
reads them. Of benign steps nothing above `low` is true. Clean days are learnt on one day of the plant and judged on
another; a scenario without an attack, or a clean stretch, has to raise nothing above `low`.

The delay is from the event's beginning to the end of the window (ten seconds) in which an alert tells it first.
"""


def figures(*, events: int, hit: int, true: int, false: int, days: float, messages: int = 0,
            delays: list[float] | None = None) -> Figures:  # fmt: skip
    """Of a data set or of all. `true` and `false` count alerts, or windows, or episodes: what the data set is judged by."""
    return {
        "events": events,
        "found": hit,
        "recall": round(hit / events, 3) if events else None,
        "precision": round(true / (true + false), 3) if true + false else None,
        "true_alarms": true,
        "false_alarms": false,
        "days": round(days, 4),
        "false_alarms_per_day": round(false / days, 2) if days else None,
        "messages": messages,
        "false_alarms_per_million_messages": round(false / messages * 1e6, 1) if messages else None,
        "delay_s_median": round(statistics.median(delays), 1) if delays else None,
    }


def of_events(score: Score) -> Figures:
    told = figures(events=score.events, hit=score.hit, true=score.true, false=score.false, days=score.days,
                   messages=score.messages, delays=score.delays)  # fmt: skip
    more = {"missed": score.missed, "wrong": dict(sorted(score.wrong.items())), "soon": score.soon.figures()}
    return told | more | ({"look_alikes": score.look_alikes} if score.look_alikes else {})


def of_windows(score: Windows) -> Figures:
    return figures(events=score.attacked, hit=score.hit, true=score.hit, false=score.false,
                   days=score.nanoseconds / DAY, messages=score.messages)  # fmt: skip


def of_counts(score: Counts) -> Figures:
    return figures(events=score.events, hit=score.hit, true=score.true, false=score.false, days=score.days,
                   delays=list(score.delays))  # fmt: skip


def of_scenarios(name: str, score: Score, causes: dict[str, str]) -> list[Figures]:
    """A row an event and detector that should tell it. `cause_given` is an incident's, once there are incidents."""
    return [
        {
            "dataset": name,
            "name": finding.run,
            "event": finding.event,
            "detector": finding.detector,
            "detected": finding.detected,
            "delay_s": finding.delay,
            "cause_expected": causes.get(finding.run) or None,
            "cause_given": None,
        }
        for finding in score.findings
    ]


def totals(datasets: dict[str, Figures]) -> Figures:
    """Of all data sets together."""
    each = datasets.values()
    whole = {key: sum(d[key] for d in each) for key in ("events", "found", "true_alarms", "false_alarms", "messages")}
    days = sum(d["days"] for d in each)
    told = figures(events=whole["events"], hit=whole["found"], true=whole["true_alarms"], false=whole["false_alarms"],
                   days=days, messages=whole["messages"])  # fmt: skip
    return {key: value for key, value in told.items() if key != "delay_s_median"}


def merged(kept: Figures, datasets: dict[str, Figures], scenarios: list[Figures]) -> Figures:
    """What the file holds, with the data sets measured now in the place of what it said of them."""
    every = {**kept.get("datasets", {}), **datasets}
    rows = [row for row in kept.get("scenarios", []) if row["dataset"] not in datasets] + scenarios
    rows.sort(key=lambda row: (row["dataset"], row["name"], row["event"], row["detector"]))
    return {**kept, "totals": totals(every), "datasets": dict(sorted(every.items())), "scenarios": rows}


def write(told: Figures) -> None:
    GOLDEN.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n")
    if BEGIN in README.read_text():
        before, _, rest = README.read_text().partition(BEGIN)
        README.write_text(f"{before}{BEGIN}\n{summary(told)}{END}{rest.partition(END)[2]}")
    EVENTS.parent.mkdir(exist_ok=True)
    EVENTS.write_text(
        f"# Each labelled event\nWritten by `make evaluate`: what told it, and how soon.\n\n{RULE}\n{events(told)}"
    )


def read() -> Figures:
    return json.loads(GOLDEN.read_text()) if GOLDEN.exists() else {}


def summary(told: Figures) -> str:
    """Markdown: a row a data set."""
    head = (
        "data set",
        "events",
        "found",
        "recall",
        "precision",
        "false alarms a day",
        "per 10⁶ messages",
        "delay (median)",
    )
    keys = ("events", "found", "recall", "precision", "false_alarms_per_day", "false_alarms_per_million_messages")
    rows = [[name, *(_shown(d[key]) for key in keys), _seconds(d.get("delay_s_median"))]
            for name, d in {**told["datasets"], "all": told["totals"]}.items()]  # fmt: skip
    return f"{_table(head, rows)}\n{soon(told)}\n{quiet(told)}"


def soon(told: Figures) -> str:
    """Markdown: a row a class of detectors in a data set. `delays` says what is measured."""
    rows = [[name, kind, _shown(c["alerts"]), _seconds(c.get("median_s")) or f"{c['median_periods']:g} periods",
             f"{c['within_window']:.0%}"]
            for name, d in told["datasets"].items() for kind, c in d.get("soon", {}).items()]  # fmt: skip
    return _table(("data set", "told by", "alerts", "since first evidence (median)", "in the window"), rows)


def quiet(told: Figures) -> str:
    """One sentence: what is benign."""
    runs = {name: alarms for d in told["datasets"].values() for name, alarms in d.get("look_alikes", {}).items()}
    loud = ", ".join(f"{name} ({alarms})" for name, alarms in runs.items() if alarms) or "none"
    return f"Benign look-alikes and clean stretches with an alert above `low`, of {len(runs)}: {loud}.\n"


def events(told: Figures) -> str:
    """Markdown: a row an event with the detectors that tell it."""
    found_of: dict[tuple[str, str, str], list[Figures]] = {}
    for row in told["scenarios"]:
        found_of.setdefault((row["dataset"], row["name"], row["event"]), []).append(row)
    lines = [[name, event, " ".join(r["detector"] for r in found if r["detected"]) or "**missed**",
              _seconds(min((r["delay_s"] for r in found if r["detected"]), default=None)), _cause(found[0])]
             for (_, name, event), found in found_of.items()]  # fmt: skip
    return _table(("capture", "what happens", "told by", "delay", "cause"), lines)


def _cause(row: Figures) -> str:
    expected, given = row["cause_expected"], row["cause_given"]
    if not expected or given is None:
        return expected or ""
    return f"{expected} ✓" if expected == given else f"{expected}, given: {given}"


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:g} s"


def _shown(value: float | None) -> str:
    return "" if value is None else f"{value:g}"


def _table(head: tuple[str, ...], rows: list[list[str]]) -> str:
    lines = [list(head), ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "/") for cell in line) + " |" for line in lines) + "\n"


def plain(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()
