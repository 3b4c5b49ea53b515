"""`driftspan sigma list|check|run`: detections that people write."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from sensor.commands.common import location, reading, settings
from sensor.output import chosen_format, show_rows
from sensor.service.log import say
from sensor.sigma.rules import load, of_path, parse
from sensor.sigma.run import detect, keep
from sensor.store import open_saying
from sensor.when import literal

if TYPE_CHECKING:
    from argparse import Namespace

    from sensor.sigma.rules import Rule


def run(arguments: Namespace) -> int:
    return {"list": _list, "check": _check, "run": _run}[arguments.action](arguments)


def _rules(arguments: Namespace) -> list[Rule]:
    section = settings(arguments).sigma
    if arguments.rules:
        section = replace(section, rules=(*section.rules, *arguments.rules))
    return load(section)


def _list(arguments: Namespace) -> int:
    found = _rules(arguments)
    show_rows([_row(rule) for rule in found], chosen_format(arguments.format))
    return 0


def _row(rule: Rule) -> dict[str, object]:
    return {"id": rule.id, "title": rule.title, "service": rule.service, "severity": rule.severity,
            "techniques": list(rule.techniques), "file": rule.file}  # fmt: skip


def _check(arguments: Namespace) -> int:
    """All files that are named, or the configuration's; the first that is wrong ends it."""
    found = [rule for name in arguments.files for text in of_path(Path(name)) for rule in parse(text[1], text[0])]
    if not arguments.files:
        found = _rules(arguments)
    rows = [_row(rule) | {"sql": f"SELECT * FROM {rule.table.name} WHERE {rule.condition}"} for rule in found]
    show_rows(rows, chosen_format(arguments.format))
    say(f"{len(found)} rules are as they must be")
    return 0


def _run(arguments: Namespace) -> int:
    rules = _rules(arguments)
    since = literal("--since", arguments.since) if arguments.since is not None else ""
    with reading(arguments) as store:
        found = detect(store, rules, say, arguments.case or "", since)
    if not arguments.dry_run and found:
        loaded = settings(arguments)
        where = location(arguments, loaded)
        with closing(open_saying(where, loaded.store.database, loaded.sensor.name, loaded.layout())) as saying:
            keep(saying, found)
    columns = ("alert_id", "title", "severity", "src_ip", "dst_ip", "count", "case_id")
    show_rows([{name: alert[name] for name in columns} for alert in found], chosen_format(arguments.format))
    say(f"{len(found)} alerts of {len(rules)} rules" + (", none of them stored" if arguments.dry_run else ""))
    return 0
