"""Alerts in, slices and columns out: when, for which, and what happens when the disk takes nothing."""

from __future__ import annotations

import errno
import time
from dataclasses import replace
from pathlib import Path

import pytest

from detectors.alert import Alert
from parsers import Engine, Recorder
from sensor.evidence import collector
from sensor.evidence.collector import Collector
from sensor.evidence.shelf import Shelf
from sensor.evidence.sources import Captures, Ring
from sensor.evidence_config import EvidenceSection
from tests.sensor.evidence.test_scope import A, B, alert
from tests.sensor.evidence.test_slices import capture

SECOND = 10**9
SETTINGS = EvidenceSection(before_seconds=5, after_seconds=5)


class Rig:
    """A ring that has seen a capture, and a collector over it."""

    def __init__(self, folder: Path, *, shelf: Path | None = None, settings: EvidenceSection = SETTINGS) -> None:
        self.said: list[str] = []
        self.recorder = Recorder(memory=1 << 20)
        engine = Engine([capture(folder)], recorder=self.recorder)
        while engine.next() is not None:
            pass
        self.shelf = Shelf(shelf or folder / "evidence", "live")
        self.collector = Collector(Ring(self.recorder, engine), self.shelf, settings, self.said.append)

    def told(self, wanted: int) -> list[Alert]:
        done: list[Alert] = []
        end = time.monotonic() + 20
        while len(done) < wanted and time.monotonic() < end:
            done += self.collector.finished()
            time.sleep(0.01)
        return done


def numbered(number: int, severity: str = "high", status: str = "open") -> Alert:
    return replace(alert(A, B), alert_id=f"{number:032x}", severity=severity, status=status, frames=(2,), capture="x")


def test_a_slice_is_made_once_its_time_is_over(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    first = numbered(1)
    rig.collector.note([first])
    rig.collector.close(110 * SECOND)
    assert rig.collector.columns(first.alert_id)["evidence_note"] == "not complete yet"
    rig.collector.close(114 * SECOND)
    assert rig.collector.finished() == []
    rig.collector.note([replace(first, count=7)])
    rig.collector.close(115 * SECOND)
    assert rig.told(1) == [replace(first, count=7)], "its row is written with its latest state"
    columns = rig.collector.columns(first.alert_id)
    assert columns["evidence_packets"] == 5
    assert columns["evidence_frames"] == (2,)
    assert (rig.shelf.root / columns["evidence_file"]).is_file()
    rig.collector.note([replace(first, count=8)])
    rig.collector.finish(200 * SECOND)
    assert rig.collector.finished() == [], "a slice is written once"
    assert rig.collector.counted() == {"evidence.slices": 1}


def test_only_what_is_shown_and_grave_enough(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    graded = [numbered(n, severity) for n, severity in enumerate(("info", "low", "medium", "high", "critical"))]
    rig.collector.note([*graded, numbered(9, status="muted"), numbered(8, "low")])
    rig.collector.note([numbered(8, "medium")])  # it grew graver
    rig.collector.finish(110 * SECOND)
    made = {int(one.alert_id, 16) for one in rig.collector.finished()}
    assert made == {2, 3, 4, 8}


def test_a_restart_goes_on_with_what_is_there(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    rig.collector.note([numbered(1)])
    rig.collector.finish(110 * SECOND)
    rig.collector.finished()
    again = Rig(tmp_path)
    again.collector.note([numbered(1)])
    again.collector.finish(110 * SECOND)
    assert again.collector.finished() == []
    assert again.collector.columns(numbered(1).alert_id)["evidence_packets"] == 5


def test_what_no_packet_is_at_hand_of_is_said(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    other = replace(numbered(1), src_ip=bytes(15) + b"\x01", frames=(99,))
    rig.collector.note([other])
    rig.collector.finish(110 * SECOND)
    assert rig.collector.finished() == [other]
    assert rig.collector.columns(other.alert_id)["evidence_note"] == "no packet of it is at hand"
    assert rig.collector.counted() == {"evidence.without_packets": 1}


def test_a_disk_that_takes_nothing_is_said_once_and_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Rig(tmp_path)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(rig.shelf, "_write", full)
        rig.collector.note([numbered(1), numbered(2)])
        rig.collector.close(110 * SECOND)
        rig.collector.close(115 * SECOND)
        assert len(rig.told(2)) == 2
    assert rig.said == [f"{rig.shelf.root}: evidence cannot be written: No space left on device"]
    assert "No space left" in rig.collector.columns(numbered(1).alert_id)["evidence_note"]
    rig.collector.note([numbered(3)])
    rig.collector.finish(120 * SECOND)
    assert rig.said[1:] == ["evidence is written again"]
    assert rig.collector.counted() == {"evidence.failed": 2, "evidence.slices": 1}


def test_a_place_that_is_no_directory(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    rig = Rig(tmp_path, shelf=tmp_path / "file")
    rig.collector.note([numbered(1)])
    rig.collector.finish(110 * SECOND)
    assert len(rig.collector.finished()) == 1
    assert len(rig.said) == 1
    assert "evidence cannot be written" in rig.said[0]


def test_more_alerts_than_may_wait_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collector, "MOST_WAITING", 2)
    rig = Rig(tmp_path)
    rig.collector.note([numbered(n) for n in range(5)])
    rig.collector.finish(110 * SECOND)
    assert len(rig.collector.finished()) == 2
    assert rig.collector.counted() == {"evidence.slices": 2, "evidence.skipped": 3}


def test_old_slices_are_removed_and_counted(tmp_path: Path) -> None:
    rig = Rig(tmp_path, settings=replace(SETTINGS, days=1e-9))
    rig.collector.note([numbered(1)])
    rig.collector.finish(110 * SECOND)
    assert rig.collector.counted()["evidence.deleted"] == 1
    assert list(rig.shelf.root.glob("*/*.pcapng")) == []


def test_a_capture_gives_what_the_ring_gives(tmp_path: Path) -> None:
    path = capture(tmp_path)
    recorder = Recorder(memory=1 << 20)
    engine = Engine([path], recorder=recorder)
    while engine.next() is not None:
        pass
    asked = [([(A, B)], [(0, 2)], 0, 100 * SECOND, 200 * SECOND, 100, 1 << 20)]
    (ring,), (read,) = Ring(recorder, engine).select(asked), Captures(engine).select(asked)
    assert ring.packets == read.packets
    assert (ring.cut, ring.since, ring.overrun) == (read.cut, read.since, read.overrun)
    with pytest.raises(ValueError, match="another engine's"):
        Engine([path], recorder=recorder)
