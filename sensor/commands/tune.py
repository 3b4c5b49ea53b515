"""`driftspan tune`: what another budget of false alarms would have meant, from the alerts that are stored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sensor.alerting import MOST_FALSE_ALARMS
from sensor.alerts import ask
from sensor.commands.common import reading, settings
from sensor.errors import InputError
from sensor.output import cell, chosen_format, show_rows
from sensor.service.log import say
from sensor.store.literal import quote
from sensor.tuning import BUDGETS, Anomaly, effect, raised, stays

if TYPE_CHECKING:
    from argparse import Namespace

    from sensor.store import Reading

_DAY = 86400 * 10**9


def run(arguments: Namespace) -> int:
    asked = arguments.false_alarms_per_day
    if asked is not None and not 0 < asked <= MOST_FALSE_ALARMS:
        raise InputError(f"--false-alarms-per-day must be above 0 and at most {MOST_FALSE_ALARMS:g}")
    now = settings(arguments).alerting.false_alarms_per_day
    with reading(arguments) as store:
        rows, days = _anomalies(store, arguments.case), _days(store, arguments.case)
    if not rows or days <= 0:
        where = f"case {arguments.case!r}" if arguments.case else "this store"
        say(f"{where} has no anomaly alert with a score and a threshold: there is nothing to tune")
        return 0
    anomalies = [
        Anomaly(row["alert_id"], row["case_id"], row["score"] / row["threshold"], row["status"] == "closed")
        for row in rows
    ]
    found = _budgets(anomalies, days, now) if asked is None else _alerts(rows, anomalies, days, asked)
    show_rows(found, chosen_format(arguments.format))
    _remark(anomalies, days, now, asked)
    return 0


def _budgets(anomalies: list[Anomaly], days: float, now: float) -> list[dict[str, object]]:
    """A row a budget, the configured one among them."""
    effects = [effect(anomalies, days, budget) for budget in sorted({*BUDGETS, now})]
    return [
        {
            "false_alarms_per_day": e.budget,
            "configured": e.budget == now,
            "thresholds_times": round(e.factor, 3),
            "shown": e.shown,
            "shown_per_day": round(e.shown / days, 3),
            "presumed_false_per_day": round(e.false_per_day, 3),
            "gone": e.gone,
        }
        for e in effects
    ]


def _alerts(
    rows: list[dict[str, Any]], anomalies: list[Anomaly], days: float, budget: float
) -> list[dict[str, object]]:
    """A row an alert: which of them such a budget would show."""
    factor = raised(anomalies, days, budget)
    return [
        {
            "alert_id": anomaly.alert_id,
            "shown": stays(anomaly, factor),
            "times_threshold": round(anomaly.ratio, 3),
            "severity": row["severity"],
            "status": row["status"],
            "kind": row["kind"],
            "src_ip": cell(row["src_ip"]),
            "dst_ip": cell(row["dst_ip"]),
            "summary": row["summary"],
            "case": anomaly.case,
        }
        for anomaly, row in sorted(zip(anomalies, rows, strict=True), key=lambda pair: -pair[0].ratio)
    ]


def _remark(anomalies: list[Anomaly], days: float, now: float, asked: float | None) -> None:
    real = sum(a.real for a in anomalies)
    say(
        f"{len(anomalies)} anomaly alerts in {days:.3g} days of traffic; {real} were closed by an analyst, "
        "all others are presumed false"
    )
    if days < 1:
        say("less than a day was seen: what a budget a day means can hardly be told from it")
    if asked is None or asked > now:
        say(f"budgets above the configured {now:g} would show more than is said here: it was never stored")


def _case(case: str | None) -> str:
    return f" AND case_id = {quote(case)}" if case else ""


def _anomalies(store: Reading, case: str | None) -> list[dict[str, Any]]:
    return ask(
        store,
        "SELECT alert_id, case_id, severity, status, kind, src_ip, dst_ip, summary,"
        " toFloat64OrZero(JSONExtractRaw(evidence, 'score')) AS score,"
        " toFloat64OrZero(JSONExtractRaw(evidence, 'threshold')) AS threshold FROM alerts"
        f" WHERE score > 0 AND threshold > 0{_case(case)} ORDER BY case_id, alert_id",
    )


def _days(store: Reading, case: str | None) -> float:
    """Of traffic, in all cases together. Captures of one case may overlap: its span counts once."""
    sql = (
        "SELECT sum(span) AS span FROM (SELECT case_id, toUnixTimestamp64Nano(max(last_ts))"
        " - toUnixTimestamp64Nano(min(first_ts)) AS span FROM captures"
        f" WHERE packets > 0{_case(case)} GROUP BY case_id)"
    )
    return float(ask(store, sql)[0]["span"] or 0) / _DAY
