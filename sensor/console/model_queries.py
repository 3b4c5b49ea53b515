"""What pages ask of models: outputs over time, drift, the band of what is usual."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sensor.alerts import ask
from sensor.console.queries import of_case
from sensor.store.literal import quote

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sensor.store import Reading

    Row = dict[str, Any]

POINTS = 300  # of a line, at most
_LINES = 6  # outputs of a model that are drawn, those that come most often
_VALUE = "toFloat64OrNull(output)"
_MS = "toUnixTimestamp64Milli"
_LONGEST = 200  # drift alerts of one answer


def nanoseconds(at: int) -> str:
    return f"fromUnixTimestamp64Nano({at}, 'UTC')"


def extent(store: Reading, case: str, model: str) -> tuple[int, int]:
    """First and last output, in nanoseconds; 0, 0: none."""
    sql = (
        "SELECT toUnixTimestamp64Nano(min(ts)) AS first, toUnixTimestamp64Nano(max(ts)) AS last, count() AS n"
        f" FROM inference_log WHERE model_id = {quote(model)} AND {of_case(case)}"
    )
    found = ask(store, sql)[0]
    return (int(found["first"]), int(found["last"])) if int(found["n"]) else (0, 0)


def outputs(store: Reading, case: str, model: str, first: int, last: int) -> dict[str, list[list[float]]]:
    """Tag → [ms, mean, least, most] of a slice of the time; nanoseconds in."""
    step = max(1, (last - first) // 10**6 // POINTS)
    sql = (
        f"SELECT tag, intDiv({_MS}(ts), {step}) * {step} AS t, avg({_VALUE}) AS mean, min({_VALUE}) AS least,"
        f" max({_VALUE}) AS most FROM inference_log WHERE model_id = {quote(model)} AND {of_case(case)}"
        f" AND ts BETWEEN {nanoseconds(first)} AND {nanoseconds(last)} AND {_VALUE} IS NOT NULL"
        " AND isFinite(assumeNotNull(toFloat64OrNull(output))) GROUP BY tag, t ORDER BY tag, t"
        f" LIMIT {POINTS + 1} BY tag LIMIT {_LINES * (POINTS + 1)}"
    )
    found: dict[str, list[list[float]]] = {}
    for row in ask(store, sql):
        found.setdefault(row["tag"], []).append([int(row["t"]), row["mean"], row["least"], row["most"]])
    return found


def band(store: Reading, case: str, model: str, before: int) -> dict[str, list[float]]:
    """Tag → [low, high] between which 99 % of the outputs lay before the first drift (nanoseconds; 0: all)."""
    until = f" AND ts < {nanoseconds(before)}" if before else ""
    sql = (
        f"SELECT tag, quantiles(0.005, 0.995)({_VALUE}) AS ends, count() AS n FROM inference_log"
        f" WHERE model_id = {quote(model)} AND {of_case(case)}{until} AND {_VALUE} IS NOT NULL GROUP BY tag"
        f" HAVING n >= 20 ORDER BY n DESC LIMIT {_LINES}"
    )
    return {row["tag"]: row["ends"] for row in ask(store, sql)}


def drift_of(store: Reading, case: str, ids: Iterable[str]) -> list[Row]:
    wanted = ", ".join(map(quote, list(ids)[:_LONGEST]))
    return _drift(store, f"case_id = {quote(case)} AND drift_id IN ({wanted})") if wanted else []


def drift_of_model(store: Reading, case: str, model: str) -> list[Row]:
    return _drift(store, f"model_id = {quote(model)} AND {of_case(case)}")


def _drift(store: Reading, where: str) -> list[Row]:
    return ask(
        store,
        "SELECT drift_id, case_id, ts, model_id, kind, detector, stream, shape, baseline, current, magnitude, since,"
        " if(toUnixTimestamp(returned) = 0, NULL, returned) AS returned, source, summary"
        f" FROM drift WHERE {where} ORDER BY since DESC, drift_id LIMIT {_LONGEST}",
    )


def spans(store: Reading, case: str, ids: Iterable[str]) -> list[Row]:
    wanted = ", ".join(map(quote, list(ids)[:_LONGEST]))
    return _spans(store, f"case_id = {quote(case)} AND drift_id IN ({wanted})") if wanted else []


def spans_of_model(store: Reading, case: str, model: str) -> list[Row]:
    return _spans(store, f"model_id = {quote(model)} AND {of_case(case)}")


def _spans(store: Reading, where: str) -> list[Row]:
    """Drift as spans in milliseconds; `to` 0: it lasts. Where the onset is not known, it began when it was told."""
    return ask(
        store,
        f"SELECT stream, shape, toInt64(if({_MS}(since) > 0, {_MS}(since), {_MS}(ts))) AS t,"
        f" toInt64({_MS}(returned)) AS to FROM drift WHERE {where} ORDER BY t LIMIT {_LONGEST}",
    )
