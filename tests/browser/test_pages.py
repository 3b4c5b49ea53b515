"""Every page in a real browser, light and dark; hunting; accounts, users, tokens and the log of what people did."""

from __future__ import annotations

import hashlib
import hmac
import struct
import time
from base64 import b32decode

import pytest

from sensor.console.pages import PAGES
from tests.browser.desk import PASSWORD

TITLES = {page.name: page.title for page in PAGES}


def code_of(secret: str, at: float) -> str:
    """RFC 6238, of its own: what the server computes is what is tested."""
    digest = hmac.new(b32decode(secret), struct.pack(">Q", int(at) // 30), hashlib.sha1).digest()
    number = struct.unpack(">I", digest[digest[19] & 15 :][:4])[0] & 0x7FFFFFFF
    return f"{number % 1_000_000:06}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_page_loads_for_an_administrator_and_nothing_complains(watched, page):
    shown = watched.log_in("admin", PASSWORD)
    shown.goto(watched.address + page.path)
    shown.wait_for_selector("#live .dot.good")
    assert shown.inner_text("h1") == TITLES[page.name]
    assert shown.evaluate("() => document.documentElement.scrollWidth <= innerWidth"), "nothing is wider than 1280"
    shown.keyboard.press("t")
    shown.keyboard.press("W")
    shown.wait_for_timeout(300)
    assert shown.evaluate("() => document.documentElement.scrollWidth <= innerWidth")


def test_the_navigation_offers_what_a_role_may_see(watched):
    page = watched.log_in("the-viewer", PASSWORD)
    page.wait_for_selector("#live .dot.good")
    offered = page.locator(".side a.to").evaluate_all("all => all.map((each) => each.dataset.page)")
    assert "alerts" in offered and not {"hunt", "users", "access"} & set(offered)


def test_whoever_is_not_logged_in_comes_back_to_where_they_wanted(watched):
    page = watched.page("/alerts?severity=high")
    assert "/login?next=" in page.url
    page.fill("#name", "the-analyst")
    page.fill("#password", PASSWORD)
    page.click("#login button")
    page.wait_for_url("**/alerts?severity=high")
    page.click("#log-out")
    page.wait_for_url("**/login")


def test_a_wrong_password_is_said_and_nothing_more(watched):
    page = watched.page("/login")
    page.fill("#name", "the-analyst")
    page.fill("#password", "wrong wrong wrong")
    page.click("#login button")
    page.wait_for_function("() => document.querySelector('#error').textContent.includes('wrong')")
    assert "/login" in page.url
    watched.complaints = [said for said in watched.complaints if "401" not in said]  # the browser tells of the refusal


def test_the_overview_counts_what_is_in_the_store(watched, analyst):
    page = analyst
    page.goto(watched.address + "/?range=all&case=swap")
    page.wait_for_selector("[data-chart=severity] canvas")
    alerts = page.inner_text("[data-tile=alerts] .value")
    assert int(alerts) > 0 and page.inner_text("[data-tile=learning] .value") in ("learning", "dynamic", "operational")
    page.click("#range button[value='7d']")
    page.wait_for_url(lambda url: "range=7d" in url)
    page.select_option("#case", "")
    page.wait_for_function("() => document.querySelector('[data-tile=alerts] .value').textContent.length > 6")


def test_a_hunt_is_asked_drawn_and_saved(watched, analyst):
    page = analyst
    page.goto(watched.address + "/hunt")
    page.fill("#sql", "SELECT protocol, count() AS messages FROM behaviours GROUP BY protocol ORDER BY messages DESC")
    page.locator("#sql").press("Control+Enter")
    page.wait_for_selector("#rows .tabulator-row")
    page.wait_for_selector("#chart canvas")
    assert "mqtt" in page.inner_text("#rows")
    page.fill("#sql", "DROP TABLE alerts")
    page.click("#ask .main-button")
    page.wait_for_function("() => document.querySelector('#error').textContent.includes('not allowed')")
    page.fill("#sql", "SELECT '<script>alert(1)</script>' AS \"<b>x</b>\", toUInt64(18446744073709551615) AS big")
    page.click("#ask .main-button")
    page.wait_for_function("() => document.querySelector('#rows')?.innerText.includes('18446744073709551615')")
    assert "<script>alert(1)</script>" in page.inner_text("#rows")
    with page.expect_download() as started:
        page.click("#csv")
    assert started.value.path().read_text().splitlines()[1].startswith('"<script>')
    watched.complaints = [said for said in watched.complaints if "400" not in said]  # the browser tells of the refusal


def test_the_questions_to_begin_with_all_have_an_answer(watched, analyst):
    page = analyst
    page.goto(watched.address + "/hunt")
    for number in range(page.locator("#examples button").count()):
        page.evaluate("() => { document.querySelector('#told').textContent = ''; }")
        page.locator("#examples button").nth(number).click()
        page.wait_for_function("() => / rows in /.test(document.querySelector('#told').textContent)")
    assert page.inner_text("#error") == "" if page.locator("#error").is_visible() else True


def test_a_second_factor_is_set_up_asked_for_and_taken_away(watched):
    page = watched.log_in("the-engineer", PASSWORD)
    page.goto(watched.address + "/account")
    page.click("#enrol")
    page.wait_for_selector("svg.qr")
    secret = page.inner_text("#secret").replace(" ", "")
    page.fill("#enrol-code", code_of(secret, time.time()))
    page.fill("#enrol-password", PASSWORD)
    page.click("#enrol-form .main-button")
    page.wait_for_selector("#factor .tag.good")
    page.click("#log-out")
    page.wait_for_url("**/login")
    again = watched.log_in("the-engineer", PASSWORD, code_of(secret, time.time() + 30))
    again.goto(watched.address + "/account")
    again.click("#unenrol")
    again.fill("#unenrol-password", PASSWORD)
    again.click("#unenrol-form .main-button")
    again.wait_for_selector("#factor .tag.warn")
    watched.complaints = [said for said in watched.complaints if "401" not in said]  # asked for the code


def test_a_user_is_added_logs_in_with_the_password_for_once_and_is_removed(watched, browser):
    page = watched.log_in("admin", PASSWORD)
    page.goto(watched.address + "/users")
    page.fill("#new-name", "night-shift")
    page.select_option("#new-role", "analyst")
    page.click("#add .main-button")
    once = page.inner_text("#once-password")
    other = browser.new_context()
    first = other.new_page()
    first.goto(watched.address + "/login")
    first.fill("#name", "night-shift")
    first.fill("#password", once)
    first.click("#login button")
    first.wait_for_url("**/password")
    first.fill("#old", once)
    first.fill("#new", PASSWORD)
    first.fill("#again", PASSWORD)
    first.click("#change button")
    first.wait_for_selector("#live .dot.good")
    row = page.locator("#users tr", has_text="night-shift")
    page.on("dialog", lambda dialog: dialog.accept())
    row.get_by_role("button", name="Remove").click()
    row.wait_for(state="detached")
    first.wait_for_url("**/login**", timeout=30_000)  # events end with the session, and the page with them
    other.close()


def test_a_token_is_shown_once_and_what_people_did_is_in_the_log(watched):
    page = watched.log_in("admin", PASSWORD)
    page.goto(watched.address + "/tokens")
    page.fill("#label", "the SIEM")
    page.locator("[name=scope]").first.check()
    page.click("#add .main-button")
    assert len(page.inner_text("#key")) > 20
    page.reload()
    assert page.locator("#tokens tr", has_text="the SIEM").count() == 1 or page.wait_for_selector(
        "#tokens tr:has-text('the SIEM')"
    )
    assert page.locator("#key").count() == 0
    page.goto(watched.address + "/access-log")
    page.wait_for_selector("#log tr:has-text('tokens.add')")
    page.fill("[name=what]", "users.")
    page.wait_for_function(
        "() => { const all = [...document.querySelectorAll('#log tbody code')]; return all.length && all.every((each) => each.textContent.startsWith('users.')); }"
    )
