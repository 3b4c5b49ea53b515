"""An audit, and what changed since an earlier one, as blocks of a report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sensor.audit import EVIDENCE, FACT, GAP, VIOLATION
from sensor.audit.controls import NIST, SR
from sensor.report import Code, Heading, Mark, Paragraph, Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sensor.audit import Audit, Cell, Change, Comparison, Finding
    from sensor.report import Block

SHOWN = 40  # rows of a finding that a report shows; the query gives the rest
CHANGED = 15  # rows of a finding that are new, or gone, which are named
_TONES = {VIOLATION: "bad", EVIDENCE: "good", GAP: "gap", FACT: "plain"}
_LABELS = {
    VIOLATION: "Observed violation of", EVIDENCE: "Evidence of", GAP: "Gap in the evidence of",
    FACT: "Observation on",
}  # fmt: skip
_SHORT = {VIOLATION: "observed violation", EVIDENCE: "evidence", GAP: "gap", FACT: "observation"}
_NUMBERS = frozenset((  # columns
    "flows", "opened", "pairs", "bytes", "encrypted_flows", "clear_flows", "alerts", "times", "handshakes",
    "self_signed", "messages", "clients", "hosts", "inferred", "value", "minutes", "one_sided", "joined_midway",
    "gaps", "missing_bytes", "packets", "cut", "level", "kinds", "open",
))  # fmt: skip


def blocks(audit: Audit, compared: Comparison | None = None) -> Iterator[Block]:
    changes = {change.id: change for change in compared.changes} if compared else {}
    yield Heading(1, "Audit of segmentation, encryption and models")
    yield Table(("", ""), tuple(_about(audit, compared)))
    yield Paragraph(
        "This report says what a passive sensor saw on the network. A finding is an observed violation of a control, "
        "or evidence of one, never a statement that a requirement is met: what the sensor cannot see, it says under "
        'monitoring gaps. Below each finding stands the query whose answer it is: driftspan query "…" asks it again.'
    )
    yield Heading(2, "Summary")
    yield _summary(audit.findings, changes)
    if compared:
        yield from _since(audit, compared)
    section = ""
    for finding in audit.findings:
        if finding.section != section:
            section = finding.section
            yield Heading(2, section)
        yield from _finding(finding, changes.get(finding.id))
    yield from _controls(audit.findings)


def _about(audit: Audit, compared: Comparison | None) -> Iterator[tuple[str, str]]:
    yield "Observed", f"{audit.first} to {audit.last} UTC"
    asked = [f"since {audit.since}" if audit.since else "", f"until {audit.until}" if audit.until else "",
             f"case {audit.case}" if audit.case else ""]  # fmt: skip
    yield "Asked for", ", ".join(filter(None, asked)) or "everything in the store"
    yield "Sensors", ", ".join(audit.sensors)
    yield "Store", audit.store
    yield "Policy", f"zones and conduits of SHA-256 {audit.policy[:16]}…" if audit.policy else "none is configured"
    yield "Made", f"{audit.made} by driftspan {audit.program}"
    if compared:
        yield "Compared with", f"the audit made {compared.made}, of {compared.first} to {compared.last} UTC"


def _summary(findings: Sequence[Finding], changes: dict[str, Change]) -> Table:
    columns = ["Section", "Finding", "Stance", "Rows", "Against"]
    columns += ["Before", "New", "Gone"] if changes else []
    rows = []
    for finding in findings:
        against = str(sum(finding.flags)) if finding.stance in (VIOLATION, GAP) else ""
        row = [finding.section, finding.title, _SHORT[finding.stance], str(finding.total), against]
        change = changes.get(finding.id)
        if changes:
            row += _numbers(change) if change and change.known else ["", "", ""]
        rows.append(tuple(row))
    tones = tuple(_TONES[finding.stance] for finding in findings)
    return Table(tuple(columns), tuple(rows), tuple(range(3, len(columns))), tones)


def _numbers(change: Change) -> list[str]:
    return [str(change.before), str(len(change.new)), str(len(change.gone))]


def _since(audit: Audit, compared: Comparison) -> Iterator[Block]:
    yield Heading(2, "Since the last audit")
    if not compared.same_policy:
        yield Mark(
            "gap", "The policy changed", "Zones or conduits are others than they were: differences may be theirs."
        )
    titles = {finding.id: finding for finding in audit.findings}
    rows, tones = [], []
    for change in compared.changes:
        finding = titles[change.id]
        flags = finding.names()
        grave = finding.stance in (VIOLATION, GAP)
        for what, names in (("new", change.new), ("gone", change.gone)):
            for name in names[:CHANGED]:
                rows.append((finding.title, what, _named(finding.key, name)))
                bad = what == "new" and flags[name]
                tones.append(("bad" if bad else "good" if what == "gone" else "plain") if grave else "plain")
            if len(names) > CHANGED:
                rows.append((finding.title, what, f"and {len(names) - CHANGED} more"))
                tones.append("plain")
    if not rows:
        yield Paragraph("Nothing is new, and nothing is gone.")
        return
    yield Paragraph("Gone means that it was not seen again in this time, not that it was taken away.")
    yield Table(("Finding", "Change", "What"), tuple(rows), (), tuple(tones))


def _named(key: Iterable[str], name: Iterable[Cell]) -> str:
    return ", ".join(f"{_words(k)} {v}" for k, v in zip(key, name, strict=True) if v != "")


def _finding(finding: Finding, change: Change | None) -> Iterator[Block]:
    yield Heading(3, finding.title)
    yield Mark(_TONES[finding.stance], f"{_LABELS[finding.stance]}", ", ".join(_of(finding)))
    yield Paragraph(finding.text)
    if finding.rows:
        yield _table(finding, change)
        if finding.total > SHOWN:
            yield Paragraph(f"{SHOWN} of {finding.total} rows are shown; the query gives all.")
    yield Code(finding.query, "Asked of the store")


def _of(finding: Finding) -> Iterator[str]:
    yield from (f"IEC 62443-3-3 {sr} {SR[sr]}" for sr in finding.sr)
    yield from (f"NIST SP 800-82r3 {control} {NIST[control]}" for control in finding.nist)


def _table(finding: Finding, change: Change | None) -> Table:
    """What is bad first, and what is new of it before the rest."""
    new = set(change.new) if change and change.known else set()
    at = [finding.columns.index(name) for name in finding.key]

    def is_new(row: tuple[Cell, ...]) -> bool:
        return tuple(row[i] for i in at) in new

    order = sorted(range(len(finding.rows)), key=lambda i: (not finding.flags[i], not is_new(finding.rows[i])))[:SHOWN]
    marked = bool(new)
    columns = tuple(map(_words, finding.columns)) + (("since last audit",) if marked else ())
    rows = tuple(
        tuple(map(_shown, finding.rows[i])) + (("new" if is_new(finding.rows[i]) else "",) if marked else ())
        for i in order
    )
    right = tuple(i for i, name in enumerate(finding.columns) if name in _NUMBERS)
    tones = tuple(_TONES[finding.stance] if finding.flags[i] and finding.stance != EVIDENCE else "plain" for i in order)
    return Table(columns, rows, right, tones)


def _words(name: str) -> str:
    return {"src_zone": "from zone", "dst_zone": "to zone"}.get(name, name.replace("_", " "))


def _shown(value: Cell) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    return f"{value:,}" if isinstance(value, int) else value


def _controls(findings: Sequence[Finding]) -> Iterator[Block]:
    yield Heading(2, "Controls")
    yield Paragraph("Which findings speak of each control, and how.")
    told: dict[str, list[str]] = {}
    tones: dict[str, str] = {}
    for finding in findings:
        for control in _of(finding):
            told.setdefault(control, []).append(f"{finding.title} ({_SHORT[finding.stance]})")
            worst = max(tones.get(control, "plain"), _TONES[finding.stance], key=("plain", "good", "gap", "bad").index)
            tones[control] = worst
    order = sorted(told, key=_numbered)
    rows = tuple((control, "; ".join(told[control])) for control in order)
    yield Table(("Control", "Findings"), rows, (), tuple(tones[control] for control in order))


def _numbered(control: str) -> tuple[str, list[tuple[int, str]]]:
    """SR 1.13 comes after SR 1.5."""
    parts = control.replace("-", " ").replace(".", " ").split()
    return control[:3], [(int(part), "") if part.isdigit() else (0, part) for part in parts]
