"""Pictures of the process: what is in them is what the store holds, and they are the same twice."""

from __future__ import annotations

import io
import xml.etree.ElementTree as ET

import pytest
from PIL import Image

from sensor.forensics import plot, process_sql
from sensor.forensics.process import Mark, Panel, View, Wanted, thinned

WRITER, TAG, SECOND = "10.30.0.77", "u1/holding_register/50", 10**9
AT = 1_793_606_000 * SECOND


def hostile() -> View:
    """Mathematics, markup, controls and letters without a picture, where names of the wire stand."""
    name = "$\\frac{1}{$ <script>x</script> \x1b[2J 制御 \u202e"
    panel = Panel(name, "°C", ((AT, 1.0), (AT + 60 * SECOND, 2.0)), ((AT + 30 * SECOND, 3.0, name),), ((AT, name),))
    return View(
        "c", name, AT, AT + 120 * SECOND, (panel, Panel(name, output=True)), (Mark(AT + SECOND, "alert", "high", name),)
    )


def test_text_of_the_wire_is_drawn_as_text() -> None:
    figure = plot.drawn(hostile(), "p")
    assert Image.open(io.BytesIO(figure.png)).width > 1000
    drawn = ET.fromstring(figure.svg)  # noqa: S314  our own
    assert not [each for each in drawn.iter() if each.tag.endswith("script")]
    assert "\x1b" not in figure.svg and "<script>" not in figure.svg


def test_the_same_view_gives_the_same_bytes() -> None:
    one, two = plot.drawn(hostile(), "p"), plot.drawn(hostile(), "p")
    assert one.png == two.png
    assert one.svg == two.svg


def test_a_long_line_keeps_its_ends_and_extremes() -> None:
    points = [(n, float(n % 97)) for n in range(10_000)]
    points[5_003] = (5_003, 1e6)
    kept = thinned(points, 500)
    assert len(kept) <= 500 + 4
    assert kept == sorted(kept)
    assert {points[0], points[-1], (5_003, 1e6)} <= set(kept)


def test_a_picture_has_every_command_that_was_written(desk) -> None:
    written = desk.rows(
        "query", "SELECT values[1] AS value, src_ip AS by FROM modbus WHERE case_id = 'writer' AND function_code = 6"
        " AND address = 50 ORDER BY ts",
    )  # fmt: skip
    day = Wanted("writer", "", AT, AT - 86400 * SECOND, AT + 86400 * SECOND)
    told = desk.rows("query", process_sql.commanded(day, "10.40.0.11", TAG))
    assert [(row["value"], row["by"]) for row in told] == [(row["value"], row["by"]) for row in written]
    assert any(row["by"].endswith(WRITER) for row in told)
    [alert] = desk.rows(
        "query", "SELECT alert_id FROM alerts WHERE case_id = 'writer' AND kind = 'new_writer.write'"
        f" AND src_ip = toIPv6('{WRITER}') LIMIT 1",
    )  # fmt: skip
    done = desk("process", "--alert", alert["alert_id"], "--tag", TAG, "--output", "p.svg")
    assert done.stdout == "p.svg\n", done.stderr
    drawn = (desk.folder / "p.svg").read_text()
    assert "commanded" in drawn and TAG in drawn and "new_writer.write" in drawn


def test_units_stand_at_the_axes(desk) -> None:
    plant = (desk.folder / "driftspan.toml").read_text()
    (desk.folder / "units.toml").write_text(plant + f'\n[units]\n"{TAG}" = "rpm"\n')
    done = desk("process", "--case", "writer", "--at", "2026-11-02T06:10:00Z", "--around", "1d", "--tag", TAG,
                "--config", "units.toml", "--output", "u.html")  # fmt: skip
    assert done.returncode == 0, done.stderr
    page = (desk.folder / "u.html").read_text()
    assert f"{TAG} of 10.40.0.11 [rpm]" in page
    assert "Asked of the store" in page
    assert "<svg" in page


def test_a_model_is_drawn_with_its_versions(desk) -> None:
    [incident] = desk.rows("query", "SELECT incident_id FROM incidents WHERE case_id = 'swap' LIMIT 1")
    done = desk("process", "--incident", incident["incident_id"], "--output", "m.svg")
    assert done.returncode == 0, done.stderr
    drawn = (desk.folder / "m.svg").read_text()
    assert "what the model said" in drawn
    for row in desk.rows("query", "SELECT DISTINCT model_version AS v FROM inference_log WHERE case_id = 'swap'"):
        assert row["v"] in drawn


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "say around what: --alert, --incident or --at"),
        (("--case", "swap", "--at", "noon"), "--at 'noon' is no time"),
        (("--case", "swap", "--at", "2001-01-01"), "no value was seen in that time"),
        (
            ("--case", "swap", "--at", "2026-11-02T09:00:00Z", "--around", "long"),
            "--around 'long' is no length of time",
        ),
        (("--case", "swap", "--at", "2026-11-02T09:00:00Z", "--tag", "no/such"), "there is no tag 'no/such'"),
        (("--case", "swap", "--at", "2026-11-02T09:00:00Z", "--output", "p.md"), "a picture is PNG, SVG, HTML or PDF"),
        (("--alert", "ffffffffffff"), "there is no alert 'ffffffffffff'"),
    ],
)
def test_what_cannot_be_drawn_is_said(desk, arguments: tuple[str, ...], said: str) -> None:
    assert said in desk.refused("process", *arguments)
