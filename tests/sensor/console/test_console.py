"""Pages from templates: whatever comes from the wire stays text."""

from __future__ import annotations

import jinja2
import pytest

from sensor.config import Config
from sensor.console import console
from sensor.console.console import Console, host, number_text, short_number, time_text

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='x",
    "\u202egnp.exe",
    "a\x00b\x1b[2J",
    "{{ 7 * 7 }}",
]


class Nowhere:
    """The store's place is all that rendering asks of an owner."""

    location = "store"


@pytest.fixture
def desk() -> Console:
    return Console(Nowhere(), Config())


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_escaped_and_what_hides_or_turns_text_is_written_out(desk, text):
    shown = desk.part(
        "packets_part.html", packets=[{"frame": 1, "layers": [{"name": text, "fields": [text]}]}], note=text
    ).body.decode()
    assert "<script" not in shown and "<img" not in shown
    assert "'x" not in shown.replace("&#39;", "")
    assert not any(char in shown for char in "\u202e\x00\x1b")
    assert "49" not in shown


def test_a_value_that_a_template_forgets_is_an_error(desk):
    with pytest.raises(jinja2.UndefinedError):
        desk.part("packets_part.html", note="")


def test_times_numbers_and_addresses_are_written_for_people():
    whole = '<time datetime="2026-11-03T04:37:17Z">2026-11-03 04:37:17</time>'
    assert time_text("2026-11-03 04:37:17.171115000") == time_text("2026-11-03T04:37:17Z") == whole
    assert time_text("2026-11-03 04:37:17", "minutes") == whole.replace(":17</time>", "</time>")
    assert (time_text(None), time_text("<b>soon")) == ("", "<b>soon"), "no moment: text, to be escaped"
    assert "2026-11-02 22:10:00</time>" in time_text(1793657400 * 10**9)
    assert number_text(1234567) == "1\u2009234\u2009567"
    assert [short_number(n) for n in (0, 999, 1234, 5_300_000)] == ["0", "999", "1.23 k", "5.3 M"]
    assert host("::ffff:10.1.2.3") == "10.1.2.3" and host("fe80::1") == "fe80::1"


def test_without_assets_the_page_says_so(desk, monkeypatch, tmp_path):
    monkeypatch.setattr(console, "STATIC", tmp_path)
    bare = Console(Nowhere(), Config())
    assert bare._templates.globals["has_assets"] is False
