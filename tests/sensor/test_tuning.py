"""What another budget would have meant: the arithmetic, and `tune` over stored alerts."""

from __future__ import annotations

from pathlib import Path

import pytest

from sensor.tuning import Anomaly, effect, raised, stays
from tests.sensor.conftest import Program, alert_row, write_alerts

PCAPS = Path(__file__).parents[2] / "pcaps"
ANOMALIES = [Anomaly(str(ratio), "c", ratio, ratio == 8.0) for ratio in (1.1, 1.5, 2.0, 2.0, 3.0, 8.0)]


@pytest.mark.parametrize(
    ("days", "budget", "factor", "shown"),
    [
        (1, 10, 1.0, 6),
        (1, 5, 1.0, 6),  # five are presumed false: the budget is kept as it is
        (1, 4, 1.1, 5),
        (1, 3, 1.5, 4),
        (1, 2, 2.0, 2),  # of two alike neither goes alone
        (1, 1, 2.0, 2),
        (1, 0.5, 3.0, 1),  # the one that was closed is no false alarm and costs nothing
        (2, 0.5, 2.0, 2),
        (10, 0.1, 2.0, 2),
    ],
)
def test_the_least_factor_that_keeps_the_budget(days: float, budget: float, factor: float, shown: int) -> None:
    found = effect(ANOMALIES, days, budget)
    assert (found.factor, found.shown, found.gone) == (factor, shown, 6 - shown)
    assert found.false_per_day <= budget
    assert found.factor == raised(ANOMALIES, days, budget)


def test_what_is_at_its_threshold_stays_with_the_budget_it_has() -> None:
    exact = Anomaly("x", "c", 1.0, real=False)
    assert stays(exact, 1.0)
    assert not stays(exact, 1.1)
    assert effect([exact], 1, 1).shown == 1


@pytest.fixture(scope="module")
def tuned(tmp_path_factory: pytest.TempPathFactory) -> Program:
    program = Program(tmp_path_factory.mktemp("tuned"))
    rows = [
        alert_row(f"{n:032x}", evidence={"score": 2.0 * ratio, "threshold": 2.0})
        for n, ratio in enumerate((1.1, 1.5, 2.0, 3.0))
    ]
    rows += [alert_row("f" * 32), alert_row("e" * 32, evidence={"score": "n/a", "threshold": None})]
    write_alerts(program.folder / "driftspan-store", rows, days=2.0)
    return program


def test_budgets_side_by_side(tuned: Program) -> None:
    found = {row["false_alarms_per_day"]: row for row in tuned.rows("tune")}
    assert [budget for budget, row in found.items() if row["configured"]] == [1.0]
    assert (found[2.0]["shown"], found[1.0]["shown"], found[0.5]["shown"], found[0.1]["shown"]) == (4, 2, 1, 0)
    assert found[1.0] == {
        "false_alarms_per_day": 1.0, "configured": True, "thresholds_times": 1.5, "shown": 2, "shown_per_day": 1.0,
        "presumed_false_per_day": 1.0, "gone": 2,
    }  # fmt: skip
    done = tuned("tune", "--format", "table")
    assert "4 anomaly alerts in 2 days of traffic; 0 were closed" in done.stderr
    assert "never stored" in done.stderr


def test_which_alerts_a_budget_would_show(tuned: Program) -> None:
    rows = tuned.rows("tune", "--false-alarms-per-day", "0.5", "--case", "c")
    assert [(row["alert_id"][-1], row["shown"], row["times_threshold"]) for row in rows] == [
        ("3", True, 3.0), ("2", False, 2.0), ("1", False, 1.5), ("0", False, 1.1),
    ]  # fmt: skip
    (tuned.folder / "loose.toml").write_text("[alerting]\nfalse_alarms_per_day = 3\n")
    configured = [row for row in tuned.rows("tune", "--config", "loose.toml") if row["configured"]]
    assert [row["false_alarms_per_day"] for row in configured] == [3.0]


def test_nothing_to_tune_is_said(tuned: Program, driftspan: Program, capture) -> None:
    done = tuned("tune", "--case", "nowhere")
    assert (done.returncode, done.stdout) == (0, "")
    assert "case 'nowhere' has no anomaly alert" in done.stderr
    driftspan.rows("replay", capture)
    assert "there is nothing to tune" in driftspan("tune").stderr


def test_every_anomaly_that_a_replay_stored_can_be_tuned(driftspan: Program) -> None:
    driftspan.rows("replay", str(PCAPS / "spoofed_publisher.pcap"))
    asked = (
        "SELECT alert_id FROM alerts WHERE detector IN ('baseline', 'beacon', 'outflow', 'period', 'relay', 'values')"
    )
    stored = {row["alert_id"] for row in driftspan.rows("query", asked)}
    rows = driftspan.rows("tune", "--false-alarms-per-day", "1000")
    assert {row["alert_id"] for row in rows} == stored
    assert {"values.range", "period.doubled"} <= {row["kind"] for row in rows}
    # What is new is told however often there is something new; all else is beyond its threshold.
    assert all(row["times_threshold"] >= 1 for row in rows if row["kind"] != "baseline.new_behaviour")


def test_little_traffic_is_said(driftspan: Program) -> None:
    rows = [alert_row("a" * 32, evidence={"score": 3.0, "threshold": 2.0})]
    write_alerts(driftspan.folder / "driftspan-store", rows, days=0.01)
    assert "less than a day was seen" in driftspan("tune").stderr


@pytest.mark.parametrize("budget", ["0", "-1", "nan", "inf", "1e9"])
def test_budgets_that_cannot_be(tuned: Program, budget: str) -> None:
    assert "--false-alarms-per-day" in tuned.refused("tune", f"--false-alarms-per-day={budget}")


def test_no_store(driftspan: Program) -> None:
    assert "there is no store" in driftspan.refused("tune")
