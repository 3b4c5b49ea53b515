"""One console for all tests here, with users of all roles; a context of its own for each test."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any

import pytest

from tests.browser.desk import FLAGS, PASSWORD, ROOT, Desk, Watched, chromium, fill, program

sync_api = pytest.importorskip("playwright.sync_api")
ROLES = ("viewer", "analyst", "engineer", "auditor")


@pytest.fixture(scope="session")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    if chromium() is None:
        pytest.skip("chromium is not installed")
    if not (ROOT / "sensor/console/static/vendor/manifest.json").is_file():
        pytest.skip("the console's assets are not built: make setup, with npm")
    folder = tmp_path_factory.mktemp("desk")
    (folder / "driftspan.toml").write_text((ROOT / "pcaps" / "plant.toml").read_text())
    program(folder, "replay", str(ROOT / "pcaps" / "model_swap.pcap"), "--case", "swap", "--evidence")
    fill(folder)
    made = Desk(folder)
    try:
        _people(made)
        yield made
    finally:
        status = made.end()
    assert status == 0


def _people(desk: Desk) -> None:
    """Users through the API, as a script of an administrator makes them; everybody chooses a password."""

    def ask(opener: Any, method: str, path: str, body: object, csrf: str = "") -> Any:
        headers = {"Content-Type": "application/json", "X-CSRF-Token": csrf}
        request = urllib.request.Request(desk.address + path, json.dumps(body).encode(), headers, method=method)  # noqa: S310  our own
        with opener.open(request) as answer:
            return answer.headers.get("X-CSRF-Token"), json.loads(answer.read() or b"null")

    def enter(name: str, once: str) -> tuple[Any, str]:
        opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
        _, known = ask(opener, "POST", "/api/v1/session", {"name": name, "password": once})
        change = {"old": once, "new": PASSWORD}
        csrf, _ = ask(opener, "POST", "/api/v1/session/password", change, known["csrf"])
        return opener, csrf

    opener, csrf = enter("admin", desk.password)
    for role in ROLES:
        _, told = ask(opener, "POST", "/api/v1/users", {"name": f"the-{role}", "role": role}, csrf)
        enter(f"the-{role}", told["password"])


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Not for the whole session: its event loop, asleep while other tests run, is told of every process that ends."""
    with sync_api.sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        yield made
        made.close()


@pytest.fixture
def watched(desk: Desk, browser: Any, tmp_path: Path) -> Iterator[Watched]:
    """Nothing a test does may make the browser complain or ask another host."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    made = Watched(context, desk.address)
    yield made
    for page in context.pages:
        page.close()
    context.close()
    made.check()


@pytest.fixture
def analyst(watched: Watched) -> Any:
    return watched.log_in("the-analyst", PASSWORD)
