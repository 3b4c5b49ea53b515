"""`driftspan export --to FORMAT`: records for other tools, once or for as long as there is news."""

from __future__ import annotations

import signal
import time
from contextlib import closing, contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, cast

import orjson

from sensor.commands.common import location, settings
from sensor.commands.listing import SHOWN
from sensor.errors import DriftspanError, InputError
from sensor.export import events, formats, record
from sensor.export.cursor import Cursor, default_cursor
from sensor.export.follow import Follow
from sensor.export.job import Job, check
from sensor.export.navigator import Seen
from sensor.export.source import Wanted, pages
from sensor.export.ways import AwayError, Message
from sensor.export.ways.file import Lines
from sensor.export.ways.syslog import Trust
from sensor.keeper.client import KeeperStore
from sensor.service.log import configure, say
from sensor.store import check_store, open_beside, open_reading
from sensor.store.guard import check_condition, tokens
from sensor.when import literal

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterable, Iterator

    from sensor.config import Config
    from sensor.export.record import Record
    from sensor.export.ways import Way
    from sensor.store import Reading

_TRIES = (1, 2, 4, 8)  # seconds before each further try of what is sent once


def run(arguments: Namespace) -> int:
    if arguments.to is None:
        raise InputError(f"name a format: --to {', '.join((*formats.NAMES, 'navigator'))}")
    loaded = settings(arguments)
    where = location(arguments, loaded)
    if arguments.to == "parquet" or arguments.tables is not None:
        return _parquet(arguments, loaded, where)
    if arguments.events is not None or arguments.to == "navigator":
        return _other(arguments, loaded, where)
    job = job_of(arguments)
    check(job)
    if arguments.follow:
        return _follow(arguments, loaded, where, job)
    with closing(job.way(follow=False)) as way, _opened(where, loaded) as (store, beside):
        if job.to == "stix" and not (job.syslog or job.webhook):
            return _bundle(pages(store, job.wanted, beside), cast("Lines", way))
        sent = 0
        for page in pages(store, job.wanted, beside):
            sent += _sent(way, [Message(r, formats.encoded(job.to, r, way.longest)) for r in page], sent)
    if job.output not in ("", "-") or job.syslog or job.webhook:
        say(f"{sent} records were exported")
    return 0


@contextmanager
def _opened(where: str, loaded: Config) -> Iterator[tuple[Reading, Reading]]:
    """The store, and one to ask while an answer of it is under way."""
    with closing(open_reading(where, loaded.store.database)) as store:
        if isinstance(store, KeeperStore):  # every question has a connection of its own
            yield store, store
            return
        with closing(open_beside(where, loaded.store.database)) as beside:
            yield store, beside


def job_of(arguments: Namespace) -> Job:
    if arguments.key and not arguments.certificate:
        raise InputError("--key needs --certificate, whose key it is")
    return Job(
        name=arguments.to,
        to=arguments.to,
        wanted=wanted_of(arguments),
        output=arguments.output or "",
        syslog=arguments.syslog or "",
        webhook=arguments.webhook or "",
        trust=Trust(arguments.ca, arguments.certificate, arguments.key),
        secret_file=arguments.secret_file,
    )


def wanted_of(arguments: Namespace) -> Wanted:
    names = arguments.records or (["alerts"] if arguments.where else ["alerts", "incidents", "drift"])
    kinds = tuple(kind for kind in record.KINDS if kind in names or f"{kind}s" in names)
    asked = arguments.where is not None and ("word", "status") in tokens(arguments.where)
    status: tuple[str, ...] = SHOWN if not asked else ()
    if arguments.status is not None:
        status = () if arguments.status == "all" else (arguments.status,)
    return Wanted(
        kinds,
        literal("--since", arguments.since) if arguments.since is not None else "",
        literal("--until", arguments.until) if arguments.until is not None else "",
        arguments.severity or "",
        status,
        arguments.case or "",
        check_condition(arguments.where) if arguments.where is not None else "",
    )


def _sent(way: Way, messages: list[Message], before: int) -> int:
    """Gives how many were taken. Once is once: after some tries it fails, and says how far it came."""
    tries: tuple[int | None, ...] = (*_TRIES, None)
    for pause in tries:
        try:
            refused = way.send(messages)
        except AwayError as error:
            if pause is None:
                raise DriftspanError(f"{error}; {before} records were sent before") from None
            time.sleep(pause)
            continue
        if refused:
            say(f"{len(refused)} records were refused, the first is {refused[0].record.id}", "error")
        return len(messages) - len(refused)
    return 0


def _bundle(found: Iterable[list[Record]], out: Lines) -> int:
    """One bundle of all: what several records have in common stands in it once."""
    from sensor.export import stix

    digest, seen, comma = blake2b(digest_size=16), set(), b""
    out.write(b'{"type":"bundle","objects":[')
    for item in (item for page in found for one in page for item in stix.objects_of(one)):
        if item["id"] in seen:
            continue
        if item["type"] not in stix.OF_ONE_RECORD:
            seen.add(item["id"])
        digest.update(item["id"].encode())
        out.write(comma + b"\n" + orjson.dumps(item))
        comma = b","
    out.write(b'\n],"id":"%s"}\n' % stix.bundle_id(digest.hexdigest()).encode())
    return 0


def _other(arguments: Namespace, loaded: Config, where: str) -> int:
    """What is no record a line: a layer of the Navigator, and protocol rows."""
    if arguments.follow or arguments.syslog or arguments.webhook:
        what = "--events" if arguments.events is not None else "--to navigator"
        raise InputError(f"{what} goes to a file or stdout, once; --follow, --syslog and --webhook are for records")
    if arguments.events is not None and arguments.to != "eve":
        raise InputError("--events are protocol rows in Suricata's form; they need --to eve")
    wanted = wanted_of(arguments)
    rows = () if arguments.events is None else events.names(arguments.events)
    if rows and (arguments.where or arguments.severity or arguments.status or arguments.records):
        raise InputError("--events takes --since, --until and --case only")
    with (
        closing(Lines(arguments.output or "-", append=False)) as out,
        _opened(where, loaded) as (store, beside),
    ):
        if rows:
            for lines in events.lines(store, rows, wanted.since, wanted.until, wanted.case):
                out.write(lines)
            return 0
        seen = Seen()
        for page in pages(store, wanted, beside):
            for one in page:
                seen.add(one)
        out.write(orjson.dumps(seen.layer(), option=orjson.OPT_INDENT_2) + b"\n")
    return 0


def _parquet(arguments: Namespace, loaded: Config, where: str) -> int:
    """Tables of a case, each a file in the directory."""
    from sensor.forensics import parquet
    from sensor.forensics.scope import Scope, case_of

    wanted = wanted_of(arguments)
    others = ("follow", "syslog", "webhook", "events", "where", "severity", "status", "records")
    if arguments.to != "parquet" or any(getattr(arguments, name) for name in others):
        raise InputError("--to parquet writes files, once: it takes --tables, --case, --since, --until and --output")
    if arguments.output in (None, "-"):
        raise InputError("--to parquet needs a directory: --output DIR")
    names = parquet.check(filter(None, (arguments.tables or "").split(",")))
    with closing(open_reading(where, loaded.store.database)) as store:
        scope = Scope(case_of(store, wanted.case or None), since=wanted.since, until=wanted.until)
        rows = parquet.export(store, scope, Path(arguments.output), names, arrow=not where.startswith("clickhouse"))
    say(f"{sum(rows.values())} rows of {len(rows)} tables were exported to {arguments.output}")
    return 0


def _follow(arguments: Namespace, loaded: Config, where: str, job: Job) -> int:
    configure(loaded.log)
    path = Path(arguments.cursor) if arguments.cursor else default_cursor(where, job)
    with closing(job.way(follow=True)) as way, closing(Cursor(path)) as cursor:
        check_store(where, loaded.store.database)
        follow = Follow(job, way, cursor, lambda: open_reading(where, loaded.store.database), say)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: follow.end())
        follow.run()
        say(f"{follow.sent} records were exported; {path} says how far that is")
    return 0
