"""Alerts and incidents of the store by the start of their id."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import orjson

from sensor.errors import InputError
from sensor.store.literal import quote

if TYPE_CHECKING:
    from sensor.store import Reading

_ID = re.compile(r"[0-9a-f]{4,32}")
_LISTS = "'driftspan alerts' and 'driftspan incidents' list them"
_MOST = 1000  # of one prefix; more of them than cases of one alert is no question any more


def checked_id(given: str) -> str:
    """An alert_id or the start of one; InputError if it cannot be."""
    wanted = given.strip().lower()
    if _ID.fullmatch(wanted) is None:
        raise InputError(f"{given!r} is no alert_id or incident_id; {_LISTS} (4 to 32 hexadecimal digits)")
    return wanted


def ask(store: Reading, sql: str, *, final: bool = True) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in b"".join(store.query(sql, "JSONEachRow", final=final)).splitlines()]


def of_id(store: Reading, wanted: str, case: str | None, columns: str = "*") -> list[dict[str, Any]]:
    """The one alert or incident that is meant, a row for each case that has it; InputError if there is none or there
    are two. An incident's row has its id as `alert_id` as well."""
    condition = f"startsWith(alert_id, {quote(wanted)})" + (f" AND case_id = {quote(case)}" if case else "")
    order = f"WHERE {condition} ORDER BY case_id, alert_id LIMIT {_MOST}"
    found = ask(store, f"SELECT {columns} FROM alerts {order}")
    found += ask(store, f"SELECT {columns} FROM (SELECT *, incident_id AS alert_id FROM incidents) {order}")
    if not found:
        where = f" in case {case!r}" if case else ""
        raise InputError(f"there is no alert {wanted!r}{where}, and no incident; {_LISTS}")
    if len({row["alert_id"] for row in found}) > 1:
        raise InputError(f"{wanted!r} begins several alert_ids; write more of it")
    return found


def only(found: list[dict[str, Any]]) -> dict[str, Any]:
    """The alert if one case has it."""
    if len(found) > 1:
        cases = ", ".join(row["case_id"] for row in found)
        raise InputError(f"{found[0]['alert_id']} is in several cases ({cases}); choose one with --case")
    return found[0]
