"""Pages of alerts out of millions: filtered, sorted, and right about what was replaced.

`alert_grid` holds the states of alerts, narrow and by time; `alert_last` when each was last seen, by the hash of its
id. So candidates come from the one, the other tells which of them a later state replaced, and what was said of those
few is asked last. No table is asked for its final rows, which would mean a look at all of them.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from sensor.alerts import ask
from sensor.api.grid_filter import Filter, conditions
from sensor.api.grid_order import Order, behind_of, cursor_of, place_of
from sensor.api.said import Said, said_of
from sensor.store.literal import quote

if TYPE_CHECKING:
    from sensor.store import Reading

Row = dict[str, Any]
MOST = 1_000  # rows of a page
DEEPEST = 20_000  # rows before a page; a cursor goes deeper
_SPARE = 50  # candidates more than are wanted: some were replaced
_LEAST = 300  # candidates, so that what is few is counted by the way
_WINDOWS = (3_600, 86_400)  # seconds: the latest are looked for among the latest first
_SECOND = 10**9
_HOUR = 3_600
_AT_ONCE = 2_000  # ids in one question
_COUNTED = 60.0  # seconds that a count of very many is good for
_MOST_COUNTS = 64
COLUMNS = (
    "sensor, case_id, alert_id, first_ts, last_ts, severity, confidence, detector, kind, title, summary, src_ip,"
    " dst_ip, src_zone, dst_zone, protocol, count, techniques, suppressed"
)


@dataclass(frozen=True, slots=True)
class Page:
    """`total`: alerts that the filter leaves. Where it is not `exact`, about so many: states that were replaced and
    what verdicts hide are counted too; or with `more`, so many at least: nobody looked how many more. `next`: cursor
    of the rows behind these; empty: there are none."""

    rows: list[Row]
    total: int
    exact: bool
    more: bool
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
    given = conditions(wanted)
    place = place_of(cursor) if cursor else None
    behind = [*given.plain, *given.status, *(behind_of(order, place) if place else ())]
    need = offset + limit
    take = max(need + _SPARE + need // 8, _LEAST)
    while True:
        found = _candidates(store, behind, order, take, place[1] // _SECOND + 1 if place else 0)
        current, said = _current(store, found, wanted.status)
        if len(found) < take or len(current) > need:
            break
        take *= 4
    whole = len(found) < take
    shown = current[offset:need]
    after = cursor_of(shown[-1]) if shown and len(current) > need else ""
    rows = _whole(store, shown) if all_columns else _rows(store, shown, said)
    exact = whole and not cursor
    if exact or not given.cheap:
        return Page(rows, len(current), exact, not exact, after)
    return Page(rows, _count(store, [*given.plain, *given.status]), exact=False, more=False, next=after)


def _candidates(store: Reading, given: list[str], order: Order, take: int, newest: int) -> list[Row]:
    """The first of the order. Where that is time, those of the last hour and day are looked at before all; `newest`:
    seconds since the epoch behind which there are none, 0: not known."""
    if order.sort == "last_ts" and order.descending:
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
        f"SELECT case_id, id, toUnixTimestamp64Nano(last_ts) AS at, suppressed, toString({order.sort}) AS sorted"
        f" FROM alert_grid{_where(given)} ORDER BY {order.sql} LIMIT {take}"
    )
    return ask(store, sql, final=False)


def _current(store: Reading, found: list[Row], status: str) -> tuple[list[Row], Said]:
    """Those that no later state replaced and that have this status, each once, and what was said of them."""
    identities = list(dict.fromkeys(row["id"] for row in found))
    last = _last(store, identities, min((row["at"] for row in found), default=0))
    said = said_of(store, identities, _AT_ONCE)
    kept: dict[tuple[int, str], Row] = {}
    for row in found:
        key, at = (row["id"], row["case_id"]), row["at"]
        if last.get(key) == at and status in ("all", said.status(*key, at, row["suppressed"])):
            kept.setdefault(key, row)
    return list(kept.values()), said


def _last(store: Reading, identities: list[int], earliest: int) -> dict[tuple[int, str], int]:
    """When each alert was last seen. Of many that were seen not long ago the latest hours tell that faster."""
    source = "alert_last WHERE"
    if len(identities) > _LEAST and _newest(store) - earliest // _SECOND < _WINDOWS[-1]:
        source = f"alert_grid WHERE last_ts >= fromUnixTimestamp64Nano(toInt64({earliest}), 'UTC') AND"
    last: dict[tuple[int, str], int] = {}
    for first in range(0, len(identities), _AT_ONCE):
        ids = ", ".join(map(str, identities[first : first + _AT_ONCE]))
        sql = f"SELECT case_id, id, toUnixTimestamp64Nano(max(last_ts)) AS at FROM {source} id IN ({ids})"
        rows = ask(store, f"{sql} GROUP BY case_id, id", final=False)
        last |= {(row["id"], row["case_id"]): row["at"] for row in rows}
    return last


def _rows(store: Reading, shown: list[Row], said: Said) -> list[Row]:
    """The columns of a grid and what the view `alerts` adds to them, in the order of `shown`."""
    if not shown:
        return []
    sql = f"SELECT id, toUnixTimestamp64Nano(last_ts) AS at, {COLUMNS} FROM alert_grid WHERE {_at(shown)}"
    found = {}
    for row in ask(store, sql, final=False):
        identity, at = row.pop("id"), row.pop("at")
        found[identity, row["case_id"], at] = row | said.columns(row, identity, at)
    keys = [(row["id"], row["case_id"], row["at"]) for row in shown]
    return [found[key] for key in keys if key in found]


def _whole(store: Reading, shown: list[Row]) -> list[Row]:
    """As the view `alerts` has them, in the order of `shown`."""
    if not shown:
        return []
    found = ask(store, f"SELECT case_id, alert_id, id FROM alert_grid WHERE {_at(shown)}", final=False)
    names = {(row["id"], row["case_id"]): row["alert_id"] for row in found}
    keys = [(row["case_id"], names.get((row["id"], row["case_id"]), "")) for row in shown]
    sql = _said_of(_among(keys), [alert for _, alert in keys])
    whole = {(row["case_id"], row["alert_id"]): row for row in ask(store, sql, final=False)}
    return [whole[key] for key in keys if key in whole]


def one(store: Reading, identity: str, case: str | None) -> list[Row]:
    """The alert of this whole id, a row for each case that has it."""
    only = f"alert_id = {quote(identity)}" + (f" AND case_id = {quote(case)}" if case else "")
    return ask(store, f"{_said_of(only, [identity])} ORDER BY case_id", final=False)


def _said_of(only: str, of: list[str]) -> str:
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
        f" FROM (SELECT * FROM alert_rows WHERE {only} ORDER BY last_ts DESC LIMIT 1 BY case_id, alert_id) AS a"
        f" LEFT JOIN (SELECT alert_id AS id, case_id AS of_case, max(ts) AS given, {said} FROM verdicts"
        f" WHERE case_id != '' AND {ids} GROUP BY id, of_case) AS c ON a.alert_id = c.id AND a.case_id = c.of_case"
        f" LEFT JOIN (SELECT alert_id AS id, max(ts) AS given, {said} FROM verdicts WHERE case_id = '' AND {ids}"
        " GROUP BY id) AS s ON a.alert_id = s.id)"
    )


def _count(store: Reading, given: list[str]) -> int:
    """Of states, all that there are. Whoever pages through them asks again and again."""
    kept = _counts.setdefault(store, {})
    where, now = _where(given), time.monotonic()
    counted = kept.get(where)
    if counted is None or now - counted[0] > _COUNTED:
        found = ask(store, f"SELECT count() AS n FROM alert_grid{where}", final=False)
        while len(kept) >= _MOST_COUNTS:
            kept.pop(next(iter(kept)), None)
        kept[where] = counted = now, int(found[0]["n"])
    return counted[1]


_counts: WeakKeyDictionary[Reading, dict[str, tuple[float, int]]] = WeakKeyDictionary()


def _where(given: list[str]) -> str:
    return f" WHERE {' AND '.join(given)}" if given else ""


def _among(keys: list[tuple[str, str]]) -> str:
    """`keys`: case and alert_id."""
    by_case: dict[str, list[str]] = {}
    for case, alert in keys:
        by_case.setdefault(case, []).append(quote(alert))
    parts = [f"case_id = {quote(case)} AND alert_id IN ({', '.join(ids)})" for case, ids in by_case.items()]
    return "(" + " OR ".join(parts) + ")"


def _at(rows: list[Row]) -> str:
    """Rows by the key of `alert_grid`."""
    keys = (f"(toDateTime({r['at'] // _SECOND // _HOUR * _HOUR}, 'UTC'), {r['id']})" for r in rows)
    cases = ", ".join(sorted({quote(row["case_id"]) for row in rows}))
    return f"(toStartOfHour(last_ts), id) IN ({', '.join(keys)}) AND case_id IN ({cases})"
