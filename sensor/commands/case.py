"""`driftspan case ACTION`."""

from __future__ import annotations

import math
import shutil
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sensor import capture_files, cases
from sensor.alerts import ask
from sensor.case_name import check_case
from sensor.commands.common import location, opened, reading, settings, signature
from sensor.errors import InputError
from sensor.ledger import custody
from sensor.output import chosen_format, show_rows
from sensor.service.log import say
from sensor.store.literal import quote
from sensor.when import iso

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Callable

    from sensor import config
    from sensor.store import Reading, Store

_MOST_SHIFT = 100 * 366 * 86_400.0  # seconds
_SECOND = 10**9
_TOLD = ("who", "what", "target", "detail")
Row = dict[str, object]


def run(arguments: Namespace) -> int:
    if getattr(arguments, "case", None) is not None:
        check_case(arguments.case)
    return _ACTIONS[arguments.action](arguments)


def _new(arguments: Namespace) -> int:
    who, note = signature(arguments)
    with _writing(arguments) as store:
        case = cases.begin(store, arguments.case, arguments.title, who, note)
    return _shown(arguments, [_about(case, 0)])


def _add(arguments: Namespace) -> int:
    who, note = signature(arguments)
    shift = _shift(arguments.clock)
    paths = capture_files.expanded(arguments.captures, say)
    with _writing(arguments) as store:
        cases.the_open(store, arguments.case)
        found = cases.add(store, arguments.case, paths, shift, who, note, say)
    return _shown(arguments, [_captured(capture, None) for capture in found])


def _shift(seconds: float) -> int:
    if not (math.isfinite(seconds) and abs(seconds) <= _MOST_SHIFT):
        raise InputError("--clock must be a number of seconds, as in --clock -3600.5")
    return round(seconds * _SECOND)


def _list(arguments: Namespace) -> int:
    with reading(arguments) as store:
        found = cases.known(store)
        replayed = ask(
            store, "SELECT case_id, count() AS captures FROM captures FINAL WHERE case_id != 'live' GROUP BY case_id"
        )
        counts = {row["case_id"]: int(row["captures"]) for row in replayed}
        added = {name: len(cases.captures(store, name)) for name in found}
    rows = [_about(case, added[name]) | {"replayed": counts.get(name, 0)} for name, case in found.items()]
    rows += [
        {"case": name, "state": "replayed only", "title": "", "begun": "", "by": "", "captures": 0, "replayed": count}
        for name, count in sorted(counts.items())
        if name not in found
    ]
    _tell_interrupted(found)
    return _shown(arguments, rows)


def _tell_interrupted(found: dict[str, cases.Case]) -> None:
    for name, case in found.items():
        if case.state == cases.DELETING:
            say(
                f"case {name!r} is half taken away: 'driftspan case delete {name} --yes' finishes that",
                "warning",
            )


def _about(case: cases.Case, captures: int) -> Row:
    return {"case": case.case_id, "state": case.state, "title": case.title, "begun": iso(case.begun),
            "by": case.analyst, "captures": captures}  # fmt: skip


def _show(arguments: Namespace) -> int:
    with reading(arguments) as store:
        if arguments.custody:
            return _shown(arguments, _custody(store, arguments.case))
        case = cases.the(store, arguments.case)
        found = cases.captures(store, arguments.case)
    _tell_interrupted({case.case_id: case})
    rows, end = [], None
    for capture in found:
        rows.append(_captured(capture, end))
        end = max(end or 0, capture.last_ts)
    return _shown(arguments, rows)


def _custody(store: Reading, case: str) -> list[Row]:
    rows = ask(
        store,
        "SELECT toUnixTimestamp64Nano(ts) AS at, who, what, target, detail FROM custody"
        f" WHERE case_id = {quote(case)} ORDER BY ts, entry",
    )
    return [{"ts": iso(int(row["at"]))} | {name: row[name] for name in _TOLD} for row in rows]


def _captured(capture: cases.CaseCapture, end: int | None) -> Row:
    """`end`: of those before; a gap below 0 says how long both saw packets."""
    gap = "" if end is None else round((capture.first_ts - end) / _SECOND, 6)
    return {
        "path": capture.path, "sha256": capture.sha256, "size": capture.size, "format": capture.format,
        "first": iso(capture.first_ts), "last": iso(capture.last_ts), "gap_seconds": gap, "packets": capture.packets,
        "links": list(capture.links), "cut_packets": capture.truncated_packets, "dropped": capture.dropped,
        "skipped_blocks": capture.skipped_blocks, "clock_seconds": capture.shift / _SECOND, "id": capture.id,
        "note": capture.warning,
    }  # fmt: skip


def _replay(arguments: Namespace) -> int:
    from sensor import chosen
    from sensor.commands.replay import replay

    who, note = signature(arguments)
    wanted = chosen.chosen(arguments)
    with _writing(arguments) as store:
        cases.the_open(store, arguments.case)
        found = [capture for capture in cases.captures(store, arguments.case) if _meets(capture, wanted)]
        if not found:
            raise InputError(f"case {arguments.case!r} has no capture of that time; 'driftspan case show' lists them")
        cases.check_there(found)
        told: dict[str, object] = {"captures": len(found), "resume": arguments.resume, "note": note}
        custody.append(store, arguments.case, who, "case.replay", detail=told | wanted.told())
    arguments.captures = [capture.path for capture in found]
    return replay(arguments, [capture.shift for capture in found], {capture.path: capture.id for capture in found})


def _meets(capture: cases.CaseCapture, wanted: Any) -> bool:
    return bool(capture.first_ts <= wanted.last and capture.last_ts >= wanted.first)


def _frame(arguments: Namespace) -> int:
    from sensor.packet_keys import Keys
    from sensor.packets import dissected

    with reading(arguments) as store:
        capture = _of_frame(store, arguments)
    keys = Keys.of(arguments.tls_keys, arguments.opcua_keys)
    found, why = dissected(capture["path"], capture["id"], [arguments.frame], keys)
    if not found:
        raise InputError(why or f"{capture['path']}: has no frame {arguments.frame}")
    if chosen_format(arguments.format) != "table":
        return _shown(arguments, found)
    from sensor.commands.show import packet_lines

    sys.stdout.write("\n".join(packet_lines(found, min(100, shutil.get_terminal_size().columns))) + "\n")
    return 0


def _of_frame(store: Reading, arguments: Namespace) -> dict[str, Any]:
    if arguments.frame < 1:
        raise InputError("frames are numbered from 1")
    sql = f"SELECT id, path FROM captures FINAL WHERE case_id = {quote(arguments.case)} ORDER BY path"
    found = ask(store, sql) or [
        {"id": capture.id, "path": capture.path} for capture in cases.captures(store, arguments.case)
    ]
    fitting = [row for row in found if arguments.capture in (row["id"], "") or arguments.capture in row["path"]]
    if len(fitting) != 1:
        what = f"no capture {arguments.capture!r}" if not fitting else f"{len(fitting)} such captures"
        raise InputError(f"case {arguments.case!r} has {what}; choose one with --capture: an id, or part of a path")
    return fitting[0]


def _set(state: str, what: str) -> Callable[[Namespace], int]:
    def change(arguments: Namespace) -> int:
        who, note = signature(arguments)
        with _writing(arguments) as store:
            case = cases.the(store, arguments.case)
            if case.state == state:
                say(f"case {arguments.case!r} is {state} already")
                return 0
            cases.say_state(store, case, state)
            custody.append(store, arguments.case, who, what, detail={"note": note})
        return 0

    return change


def _delete(arguments: Namespace) -> int:
    who, note = signature(arguments)
    loaded = settings(arguments)
    with _writing(arguments) as store:
        case = cases.known(store).get(arguments.case) or _only_replayed(store, arguments.case)
        if not arguments.yes:
            raise InputError(
                f"this takes away all rows, alerts, evidence and verdicts of case {arguments.case!r} and cannot be "
                "taken back; say it with --yes"
            )
        counts = cases.delete(store, case, _beside(arguments, loaded, arguments.case), who, note)
    rows = sum(counts.values())
    say(f"case {arguments.case!r} was taken away: {rows} rows. Its captures are where they were")
    return _shown(arguments, [{"table": table, "rows": count} for table, count in sorted(counts.items())])


def _only_replayed(store: Reading, name: str) -> cases.Case:
    if not ask(store, f"SELECT 1 AS n FROM captures WHERE case_id = {quote(name)} LIMIT 1"):
        return cases.the(store, name)  # which says that there is none
    return cases.Case(name, 0, cases.OPEN, "", "")


def _beside(arguments: Namespace, loaded: config.Config, case: str) -> dict[str, Path]:
    """Directories of the case beside the store."""
    from sensor.evidence.keeping import local, root_of
    from sensor.evidence.shelf import folder_of
    from sensor.resume import SUFFIX

    where = location(arguments, loaded)
    name = folder_of(case)
    return {"evidence": root_of(where, loaded.evidence) / name, "resume": Path(f"{local(where)}{SUFFIX}") / name}


class _writing:  # noqa: N801  used like a function
    """The store, to write; what an interrupted deletion left is taken away first, and said."""

    def __init__(self, arguments: Namespace) -> None:
        self._arguments = arguments

    def __enter__(self) -> Store:
        loaded = settings(self._arguments)
        store = self._store = opened(self._arguments, loaded)
        try:
            for name, case in cases.known(store).items():
                if case.state == cases.DELETING:
                    who = "driftspan"
                    cases.delete(store, case, _beside(self._arguments, loaded, name), who, "")
                    say(f"taking away case {name!r} had been interrupted: it is finished now", "warning")
        except BaseException:
            store.close()
            raise
        return store

    def __exit__(self, *_: object) -> None:
        with closing(self._store):
            pass


def _shown(arguments: Namespace, rows: list[Any]) -> int:
    show_rows(rows, chosen_format(arguments.format))
    return 0


_ACTIONS: dict[str, Callable[[Namespace], int]] = {
    "new": _new, "add": _add, "list": _list, "show": _show, "replay": _replay, "frame": _frame,
    "close": _set(cases.CLOSED, "case.close"), "reopen": _set(cases.OPEN, "case.reopen"), "delete": _delete,
}  # fmt: skip
