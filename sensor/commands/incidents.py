"""One incident whole, as `driftspan show` prints it. (`driftspan incidents` is one of the listings.)"""

from __future__ import annotations

import shutil
import sys
import textwrap
from typing import TYPE_CHECKING, Any

import orjson

from sensor.output import cell, show_rows
from sensor.textwidth import safe

if TYPE_CHECKING:
    from collections.abc import Iterable

_JSON = ("causes", "timeline", "suspects", "rollback")
_FACTS = (
    "severity", "level", "status", "status_by", "status_until", "status_note", "model_id", "models", "cause",
    "probability", "first_ts", "last_ts", "techniques", "controls", "alert_ids", "drift_ids", "case_id", "sensor",
)  # fmt: skip
_LISTS = (
    ("Speaks for an attack", "speaks_for"), ("Speaks against it", "speaks_against"),
    ("Would settle it", "would_settle"), ("Hangs on this model", "blast_radius"),
)  # fmt: skip
_SURE = 0.005  # share of a cause or suspect below which it is not worth a line
_LINK = 0.05  # of a suspect below which it is no part of the path
_SECOND = 10**9


def show(incident: dict[str, Any], fmt: str) -> None:
    """`incident`: a row of `incidents`."""
    if fmt == "csv":
        show_rows([incident], fmt)
        return
    for name in _JSON:
        incident[name] = orjson.loads(incident[name] or "null") or ({} if name in ("causes", "rollback") else [])
    if fmt == "ndjson":
        sys.stdout.write(orjson.dumps(incident).decode() + "\n")
    else:
        sys.stdout.write(page(incident, min(100, shutil.get_terminal_size().columns)))


def page(incident: dict[str, Any], columns: int) -> str:
    """The incident as a page of text."""
    lines = [f"{incident['severity'].upper()}  {safe(incident['title'])}", f"incident {incident['incident_id']}", ""]
    for name in _FACTS:
        if incident.get(name) not in ("", None, []):
            lines += _wrapped(_fact(incident, name), columns, f"  {name:<16}", " " * 18)
    lines += ["", "Causes", *_causes(incident)]
    lines += ["", "Suspects", *_suspects(incident, columns)] if incident["suspects"] else []
    for title, name in _LISTS:
        if incident[name]:
            lines += ["", title]
            for text in incident[name]:
                lines += _wrapped(str(text), columns, "  - ", "    ")
    lines += ["", "Timeline", *_timeline(incident["timeline"], columns)]
    lines += ["", "Rollback clock", *_clock(incident["rollback"], columns)] if incident["rollback"] else []
    lines += ["", "Runbook"]
    for step in incident["runbook"].splitlines():
        lines += _wrapped(step, columns, "  ", "     ")
    return "\n".join(lines) + "\n"


def _fact(incident: dict[str, Any], name: str) -> str:
    return f"{incident[name]:.0%} that it is an attack" if name == "probability" else cell(incident[name])


def _causes(incident: dict[str, Any]) -> list[str]:
    shares = sorted(incident["causes"].items(), key=lambda pair: (-pair[1], pair[0]))
    return [f"  {share:>4.0%}  {name}" for name, share in shares if share >= _SURE]


def _suspects(incident: dict[str, Any], columns: int) -> list[str]:
    lines: list[str] = []
    for suspect in incident["suspects"]:
        event = suspect.get("event")
        if event is None or suspect["probability"] < _SURE:
            continue
        told = event["summary"] or f"{event['kind']}: {event['src']} -> {event['target'] or event['dst']}"
        head = f"  {suspect['probability']:>4.0%}  {_when(event['ts'])}  {event['kind']}  "
        lines += _wrapped(told, columns, head, " " * 8)
        marks = ", ".join(f"{name} {value}" for name, value in sorted(event["marks"].items()))
        if marks:
            lines += _wrapped(f"as {suspect['hypothesis']}: {marks}", columns, " " * 8)
    path = _path(incident)
    return [*lines, *_wrapped("path: " + " -> ".join(map(safe, path)), columns, "  ")] if path else lines


def _path(incident: dict[str, Any]) -> list[str]:
    """From the likeliest suspect to the model, with those that led to its source and those that took it further."""
    events = [s["event"] for s in incident["suspects"] if s.get("event") and s["probability"] >= _LINK]
    if not events:
        return []
    first = events[0]
    way = [first["src"], first["target"] or first["dst"]]
    for event in sorted(events[1:], key=lambda e: -e["ts"]):
        if event["ts"] <= first["ts"] and event["dst"] == way[0] and event["src"] not in way:
            way.insert(0, event["src"])
    for event in sorted(events[1:], key=lambda e: e["ts"]):
        if event["ts"] >= first["ts"] and event["src"] == way[-1] and event["dst"] not in way:
            way.append(event["dst"])
    return [step for step in (*way, incident["model_id"]) if step]


def _timeline(rows: Iterable[dict[str, Any]], columns: int) -> list[str]:
    return [line for row in rows for line in _wrapped(row["text"], columns, f"  {_when(row['ts'])}  ", " " * 24)]


def _clock(hands: dict[str, Any], columns: int) -> list[str]:
    lines = [f"  began            {_when(hands['since'])}, {hands['target_minutes']} minutes are aimed at"]
    if "artefact_ts" in hands:
        told = f"version {hands['version']} ({hands['state']}) given to {hands['host']}"
        lines += _wrapped(told, columns, f"  artefact back    {_when(hands['artefact_ts'])}  ", " " * 19)
    else:
        lines.append("  artefact back    no approved one was seen on its way to the model's host yet")
    back = _when(hands["returned_ts"]) if "returned_ts" in hands else "not inside their baseline yet"
    lines.append(f"  outputs back     {back}")
    if "minutes" in hands:
        verdict = "within" if hands["in_time"] else "later than"
        lines.append(
            f"  took             {hands['minutes']:g} minutes, {verdict} the {hands['target_minutes']} aimed at"
        )
    return lines


def _when(ts: int) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(ts // _SECOND, UTC).isoformat().replace("+00:00", "Z")


def _wrapped(text: str, columns: int, first: str = "", rest: str | None = None) -> list[str]:
    flat = " ".join(safe(part) for part in text.split())
    indent = " " * len(first) if rest is None else rest
    return textwrap.wrap(flat, max(columns, 40), initial_indent=first, subsequent_indent=indent) or [first.rstrip()]
