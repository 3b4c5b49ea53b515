"""How long a store keeps rows of live runs, and how large the parts are that it keeps them in. For any engine."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from sensor.store import Layout

PARTITIONS = {"month": "toYYYYMM(ts)", "week": "toMonday(ts)", "day": "toYYYYMMDD(ts)"}
# What analysts work with, and the time that counts. Verdicts, registries and ledgers are never given up.
RECORDS = {
    "alert_rows": "ts", "alert_grid": "last_ts", "alert_last": "last_ts", "drift": "ts", "incident_rows": "ts",
    "health": "ts", "intake_rejects": "ts", "protocol_minutes": "ts", "talker_hours": "ts",
}  # fmt: skip
_DAYS = re.compile(r"INTERVAL (\d+) DAY|toIntervalDay\((\d+)\)")


def partitioned(statement: str, partition: str) -> str:
    """A statement of a migration with the parts that were asked for; what is there already stays as it is."""
    return statement.replace(PARTITIONS["month"], PARTITIONS[partition])


def days_of(layout: Layout) -> dict[str, int]:
    """Days that tables of records keep rows of live runs, 0: for ever."""
    return dict.fromkeys(RECORDS, layout.keep_alert_days)


def keep(run: Callable[[str], str], layout: Layout) -> None:
    """Sets for how long, in the tables of the current database, where it is not so already. Replayed cases are of old
    times on purpose: they stay."""
    from parsers import schema

    wanted = dict.fromkeys(schema(), layout.keep_days)
    wanted |= days_of(layout)
    rows = run(
        "SELECT name, extract(engine_full, 'TTL (.*?)(?: SETTINGS|$)') FROM system.tables"
        " WHERE database = currentDatabase() AND engine LIKE '%MergeTree' ORDER BY name"
    )
    for row in rows.splitlines():
        name, _, ttl = row.partition("\t")
        if name not in wanted:
            continue
        found = _DAYS.search(ttl)
        days = int(found[1] or found[2]) if found else 0
        if wanted[name] and wanted[name] != days:
            when = f"toDateTime({RECORDS.get(name, 'ts')})"
            rule = f"{when} + INTERVAL {wanted[name]} DAY DELETE WHERE case_id = 'live'"
            run(f"ALTER TABLE {name} MODIFY TTL {rule}")
        elif days and not wanted[name]:
            run(f"ALTER TABLE {name} REMOVE TTL")
