"""Incidents: the list, and one whole: what drifted, what the network did, what speaks for which cause, what to do."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any

import orjson
from fastapi import HTTPException, Query, Response

from detectors.alert import SEVERITIES
from detectors.attack import NAMES
from detectors.catalogue import runbooks
from detectors.correlate.rows import ATTACKS
from sensor.access.roles import Permission
from sensor.alerts import ask
from sensor.api.work import steps as said_of
from sensor.cli import INCIDENT_STATUSES
from sensor.console import model_queries, queries
from sensor.console.asked import Case, Identity, Seer
from sensor.console.route_drawing import drawing
from sensor.store.literal import quote

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fastapi import FastAPI

    from sensor.access.who import Who
    from sensor.console.console import Console

    Row = dict[str, Any]

CAUSES = {
    "model_swap": "model exchanged", "data_poisoning": "data poisoned", "input_manipulation": "input manipulated",
    "sensor_fault": "sensor fault", "benign_process": "process change", "edge_compromise": "edge host compromised",
    "network_only": "network only",
}  # fmt: skip
PAGE = 50
_MOST_ALERTS = 100  # shown with an incident
_JSON = ("causes", "timeline", "suspects", "rollback")
_WRITTEN = re.compile(r"\d+\. \[([^\]]+)\] (.*)")
_BEFORE, _AFTER = 3 * 3600 * 10**9, 3600 * 10**9  # of an incident's outputs that are drawn
Level = Annotated[str, Query(pattern="^(incident|suspicion|note)?$")]
Status = Annotated[str, Query(pattern=f"^({'|'.join(INCIDENT_STATUSES)})?$")]
Severity = Annotated[str, Query(pattern=f"^({'|'.join(SEVERITIES)})?$")]
Number = Annotated[int, Query(ge=1, le=10_000)]


def add(app: FastAPI, console: Console) -> None:
    @app.get("/incidents", include_in_schema=False)
    def incidents(
        who: Seer, status: Status = "", severity: Severity = "", level: Level = "", case: Case = "", page: Number = 1
    ) -> Response:
        """Open ones and those whose outputs are back, unless `status` says otherwise."""
        where = _where(status, severity, level, case)
        counted = ask(console.owner, f"SELECT count() AS n FROM incidents WHERE {where}")[0]["n"]
        rows = ask(
            console.owner,
            "SELECT incident_id, case_id, title, severity, level, cause, probability, model_id, status, first_ts,"
            f" last_ts, length(alert_ids) AS alerts FROM incidents WHERE {where}"
            f" ORDER BY last_ts DESC, incident_id LIMIT {PAGE} OFFSET {(page - 1) * PAGE}",
        )
        return console.page(
            who, "incidents", rows=rows, total=counted, number=page, pages=max(1, -(-counted // PAGE)), causes=CAUSES,
            asked={"status": status, "severity": severity, "level": level, "case": case},
            cases=queries.cases(console.owner), severities=SEVERITIES[::-1], statuses=INCIDENT_STATUSES,
        )  # fmt: skip

    @app.get("/incidents/{identity}", include_in_schema=False)
    def incident(who: Seer, identity: Identity, case: Case = "") -> Response:
        return console.page(who, "incidents", "incident.html", **_whole(console, who, identity, case))


def _where(status: str, severity: str, level: str, case: str) -> str:
    found = [queries.of_case(case)]
    if status != "all":
        found.append(f"status = {quote(status)}" if status else "status IN ('open', 'returned')")
    if severity:
        found.append(f"severity >= {quote(severity)}")
    found.append(f"level = {quote(level)}" if level else "1")
    return " AND ".join(found)


def _whole(console: Console, who: Who, identity: str, case: str) -> dict[str, Any]:
    row = _of(console, identity, case)
    alerts = _alerts(console, row)
    said = {step["step"]: step for step in said_of(console.owner, row["incident_id"])}
    causes = sorted((row["causes"] or {}).items(), key=lambda pair: -pair[1])
    return {
        "incident": row, "causes": CAUSES, "shares": causes, "alerts": alerts, "names": NAMES,
        "more_alerts": max(0, len(row["alert_ids"]) - len(alerts)),
        "steps": steps_of(row["runbook"], row["cause"], said),
        "clock": _clock(row), "chart": _chart(console, row, alerts), "drawing": drawing(row, _model(console, row)),
        "drift": model_queries.drift_of(console.owner, row["case_id"], row["drift_ids"]),
        "is_attack": row["cause"] in ATTACKS, "may_say": who.may(Permission.VERDICT),
        "may_step": who.may(Permission.RUNBOOK), "may_evidence": who.may(Permission.EVIDENCE),
    }  # fmt: skip


def _of(console: Console, identity: str, case: str) -> Row:
    only = f"startsWith(incident_id, {quote(identity)}) AND {queries.of_case(case)}"
    rows = ask(console.owner, f"SELECT * FROM incidents WHERE {only} ORDER BY case_id LIMIT 100")
    if not rows or len({row["incident_id"] for row in rows}) > 1:
        raise HTTPException(404, f"there is no incident {identity!r}, or several")
    told = {name: orjson.loads(rows[0][name] or "null") for name in _JSON}
    return rows[0] | told | {"other_cases": [row["case_id"] for row in rows[1:]]}


def _alerts(console: Console, row: Row) -> list[Row]:
    if not row["alert_ids"]:
        return []
    ids = ", ".join(map(quote, row["alert_ids"][:_MOST_ALERTS]))
    return ask(
        console.owner,
        "SELECT alert_id, case_id, severity, title, summary, src_ip, dst_ip, first_ts, status, evidence_file"
        f" FROM alerts WHERE case_id = {quote(row['case_id'])} AND alert_id IN ({ids})"
        f" ORDER BY first_ts LIMIT {_MOST_ALERTS}",
    )


def _model(console: Console, row: Row) -> Any:
    from sensor import model_registry

    known = model_registry.running(console.owner, console.config.models)
    return next((model for model in known if model.id == row["model_id"]), None)


def steps_of(written: str, cause: str, said: dict[str, Row]) -> list[Row]:
    """What an incident's runbook says, with what was checked off; `cause`: for what an older store wrote."""
    phases = {step.id: step.phase for book in runbooks.runbooks().values() for step in book.steps}
    found = [match for line in written.splitlines() if (match := _WRITTEN.fullmatch(line))]
    told = [(match[1], match[2]) for match in found]
    if not told:
        told = [(step.id, step.text) for step in runbooks.steps_of(runbooks.of_cause(cause))]
    return [_step(name, text, phases.get(name, ""), said) for name, text in told]


def steps_of_kind(kind: str, said: Iterable[Row]) -> list[Row]:
    """The runbook of a kind of alert."""
    known = {row["step"]: row for row in said}
    return [_step(step.id, step.text, step.phase, known) for step in runbooks.of_kind(kind).steps]


def _step(name: str, text: str, phase: str, said: dict[str, Row]) -> Row:
    row = said.get(name, {})
    return {"id": name, "text": text, "phase": phase, "done": bool(row.get("done")), "analyst": row.get("analyst", ""),
            "ts": row.get("ts", ""), "note": row.get("note", "")}  # fmt: skip


def _clock(row: Row) -> Row | None:
    """The hands of the rollback clock as the wire showed them; None: the incident has none."""
    hands: Row | None = row["rollback"]
    if not hands or not hands.get("since"):
        return None
    target = hands.get("target_minutes", 15)
    ends = hands["since"] + target * 60 * 10**9
    unseen = {"artefact_ts": 0, "returned_ts": 0, "version": "", "host": "", "minutes": 0, "in_time": False}
    return unseen | hands | {"target": target, "ends": ends, "stopped": "minutes" in hands}


def _chart(console: Console, row: Row, alerts: list[Row]) -> Row:
    """Outputs, drift and network events on one axis; times in milliseconds."""
    times = [each["ts"] for each in row["timeline"]] or [0]
    first, last = min(times) - _BEFORE, max(times) + _AFTER
    severity = {alert["alert_id"]: alert["severity"] for alert in alerts}
    events = [
        {"t": each["ts"] / 1e6, "what": each["what"], "text": each["text"], "severity": severity.get(each["id"], "")}
        for each in row["timeline"]
    ]
    spans = model_queries.spans(console.owner, row["case_id"], row["drift_ids"])
    return {
        "events": events, "spans": spans, "start": first / 1e6, "end": last / 1e6,
        "outputs": model_queries.outputs(console.owner, row["case_id"], row["model_id"], first, last),
    }  # fmt: skip
