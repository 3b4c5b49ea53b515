"""Alerts in a real browser: filter a million, open one, say something, see one arrive, take its packets away."""

from __future__ import annotations

import contextlib
import hashlib
import re

from tests.browser.desk import MANY

ROW = "#grid .tabulator-row"


def go(watched, page, path):
    page.goto(watched.address + path)
    page.wait_for_selector(f"{ROW}, .tabulator-placeholder")
    return page


def total(page) -> int:
    """What stands below the grid."""
    page.wait_for_function(
        "() => / of (about )?[\\d\\u2009]+/.test(document.querySelector('.tabulator-page-counter')?.textContent ?? '')"
    )
    return int(re.sub(r"\D", "", page.inner_text(".tabulator-page-counter").split(" of ")[1]))


def test_a_million_alerts_are_filtered_and_paged(watched, analyst):
    page = go(watched, analyst, "/alerts?case=many")
    assert total(page) == MANY
    page.select_option('[name="severity"]', "high")
    page.wait_for_function(
        f"() => /of about {MANY // 6 // 1000}/.test(document.querySelector('.tabulator-page-counter').textContent)"
    )
    assert total(page) == MANY // 6
    assert {text.lower() for text in page.locator(f"{ROW} .sev").all_inner_texts()} == {"high"}
    first = page.locator(ROW).first.inner_text()
    page.click(".tabulator-page[data-page=next]")
    page.wait_for_function("first => document.querySelector('#grid .tabulator-row').innerText !== first", arg=first)
    page.fill('[name="host"]', "10.40.0.5")
    page.wait_for_function(
        "() => [...document.querySelectorAll('#grid .tabulator-row')].every((row) => row.innerText.includes('10.40.0.5'))"
    )
    assert "severity=high" in page.url and "host=10.40.0.5" in page.url, "a link shows the same"


def test_filters_are_saved_under_a_name_for_the_one_who_saved_them(watched, analyst):
    page = go(watched, analyst, "/alerts?severity=medium&kind=scan.ports")
    page.click("#save")
    page.fill("dialog[open] input", "scans of note")
    page.click("dialog[open] .main-button")
    page.wait_for_selector("#saved option[value='scans of note']", state="attached")
    page.goto(watched.address + "/alerts")
    page.wait_for_selector("#saved option[value='scans of note']", state="attached")
    page.select_option("#saved", "scans of note")
    page.wait_for_url(lambda url: "kind=scan.ports" in url and "severity=medium" in url)
    page.click("#forget")
    page.wait_for_selector("#saved option[value='scans of note']", state="detached")


def test_an_alert_opens_with_meaning_evidence_and_packets_and_is_closed(watched, analyst):
    page = go(watched, analyst, "/alerts?case=swap&severity=high")
    title = page.locator(f"{ROW} b").first.inner_text()
    page.locator(f"{ROW} b").first.click()
    drawer = page.locator("#drawer")
    drawer.locator("h2").wait_for()
    assert drawer.locator("h2").inner_text() == title
    for heading in ("Evidence", "What it means", "What to do", "Techniques", "Packets"):
        assert drawer.get_by_role("heading", name=heading, exact=True).count() == 1, heading
    drawer.locator("details.packet, #packets small").first.wait_for()
    drawer.locator("[data-verdict=close]").click()
    page.fill("dialog[open] #note", "seen, <b>dealt</b> with")
    page.click("dialog[open] .main-button")
    drawer.locator("[data-status=closed]").wait_for()
    assert "seen, <b>dealt</b> with" in drawer.inner_text(), "markup is text"
    drawer.locator("[data-verdict=unlearn]").click()
    page.click("dialog[open] .main-button")
    drawer.locator("[data-status=open]").wait_for()


def test_several_are_muted_at_once(watched, analyst):
    page = go(watched, analyst, "/alerts?case=many&severity=high&text=port 17")
    page.wait_for_selector(ROW)
    for number in range(3):
        page.locator(f"{ROW} .pick input").nth(number).check()
    assert page.inner_text("#selected") == "3 selected"
    page.click("#selection [data-verdict=mute]")
    page.select_option("dialog[open] #duration", "8h")
    page.click("dialog[open] .main-button")
    page.wait_for_selector(".toast.good")
    page.goto(watched.address + "/alerts?case=many&status=muted")
    page.wait_for_function("() => document.querySelectorAll('#grid .tabulator-row').length === 3")


def test_an_alert_that_is_raised_arrives_without_a_reload(watched, analyst, desk):
    page = go(watched, analyst, "/alerts?severity=high")
    page.wait_for_selector("#live .dot.good")
    page.evaluate("() => { window.notReloaded = true; }")
    page.wait_for_timeout(2500)
    summary = 'wrote <img src=x onerror="alert(1)"> \u202e to the pump'
    desk.raise_alert(title="First write from this client", summary=summary)
    page.wait_for_selector(".toast.high")
    page.wait_for_function("() => document.querySelector('#grid .tabulator-row').innerText.includes('onerror')")
    shown = page.locator(ROW).first.inner_text()
    assert '<img src=x onerror="alert(1)"> \\u202e to the pump' in shown, "text of the wire stays text"
    assert page.evaluate("() => window.notReloaded") is True


def test_evidence_is_downloaded_and_is_what_the_alert_says(watched, analyst):
    page = go(watched, analyst, "/alerts?case=swap&severity=medium&sort=severity")
    page.wait_for_selector(ROW)
    for number in range(page.locator(ROW).count()):
        page.locator(f"{ROW} b").nth(number).click()
        page.wait_for_function("n => document.querySelector('#drawer h2')", arg=number)
        page.wait_for_timeout(400)
        if page.locator("#drawer [data-download]").count():
            break
    with page.expect_download() as started:
        page.click("#drawer [data-download]")
    data = started.value.path().read_bytes()
    assert data[:4] == b"\x0a\x0d\x0d\x0a"
    assert hashlib.sha256(data).hexdigest() in page.inner_text("#drawer")


def test_the_keyboard_is_enough(watched, analyst):
    from playwright.sync_api import TimeoutError as TooLate

    page = analyst
    page.wait_for_selector("#live .dot.good")
    page.keyboard.press("?")
    page.wait_for_selector("#keys[open]")
    page.keyboard.press("Escape")
    page.wait_for_selector("#keys", state="hidden")
    for _ in range(5):  # a busy machine may take longer than a first key waits for its second
        page.keyboard.press("g")
        page.keyboard.press("a")
        with contextlib.suppress(TooLate):
            page.wait_for_url("**/alerts", timeout=12_000)
            break
    assert page.url.endswith("/alerts")
    page.wait_for_selector(f"{ROW}.here")
    page.keyboard.press("/")
    page.keyboard.type("port 333")
    page.wait_for_url(lambda url: "333" in url)
    page.keyboard.press("Escape")
    page.wait_for_function(
        "() => { const rows = [...document.querySelectorAll('#grid .tabulator-row')]; return rows.length > 1"
        " && rows.every((row) => row.innerText.includes('port 333')) && rows[0].classList.contains('here'); }"
    )
    page.keyboard.press("j")
    page.wait_for_function("() => document.querySelectorAll('#grid .tabulator-row')[1].classList.contains('here')")
    page.keyboard.press("Enter")
    page.wait_for_selector("#drawer [data-alert]")
    page.keyboard.press("l")
    page.wait_for_selector("dialog[open] #note")
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    page.wait_for_selector("#drawer", state="hidden")


def test_a_viewer_is_offered_no_verdict(watched):
    page = go(watched, watched.log_in("the-viewer", "nine-lives-of-a-pump"), "/alerts?case=swap")
    page.wait_for_selector(ROW)
    assert page.locator(f"{ROW} .pick").count() == 0
    page.locator(f"{ROW} b").first.click()
    page.wait_for_selector("#drawer h2")
    assert page.locator("#drawer [data-verdict]").count() == 0
    assert page.locator("#drawer #packets").count() == 0
