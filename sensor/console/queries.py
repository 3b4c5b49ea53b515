"""What pages ask that the API's routes do not: sums over time, for charts and tiles."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sensor.alerts import ask
from sensor.store.literal import quote

if TYPE_CHECKING:
    from sensor.store import Reading

HOUR, DAY = 3600, 86400
RANGES = {"1h": HOUR, "24h": DAY, "7d": 7 * DAY, "30d": 30 * DAY, "all": 0}
_STEPS = (10, 30, 60, 300, 600, 1800, HOUR, 3 * HOUR, 6 * HOUR, DAY, 7 * DAY, 30 * DAY)
_BARS = 72  # of a chart, at most


@dataclass(frozen=True, slots=True)
class Span:
    """Seconds since the epoch. `last`: of the newest row; `now`: the span ends now, else with the newest row, which is
    older than the range is long."""

    start: int
    end: int
    step: int
    last: int
    now: bool

    def condition(self, column: str) -> str:
        return f"{column} >= toDateTime64({self.start}, 9, 'UTC') AND {column} < toDateTime64({self.end}, 9, 'UTC')"

    def bucket(self, column: str) -> str:
        """Milliseconds of the start of the bar that a time falls into."""
        return f"1000 * toUnixTimestamp(toStartOfInterval({column}, INTERVAL {self.step} SECOND))"


def of_case(case: str) -> str:
    return f"case_id = {quote(case)}" if case else "1"


def cases(store: Reading) -> list[str]:
    """Cases that have rows, the latest first."""
    sql = (
        "SELECT case_id, max(last) AS latest FROM (SELECT case_id, max(ts) AS last FROM health GROUP BY case_id"
        " UNION ALL SELECT case_id, max(last_ts) FROM captures GROUP BY case_id"
        " UNION ALL SELECT case_id, max(toStartOfHour(last_ts)) FROM alert_grid GROUP BY case_id)"
        " WHERE case_id != '' GROUP BY case_id ORDER BY case_id != 'live', latest DESC LIMIT 500"
    )
    return [row["case_id"] for row in ask(store, sql, final=False)]


def span(store: Reading, case: str, wanted: str) -> Span:
    """`wanted`: one of RANGES. A replay of last year is shown as of its own end."""
    first, last = _ends(store, case)
    now = int(time.time())
    last = last + 1 if last else now
    length = RANGES[wanted] or max(HOUR, last - first)
    is_now = now - last < length
    end = now + 1 if is_now else last
    step = next((each for each in _STEPS if length / each <= _BARS), _STEPS[-1])
    end += -end % step
    return Span(end - length - (-length % step), end, step, last, is_now)


def _ends(store: Reading, case: str) -> tuple[int, int]:
    """Seconds since the epoch of the first and the last that there is, 0: nothing. The hours of alerts are known
    without a look at them."""
    hours = (
        "SELECT toUnixTimestamp(min(toStartOfHour(last_ts))) AS first, toUnixTimestamp(max(toStartOfHour(last_ts))) AS"
        f" last, count() AS n FROM alert_grid WHERE {of_case(case)}"
    )
    found = [row for row in ask(store, hours, final=False) if row["n"]]
    if found:
        latest = f"SELECT toUnixTimestamp(max(last_ts)) AS last FROM alert_grid WHERE {of_case(case)} AND"
        found[0] |= ask(store, f"{latest} last_ts >= toDateTime64({found[0]['last']}, 9, 'UTC')", final=False)[0]
    health = (
        "SELECT toUnixTimestamp(min(ts)) AS first, toUnixTimestamp(max(ts)) AS last, count() AS n FROM health"
        f" WHERE {of_case(case)}"
    )
    found += [row for row in ask(store, health) if row["n"]]
    firsts, lasts = [int(row["first"]) for row in found], [int(row["last"]) for row in found]
    return min(firsts, default=0), max(lasts, default=0)


def severity_bars(store: Reading, case: str, over: Span) -> dict[str, list[list[int]]]:
    """Severity → [ms, alerts that began in this bar]."""
    sql = (
        f"SELECT severity, {over.bucket('first_ts')} AS t, uniqCombined64(id, case_id) AS n FROM alert_grid"
        f" WHERE {of_case(case)} AND {over.condition('first_ts')} GROUP BY severity, t ORDER BY t"
    )
    found: dict[str, list[list[int]]] = {}
    for row in ask(store, sql, final=False):
        found.setdefault(row["severity"], []).append([row["t"], row["n"]])
    return found


def incidents(store: Reading, case: str) -> list[dict[str, Any]]:
    """Open ones, and those whose outputs are back but of which nobody said anything; the gravest first. Notes are no
    incidents."""
    sql = (
        "SELECT incident_id, case_id, title, severity, level, cause, causes, probability, model_id, status, first_ts,"
        f" last_ts FROM incidents WHERE status IN ('open', 'returned') AND {of_case(case)} AND level != 'note'"
        " ORDER BY status = 'open' DESC, toInt8(severity) DESC, last_ts DESC LIMIT 50"
    )
    return ask(store, sql)


def counters(store: Reading, case: str, over: Span) -> dict[str, int]:
    """Counter → its sum over the span."""
    sql = (
        f"SELECT counter, sum(value) AS n FROM health WHERE {of_case(case)} AND {over.condition('ts')}"
        " AND NOT startsWith(counter, 'learning.') GROUP BY counter ORDER BY counter"
    )
    return {row["counter"]: row["n"] for row in ask(store, sql)}


def counter_lines(store: Reading, case: str, over: Span, names: str) -> dict[str, list[list[float]]]:
    """Counter → [ms, a second]; `names`: a condition on `counter`. A bar that is not over would look like a fall."""
    whole = over.last - over.last % over.step
    sql = (
        f"SELECT counter, {over.bucket('ts')} AS t, sum(value) / {over.step} AS n FROM health"
        f" WHERE {of_case(case)} AND {over.condition('ts')} AND ts < toDateTime64({whole}, 9, 'UTC') AND ({names})"
        " GROUP BY counter, t ORDER BY counter, t"
    )
    found: dict[str, list[list[float]]] = {}
    for row in ask(store, sql):
        found.setdefault(row["counter"], []).append([row["t"], row["n"]])
    return found


def learning(store: Reading, case: str) -> str:
    """How far learning was when the latest run of the case ended; empty: nobody knows."""
    from detectors.learning import MODES

    sql = (
        "SELECT argMax(value, ts) AS mode, count() AS n FROM health"
        f" WHERE counter = 'learning.mode' AND {of_case(case)}"
    )
    found = ask(store, sql)[0]
    return MODES[int(found["mode"])] if int(found["n"]) and int(found["mode"]) < len(MODES) else ""


def fleet(store: Reading, case: str) -> list[dict[str, Any]]:
    """Sensors that ever told of themselves, with their last hour."""
    sql = (
        "SELECT h.sensor AS sensor, max(h.ts) AS last, any(l.latest) AS latest,"
        " sumIf(value, counter = 'packets' AND h.ts > l.latest - INTERVAL 1 HOUR) AS packets,"
        " sumIf(value, startsWith(counter, 'dropped.') AND h.ts > l.latest - INTERVAL 1 HOUR) AS dropped,"
        " sumIf(value, counter = 'malformed' AND h.ts > l.latest - INTERVAL 1 HOUR) AS malformed"
        " FROM health AS h INNER JOIN (SELECT sensor, max(ts) AS latest FROM health"
        f" WHERE counter = 'packets' AND {of_case(case)} GROUP BY sensor) AS l ON h.sensor = l.sensor"
        f" WHERE {of_case(case).replace('case_id', 'h.case_id')} GROUP BY sensor ORDER BY sensor LIMIT 200"
    )
    return ask(store, sql)
