"""Incidents in a real browser: the list, one whole, a step checked off, a verdict."""

from __future__ import annotations

import json
import time

import pytest

HOSTILE = "<img src=x onerror=alert(1)> \u202egnp"
INCIDENT = "ab" * 16


@pytest.fixture(scope="module")
def incident(desk):
    """As the correlator of a sensor that runs tells it; its words come from the wire."""
    now = time.time_ns()
    event = {"event_id": "e1", "ts": now, "kind": "artefacts.unknown", "src": "10.10.0.23", "dst": "10.50.0.20",
             "target": HOSTILE, "summary": HOSTILE, "alert": False, "marks": {}}  # fmt: skip
    suspect = {"hypothesis": "h", "cause": "model_swap", "probability": 0.8, "score": 2.0, "terms": {}, "event": event}
    timeline = [{"ts": now - 10**12, "what": "event", "id": "e1", "text": HOSTILE}]
    timeline += [{"ts": now, "what": "drift", "id": "d1", "text": "the score stepped"}]
    desk.spool.upsert(
        "incident_rows",
        [{
            "ts": now, "run": "live", "incident_id": INCIDENT, "title": f"pump-wear drifted {HOSTILE}", "severity": "high",
            "level": "incident", "cause": "model_swap", "probability": 0.93, "causes": json.dumps({"model_swap": 0.93}),
            "model_id": "pump-wear", "models": ["pump-wear"], "alert_ids": [], "drift_ids": [],
            "timeline": json.dumps(timeline), "suspects": json.dumps([suspect]), "unseen": 0.05,
            "speaks_for": [HOSTILE], "speaks_against": [], "would_settle": [], "blast_radius": [HOSTILE],
            "techniques": ["AML.T0010"], "controls": ["SR 3.4"],
            "runbook": "1. [model_swap/cause] Isolate the model.\n2. [model_rollback/loop] Tell operations first.",
            "rollback": json.dumps({"since": now, "target_minutes": 15}), "first_ts": now - 10**12, "last_ts": now,
            "state": "open", "version": 1,
        }],
    )  # fmt: skip
    desk.spool.flush()
    desk.keeper.nudge()
    return INCIDENT


def test_an_incident_is_found_read_worked_on_and_closed(watched, analyst, incident):
    page = analyst
    for _ in range(20):  # the keeper has to deliver it
        page.goto(watched.address + "/incidents")
        if page.locator("table.rows tbody tr").count():
            break
        page.wait_for_timeout(500)
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/incidents/{incident}**")
    page.wait_for_selector("#story canvas")
    page.wait_for_selector("#way canvas")
    assert "\\u202egnp" in page.inner_text("h2 >> nth=0") and page.locator("img[src=x]").count() == 0
    assert "runs since" in page.inner_text("#clock")
    box = page.locator("[data-step='model_swap/cause']")
    box.check()
    page.wait_for_selector("[data-said]:has-text('done by the-analyst')")
    page.reload()
    assert box.is_checked()
    page.keyboard.press("c")
    page.fill("#note", "rolled back")
    page.click("dialog .main-button")
    page.wait_for_selector("article[data-status=closed]")


def test_a_viewer_reads_an_incident_and_checks_nothing_off(watched, incident):
    page = watched.log_in("the-viewer", "nine-lives-of-a-pump")
    page.goto(f"{watched.address}/incidents/{incident}")
    assert page.locator("[data-step]:not([disabled])").count() == 0
    assert page.locator("[data-verdict]").count() == 0
