"""`driftspan sensors`: every sensor that ever wrote to the store, and how it was when it was last heard of."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from sensor.alerts import ask
from sensor.case_name import LIVE
from sensor.commands.common import reading
from sensor.output import chosen_format, show_rows
from sensor.store.literal import quote
from sensor.when import iso

if TYPE_CHECKING:
    from argparse import Namespace

    from sensor.store import Reading

SILENT = 180.0  # seconds: a sensor tells of itself every minute, and its store may be some seconds behind
_SECOND = 10**9
_NANOS = "toUnixTimestamp64Nano(s.{0}) AS {0}"
_TOLD = ("version", "packets", "dropped", "learning", "interfaces", "spool_rows_lost", "problem", "ended")


def run(arguments: Namespace) -> int:
    with reading(arguments) as store:
        rows = fleet(store, time.time_ns())
    show_rows(rows, chosen_format(arguments.format))
    return 0


def fleet(store: Reading, now: int) -> list[dict[str, Any]]:
    """A row a sensor, by name. `now`: nanoseconds."""
    times = ", ".join(_NANOS.format(name) for name in ("ts", "since", "packet_ts"))
    told = f"SELECT sensor, {times}, {', '.join(_TOLD)} FROM sensor_states AS s WHERE case_id = {quote(LIVE)}"
    states = {row["sensor"]: row for row in ask(store, told)}
    replays = _by_sensor(store, "SELECT sensor, uniqExact(case_id) AS n FROM captures", f"case_id != {quote(LIVE)}")
    alerts = _by_sensor(store, "SELECT sensor, count() AS n FROM alerts", "status = 'open'")
    names = sorted({*states, *replays, *alerts})
    return [_row(name, states.get(name), now, replays.get(name, 0), alerts.get(name, 0)) for name in names]


def _by_sensor(store: Reading, select: str, where: str) -> dict[str, int]:
    rows = ask(store, f"SELECT sensor, n FROM ({select} WHERE {where} GROUP BY sensor)")
    return {row["sensor"]: int(row["n"]) for row in rows}


def _row(name: str, told: dict[str, Any] | None, now: int, replays: int, alerts: int) -> dict[str, Any]:
    row: dict[str, Any] = {"sensor": name, "state": "replays only", "last_seen": "", "silent_seconds": None}
    row |= {"lag_seconds": None, "packets": 0, "dropped": 0, "alerts_open": alerts, "version": "", "learning": ""}
    row |= {"interfaces": "", "spool_rows_lost": 0, "replayed_cases": replays, "problem": ""}
    if told is None:
        return row
    silent = max(0.0, (now - int(told["ts"])) / _SECOND)
    lag = max(0.0, (int(told["ts"]) - int(told["packet_ts"])) / _SECOND) if int(told["packet_ts"]) else None
    return row | {
        "state": _state(told, silent),
        "last_seen": iso(int(told["ts"])),
        "silent_seconds": round(silent, 1),
        "lag_seconds": None if lag is None else round(lag, 1),
        "packets": int(told["packets"]),
        "dropped": int(told["dropped"]),
        "version": told["version"],
        "learning": told["learning"],
        "interfaces": ", ".join(told["interfaces"]),
        "spool_rows_lost": int(told["spool_rows_lost"]),
        "problem": told["problem"],
    }


def _state(told: dict[str, Any], silent: float) -> str:
    if told["ended"]:
        return "stopped"
    if silent > SILENT:
        return "silent"
    return "failing" if told["problem"] else "running"
