"""`driftspan alerts`, `incidents`, `drift`, `flows`, `assets`: rows of a table, filtered and in order."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import dataclass
from typing import TYPE_CHECKING

from detectors.verdicts import OPEN
from sensor.alerts import ask
from sensor.commands.common import reading
from sensor.errors import InputError
from sensor.output import chosen_format, show_query
from sensor.service.log import say
from sensor.store.guard import check_condition, check_reading, tokens
from sensor.store.literal import quote
from sensor.when import literal

if TYPE_CHECKING:
    from sensor.store import Reading

_TABLE_ROWS = 200
SHOWN = (OPEN, "returned")  # of an incident whose outputs are back, nobody said anything yet


@dataclass(frozen=True, slots=True)
class Listing:
    """`first`, `last`: columns of the time a row covers. `narrow`: what a terminal's table has room for."""

    first: str
    last: str
    order: str
    narrow: str


LISTINGS = {
    "alerts": Listing(
        "first_ts", "last_ts", "last_ts DESC, alert_id, case_id",
        "substring(alert_id, 1, 12) AS id, toDateTime(first_ts, 'UTC') AS first, severity, src_ip, dst_ip,"
        " protocol, title, count, status, case_id AS case",
    ),
    "incidents": Listing(
        "first_ts", "last_ts", "last_ts DESC, incident_id, case_id",
        "substring(incident_id, 1, 12) AS id, toDateTime(first_ts, 'UTC') AS first, severity, level, model_id AS model,"
        " cause, round(probability, 2) AS attack, title, status, case_id AS case",
    ),
    "drift": Listing(
        "since", "ts", "ts DESC, drift_id, case_id",
        "substring(drift_id, 1, 12) AS id, toDateTime(since, 'UTC') AS since, model_id AS model, stream, kind, shape,"
        " round(magnitude, 1) AS sd, summary, source, case_id AS case",
    ),
    "flows": Listing(
        "first_ts", "last_ts", "last_ts DESC, flow_id, case_id",
        "toDateTime(first_ts, 'UTC') AS first, src_ip, src_port, dst_ip, dst_port, transport,"
        " if(app = '', service, app) AS app, state, packets_out AS packets_to, packets_in AS packets_from,"
        " bytes_out + bytes_in AS bytes, case_id AS case",
    ),
    "assets": Listing(
        "first_seen", "last_seen", "ip, case_id",
        "ip, mac, hostname, vendor, roles, protocols, zone, purdue_level AS level, model, firmware,"
        " toDateTime(last_seen, 'UTC') AS last, case_id AS case",
    ),
}  # fmt: skip


def run(arguments: Namespace) -> int:
    fmt = chosen_format(arguments.format)
    limit = _limit(arguments, fmt)
    sql = check_reading(statement(arguments, fmt, limit))
    with reading(arguments) as store:
        shown = show_query(store, sql, fmt)
        if fmt == "table" and _status(arguments) == OPEN and arguments.status is None:
            _tell_hidden(store, arguments)
    if fmt == "table" and arguments.limit is None and shown == limit:
        say(f"only the first {limit} rows are shown; --limit 0 shows all")
    return 0


def _tell_hidden(store: Reading, arguments: Namespace) -> None:
    """An empty list must not be taken for a quiet plant."""
    everything = Namespace(**{**vars(arguments), "status": "all"})
    conditions = _conditions(everything, LISTINGS[arguments.listing])
    shown = ", ".join(map(quote, (*SHOWN, "merged")))
    sql = f"SELECT count() AS hidden FROM (SELECT * FROM {arguments.listing}{conditions}) WHERE status NOT IN ({shown})"
    hidden = int(ask(store, check_reading(sql))[0]["hidden"])
    if hidden:
        say(f"{hidden} more are learned, muted or closed; --status all shows them")


def _limit(arguments: Namespace, fmt: str) -> int:
    if arguments.limit is None:
        return _TABLE_ROWS if fmt == "table" else 0
    if arguments.limit < 0:
        raise InputError("--limit must not be negative; 0 shows all")
    return int(arguments.limit)


def statement(arguments: Namespace, fmt: str, limit: int) -> str:
    listing = LISTINGS[arguments.listing]
    columns = listing.narrow if fmt == "table" else "*"
    order = f" ORDER BY {listing.order}"
    # A condition of the user's is asked of the whole rows: no column is renamed there yet.
    source = f"SELECT * FROM {arguments.listing}" + _conditions(arguments, listing)
    return f"SELECT {columns} FROM ({source}{order})" + (f" LIMIT {limit}" if limit else "")


def _conditions(arguments: Namespace, listing: Listing) -> str:
    found = []
    if arguments.since is not None:
        found.append(f"{listing.last} >= {literal('--since', arguments.since)}")
    if arguments.until is not None:
        found.append(f"{listing.first} < {literal('--until', arguments.until)}")
    if getattr(arguments, "severity", None) is not None:
        found.append(f"severity >= {quote(arguments.severity)}")
    if (status := _status(arguments)) is not None:
        found.append(f"status IN ({', '.join(map(quote, SHOWN if arguments.status is None else (status,)))})")
    if arguments.case is not None:
        found.append(f"case_id = {quote(arguments.case)}")
    if arguments.where is not None:
        found.append(f"({check_condition(arguments.where)}\n)")
    return " WHERE " + " AND ".join(found) if found else ""


def _status(arguments: Namespace) -> str | None:
    """What was learned, muted or closed is listed when it is asked for, in whichever way."""
    if arguments.listing not in ("alerts", "incidents"):
        return None
    if arguments.status is not None:
        return None if arguments.status == "all" else str(arguments.status)
    asked = arguments.where is not None and ("word", "status") in tokens(arguments.where)
    return None if asked else OPEN
