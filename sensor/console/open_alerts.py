"""What is open: by severity, kind and host. Few alerts have a verdict: those are held against what was said, the others
are counted as they are, out of `alert_grid`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sensor.alerts import ask
from sensor.console.queries import Span, of_case

if TYPE_CHECKING:
    from sensor.store import Reading

MOST = 1_000_000  # states of alerts in a span that are told apart
_TOP = 8
_COLUMNS = "severity, kind, title, src_ip, src_zone, suppressed"
_NEVER = "toDateTime64(0, 9, 'UTC')"
_SAID = (
    "SELECT sipHash64(alert_id) AS id, case_id AS of_case, max(ts) AS given, argMax((toString(action), expiry,"
    " last_seen), ts) AS said FROM verdicts WHERE case_id {} GROUP BY id, of_case"
)
# As the view `alerts` has it.
_HOLDS = (
    "if(c.given > s.given, c.said, s.said) AS told, multiIf(told.1 IN ('learn', 'mute'),"
    f" told.2 = {_NEVER} OR told.2 > now64(9, 'UTC'), told.1 = 'close', g.last_ts <= told.3, false)"
)


@dataclass(frozen=True, slots=True)
class Opened:
    """`sql`: open alerts that were seen in a span, to be selected from. `exact`: else one that was seen in several
    hours is there for each."""

    sql: str
    exact: bool


def opened(store: Reading, case: str, over: Span) -> Opened:
    given = f"{of_case(case)} AND {over.condition('last_ts')}"
    states = int(ask(store, f"SELECT count() AS n FROM alert_grid WHERE {given}", final=False)[0]["n"])
    latest = f"argMax(tuple({_COLUMNS}), seen) AS state, max(seen) AS last_ts"
    parts = ", ".join(f"state.{at} AS {name}" for at, name in enumerate(_COLUMNS.split(", "), 1))
    if states <= MOST:
        source = (
            f"(SELECT id, case_id, last_ts, {parts} FROM (SELECT id, case_id, {latest} FROM (SELECT id, case_id,"
            f" last_ts AS seen, {_COLUMNS} FROM alert_grid WHERE {given}) GROUP BY id, case_id))"
        )
    else:
        source = f"(SELECT id, case_id, last_ts, {_COLUMNS} FROM alert_grid WHERE {given})"
    ever = "SELECT sipHash64(alert_id) FROM verdicts"
    of_case_only, of_store = _SAID.format("!= ''"), _SAID.format("= ''")
    hidden = (
        f"SELECT id, case_id, last_ts FROM (SELECT g.id AS id, g.case_id AS case_id, g.last_ts AS last_ts, {_HOLDS} AS"
        f" holds FROM (SELECT id, case_id, last_ts FROM alert_grid WHERE {given} AND id IN ({ever})) AS g"
        f" LEFT JOIN ({of_case_only}) AS c ON g.id = c.id AND g.case_id = c.of_case"
        f" LEFT JOIN ({of_store}) AS s ON g.id = s.id) WHERE holds"
    )
    sql = f"{source} WHERE suppressed = '' AND (id NOT IN ({ever}) OR (id, case_id, last_ts) NOT IN ({hidden}))"
    return Opened(sql, states <= MOST)


def by_severity(store: Reading, found: Opened) -> dict[str, int]:
    rows = ask(store, f"SELECT severity, count() AS n FROM {found.sql} GROUP BY severity", final=False)
    return {row["severity"]: row["n"] for row in rows}


def by_kind(store: Reading, found: Opened) -> list[dict[str, Any]]:
    """The gravest few."""
    sql = (
        f"SELECT kind, any(title) AS title, max(severity) AS worst, count() AS n FROM {found.sql}"
        f" GROUP BY kind ORDER BY worst DESC, n DESC, kind LIMIT {_TOP}"
    )
    return ask(store, sql, final=False)


def by_source(store: Reading, found: Opened) -> list[dict[str, Any]]:
    """Hosts that open alerts point at, weighed by severity."""
    sql = (
        "SELECT src_ip AS host, any(src_zone) AS zone, max(severity) AS worst, count() AS n,"
        f" sum(pow(4, toInt8(severity))) AS weight FROM {found.sql} AND src_ip != toIPv6('::')"
        f" GROUP BY host ORDER BY weight DESC, host LIMIT {_TOP}"
    )
    return ask(store, sql, final=False)
