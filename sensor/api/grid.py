"""Pages of alerts out of millions: filtered, sorted, and right about what was replaced.

`alert_grid` holds the states of alerts, narrow and by time; `alert_rows` knows which state is the last. So candidates
come from the one, and what is shown from the other: the few rows of a page. Neither is asked for its final rows, which
would mean a look at all of them; a candidate that a later state replaced is told by its time.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from sensor.alerts import ask
from sensor.api.grid_filter import Filter, conditions
from sensor.errors import InputError
from sensor.store.literal import quote

if TYPE_CHECKING:
    from sensor.store import Reading

Row = dict[str, Any]
MOST = 1_000  # rows of a page
DEEPEST = 20_000  # rows before a page; a cursor goes deeper
MOST_EXACT = 1_000  # alerts of a filter that are counted one by one
SORTS = (
    "last_ts", "first_ts", "severity", "confidence", "kind", "detector", "protocol", "src_ip", "dst_ip", "src_zone",
    "dst_zone", "count", "case_id", "sensor",
)  # fmt: skip
_SPARE = 50  # candidates more than are wanted: some were replaced
_WINDOWS = (3_600, 86_400, 30 * 86_400)  # seconds: the latest are looked for among the latest first
_SECOND = 10**9
_HOUR = 3_600
_AT_ONCE = 2_000  # ids in one question
COLUMNS = (
    "sensor, case_id, alert_id, first_ts, last_ts, severity, confidence, detector, kind, title, summary, src_ip,"
    " dst_ip, src_zone, dst_zone, protocol, count, techniques, suppressed"
)


@dataclass(frozen=True, slots=True)
class Order:
    sort: str = "last_ts"
    descending: bool = True

    @property
    def sql(self) -> str:
        way = "DESC" if self.descending else "ASC"
        return f"last_ts {way}, id" if self.sort == "last_ts" else f"{self.sort} {way}, last_ts DESC, id"


@dataclass(frozen=True, slots=True)
class Page:
    """`total`: alerts that the filter leaves; where `exact` is False no more than that: states that were replaced, and
    of open ones those that verdicts hide, may be among them. `next`: cursor of the rows behind these; empty: there are
    none."""

    rows: list[Row]
    total: int
    exact: bool
    next: str


def page(
    store: Reading,
    wanted: Filter,
    order: Order,
    limit: int,
    offset: int = 0,
    cursor: str = "",
    *,
    all_columns: bool = False,
) -> Page:
    """InputError for a filter or cursor that makes no sense. `all_columns`: those of the view `alerts`, else those that
    a grid shows."""
    plain, status = conditions(store, wanted)
    given = [*plain, *status]
    place = _place(cursor) if cursor else None
    behind = [*given, *(_behind(order, place) if place else ())]
    newest = place[1] // _SECOND + 1 if place else 0
    if wanted.host is not None or wanted.status not in ("open", "all"):
        newest = -1  # what is seldom is found by its index, or in no time that could be guessed
    need, take = offset + limit, offset + limit + _SPARE
    while True:
        found = _candidates(store, behind, order, take, newest)
        current = _current(store, found)
        if len(found) < take or len(current) > need:
            break
        take *= 4
    whole = len(found) < take
    total = len(current) if whole and not cursor else _count(store, [*plain, *status[:1]])
    shown = current[offset:need]
    more = shown and len(current) > need
    return Page(_rows(store, shown, whole=all_columns), total, whole and not cursor, _cursor(shown[-1]) if more else "")


def _candidates(store: Reading, given: list[str], order: Order, take: int, newest: int) -> list[Row]:
    """The first of the order. Where that is time, those of the last hour, day, month are looked at before all;
    `newest`: seconds since the epoch behind which there are none, 0: not known, below: all are looked at."""
    if newest >= 0 and order.sort == "last_ts" and order.descending:
        newest = newest or _newest(store)
        for window in _WINDOWS:
            since = f"last_ts >= toDateTime64({max(0, newest - window)}, 9, 'UTC')"
            found = _first(store, [*given, since], order, take)
            if len(found) == take:
                return found
    return _first(store, given, order, take)


def _newest(store: Reading) -> int:
    hour = "toUnixTimestamp(max(toStartOfHour(last_ts)))"  # known without a look at the rows
    return int(ask(store, f"SELECT {hour} AS t FROM alert_grid", final=False)[0]["t"]) + 3_600


def _first(store: Reading, given: list[str], order: Order, take: int) -> list[Row]:
    sql = (
        f"SELECT case_id, alert_id, id, toUnixTimestamp64Nano(last_ts) AS at, toString({order.sort}) AS sorted"
        f" FROM alert_grid{_where(given)} ORDER BY {order.sql} LIMIT {take}"
    )
    return ask(store, sql, final=False)


def _current(store: Reading, found: list[Row]) -> list[Row]:
    """Those that no later state replaced, each once."""
    if not found:
        return []
    last: dict[tuple[str, str], Any] = {}
    for first in range(0, len(found), _AT_ONCE):
        sql = (
            "SELECT case_id, alert_id, toUnixTimestamp64Nano(max(last_ts)) AS at FROM alert_rows"
            f" WHERE {_among(found[first : first + _AT_ONCE])} GROUP BY case_id, alert_id"
        )
        last |= {(row["case_id"], row["alert_id"]): row["at"] for row in ask(store, sql, final=False)}
    kept: dict[tuple[str, str], Row] = {}
    for row in found:
        key = (row["case_id"], row["alert_id"])
        if last.get(key) == row["at"]:
            kept.setdefault(key, row)
    return list(kept.values())


def _rows(store: Reading, shown: list[Row], *, whole: bool) -> list[Row]:
    """As the view `alerts` has them, in the order of `shown`; whole, or the columns that `alert_grid` has."""
    if not shown:
        return []
    table = ("alert_rows", "*", _among(shown)) if whole else ("alert_grid", COLUMNS, _at(shown))
    sql = _said_of(*table, [row["alert_id"] for row in shown])
    found = {(row["case_id"], row["alert_id"]): row for row in ask(store, sql, final=False)}
    keys = [(row["case_id"], row["alert_id"]) for row in shown]
    return [found[key] for key in keys if key in found]


def one(store: Reading, identity: str, case: str | None) -> list[Row]:
    """The alert of this whole id, a row for each case that has it."""
    only = f"alert_id = {quote(identity)}" + (f" AND case_id = {quote(case)}" if case else "")
    return ask(store, f"{_said_of('alert_rows', '*', only, [identity])} ORDER BY case_id", final=False)


def _said_of(table: str, columns: str, only: str, of: list[str]) -> str:
    """Rows as the view `alerts` has them; its own SQL would look at all rows to find the last ones. `of`: their ids."""
    ids = f"alert_id IN ({', '.join(map(quote, of))})"
    said = "argMax((toString(action), toString(analyst), expiry, last_seen, note), ts) AS latest"
    never = "toDateTime64(0, 9, 'UTC')"
    return (
        "SELECT * EXCEPT (said, running), multiIf(running, transform(said.1, ['learn', 'mute', 'close'],"
        " ['learned', 'muted', 'closed'], 'open'), suppressed != '', 'muted', 'open') AS status,"
        " if(running, said.1, '') AS verdict, said.2 AS status_by,"
        f" nullIf(said.3, {never}) AS status_until, if(running OR suppressed = '', said.5, suppressed) AS status_note"
        " FROM (SELECT a.*, if(c.given > s.given, c.latest, s.latest) AS said, multiIf(said.1 IN ('learn', 'mute'),"
        f" said.3 = {never} OR said.3 > now64(9, 'UTC'), said.1 = 'close', a.last_ts <= said.4, false) AS running"
        f" FROM (SELECT {columns} FROM {table} WHERE {only} ORDER BY last_ts DESC LIMIT 1 BY case_id, alert_id) AS a"
        f" LEFT JOIN (SELECT alert_id AS id, case_id AS of_case, max(ts) AS given, {said} FROM verdicts"
        f" WHERE case_id != '' AND {ids} GROUP BY id, of_case) AS c ON a.alert_id = c.id AND a.case_id = c.of_case"
        f" LEFT JOIN (SELECT alert_id AS id, max(ts) AS given, {said} FROM verdicts WHERE case_id = '' AND {ids}"
        " GROUP BY id) AS s ON a.alert_id = s.id)"
    )


def _count(store: Reading, given: list[str]) -> int:
    return int(ask(store, f"SELECT count() AS n FROM alert_grid{_where(given)}", final=False)[0]["n"])


def _where(given: list[str]) -> str:
    return f" WHERE {' AND '.join(given)}" if given else ""


def _among(rows: list[Row]) -> str:
    by_case: dict[str, list[str]] = {}
    for row in rows:
        by_case.setdefault(row["case_id"], []).append(quote(row["alert_id"]))
    parts = [f"case_id = {quote(case)} AND alert_id IN ({', '.join(ids)})" for case, ids in by_case.items()]
    return "(" + " OR ".join(parts) + ")"


def _at(rows: list[Row]) -> str:
    """The same by the key of `alert_grid`."""
    keys = (f"(toDateTime({int(r['at']) // _SECOND // _HOUR * _HOUR}, 'UTC'), {quote(r['alert_id'])})" for r in rows)
    return f"(toStartOfHour(last_ts), alert_id) IN ({', '.join(keys)}) AND {_among(rows)}"


def _cursor(row: Row) -> str:
    place = [row["sorted"], int(row["at"]), int(row["id"])]
    return base64.urlsafe_b64encode(orjson.dumps(place)).decode().rstrip("=")


def _place(cursor: str) -> tuple[str, int, int]:
    """Of a row: what was sorted by, when it was last seen, and its id."""
    try:
        value, at, identity = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        found = str(value), int(at), int(identity)
    except (ValueError, TypeError):
        raise InputError("this cursor is none that a page gave") from None
    if not 0 <= found[1] < 2**63 or not 0 <= found[2] < 2**64:
        raise InputError("this cursor is none that a page gave")
    return found


def _behind(order: Order, behind: tuple[str, int, int]) -> list[str]:
    """The condition of what comes behind a row."""
    value, at, identity = quote(behind[0]), *behind[1:]
    place = f"fromUnixTimestamp64Nano(toInt64({at}), 'UTC')"
    tied = f"id > toUInt64({identity})"
    sign = "<" if order.descending else ">"
    if order.sort == "last_ts":
        return [f"(last_ts {sign} {place} OR (last_ts = {place} AND {tied}))"]
    column = f"toString({order.sort}) = {value}"
    typed = f"CAST({value}, '{_TYPES.get(order.sort, 'String')}')"
    return [f"({order.sort} {sign} {typed} OR ({column} AND (last_ts < {place} OR (last_ts = {place} AND {tied}))))"]


_TYPES = {
    "first_ts": "DateTime64(9, \\'UTC\\')", "src_ip": "IPv6", "dst_ip": "IPv6", "count": "UInt64",
    "confidence": "Float32",
    "severity": "Enum8(\\'info\\' = 0, \\'low\\' = 1, \\'medium\\' = 2, \\'high\\' = 3, \\'critical\\' = 4)",
}  # fmt: skip
