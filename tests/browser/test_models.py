"""Models and the audit report in a real browser: approved and revoked by those who may, taken along, on paper."""

from __future__ import annotations

import json
import urllib.parse
from pathlib import Path

from tests.browser.desk import PASSWORD

SUM = "ab" * 32
HOSTILE = "<script>alert(1)</script> \u202egnp"


def test_a_version_is_approved_and_revoked_by_an_admin(watched):
    page = watched.log_in("admin", PASSWORD)
    page.goto(watched.address + "/models?case=swap")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url("**/models/pump-wear?case=swap")
    page.wait_for_selector("#outputs canvas")
    page.fill("#approve [name=version]", "9.9.9")
    page.fill("#approve [name=sha256]", SUM.upper())
    page.fill("#approve [name=note]", HOSTILE)
    page.keyboard.press("Enter")
    row = page.locator("#approved tr", has_text="9.9.9")
    row.wait_for()
    page.wait_for_selector("#outputs canvas")  # the page was loaded again, and its script has run
    assert SUM[:24] in row.inner_text()
    assert (
        "<script>alert(1)</script> \\u202egnp" in page.inner_text("#content")
        and page.locator("#content script").count() == 0
    )
    row.locator("[data-revoke]").click()
    assert "Revoke 9.9.9?" in row.locator("[data-revoke]").inner_text(), "once is no revocation"
    row.locator("[data-revoke]").click()
    page.locator("#approved ul li", has_text=SUM).wait_for()
    assert "revoked" in row.inner_text() and row.locator("[data-revoke]").count() == 0
    page.goto(watched.address + "/access-log")
    log = page.locator("#log tbody tr", has_text="pump-wear")
    log.first.wait_for()
    assert [text for text in ("models.revoke", "models.approve") if log.filter(has_text=text).count()] == [
        "models.revoke",
        "models.approve",
    ]


def test_an_analyst_reads_of_models_and_changes_nothing(watched, analyst):
    page = analyst
    page.goto(watched.address + "/models/pump-wear?case=swap")
    page.wait_for_selector("#outputs canvas")
    assert page.locator("#approve, [data-revoke]").count() == 0
    assert page.locator("section", has_text="Artefacts on the wire").locator("tbody tr").count() > 0


def test_an_auditor_takes_an_audit_and_takes_it_along(watched):
    page = watched.log_in("the-auditor", PASSWORD)
    page.goto(watched.address + "/audit")
    page.select_option("[name=case]", "swap")
    page.focus("[name=since]")
    page.keyboard.press("Enter")
    page.wait_for_selector("#report h2")
    assert page.locator("#report").inner_text().count("IEC 62443") > 0
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    kinds = {"Markdown": b"# ", "HTML": b"<!doctype html>", "PDF": b"%PDF-", "JSON": b"{"}
    for title, begins in kinds.items():
        with page.expect_download() as waited:
            page.locator("[data-download]", has_text=title).first.click()
        data = Path(waited.value.path()).read_bytes()
        assert data.lower().startswith(begins.lower()), (title, data[:40])
        if title == "JSON":
            assert json.loads(data)["format"]
    page.goto(watched.address + "/audit?made=1&since=soon")
    assert "soon" in page.inner_text("[role=alert]")
    page.goto(watched.address + "/audit?made=1&case=" + urllib.parse.quote(HOSTILE))
    assert page.locator("#report script, #content script").count() == 0


def test_pages_on_paper_have_no_controls_and_lose_nothing(watched, analyst):
    page = analyst
    page.emulate_media(media="print")
    for path in (
        "/",
        "/incidents",
        "/alerts?case=swap",
        "/map?case=swap",
        "/assets?case=swap",
        "/models",
        "/health",
        "/audit?made=1&case=swap",
    ):
        page.goto(watched.address + path)
        page.wait_for_selector("main")
        page.wait_for_timeout(300)
        for gone in (".side", "#log-out", "#turn-theme", ".tabulator-footer", ".searching"):
            assert all(not each.is_visible() for each in page.locator(gone).all()), (path, gone)
        assert page.locator(".top h1").is_visible()
        ground = page.evaluate(
            "() => getComputedStyle(document.querySelector('.panel, .tabulator') ?? document.body).backgroundColor"
        )
        assert ground == "rgb(255, 255, 255)", (path, ground)
