"""The list of pages agrees with the routes, templates and icons there are."""

from __future__ import annotations

from sensor.console.console import HERE, STATIC
from sensor.console.pages import PAGES
from sensor.console.people import local


def test_every_page_has_its_template_and_icon():
    icons = (STATIC / "icons.svg").read_text()
    for page in PAGES:
        assert (HERE / "templates" / f"{page.name}.html").is_file(), page.name
        assert f'id="{page.name}"' in icons, page.name


def test_no_two_pages_share_a_key_or_a_path():
    keys = [page.key for page in PAGES if page.key]
    assert len(keys) == len(set(keys))
    assert len({page.path for page in PAGES}) == len(PAGES)


def test_only_paths_of_this_console_are_gone_to_after_login():
    assert local("/alerts?severity=high") == "/alerts?severity=high"
    for there in ("//evil.example/", "https://evil.example", "/\\evil.example", "javascript:alert(1)", "/a\nb", ""):
        assert local(there) == "/", there
