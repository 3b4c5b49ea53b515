"""Approved changes from the files of a ticket system: CSV or JSON, columns known by several names."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from detectors import address
from detectors.changes import ACTIONS, Change
from sensor.alerting import nanoseconds
from sensor.config_read import unknown
from sensor.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

MOST_BYTES = 64 * 1024 * 1024
MOST_ROWS = 100_000
# The first name that a row has counts. Those after ours are what ServiceNow and its like write into exports.
COLUMNS = {
    "id": ("id", "number", "change", "change_number", "change_id", "ticket"),
    "start": ("start", "start_date", "planned_start_date", "planned_start", "scheduled_start", "begin", "from"),
    "end": ("end", "end_date", "planned_end_date", "planned_end", "scheduled_end", "until", "to"),
    "hosts": ("hosts", "host", "ip_addresses", "ip_address", "ip", "addresses", "targets"),
    "actions": ("actions", "action", "operations"),
    "note": ("note", "short_description", "description", "summary", "title", "comment"),
}
_NEEDED = ("id", "start", "end")
_LISTED = re.compile(r"[\s,;|]+")
_WRAPPERS = ("changes", "records", "result", "results")


def load(paths: Iterable[str]) -> tuple[Change, ...]:
    """The changes of all files; InputError names file, line and mend."""
    return tuple(change for path in paths for change in _read(path))


def _read(path: str) -> list[Change]:
    try:
        with Path(path).open("rb") as handle:
            data = handle.read(MOST_BYTES + 1)
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file of changes; check [alerting] changes") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    if len(data) > MOST_BYTES:
        raise InputError(f"{path}: is larger than {MOST_BYTES // 1024**2} MiB; export fewer changes")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError(f"{path}:{line}: is no UTF-8 text; save it as UTF-8") from None
    rows = _json(path, text) if text.lstrip()[:1] in ("[", "{") else _csv(path, text)
    found: list[Change] = []
    for place, row in rows:
        if len(found) >= MOST_ROWS:
            raise InputError(f"{place}: there are more than {MOST_ROWS} changes; export fewer")
        found.append(_change(place, row))
    return found


def _csv(path: str, text: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    names: list[str] = []
    try:
        for row in reader:
            place = f"{path}:{reader.line_num}"
            if not any(cell.strip() for cell in row):
                continue
            if not names:
                names = [_name(cell) for cell in row]
                _check_names(place, names)
            elif len(row) != len(names):
                raise InputError(f"{place}: has {len(row)} cells where the header names {len(names)}")
            else:
                yield place, dict(zip(names, row, strict=True))
    except csv.Error as error:
        raise InputError(f"{path}:{reader.line_num}: is no CSV: {error}") from None
    if not names:
        raise InputError(f"{path}: is empty; a CSV of changes begins with {','.join(COLUMNS)}")


def _check_names(place: str, names: list[str]) -> None:
    for column in _NEEDED:
        if not any(alias in names for alias in COLUMNS[column]):
            raise InputError(f"{place}: the header has no column {column!r}; it may be called {_either(column)}")


def _json(path: str, text: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError(f"{path}:{error.lineno}: is no JSON: {error.msg} (column {error.colno})") from None
    except RecursionError:
        raise InputError(f"{path}: is nested too deeply for a list of changes") from None
    if isinstance(data, dict):
        data = next((data[key] for key in _WRAPPERS if key in data), data)
    if not isinstance(data, list):
        raise InputError(f'{path}: must be a list of changes, as in [{{"id": …, "start": …, "end": …}}]')
    for number, row in enumerate(data, start=1):
        place = f"{path}: change number {number}"
        if not isinstance(row, dict):
            raise InputError(f"{place}: must be an object with {', '.join(COLUMNS)}")
        yield place, {_name(key): value for key, value in row.items()}


def _change(place: str, row: Mapping[str, Any]) -> Change:
    id_ = _text(place, row, "id")
    if not id_:
        raise InputError(f"{place}: has no {_either('id')}")
    start, end = (_time(place, row, column) for column in ("start", "end"))
    if end <= start:
        raise InputError(f"{place}: change {id_!r} ends before it begins")
    hosts, actions = (_list(place, row, column) for column in ("hosts", "actions"))
    for host in hosts:
        try:
            address.prefix(host)
        except ValueError:
            raise InputError(f"{place}: {host!r} is neither an address nor a network, as in 10.1.0.0/24") from None
    for action in actions:
        if action not in ACTIONS:
            raise InputError(f"{place}: {unknown('action', action, ACTIONS)}")
    return Change(id_, start, end, hosts, actions, _text(place, row, "note"))


def _value(row: Mapping[str, Any], column: str) -> Any:
    return next((row[alias] for alias in COLUMNS[column] if row.get(alias) not in (None, "")), "")


def _text(place: str, row: Mapping[str, Any], column: str) -> str:
    value = _value(row, column)
    if isinstance(value, bool | list | dict):
        raise InputError(f"{place}: {column} must be a text, not {json.dumps(value)[:80]}")
    return str(value).strip()


def _time(place: str, row: Mapping[str, Any], column: str) -> int:
    """Nanoseconds since the epoch; a time without an offset is UTC."""
    text = _text(place, row, column)
    if not text:
        raise InputError(f"{place}: has no {_either(column)}")
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise InputError(f"{place}: {column} {text!r} is no time; write 2026-03-01T22:00:00Z") from None
    return nanoseconds(time if time.tzinfo else time.replace(tzinfo=UTC))


def _list(place: str, row: Mapping[str, Any], column: str) -> tuple[str, ...]:
    value = _value(row, column)
    items = value if isinstance(value, list) else _LISTED.split(_text(place, row, column))
    if not all(isinstance(item, str) for item in items):
        raise InputError(f"{place}: {column} must be a list of texts")
    return tuple(item.strip() for item in items if item.strip())


def _name(header: object) -> str:
    return re.sub(r"[\s-]+", "_", str(header).strip().lower())


def _either(column: str) -> str:
    return " or ".join(map(repr, COLUMNS[column][:3]))
