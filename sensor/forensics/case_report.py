"""A case written up. Every table is the answer to the question below it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from detectors.attack import NAMES
from sensor.alerts import ask
from sensor.audit.controls import named
from sensor.forensics import case_queries as queries
from sensor.forensics import timeline
from sensor.forensics.words import cell, difference_blocks, table, timeline_table
from sensor.report import Code, Heading, Mark, Note, Paragraph, Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sensor.forensics.scope import Scope
    from sensor.report import Block, Figure
    from sensor.store import Reading

    Row = dict[str, Any]

ROWS = 300  # of a table; the query gives the rest
# What an investigator reads; outputs and values are drawn instead, and everything is a command away.
KINDS = ("incident", "alert", "drift", "command", "file")
_ASKED = "asked of the store"
_TONES = {"critical": "bad", "high": "bad", "medium": "gap"}


@dataclass(frozen=True, slots=True)
class Compared:
    """Rows of a comparison, with whom, and what was asked."""

    title: str
    rows: Sequence[Mapping[str, Any]]
    asked: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Pictured:
    """`queries`: what each line of the figure was asked with."""

    title: str
    figure: Figure
    queries: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Made:
    """`sums`: path of a capture: its SHA-256 as it lies there now, or why there is none."""

    program: str
    made: str
    store: str
    sums: Mapping[str, str]


def blocks(
    store: Reading, scope: Scope, made: Made, pictures: Iterable[Pictured] = (), compared: Compared | None = None
) -> Iterator[Block]:
    """The report, with all that was asked in an appendix, numbered, for SQL is no reading between tables."""
    found: list[Code] = []
    told = 0  # of the queries, those that the text has named
    for block in _parts(store, scope, made, pictures, compared):
        if isinstance(block, Code):
            found.append(Code(block.text, f"Query {len(found) + 1}: {block.caption}"))
            continue
        if told < len(found):
            yield Note(f"Query {told + 1}" if told + 1 == len(found) else f"Queries {told + 1} to {len(found)}")
            told = len(found)
        yield block
    yield Note(f"Query {told + 1}")
    yield Heading(2, "Appendix: the queries")
    yield Paragraph("As they were asked of the store, one after the other; the same rows give the same answer.")
    yield from found


def _parts(
    store: Reading, scope: Scope, made: Made, pictures: Iterable[Pictured] = (), compared: Compared | None = None
) -> Iterator[Block]:
    incidents = ask(store, queries.incidents(scope))
    yield Heading(1, f"Report of case {scope.case}")
    yield Table(("", ""), tuple(_about(scope, made, compared)))
    yield Paragraph(
        "What a passive sensor saw on the network, and what follows from it. Techniques and controls are what alerts "
        "are evidence of, never a verdict; a cause is likely, not proven. Times are UTC. Each table and each line of a "
        'figure is the answer to a query of the appendix: driftspan query "…" asks it again.'
    )
    yield from _summary(store, scope, incidents)
    yield from _incidents(incidents)
    yield from _timeline(store, scope)
    yield from _pictures(pictures)
    yield from _comparison(compared)
    yield from _evidence(store, scope, made)
    yield from _meaning(store, scope)
    yield from _open(store, scope, incidents)


def _about(scope: Scope, made: Made, compared: Compared | None) -> Iterator[tuple[str, str]]:
    yield "Case", scope.case
    yield "Store", made.store
    if compared is not None:
        yield "Compared with", compared.title
    yield "Made", f"{made.made} by driftspan {made.program}"


def asked(store: Reading, sql: str, caption: str = _ASKED) -> tuple[list[Row], Code]:
    return ask(store, sql), Code(sql, caption)


def answered(store: Reading, sql: str, nothing: str) -> Iterator[Block]:
    """A table and its question; `nothing`: what is said where there is no row."""
    rows, code = asked(store, sql)
    if rows:
        yield table(rows[:ROWS])
        if len(rows) > ROWS:
            yield Paragraph(f"{ROWS} of {len(rows)} rows are shown; the query gives all.")
    elif nothing:
        yield Paragraph(nothing)
    yield code


def _summary(store: Reading, scope: Scope, incidents: Sequence[Row]) -> Iterator[Block]:
    yield Heading(2, "Summary")
    for row in incidents:
        sure = f"{row['probability']:.0%} that it is an attack"
        yield Mark(_TONES.get(row["severity"], "plain"), row["severity"].capitalize(), f"{row['title']} ({sure})")
    if not incidents:
        yield Mark("plain", "No incident", "No drift of a model was joined with what happened on the network.")
    rows, code = asked(store, queries.numbers(scope))
    yield Table(("", ""), tuple((row["what"], _grouped(row["value"])) for row in rows), (1,))
    yield code
    yield Heading(3, "Alerts by kind")
    yield from answered(store, queries.alert_kinds(scope), "There is no alert.")


def _grouped(text: str) -> str:
    return f"{int(text):,}" if text.isdigit() else text


def _incidents(incidents: Sequence[Row]) -> Iterator[Block]:
    if incidents:
        yield Heading(2, "Incidents")
    for row in incidents:
        yield Heading(3, f"{row['title']}")
        causes = orjson.loads(row["causes"] or "{}")
        likely = sorted(causes.items(), key=lambda pair: (-pair[1], pair[0]))
        told = ", ".join(f"{name} {share:.0%}" for name, share in likely if share >= 0.005)
        facts = [
            ("Incident", row["incident_id"]), ("Severity", row["severity"]), ("State", row["status"]),
            ("Models", cell(row["models"])), ("Causes", told), ("Drift", cell(row["drift_ids"])),
            ("Alerts", cell(row["alert_ids"])), ("Techniques", "; ".join(map(_technique, row["techniques"]))),
        ]  # fmt: skip
        facts += [("Speaks for an attack", text) for text in row["speaks_for"]]
        facts += [("Speaks against it", text) for text in row["speaks_against"]]
        yield Table(("", ""), tuple((name, text) for name, text in facts if text))


def _technique(identity: str) -> str:
    return f"{identity} {NAMES[identity]}" if identity in NAMES else identity


def _timeline(store: Reading, scope: Scope) -> Iterator[Block]:
    sql = timeline.statement(scope, KINDS, timeline.fold_of(store, scope))
    sql = (
        f"SELECT * FROM (\n{sql}\n) WHERE NOT (kind = 'alert' AND severity IN ('info', 'low'))\n"
        "ORDER BY at, kind, what, id"
    )
    rows, code = asked(store, sql)
    yield Heading(2, "Timeline")
    yield Paragraph(
        "Incidents, alerts of medium severity and above, drift, commands and files in the order in which they began. "
        "Commands that repeat themselves are one row with their number. 'driftspan timeline "
        f"--case {scope.case}' tells of sessions, values, outputs and lesser alerts as well."
    )
    yield timeline_table(rows[:ROWS])
    if len(rows) > ROWS:
        yield Paragraph(f"{ROWS} of {len(rows)} rows are shown; the query gives all.")
    yield code


def _pictures(pictures: Iterable[Pictured]) -> Iterator[Block]:
    for number, picture in enumerate(pictures):
        if not number:
            yield Heading(2, "The process")
            yield Paragraph("A value holds until the next one; triangles are commands, numbered lines are events.")
        yield picture.figure
        for what, sql in picture.queries:
            yield Code(sql, what)


def _comparison(compared: Compared | None) -> Iterator[Block]:
    if compared is None:
        return
    rows = [row for row in compared.rows if (row["aspect"], row["change"]) != ("alert", "gone")]
    yield Heading(2, f"Against {compared.title}")
    yield Paragraph(
        f"{len(rows)} differences. Gone means not seen again in this time. Which alerts come depends on what was "
        "learnt before, so those that only the other case has are left out; behaviours, conduits, values and versions "
        "do not."
    )
    yield from difference_blocks(rows, 3)
    for sql in compared.asked:
        yield Code(sql, _ASKED)


def _evidence(store: Reading, scope: Scope, made: Made) -> Iterator[Block]:
    yield Heading(2, "Evidence")
    yield Heading(3, "Captures")
    rows, code = asked(store, queries.captures(scope))
    yield table([row | {"SHA-256 now": made.sums.get(row["path"], "not looked at")} for row in rows], ("path",))
    yield Paragraph(
        "id is of the capture's content as it was read; the SHA-256 is of the file as it lay there when this was made."
    )
    yield code
    yield Heading(3, "Packets that decided")
    yield from answered(store, queries.frames(scope), "No alert of medium severity or above names a packet.")
    yield Heading(3, "Packets that were kept")
    yield from answered(
        store, queries.slices(scope), "None: 'driftspan replay --evidence' keeps the packets of each alert as pcapng."
    )
    yield Heading(3, "Files seen on the wire")
    yield from answered(store, queries.files(scope), "No file was seen.")


def _meaning(store: Reading, scope: Scope) -> Iterator[Block]:
    yield Heading(2, "Techniques")
    rows, code = asked(store, queries.techniques(scope))
    yield table([row | {"technique": _technique(row["technique"])} for row in rows], ("technique",))
    yield code
    yield Heading(2, "Affected controls")
    yield Paragraph("What alerts of medium severity and above are evidence against, or ask to be looked at.")
    rows, code = asked(store, queries.controls(scope))
    yield table([row | {"control": named(row["control"])} for row in rows], ("control",))
    yield code


def _open(store: Reading, scope: Scope, incidents: Sequence[Row]) -> Iterator[Block]:
    yield Heading(2, "Open questions")
    for row in incidents:
        if row["would_settle"]:
            yield Heading(3, f"Would settle incident {row['incident_id'][:12]}")
            yield Table(("",), tuple((text,) for text in row["would_settle"]))
    yield Heading(3, "Grave alerts that nobody has judged yet")
    yield from answered(store, queries.unsettled(scope), "None.")
    yield Heading(3, "What analysts said")
    yield from answered(store, queries.said(scope), "Nothing.")
    yield Heading(3, "What the sensor did not see")
    yield from answered(store, queries.losses(scope), "No loss was counted: no gap, no cut or broken packet.")
