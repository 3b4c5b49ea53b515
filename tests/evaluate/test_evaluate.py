"""A few scenarios of the plant through `make evaluate`, and that what it says agrees with itself."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from tests.evaluate import lab, plant, report
from tests.evaluate.__main__ import by_events
from tests.evaluate.data import DAY, NotThereError, Part
from tests.evaluate.judge import judge, learn, shifted
from tests.evaluate.packets import times
from tests.evaluate.report import BEGIN, END, README

FEW = ("rogue_writer", "port_scan", "dnp3_restart", "conduit_violation", "new_shift", "many_controllers")


@pytest.fixture(scope="module")
def few() -> tuple[report.Figures, list[report.Figures]]:
    return by_events(plant.dataset(FEW))


def test_a_few_scenarios(few: tuple[report.Figures, list[report.Figures]]) -> None:
    found, _ = few
    assert found["missed"] == []
    assert found["wrong"] == {}
    assert found["recall"] == found["precision"] == 1
    assert found["messages"] > 1000
    assert found["look_alikes"] == {"many_controllers": 0, "new_shift": 0}
    assert found["soon"]["rules"]["within_window"] >= 0.5


def test_what_was_found_is_found_still(few: tuple[report.Figures, list[report.Figures]]) -> None:
    """Scenarios are recorded anew now and then; what the kept figures say was found must not be lost unseen."""

    def found(rows: list[report.Figures]) -> set[tuple[str, str, str]]:
        return {(r["name"], r["event"], r["detector"]) for r in rows if r["detected"] and r["name"] in FEW}

    kept = [row for row in report.read()["scenarios"] if row["dataset"] == "plant"]
    assert found(kept) <= found(few[1])


def test_the_same_twice() -> None:
    data = plant.dataset(("rogue_writer",))
    first, second = (judge(data, data.runs[0], learn(data)) for _ in range(2))
    assert [(s.alert, s.moments) for s in first.seen] == [(s.alert, s.moments) for s in second.seen]


def test_the_readme_shows_the_kept_figures() -> None:
    shown = README.read_text().partition(BEGIN)[2].partition(END)[0]
    assert shown.strip() == report.summary(report.read()).strip(), "write it again: make evaluate"


def test_a_capture_is_moved_in_time(tmp_path: Path) -> None:
    capture = plant.PCAPS / "cleartext_modbus.pcap"
    later = shifted(Part(capture, 3 * DAY), tmp_path)
    assert times(later) == [ts + 3 * DAY for ts in times(capture)]
    assert len(later.read_bytes()) == capture.stat().st_size
    assert shifted(Part(capture), tmp_path) == capture
    strange = tmp_path / "x.pcap"
    strange.write_bytes(struct.pack("<I", 0xA1B23C4D) + bytes(20))
    with pytest.raises(ValueError, match="cannot be moved"):
        shifted(Part(strange, 1), tmp_path)


def test_a_data_set_that_is_not_there_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(lab, "FOLDER", tmp_path / "lab")
    with pytest.raises(NotThereError, match="DRIFTSPAN_CORPUS"):
        lab.dataset()


def test_totals_are_the_sum() -> None:
    kept = report.read()
    for key in ("events", "found", "true_alarms", "false_alarms", "messages"):
        assert kept["totals"][key] == sum(d[key] for d in kept["datasets"].values())
