"""What is new in the store, found without reading it: tables of its kind write new rows into new parts."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from sensor.alerts import ask
from sensor.store.literal import quote

if TYPE_CHECKING:
    from sensor.store import Reading

# table → what browsers are told
TABLES = {
    "alert_rows": "alerts", "verdicts": "alerts", "incident_rows": "incidents", "drift": "incidents",
    "runbook_steps": "incidents", "health": "health",
}  # fmt: skip
MOST_ROWS = 20  # of new alerts, told one by one
_REMEMBERED = 10_000  # alerts that were told: later states of them are no news of their own
_PARTS = (
    "SELECT table, partition_id, name, min_block_number AS low, max_block_number AS high FROM system.parts"
    f" WHERE active AND database = currentDatabase() AND table IN ({', '.join(map(quote, TABLES))})"
)
_COLUMNS = "alert_id, case_id, title, severity, kind, src_ip, dst_ip, first_ts, last_ts"


class News:
    def __init__(self, store: Reading) -> None:
        self._store = store
        self._known: dict[tuple[str, str], int] = {}
        self._told: OrderedDict[str, None] = OrderedDict()
        self._begun = False

    def look(self) -> dict[str, dict[str, Any]]:
        """What came since the last look: kind → what to tell of it. The first look only learns."""
        highest, fresh = dict(self._known), []
        for part in ask(self._store, _PARTS):
            key = (part["table"], part["partition_id"])
            if part["low"] > self._known.get(key, -1):
                fresh.append(part)
            highest[key] = max(highest.get(key, -1), part["high"])
        changed = {TABLES[table] for (table, _), high in highest.items() if self._known.get((table, _)) != high}
        self._known = highest
        if not self._begun:
            self._begun = True
            return {}
        found: dict[str, dict[str, Any]] = {kind: {} for kind in sorted(changed)}
        if "alerts" in found:
            found["alerts"]["rows"] = self._alerts([part["name"] for part in fresh if part["table"] == "alert_rows"])
        if "incidents" in found:
            found["incidents"]["open"] = open_incidents(self._store)
        return found

    def _alerts(self, parts: list[str]) -> list[dict[str, Any]]:
        if not parts:
            return []
        names = ", ".join(map(quote, parts))
        order = f"ORDER BY toInt8(severity) DESC, last_ts DESC LIMIT {MOST_ROWS}"
        rows = ask(
            self._store, f"SELECT {_COLUMNS} FROM alert_rows WHERE _part IN ({names}) AND suppressed = '' {order}"
        )
        new = [row for row in rows if row["alert_id"] not in self._told]
        self._told.update((row["alert_id"], None) for row in rows)
        while len(self._told) > _REMEMBERED:
            self._told.popitem(last=False)
        return new


def open_incidents(store: Reading) -> int:
    return int(ask(store, "SELECT count() AS n FROM incidents WHERE status = 'open' AND level != 'note'")[0]["n"])
