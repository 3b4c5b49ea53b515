"""`make screenshots`: the console over the plant's campaign day, page by page, into docs/screenshots.

    python -m tests.browser.screenshots [STORE]

Without STORE the day is replayed first, which takes some minutes: the clean day is learnt, the campaign judged.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.browser.desk import FLAGS, PASSWORD, ROOT, Watched, chromium, program

OUT = ROOT / "docs" / "screenshots"
PCAPS = ROOT / "pcaps"
DESK, WALL = {"width": 1440, "height": 900}, {"width": 1920, "height": 1080}


def replayed(folder: Path) -> Path:
    program(
        folder, "replay", "pcaps/day_campaign.pcap.gz", "--learn-from", "pcaps/day_clean.pcap.gz",
        "--case", "campaign", "--evidence",
    )  # fmt: skip
    return folder / "driftspan-store"


@contextmanager
def served(folder: Path, store: Path):
    """(address, password of the first login)."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    shutil.rmtree(f"{store}-console", ignore_errors=True)
    command = [sys.executable, "-m", "sensor", "serve", "--port", "0", "--store", str(store)]
    child = subprocess.Popen(command, cwd=folder, env=environment, stderr=subprocess.PIPE, text=True)
    said = ""
    try:
        while not (found := re.search(r"listening on (\S+)[\s\S]*one-time password (\S+)", said)):
            said += child.stderr.readline()
            assert child.poll() is None, said
        yield found[1], found[2]
    finally:
        child.send_signal(signal.SIGTERM)
        child.communicate(timeout=60)


def first_login(watched: Watched, once: str) -> Any:
    page = watched.log_in("admin", once)
    page.wait_for_url("**/password")
    for field, text in (("#old", once), ("#new", PASSWORD), ("#again", PASSWORD)):
        page.fill(field, text)
    page.click("#change button")
    page.wait_for_selector("#live .dot.good")
    return page


def picture(page: Any, name: str, *, whole: bool = False) -> None:
    page.wait_for_load_state("load")
    page.wait_for_timeout(1200)  # charts and fonts
    page.screenshot(path=OUT / f"{name}.png", full_page=whole, animations="disabled")


def open_alert(page: Any, address: str) -> None:
    page.goto(f"{address}/alerts?severity=high")
    page.locator("#grid .tabulator-row", has_text="First command from this client").first.click()
    page.wait_for_selector("#drawer details.packet, #drawer #packets small")


def hunt(page: Any, address: str) -> None:
    page.goto(f"{address}/hunt")
    page.locator("#examples button", has_text="Messages a quarter of an hour").click()
    page.wait_for_selector("#chart canvas")
    page.mouse.move(0, 0)


def enrolment(page: Any, address: str) -> None:
    page.goto(f"{address}/account")
    page.click("#enrol")
    page.wait_for_selector("svg.qr")


def team(page: Any, address: str) -> None:
    """Some users and a token, so that the pages of rights show what they are for."""
    page.goto(f"{address}/users")
    for name, role in (
        ("day-shift", "analyst"),
        ("control-room", "viewer"),
        ("ot-engineering", "engineer"),
        ("audit", "auditor"),
    ):
        page.fill("#new-name", name)
        page.select_option("#new-role", role)
        page.click("#add .main-button")
        page.wait_for_selector(f"#users b:text-is('{name}')")
    page.evaluate(
        "() => { document.querySelector('#once').hidden = true; document.querySelector('#toasts').replaceChildren(); }"
    )


def plant_pictures(page: Any, address: str) -> None:
    page.goto(f"{address}/incidents")
    picture(page, "incidents")
    page.locator("[data-walk] a").first.click()
    page.wait_for_selector("#way canvas")
    picture(page, "incident", whole=True)
    page.goto(f"{address}/map")
    page.wait_for_selector("#plant[data-ready]")
    picture(page, "map")
    page.goto(f"{address}/assets")
    page.wait_for_selector("#grid .tabulator-row")
    picture(page, "assets")
    page.locator("#grid .tabulator-row").first.click()
    page.wait_for_selector("dl.facts")
    picture(page, "asset")
    page.goto(f"{address}/models")
    page.locator("[data-walk] a").first.click()
    page.wait_for_selector("#outputs canvas")
    picture(page, "model", whole=True)
    page.goto(f"{address}/audit?made=1")
    picture(page, "audit")


def desk_pictures(page: Any, address: str) -> None:
    picture(page, "overview", whole=True)
    plant_pictures(page, address)
    page.goto(f"{address}/alerts")
    page.wait_for_selector("#grid .tabulator-row")
    picture(page, "alerts")
    open_alert(page, address)
    picture(page, "alert")
    hunt(page, address)
    picture(page, "hunt")
    page.goto(f"{address}/health")
    picture(page, "health", whole=True)
    team(page, address)
    picture(page, "users")
    page.goto(f"{address}/tokens")
    picture(page, "tokens")
    page.goto(f"{address}/access-log")
    page.wait_for_selector("#log tbody tr")
    picture(page, "access-log")
    enrolment(page, address)
    picture(page, "account")


def make(store: Path, folder: Path) -> None:
    from playwright.sync_api import sync_playwright

    with served(folder, store) as (address, once), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        desk = Watched(browser.new_context(viewport=DESK, color_scheme="light"), address)
        entry = desk.page("/login")
        picture(entry, "login")
        desk_pictures(first_login(desk, once), address)
        state = desk.context.storage_state()
        wall = browser.new_context(viewport=WALL, color_scheme="dark", storage_state=state)
        shown = wall.new_page()
        shown.goto(f"{address}/?wall")
        picture(shown, "wall")
        desk.check()
        browser.close()


def shrink() -> None:
    """256 colours are enough for a picture of a page, and a quarter of the bytes."""
    quantise = shutil.which("pngquant")
    if quantise is not None:
        subprocess.run(
            [quantise, "--force", "--skip-if-larger", "--ext", ".png", "--speed", "1", *sorted(OUT.glob("*.png"))],
            check=False,
        )


def main() -> int:
    if chromium() is None:
        sys.stderr.write("chromium is not installed: bash tests/setup/debian.sh as root\n")
        return 1
    OUT.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "pcaps").symlink_to(PCAPS)  # pictures show the capture's name, not where it lies here
        (folder / "driftspan.toml").write_text((PCAPS / "plant.toml").read_text())
        store = Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else replayed(folder)
        make(store, folder)
    shrink()
    return 0


if __name__ == "__main__":
    sys.exit(main())
