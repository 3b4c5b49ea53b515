"""`driftspan compare A B`: what one case has that another has not, or that a baseline does not know."""

from __future__ import annotations

import ipaddress
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sensor import config
from sensor.alerts import ask
from sensor.case_name import LIVE
from sensor.cli_forensics import ASPECTS, ROWS
from sensor.commands import reported
from sensor.commands.common import location
from sensor.commands.timeline import listed
from sensor.errors import InputError
from sensor.forensics import compare
from sensor.forensics.scope import case_of
from sensor.output import show_query, show_rows
from sensor.places import spool_of
from sensor.report import Code, Heading, Paragraph
from sensor.store import open_reading
from sensor.store.guard import check_reading

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterator

    from detectors.pipeline import Pipeline
    from sensor.report import Block
    from sensor.store import Reading

LEARNT = ("asset", "behaviour", "value")  # what a baseline knows of
_NARROW = (
    "SELECT aspect, change, host, peer, what, before, after, if(c.first_ts = 0, '',"
    " substring(toString(c.first_ts), 1, 19)) AS first, count, frame FROM ({sql}) AS c"
)


def run(arguments: Namespace) -> int:
    fmt = reported.rows_or_report(arguments, ROWS)
    aspects, host = listed("--only", arguments.only, ASPECTS), address(arguments.host)
    if (arguments.b is None) == (arguments.baseline is None):
        raise InputError("name two cases, A and B, or one case and --baseline")
    path = config.find(arguments.config)
    loaded = config.load(path)
    where = location(arguments, loaded)
    pipeline = learnt_pipeline(arguments.baseline, loaded, path, where) if arguments.baseline is not None else None
    with closing(open_reading(where, loaded.store.database)) as store:
        cases = [case_of(store, name) for name in (arguments.a, arguments.b) if name is not None]
        if pipeline is not None:
            _learnt(arguments, store, cases[0], pipeline, aspects, host, fmt)
            return 0
        sql = check_reading(compare.statement(cases[0], cases[1], aspects, host, gone=not arguments.new))
        if arguments.sql:
            sys.stdout.write(sql + "\n")
        elif fmt in ROWS:
            show_query(store, _NARROW.format(sql=sql) if fmt == "table" else sql, fmt)
        else:
            _report(arguments, fmt, ask(store, sql), f"case {cases[1]} against case {cases[0]}", [sql])
    return 0


def _learnt(
    arguments: Namespace, store: Reading, case: str, pipeline: Pipeline, aspects: tuple[str, ...], host: str, fmt: str
) -> None:
    from sensor.forensics import learnt

    if other := [name for name in aspects if name not in LEARNT]:
        raise InputError(
            f"--only {other[0]}: a baseline knows of {', '.join(LEARNT)} only; compare with a case instead"
        )
    asked = [check_reading(sql) for name, sql in learnt.questions(case, host).items() if name in (aspects or LEARNT)]
    if arguments.sql:
        sys.stdout.write("\n\n".join(asked) + "\n")
        return
    rows = learnt.compare(store, case, pipeline, aspects, host, gone=not arguments.new)
    if fmt == "table":
        show_rows([{name: row[name] for name in row if name not in ("capture", "last_ts")} for row in rows], fmt)
    elif fmt in ROWS:
        show_rows(rows, fmt)
    else:
        _report(arguments, fmt, rows, f"case {case} against what was learnt", asked)


def _report(arguments: Namespace, fmt: str, rows: list[dict[str, Any]], title: str, asked: list[str]) -> None:
    made = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    data = reported.rendered(_blocks(rows, title, asked), fmt, made, arguments.output)
    reported.write(arguments.output, data)
    reported.told(arguments.output)


def _blocks(rows: list[dict[str, Any]], title: str, asked: list[str]) -> Iterator[Block]:
    from sensor.forensics.words import difference_blocks

    yield Heading(1, f"Comparison: {title}")
    yield Paragraph(f"{len(rows)} differences, all times in UTC. Gone means not seen again in this time.")
    yield from difference_blocks(rows, 2)
    for sql in asked:
        yield Code(sql, "Asked of the store")


def learnt_pipeline(file: str, loaded: config.Config, path: Path | None, where: str) -> Pipeline:
    """What was learnt: of a file, or of the sensor that runs, or ran last, at this store."""
    config.check_detectors(loaded, path)
    from sensor import baseline
    from sensor.replay import pipeline_of

    saved = Path(file) if file else spool_of(where, loaded.store.spool) / "state"
    if not file and not saved.exists():
        raise InputError(f"{saved}: no sensor has saved what it learnt there; name a file of --save-baseline")
    pipeline = pipeline_of(loaded, LIVE)
    baseline.restore(saved, pipeline, loaded)
    return pipeline


def address(given: str | None) -> str:
    try:
        return str(ipaddress.ip_address(given.strip())) if given else ""
    except ValueError:
        raise InputError(f"--host {given!r} is no IP address") from None
