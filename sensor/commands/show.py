"""`driftspan show ID`: one alert or incident whole; an alert with what the catalogue says, and its packets."""

from __future__ import annotations

import shutil
import sys
import textwrap
from typing import TYPE_CHECKING, Any

import orjson

from sensor.alerts import ask, checked_id, of_id, only
from sensor.commands import incidents
from sensor.commands.common import location, reading, settings
from sensor.evidence.words import sentences
from sensor.output import cell, chosen_format, show_rows
from sensor.packet_keys import Keys
from sensor.packets import dissected, of_slice
from sensor.store.literal import quote
from sensor.textwidth import safe

if TYPE_CHECKING:
    from argparse import Namespace

    from sensor.store import Reading

_FACTS = (
    "severity", "confidence", "status", "status_by", "status_until", "status_note", "detector", "kind",
    "protocol", "src_ip", "src_zone", "dst_ip",
    "dst_zone", "first_ts", "last_ts", "count", "techniques", "attack_version", "controls", "capture",
    "frames", "evidence_file", "evidence_sha256", "evidence_packets", "evidence_frames", "evidence_note", "case_id",
    "sensor",
)  # fmt: skip


def run(arguments: Namespace) -> int:
    wanted = checked_id(arguments.id)
    with reading(arguments) as store:
        alert = only(of_id(store, wanted, arguments.case))
        if "incident_id" not in alert:
            alert["capture_path"] = _capture_path(store, alert)
            alert["explained"] = sentences(store, alert)
    fmt = chosen_format(arguments.format)
    if "incident_id" in alert:
        del alert["alert_id"]
        incidents.show(alert, fmt)
        return 0
    alert["packets"], alert["packets_note"] = [], ""
    if arguments.packets and fmt != "csv":
        alert["packets"], alert["packets_note"] = _dissected(arguments, alert)
    alert["evidence"] = orjson.loads(alert["evidence"] or "{}")
    alert["catalogue"] = _catalogue(alert["kind"])
    alert["runbook"] = _runbook(alert["kind"])
    if fmt == "table":
        sys.stdout.write(page(alert, min(100, shutil.get_terminal_size().columns)))
    elif fmt == "ndjson":
        sys.stdout.write(orjson.dumps(alert).decode() + "\n")
    else:
        del alert["packets"], alert["packets_note"]
        texts = {name: _json(alert[name]) for name in ("evidence", "explained", "catalogue", "runbook")}
        show_rows([alert | texts], fmt)
    return 0


def _dissected(arguments: Namespace, alert: dict[str, Any]) -> tuple[list[dict[str, Any]], str]:
    """From the alert's slice where it is, else from the capture."""
    from sensor.evidence.keeping import root_of

    keys = Keys.of(arguments.tls_keys, arguments.opcua_keys)
    loaded = settings(arguments)
    path = root_of(location(arguments, loaded), loaded.evidence) / alert["evidence_file"]
    if not alert["evidence_file"] or not path.is_file():
        found, note = dissected(alert["capture_path"], alert["capture"], alert["frames"], keys)
        gone = f"its slice {path} is not here any more: it was removed by age or size, or moved"
        return found, "; ".join(filter(None, (gone if alert["evidence_file"] else "", note)))
    alert["evidence_path"] = str(path)
    return of_slice(path, alert["evidence_sha256"], alert["evidence_frames"], keys)


def _json(value: object) -> str:
    return orjson.dumps(value).decode()


def _capture_path(store: Reading, alert: dict[str, Any]) -> str:
    condition = f"case_id = {quote(alert['case_id'])} AND id = {quote(alert['capture'])}"
    found = ask(store, f"SELECT path FROM captures WHERE {condition}")
    return str(found[0]["path"]) if found else ""


def _catalogue(kind: str) -> dict[str, Any]:
    from detectors import catalogue

    try:
        entry = catalogue.entry(kind)
    except (KeyError, OSError):  # a kind of a detector that is not installed here
        return {}
    names = ("meaning", "advice", "counts", "false_positives")
    return {name: getattr(entry, name) for name in names}


def _runbook(kind: str) -> dict[str, Any]:
    from detectors.catalogue import runbooks

    book = runbooks.of_kind(kind)
    steps = [{"id": step.id, "phase": step.phase, "text": step.text} for step in runbooks.steps_of(book)]
    return {"id": book.id, "title": book.title, "steps": steps}


def page(alert: dict[str, Any], columns: int) -> str:
    """The alert as a page of text."""
    lines = [f"{alert['severity'].upper()}  {safe(alert['title'])}", f"alert {alert['alert_id']}", ""]
    lines += [*_wrapped(alert["summary"], columns), ""]
    for name in _FACTS:
        if alert.get(name) not in ("", None, []):
            lines += _fact(name, _fact_text(alert, name), columns)
    if alert["explained"]:
        lines += ["", "What its packets did"]
        for told in alert["explained"]:
            lines += _wrapped(f"frame {told['frame']}{_in_slice(alert, told['frame'])}: {told['text']}", columns, "  ")
    lines += ["", "Evidence"]
    for name, value in alert["evidence"].items():
        lines += _fact(safe(str(name)), cell(value), columns)
    for title, name in (("What it means", "meaning"), ("What to do", "advice"), ("Count is of", "counts")):
        if alert["catalogue"].get(name):
            lines += ["", title, *_wrapped(alert["catalogue"][name], columns, "  ")]
    lines += _steps(alert["runbook"], columns)
    if alert["catalogue"].get("false_positives"):
        lines += ["", "Known false positives"]
        for text in alert["catalogue"]["false_positives"]:
            lines += _wrapped(text, columns, "  - ", "    ")
    return "\n".join([*lines, *_packets(alert, columns)]) + "\n"


def _in_slice(alert: dict[str, Any], frame: int) -> str:
    """Its number there, where every deciding packet is in the slice: both are in time order."""
    frames, there = sorted(alert["frames"]), alert["evidence_frames"]
    return f" ({there[frames.index(frame)]} in the slice)" if len(frames) == len(there) else ""


def packet_lines(packets: list[dict[str, Any]], columns: int) -> list[str]:
    """Dissected packets as text."""
    lines = []
    for packet in packets:
        for layer in packet["layers"]:
            lines += ["", f"  frame {packet['frame']}  {safe(layer['name'])}"]
            for text in layer["fields"]:
                lines += _wrapped(text, columns, "    ", "      ")
    return lines


def _packets(alert: dict[str, Any], columns: int) -> list[str]:
    lines = ["", "Packets"] if alert["packets"] or alert["packets_note"] else []
    lines += packet_lines(alert["packets"], columns)
    if alert["packets_note"]:
        lines += ["", *_wrapped(alert["packets_note"], columns, "  ")]
    return lines


def _steps(book: dict[str, Any], columns: int) -> list[str]:
    lines, phase = ["", f"Runbook: {book['title']}"], ""
    for number, step in enumerate(book["steps"], 1):
        if step["phase"] != phase:
            phase = step["phase"]
            lines.append(f"  {phase}")
        lines += _wrapped(f"{step['text']} [{step['id']}]", columns, f"  {number:>3}. ", " " * 7)
    return lines


def _fact_text(alert: dict[str, Any], name: str) -> str:
    if name == "capture" and alert["capture_path"]:
        return f"{cell(alert['capture_path'])} ({cell(alert['capture'])})"
    return f"{alert[name]:.2f}" if name == "confidence" else cell(alert[name])


def _fact(name: str, text: str, columns: int) -> list[str]:
    return _wrapped(text, columns, f"  {name:<17}", " " * 19)


def _wrapped(text: str, columns: int, first: str = "", rest: str | None = None) -> list[str]:
    flat = " ".join(safe(part) for part in text.split())
    indent = first if rest is None else rest
    return textwrap.wrap(flat, max(columns, 40), initial_indent=first, subsequent_indent=indent) or [first.rstrip()]
