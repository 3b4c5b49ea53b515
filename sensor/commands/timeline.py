"""`driftspan timeline`: what happened, in one order."""

from __future__ import annotations

import re
import sys
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sensor import model_registry
from sensor.alerts import ask, checked_id, of_id, only
from sensor.cli_forensics import KINDS, ROWS
from sensor.commands import reported
from sensor.commands.common import location, settings
from sensor.errors import InputError
from sensor.forensics import scope as scopes
from sensor.forensics import timeline
from sensor.output import show_query
from sensor.report import Code, Heading, Paragraph
from sensor.service.log import say
from sensor.store import open_reading
from sensor.store.guard import check_reading
from sensor.when import literal

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterator

    from sensor.config import Config
    from sensor.forensics.scope import Scope
    from sensor.report import Block
    from sensor.store import Reading

_TABLE_ROWS = 1000
_FOLD = re.compile(r"(\d+)\s*([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_NARROW = (
    "SELECT substring(toString(t.at), 1, 19) AS at,"
    " if(t.until > t.at, substring(toString(t.until), 1, 19), '') AS until, kind, severity,"
    " if(t.src_ip = toIPv6('::'), '', toString(t.src_ip)) AS source,"
    " if(t.dst_ip = toIPv6('::'), '', toString(t.dst_ip)) AS target, what, count, substring(t.id, 1, 12) AS id"
    " FROM ({sql}) AS t"
)


def run(arguments: Namespace) -> int:
    fmt = reported.rows_or_report(arguments, ROWS)
    loaded = settings(arguments)
    with closing(open_reading(location(arguments, loaded), loaded.store.database)) as store:
        scope = scope_of(arguments, loaded, store)
        fold = _seconds(arguments.fold) if arguments.fold is not None else timeline.fold_of(store, scope)
        limit = _limit(arguments, fmt)
        sql = check_reading(timeline.statement(scope, listed("--kinds", arguments.kinds, KINDS), fold, limit))
        if arguments.sql:
            sys.stdout.write(sql + "\n")
        elif fmt in ROWS:
            shown = show_query(store, _NARROW.format(sql=sql) if fmt == "table" else sql, fmt)
            if fmt == "table" and arguments.limit is None and shown == limit:
                say(f"only the first {limit} rows are shown; --limit 0 shows all")
        else:
            made = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
            data = reported.rendered(_blocks(store, scope, sql), fmt, made, arguments.output)
            reported.write(arguments.output, data)
            reported.told(arguments.output)
    return 0


def scope_of(arguments: Namespace, loaded: Config, store: Reading) -> Scope:
    given = [name for name in ("asset", "model", "incident") if getattr(arguments, name, None) is not None]
    if len(given) > 1 or (arguments.tag and given[:1] not in ([], ["asset"])):
        raise InputError("choose one of --asset, --tag, --model and --incident; --tag goes with --asset")
    since = literal("--since", arguments.since) if arguments.since is not None else ""
    until = literal("--until", arguments.until) if arguments.until is not None else ""
    if arguments.incident is not None:
        return of_incident(store, arguments.incident, arguments.case, since, until)
    scope = scopes.Scope(scopes.case_of(store, arguments.case), since=since, until=until)
    if arguments.model is not None:
        known = model_registry.running(store, loaded.models)
        return scopes.of_model(store, scope, arguments.model, known, loaded.data_sources)
    if arguments.asset is not None:
        scope = scopes.of_asset(store, scope, arguments.asset)
    return scopes.of_tag(store, scope, arguments.tag) if arguments.tag else scope


def of_incident(store: Reading, given: str, case: str | None, since: str = "", until: str = "") -> Scope:
    row = only(of_id(store, checked_id(given), case))
    if "incident_id" not in row:
        raise InputError(f"{given!r} is an alert, no incident; 'driftspan show {given}' tells of it")
    return scopes.of_incident(store, scopes.Scope(row["case_id"], since=since, until=until), row)


def listed(option: str, given: str | None, known: tuple[str, ...]) -> tuple[str, ...]:
    names = tuple(filter(None, (part.strip() for part in (given or "").split(","))))
    for name in names:
        if name not in known:
            raise InputError(f"{option}: there is no {name!r}; there are {', '.join(known)}")
    return tuple(name for name in known if name in names)


def _seconds(given: str) -> int:
    found = _FOLD.fullmatch(given.strip())
    if found is None and given.strip() != "0":
        raise InputError(f"--fold {given!r} is no length of time; write 10m, 1h or 1d, or 0 to fold nothing")
    return min(int(found[1]) * _SECONDS[found[2]], 366 * 86400) if found else 0


def _limit(arguments: Namespace, fmt: str) -> int:
    if arguments.limit is None:
        return _TABLE_ROWS if fmt == "table" else 0
    if arguments.limit < 0:
        raise InputError("--limit must not be negative; 0 shows all")
    return int(arguments.limit)


def _blocks(store: Reading, scope: Scope, sql: str) -> Iterator[Block]:
    from sensor.forensics.words import timeline_table

    rows = ask(store, sql)
    about = replace(scope, title=scope.title or "the whole case").title
    yield Heading(1, f"Timeline of {about}")
    yield Paragraph(
        f"Case {scope.case}, {len(rows)} rows, all times in UTC. What repeats itself is one row with its number."
    )
    yield timeline_table(rows)
    yield Code(sql, "Asked of the store")
