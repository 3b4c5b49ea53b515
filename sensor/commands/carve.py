"""`driftspan carve`: packets, or a file that they carried, out of the captures they were replayed from."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from sensor import carved, carving, chosen
from sensor.alerts import ask, checked_id, of_id, only
from sensor.case_name import LIVE, check_case
from sensor.commands.common import reading
from sensor.errors import InputError
from sensor.output import chosen_format, show_rows
from sensor.store.literal import quote
from sensor.when import iso

if TYPE_CHECKING:
    from argparse import Namespace

    from sensor.carving import Wanted
    from sensor.store import Reading

_WHAT = ("alert", "incident", "flow", "sql")
_FRAMES = ("frame", "frames", "request_frame", "response_frame")
_MOST_FRAMES = 1_000_000  # named one by one
_MOST_SECONDS = 366 * 86_400.0


def run(arguments: Namespace) -> int:
    _check(arguments)
    with reading(arguments) as store:
        if arguments.file:
            from sensor.carved_file import carve

            row = carve(store, arguments.file.lower(), arguments.case, Path(arguments.output), force=arguments.force)
        else:
            case, wanted, alerts = _wanted(store, arguments)
            row = _carve(store, case, wanted, alerts, arguments)
    show_rows([row], chosen_format(arguments.format))
    return 0


def _check(arguments: Namespace) -> None:
    if arguments.case is not None:
        check_case(arguments.case)
    named = [name for name in _WHAT if getattr(arguments, name)]
    others = arguments.host or arguments.first or arguments.last or arguments.filter
    if len(named) > 1:
        raise InputError(f"--{named[0]} and --{named[1]} name different packets: carve them one after the other")
    if arguments.file and (named or others):
        raise InputError("--file goes alone: it is the content of one file")
    if not (named or others or arguments.file):
        raise InputError(
            "name what is wanted: --alert, --incident, --flow, --host, --from, --to, --filter, --sql, --file"
        )
    if arguments.sql and others:
        raise InputError("--sql names frames one by one: put what else must hold into its WHERE")
    for name in ("before", "after"):
        if not (math.isfinite(getattr(arguments, name)) and 0 <= getattr(arguments, name) <= _MOST_SECONDS):
            raise InputError(f"--{name} must be a number of seconds, 0 to {_MOST_SECONDS:.0f}")


def _wanted(store: Reading, arguments: Namespace) -> tuple[str, Wanted, dict[tuple[str, int], list[str]]]:
    """The case, what is wanted of it, and which alerts frames decide."""
    decides: dict[tuple[str, int], list[str]] = {}
    if arguments.sql:
        case = _case(store, arguments.case)
        frames = _of_sql(store, arguments.sql, case)
        return case, carving.Wanted(frames=frames, only_frames=True), decides
    if arguments.alert or arguments.incident:
        case, alerts = _alerts(store, arguments)
        wanted = of_alerts(alerts, arguments.before, arguments.after)
        for alert in alerts:
            for frame in alert["frames"]:
                decides.setdefault((alert["capture"], int(frame)), []).append(alert["alert_id"])
    elif arguments.flow:
        case, wanted = _of_flow(store, arguments.flow.strip(), arguments.case)
    else:
        case, wanted = _case(store, arguments.case), carving.Wanted()
    return case, _narrowed(wanted, chosen.chosen(arguments)), decides


def _narrowed(wanted: Wanted, also: chosen.Chosen) -> Wanted:
    """What is asked for together must all hold."""
    if also.hosts and (wanted.pairs or wanted.flows):
        raise InputError("--host goes with neither --alert, --incident nor --flow: these have hosts of their own")
    pairs = tuple((host, carving.NOBODY) for host in also.hosts) or wanted.pairs
    return replace(
        wanted, first=max(wanted.first, also.first), last=min(wanted.last, also.last), words=also.words, pairs=pairs
    )


def _case(store: Reading, case: str | None) -> str:
    if case is not None:
        return case
    found = [
        row["case_id"] for row in ask(store, f"SELECT DISTINCT case_id FROM captures WHERE case_id != {quote(LIVE)}")
    ]
    if len(found) == 1:
        return str(found[0])
    what = f"several cases ({', '.join(sorted(found)[:8])})" if found else "no replayed case"
    raise InputError(f"the store has {what}; choose one with --case" if found else f"the store has {what}")


def _alerts(store: Reading, arguments: Namespace) -> tuple[str, list[dict[str, Any]]]:
    given = checked_id(arguments.alert or arguments.incident)
    row = only(of_id(store, given, arguments.case))
    if ("incident_id" in row) == bool(arguments.alert):
        what = ("incident", "alert") if arguments.alert else ("alert", "incident")
        raise InputError(f"{row['alert_id']} is an {what[0]}, no {what[1]}: --{what[0]}")
    case = str(row["case_id"])
    if case == LIVE:
        raise InputError("what a sensor saw live was never in a capture; 'driftspan show' names its slice of packets")
    ids = row["alert_ids"] if arguments.incident else [row["alert_id"]]
    return case, rows_of(store, case, ids)


def rows_of(store: Reading, case: str, ids: list[str]) -> list[dict[str, Any]]:
    listed = ", ".join(map(quote, ids)) or "''"
    columns = (
        "alert_id, kind, protocol, hex(src_ip) AS src, hex(dst_ip) AS dst, evidence, frames, capture, summary,"
        " toUnixTimestamp64Nano(first_ts) AS first_ns, toUnixTimestamp64Nano(last_ts) AS last_ns"
    )
    return ask(store, f"SELECT {columns} FROM alerts WHERE case_id = {quote(case)} AND alert_id IN ({listed})")


def of_alerts(alerts: list[dict[str, Any]], before: float, after: float) -> Wanted:
    """The packets between their hosts, those that their evidence names among them, in their time, and those that decide
    them. InputError where there are none."""
    from sensor.evidence.scope import pairs_of

    if not alerts:
        raise InputError("the incident has no alerts: there are no packets of it")
    pairs: dict[tuple[bytes, bytes], None] = {}
    frames: dict[tuple[str, int], None] = {}
    for alert in alerts:
        ends = [bytes.fromhex(alert[end]) for end in ("src", "dst")]
        pairs |= dict.fromkeys(pairs_of(alert["protocol"], ends, _evidence(alert["evidence"])))
        frames |= dict.fromkeys((alert["capture"], int(frame)) for frame in alert["frames"])
    first = min(int(alert["first_ns"]) for alert in alerts)
    last = max(int(alert["last_ns"]) for alert in alerts)
    wanted = carving.Wanted(first, last, pairs=tuple(pairs), frames=tuple(frames))
    return carving.within(wanted, before, after)


def _evidence(text: str) -> Any:
    import orjson

    return orjson.loads(text or "{}")


def _of_flow(store: Reading, given: str, case: str | None) -> tuple[str, Wanted]:
    name = f"flow_id = {given}" if given.isdecimal() else f"community_id = {quote(given)}"
    sql = (
        "SELECT case_id, hex(src_ip) AS src, src_port, hex(dst_ip) AS dst, dst_port, min(first_ts) AS first,"
        " toUnixTimestamp64Nano(min(first_ts)) AS first_ns, toUnixTimestamp64Nano(max(last_ts)) AS last_ns"
        f" FROM flows WHERE {name} AND case_id != {quote(LIVE)}{f' AND case_id = {quote(case)}' if case else ''}"
        " GROUP BY case_id, src_ip, src_port, dst_ip, dst_port"
    )
    rows = ask(store, sql)
    if not rows:
        raise InputError(f"there is no flow {given!r}; 'driftspan flows' lists flow_id and community_id")
    found = {row["case_id"] for row in rows}
    if len(found) > 1:
        raise InputError(f"flow {given!r} is in several cases ({', '.join(sorted(found))}); choose one with --case")
    ends = {
        tuple((bytes.fromhex(row[host]), int(row[port])) for host, port in (("src", "src_port"), ("dst", "dst_port")))
        for row in rows
    }
    first, last = min(int(row["first_ns"]) for row in rows), max(int(row["last_ns"]) for row in rows)
    ported = tuple((a, b) for a, b in ends if a[1] and b[1])
    pairs = tuple((a[0], b[0]) for a, b in ends if not (a[1] and b[1]))
    return found.pop(), carving.Wanted(first, last, flows=ported, pairs=pairs)


def _of_sql(store: Reading, sql: str, case: str) -> tuple[tuple[str, int], ...]:
    frames: dict[tuple[str, int], None] = {}
    rows = ask(store, f"SELECT * FROM (\n{sql.strip().rstrip(';')}\n)")
    for row in rows:
        places = [row[name] for name in _FRAMES if name in row]
        if "capture" not in row or not places:
            raise InputError(f"--sql must give the column capture, and one of {', '.join(_FRAMES)}")
        if row.get("case_id", case) != case:
            continue
        for place in places:
            numbers = place if isinstance(place, list) else [place]
            frames |= dict.fromkeys((row["capture"], int(number)) for number in numbers if int(number))
        if len(frames) > _MOST_FRAMES:
            raise InputError(f"--sql names more than {_MOST_FRAMES} frames; carve by --host, --from and --to")
    if not frames:
        raise InputError("--sql found no frames: there is nothing to carve")
    return tuple(frames)


def _carve(
    store: Reading, case: str, wanted: Wanted, decides: dict[tuple[str, int], list[str]], arguments: Namespace
) -> dict[str, object]:
    captures = carving.found(store, case, wanted)
    places = {capture.id: place for place, capture in enumerate(captures)}
    by_place = {(places[of], number): ids for (of, number), ids in decides.items() if of in places}
    names = [carving.name_of(capture) for capture in captures]
    title = f"driftspan: carved from case {case}"

    def write(file: IO[bytes]) -> carved.Written:
        told = carved.pcapng(file, carving.packets(captures, wanted), names, title, by_place)
        if not told.packets:
            raise InputError("no packet is of that: nothing is written")
        return told

    told = carved.into(Path(arguments.output), write, force=arguments.force)
    return {
        "file": arguments.output, "packets": told.packets, "bytes": told.size, "sha256": told.sha256,
        "first": iso(told.first), "last": iso(told.last), "captures": [capture.path for capture in captures],
        "wireshark_filter": carving.in_wireshark(wanted) if not any(c.shift for c in captures) else "", "case": case,
    }  # fmt: skip
