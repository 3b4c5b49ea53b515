"""Alerts: the grid, one alert whole, its packets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
from fastapi import HTTPException, Response

from detectors import catalogue
from detectors.alert import SEVERITIES
from detectors.attack import NAMES
from sensor.access.roles import Permission
from sensor.alerts import ask, checked_id, of_id
from sensor.api.guard import needs
from sensor.api.work import steps
from sensor.cli import STATUSES
from sensor.console import queries
from sensor.console.asked import Case, Identity, Seer
from sensor.console.incidents import steps_of_kind
from sensor.errors import InputError
from sensor.packets import dissected
from sensor.store.literal import quote

if TYPE_CHECKING:
    from fastapi import FastAPI

    from sensor.access.who import Who
    from sensor.console.console import Console


def add(app: FastAPI, console: Console) -> None:
    @app.get("/alerts", include_in_schema=False)
    def alerts(who: Seer) -> Response:
        return console.page(
            who, "alerts", cases=queries.cases(console.owner), severities=SEVERITIES[::-1], statuses=STATUSES,
            kinds=[(entry.id, entry.title) for entry in catalogue.entries()], may_say=who.may(Permission.VERDICT),
            zones=[zone.name for zone in console.config.zones],
        )  # fmt: skip

    @app.get("/alerts/{identity}", include_in_schema=False)
    def alert(who: Seer, identity: Identity, case: Case = "") -> Response:
        """One alert as a page of its own: to be linked to, and printed."""
        return console.page(who, "alerts", "alert.html", **_whole(console, who, identity, case))

    @app.get("/console/alerts/{identity}", include_in_schema=False)
    def alert_part(who: Seer, identity: Identity, case: Case = "") -> Response:
        return console.part("alert_part.html", who=who, **_whole(console, who, identity, case))

    @app.get(
        "/console/alerts/{identity}/packets", include_in_schema=False, dependencies=[needs(Permission.EVIDENCE)]
    )  # fmt: skip
    def packets(identity: Identity, case: Case = "") -> Response:
        """The packets that decide it, as tshark reads them."""
        found = alert_of(console, identity, case)
        shown, note = dissected(found["capture_path"], found["capture"], found["frames"])
        return console.part("packets_part.html", packets=shown, note=note)


def alert_of(console: Console, identity: str, case: str) -> dict[str, Any]:
    """The row; with the path of its capture, and the cases that have it too."""
    try:
        found = of_id(console.owner, checked_id(identity), case or None)
    except InputError as error:
        raise HTTPException(404, str(error)) from None
    alert = found[0]
    if "incident_id" in alert:
        raise HTTPException(404, "this is an incident")
    condition = f"case_id = {quote(alert['case_id'])} AND id = {quote(alert['capture'])}"
    captures = ask(console.owner, f"SELECT path FROM captures WHERE {condition}")
    return alert | {
        "capture_path": captures[0]["path"] if captures else "",
        "evidence": orjson.loads(alert["evidence"] or "{}"),
        "other_cases": [row["case_id"] for row in found[1:]],
    }


def _whole(console: Console, who: Who, identity: str, case: str) -> dict[str, Any]:
    alert = alert_of(console, identity, case)
    said = ask(
        console.owner,
        "SELECT ts, case_id, action, analyst, expiry, note FROM verdicts"
        f" WHERE alert_id = {quote(alert['alert_id'])} AND case_id IN ('', {quote(alert['case_id'])})"
        " ORDER BY ts DESC LIMIT 50",
    )
    incidents = ask(
        console.owner,
        "SELECT incident_id, title, severity, status FROM incidents"
        f" WHERE has(alert_ids, {quote(alert['alert_id'])}) AND case_id = {quote(alert['case_id'])} LIMIT 10",
    )
    return {
        "alert": alert, "entry": _entry(alert["kind"]), "said": said, "incidents": incidents, "names": NAMES,
        "steps": steps_of_kind(alert["kind"], steps(console.owner, alert["alert_id"])),
        "may_step": who.may(Permission.RUNBOOK),
        "may_say": who.may(Permission.VERDICT), "may_evidence": who.may(Permission.EVIDENCE),
    }  # fmt: skip


def _entry(kind: str) -> catalogue.Entry | None:
    """None: a kind of a detector that is not installed here."""
    try:
        return catalogue.entry(kind)
    except (KeyError, OSError):
        return None
