"""How the sensor is: interfaces, drops, spool, store, counters over time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sensor.alerts import ask
from sensor.console import queries, ranged
from sensor.console.status import keeper_status, live_status
from sensor.store import migrate

if TYPE_CHECKING:
    from fastapi import FastAPI

    from sensor.console.console import Console

TROUBLE = (
    "startsWith(counter, 'dropped.') OR counter IN ('malformed', 'gaps', 'retransmissions', 'out_of_order',"
    " 'duplicates', 'cut_packets', 'bad_packets', 'conflicts', 'late_packets', 'panics')"
)
# What a counter counts, where its name does not say it.
MEANINGS = {
    "packets": "packets read",
    "bytes": "bytes of the packets on the wire",
    "cut_packets": "packets shorter than they were on the wire (snaplen)",
    "flows": "flows begun",
    "malformed": "messages that a dissector could not read",
    "gaps": "holes in TCP streams: packets that the mirror or the capture lost",
    "gap_bytes": "bytes that are missing in TCP streams",
    "retransmissions": "segments seen again",
    "out_of_order": "segments out of order",
    "duplicates": "copies of packets that the mirror made",
    "fragments": "IP fragments",
    "unknown_link": "packets of a link layer that is not read",
    "bad_packets": "packets that are no whole IP packets",
    "not_ip": "packets that are not IP, as ARP or PROFINET",
    "late_packets": "packets whose time lies before their window",
    "conflicts": "bytes of a stream that were sent twice and differ: two ways to read it",
    "out_of_window": "segments that their receiver cannot have taken where they stand",
    "bad_checksums": "packets with a wrong checksum among right ones: no part of their stream",
    "checksums_offloaded": "packets taken without a right checksum: a network card completes it",
    "panics": "dissectors that broke off; the flow was given up, nothing else",
    "dropped.kernel": "packets that the kernel dropped: the ring was full",
    "dropped.damaged": "packets that the kernel handed over and that could not be read in its ring",
    "dropped.flows": "flows let go of early: too many at once",
    "dropped.reassembly": "bytes not put together: too many waited",
    "dropped.compare_bytes": "bytes seen again that could not be compared: too far back",
    "dropped.spool_rows": "rows lost: the spool was full",
    "dropped.behaviours": "behaviours not counted: too many in a window",
}


def add(app: FastAPI, console: Console) -> None:
    ranged.add(app, console, "health", "/health", _values)


def _values(console: Console, case: str, over: queries.Span, counted: dict[str, int]) -> dict[str, Any]:
    store = console.owner
    trouble = queries.counter_lines(store, case, over, TROUBLE)
    return {
        "meanings": MEANINGS,
        "dropped": {name: value for name, value in counted.items() if name.startswith("dropped.")},
        "rates": queries.counter_lines(store, case, over, "counter = 'packets'"),
        "volume": queries.counter_lines(store, case, over, "counter = 'bytes'"),
        "trouble": {name: line for name, line in trouble.items() if any(value for _, value in line)},
        "status": live_status(console.location, console.config),
        "keeper": keeper_status(console.location, console.config),
        "fleet": queries.fleet(store, case), "tables": _tables(store), "captures": _captures(store, case),
        "operational": _operational(store, case, over), "schema": migrate.newest(), "location": console.location,
    }  # fmt: skip


def _tables(store: Any) -> list[dict[str, Any]]:
    """Of the store, the largest first."""
    return ask(
        store,
        "SELECT table AS name, sum(rows) AS n, sum(bytes_on_disk) AS bytes, count() AS parts,"
        " max(modification_time) AS changed FROM system.parts WHERE active AND database = currentDatabase()"
        " GROUP BY name ORDER BY bytes DESC",
    )


def _captures(store: Any, case: str) -> list[dict[str, Any]]:
    return ask(
        store,
        "SELECT case_id, path, format, packets, first_ts, last_ts, truncated_packets, finished FROM captures"
        f" WHERE {queries.of_case(case)} ORDER BY last_ts DESC LIMIT 50",
    )


def _operational(store: Any, case: str, over: queries.Span) -> list[dict[str, Any]]:
    """Alerts of the mirror port's own health."""
    return ask(
        store,
        "SELECT alert_id, case_id, title, severity, summary, last_ts, count FROM alerts WHERE"
        f" startsWith(kind, 'mirror') AND {queries.of_case(case)} AND {over.condition('last_ts')}"
        " ORDER BY last_ts DESC LIMIT 50",
    )
