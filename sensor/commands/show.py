"""`driftspan show ID`: one alert whole, with what the catalogue says of its kind."""

from __future__ import annotations

import re
import shutil
import sys
import textwrap
from typing import TYPE_CHECKING, Any

import orjson

from sensor.commands.common import reading
from sensor.errors import InputError
from sensor.output import cell, chosen_format, show_rows
from sensor.store.literal import quote
from sensor.textwidth import safe

if TYPE_CHECKING:
    from argparse import Namespace

    from sensor.store import Reading

_ID = re.compile(r"[0-9a-f]{4,32}")
_FACTS = (
    "severity", "confidence", "status", "detector", "kind", "protocol", "src_ip", "src_zone", "dst_ip",
    "dst_zone", "first_ts", "last_ts", "count", "techniques", "attack_version", "controls", "capture",
    "frames", "case_id", "sensor",
)  # fmt: skip
_MOST = 20


def run(arguments: Namespace) -> int:
    wanted = arguments.id.strip().lower()
    if _ID.fullmatch(wanted) is None:
        raise InputError(f"{arguments.id!r} is no alert_id; 'driftspan alerts' lists them (4 to 32 hexadecimal digits)")
    with reading(arguments) as store:
        alert = _find(store, wanted, arguments.case)
        alert["capture_path"] = _capture_path(store, alert)
    alert["evidence"] = orjson.loads(alert["evidence"] or "{}")
    alert["catalogue"] = _catalogue(alert["kind"])
    fmt = chosen_format(arguments.format)
    if fmt == "table":
        sys.stdout.write(page(alert, min(100, shutil.get_terminal_size().columns)))
    elif fmt == "ndjson":
        sys.stdout.write(orjson.dumps(alert).decode() + "\n")
    else:
        show_rows([{**alert, "evidence": _json(alert["evidence"]), "catalogue": _json(alert["catalogue"])}], fmt)
    return 0


def _json(value: object) -> str:
    return orjson.dumps(value).decode()


def _ask(store: Reading, sql: str) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in b"".join(store.query(sql, "JSONEachRow")).splitlines()]


def _find(store: Reading, wanted: str, case: str | None) -> dict[str, Any]:
    condition = f"startsWith(alert_id, {quote(wanted)})" + (f" AND case_id = {quote(case)}" if case else "")
    found = _ask(store, f"SELECT * FROM alerts WHERE {condition} ORDER BY case_id, alert_id LIMIT {_MOST}")
    if not found:
        raise InputError(f"there is no alert {wanted!r}; 'driftspan alerts' lists them")
    if len(found) > 1:
        cases = sorted({row["case_id"] for row in found})
        if len({row["alert_id"] for row in found}) == 1:
            raise InputError(f"alert {wanted} is in several cases ({', '.join(cases)}); choose one with --case")
        raise InputError(f"{wanted!r} begins several alert_ids; write more of it")
    return found[0]


def _capture_path(store: Reading, alert: dict[str, Any]) -> str:
    condition = f"case_id = {quote(alert['case_id'])} AND id = {quote(alert['capture'])}"
    found = _ask(store, f"SELECT path FROM captures WHERE {condition}")
    return str(found[0]["path"]) if found else ""


def _catalogue(kind: str) -> dict[str, Any]:
    from detectors import catalogue

    try:
        entry = catalogue.entry(kind)
    except (KeyError, OSError):  # a kind of a detector that is not installed here
        return {}
    names = ("meaning", "advice", "counts", "false_positives")
    return {name: getattr(entry, name) for name in names}


def page(alert: dict[str, Any], columns: int) -> str:
    """The alert as a page of text."""
    lines = [f"{alert['severity'].upper()}  {safe(alert['title'])}", f"alert {alert['alert_id']}", ""]
    lines += [*_wrapped(alert["summary"], columns), ""]
    for name in _FACTS:
        if alert.get(name) not in ("", None, []):
            lines += _fact(name, _fact_text(alert, name), columns)
    lines += ["", "Evidence"]
    for name, value in alert["evidence"].items():
        lines += _fact(safe(str(name)), cell(value), columns)
    for title, name in (("What it means", "meaning"), ("What to do", "advice"), ("Count is of", "counts")):
        if alert["catalogue"].get(name):
            lines += ["", title, *_wrapped(alert["catalogue"][name], columns, "  ")]
    if alert["catalogue"].get("false_positives"):
        lines += ["", "Known false positives"]
        for text in alert["catalogue"]["false_positives"]:
            lines += _wrapped(text, columns, "  - ", "    ")
    return "\n".join(lines) + "\n"


def _fact_text(alert: dict[str, Any], name: str) -> str:
    if name == "capture" and alert["capture_path"]:
        return f"{cell(alert['capture_path'])} ({cell(alert['capture'])})"
    return f"{alert[name]:.2f}" if name == "confidence" else cell(alert[name])


def _fact(name: str, text: str, columns: int) -> list[str]:
    return _wrapped(text, columns, f"  {name:<16}", " " * 18)


def _wrapped(text: str, columns: int, first: str = "", rest: str | None = None) -> list[str]:
    flat = " ".join(safe(part) for part in text.split())
    indent = first if rest is None else rest
    return textwrap.wrap(flat, max(columns, 40), initial_indent=first, subsequent_indent=indent) or [first.rstrip()]
