"""`driftspan process`: values around an event as a picture."""

from __future__ import annotations

import re
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sensor.alerts import checked_id, of_id, only
from sensor.commands import reported
from sensor.commands.common import location, settings
from sensor.errors import InputError
from sensor.export.record import nanoseconds
from sensor.forensics import process
from sensor.forensics import scope as scopes
from sensor.forensics.words import address, table
from sensor.report import Code, Heading, Paragraph
from sensor.store import open_reading
from sensor.when import moment

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterator

    from sensor.config import Config
    from sensor.forensics.process import View, Wanted
    from sensor.report import Block, Figure
    from sensor.store import Reading

_LENGTH = re.compile(r"(\d+)\s*([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_SECOND = 10**9
_TITLE = 90  # characters of what happened
_LONGEST = 366 * 86400


def run(arguments: Namespace) -> int:
    fmt = reported.format_of(arguments.format, arguments.output, "png", ("png", "svg"))
    if fmt == "markdown":
        raise InputError("a picture is PNG, SVG, HTML or PDF; name the file so, or choose with --format")
    loaded = settings(arguments)
    with closing(open_reading(location(arguments, loaded), loaded.store.database)) as store:
        view = process.view(store, wanted_of(arguments, loaded, store))
    if not view.panels:
        raise InputError("no value was seen in that time; choose another --at or a longer --around")
    figure = picture(view, "process")
    if fmt in ("png", "svg"):
        data = figure.png if fmt == "png" else figure.svg.encode()
    else:
        made = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        data = reported.rendered(blocks(view, figure), fmt, made, arguments.output)
    reported.write(arguments.output, data)
    reported.told(arguments.output)
    return 0


def picture(view: View, name: str) -> Figure:
    try:
        from sensor.forensics import plot
    except ModuleNotFoundError as error:
        raise reported.needs(error, "a picture") from None
    return plot.drawn(view, name)


def wanted_of(arguments: Namespace, loaded: Config, store: Reading) -> Wanted:
    given = [name for name in ("alert", "incident", "at") if getattr(arguments, name) is not None]
    if len(given) > 1 or (not given and not (arguments.since and arguments.until)):
        raise InputError("say around what: --alert, --incident or --at, one of them; or --since and --until")
    if arguments.alert is not None:
        wanted = of_alert(store, arguments.alert, arguments.case)
    elif arguments.incident is not None:
        wanted = of_incident(store, arguments.incident, arguments.case)
    else:
        wanted = _of_time(arguments, store)
    return _narrowed(arguments, replace(wanted, units=loaded.units), store)


def _of_time(arguments: Namespace, store: Reading) -> Wanted:
    case = scopes.case_of(store, arguments.case)
    if arguments.at is not None:
        at = moment("--at", arguments.at)
        return process.Wanted(case, f"Case {case} around {arguments.at}", at, at, at)
    since, until = moment("--since", arguments.since), moment("--until", arguments.until)
    if since >= until:
        raise InputError("--since must be before --until")
    return process.Wanted(case, f"Case {case}", (since + until) // 2, since, until)


def of_alert(store: Reading, given: str, case: str | None) -> Wanted:
    """Tags that it names, and those of its target."""
    row = only(of_id(store, checked_id(given), case))
    if "incident_id" in row:
        raise InputError(f"{given!r} is an incident; write --incident {given}")
    at = nanoseconds(row["first_ts"])
    hosts = tuple(host for host in (address(row["dst_ip"]),) if host) or (address(row["src_ip"]),)
    title = f"{row['summary'][:_TITLE]} ({row['kind']}, {row['severity']}, alert {row['alert_id'][:12]})"
    named = process.named_tags(row["evidence"])
    return process.Wanted(row["case_id"], title, at, at, at, tuple(filter(None, hosts)), named=named)


def of_incident(store: Reading, given: str, case: str | None) -> Wanted:
    """What its model said, and what the streams that drifted did, from when it began."""
    row = only(of_id(store, checked_id(given), case))
    if "incident_id" not in row:
        raise InputError(f"{given!r} is an alert; write --alert {given}")
    return incident_view(store, row)


def incident_view(store: Reading, row: dict[str, object]) -> Wanted:
    case = str(row["case_id"])
    scope = scopes.of_incident(store, scopes.Scope(case), row)  # type: ignore[arg-type]
    span = scopes.span_of(store, scope)
    title = f"{str(row['title'])[:_TITLE]} (incident {str(row['incident_id'])[:12]})"
    streams = scopes.streams(store, scope)
    return process.Wanted(case, title, span[0], span[0], span[1], named=streams, models=scope.models)


def _narrowed(arguments: Namespace, wanted: Wanted, store: Reading) -> Wanted:
    around = _length(arguments.around) * _SECOND
    since, until = wanted.since - around, wanted.until + around
    if arguments.since is not None and arguments.until is not None and wanted.since < wanted.until:
        since, until = wanted.since, wanted.until
    if arguments.asset is not None:
        hosts = scopes.of_asset(store, scopes.Scope(wanted.case), arguments.asset).hosts
        wanted = replace(wanted, hosts=hosts)
    if arguments.model is not None:
        wanted = replace(wanted, models=(arguments.model,))
    for tag in arguments.tag:
        scopes.of_tag(store, scopes.Scope(wanted.case), tag)
    hosts = wanted.hosts if not arguments.tag or arguments.asset is not None else ()
    return replace(wanted, since=since, until=until, tags=tuple(arguments.tag), hosts=hosts)


def _length(given: str) -> int:
    found = _LENGTH.fullmatch(given.strip())
    if found is None or not 0 < int(found[1]) * _SECONDS[found[2]] <= _LONGEST:
        raise InputError(f"--around {given!r} is no length of time; write 10m, 2h or 1d")
    return int(found[1]) * _SECONDS[found[2]]


def blocks(view: View, figure: Figure) -> Iterator[Block]:
    yield Heading(1, f"Process view: {view.title}")
    yield Paragraph(f"Case {view.case}, times in UTC. A value holds until the next one; triangles are commands.")
    yield figure
    if view.marks:
        yield Heading(2, "Events")
        rows = [
            {"no": str(number), "at": _when(mark.ts), "severity": mark.severity, "what": mark.text, "id": mark.id[:12]}
            for number, mark in enumerate(view.marks, 1)
        ]
        yield table(rows)
    yield Heading(2, "Asked of the store")
    for what, sql in view.queries:
        yield Code(sql, what)


def _when(ts: int) -> str:
    return datetime.fromtimestamp(ts // _SECOND, UTC).strftime("%Y-%m-%d %H:%M:%S")
