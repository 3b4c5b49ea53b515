"""`driftspan report CASE`: a case written up."""

from __future__ import annotations

import hashlib
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from sensor import config
from sensor.alerts import ask
from sensor.commands import reported
from sensor.commands.common import location
from sensor.commands.compare import learnt_pipeline
from sensor.commands.process import incident_view, of_alert, picture
from sensor.errors import DriftspanError, InputError
from sensor.forensics import case_queries, case_report, compare, process
from sensor.forensics.case_report import Compared, Made, Pictured
from sensor.forensics.scope import Scope, case_of
from sensor.program import version
from sensor.service.log import say
from sensor.store import open_reading
from sensor.when import literal

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterator

    from sensor.config import Config
    from sensor.forensics.process import Wanted
    from sensor.store import Reading

PICTURES = 4  # of a report
_AROUND = 3600 * 10**9
_CHUNK = 1 << 20
_PANELS = 5  # of a picture that has to be read on paper
# Of what changes the process, the first of each host: what one would look at first.
_DRAWN = (
    "SELECT alert_id FROM alerts WHERE {where} AND severity >= 'high' AND (startsWith(kind, 'new_writer.')"
    " OR startsWith(kind, 'commands.')) ORDER BY first_ts, alert_id LIMIT 1 BY dst_ip LIMIT {most}"
)


def run(arguments: Namespace) -> int:
    fmt = reported.format_of(arguments.format, arguments.output, "markdown")
    if arguments.against is not None and arguments.baseline is not None:
        raise InputError("compare with a case (--against) or with what was learnt (--baseline), not both")
    path = config.find(arguments.config)
    loaded = config.load(path)
    where = location(arguments, loaded)
    with closing(open_reading(where, loaded.store.database)) as store:
        scope = Scope(
            case_of(store, arguments.case),
            since=literal("--since", arguments.since) if arguments.since is not None else "",
            until=literal("--until", arguments.until) if arguments.until is not None else "",
        )
        compared = _compared(arguments, store, scope, loaded, path, where)
        made = Made(version(), _now(), where, _sums(store, scope))
        pictures = list(_pictures(store, scope, loaded))
        blocks = list(case_report.blocks(store, scope, made, pictures, compared))
    reported.write(arguments.output, reported.rendered(blocks, fmt, made.made, arguments.output))
    reported.told(arguments.output)
    return 0


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _compared(
    arguments: Namespace, store: Reading, scope: Scope, loaded: Config, path: Path | None, where: str
) -> Compared | None:
    if arguments.against is not None:
        other = case_of(store, arguments.against)
        sql = compare.statement(other, scope.case)
        return Compared(f"case {other}", ask(store, sql), (sql,))
    if arguments.baseline is not None:
        from sensor.forensics import learnt

        pipeline = learnt_pipeline(arguments.baseline, loaded, path, where)
        asked = tuple(learnt.questions(scope.case).values())
        return Compared("what was learnt", learnt.compare(store, scope.case, pipeline), asked)
    return None


def _sums(store: Reading, scope: Scope) -> dict[str, str]:
    """SHA-256 of each capture of the case that still lies where it was."""
    return {row["path"]: _sum(Path(row["path"])) for row in ask(store, case_queries.captures(scope))}


def _sum(path: Path) -> str:
    digest = hashlib.sha256()
    try:
        with path.open("rb") as handle:
            while piece := handle.read(_CHUNK):
                digest.update(piece)
    except OSError as error:
        return f"not there: {error.strerror}"
    return digest.hexdigest()


def _pictures(store: Reading, scope: Scope, loaded: Config) -> Iterator[Pictured]:
    """Around each incident, and around the first grave command to each host. Without the library that draws, the report
    is made all the same, and says so."""
    wanted: list[Wanted] = []
    for row in ask(store, case_queries.incidents(scope)):
        found = incident_view(store, row)
        wanted.append(replace(found, since=found.since - _AROUND, until=found.until + _AROUND))
    sql = _DRAWN.format(where=scope.where("first_ts", "last_ts"), most=PICTURES)
    for row in ask(store, sql):
        found = of_alert(store, row["alert_id"], scope.case)
        wanted.append(replace(found, since=found.at - _AROUND, until=found.at + _AROUND))
    for number, each in enumerate(wanted[:PICTURES], 1):
        view = process.view(store, replace(each, units=loaded.units, panels=_PANELS))
        if not view.panels:
            continue
        try:
            figure = picture(view, f"figure-{number}")
        except DriftspanError as error:
            say(f"the report has no pictures: {error}")
            return
        yield Pictured(view.title, figure, view.queries)
