"""Captures through the whole pipeline, as `driftspan replay` takes them: packet path, windows, detectors.

What is clean is learnt from first, then each run of the data set is judged from that state on. A run is moved in time
behind the learnt part, so that packet time never goes backwards.
"""

from __future__ import annotations

import contextlib
import copy
import gzip
import struct
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from detectors.alert import Alert
from detectors.book import Cause
from detectors.pipeline import Pipeline
from parsers import Window
from sensor.replay import PROTOCOLS, open_captures, pipeline_of
from tests.evaluate.data import SECOND, DataSet, Part, Run
from tests.evaluate.packets import times

_PCAP, _RECORD = struct.Struct("<IHHiIII"), struct.Struct("<IIII")
_MICROSECONDS = 0xA1B2C3D4
WINDOW = 10 * SECOND


@dataclass(slots=True)
class Seen:
    """An alert of a run. `moments`: packet times at which it was seen, each with the window end that told it: its
    first and latest time whenever it was given out, all that its detector added to it while it was open, and the times
    of the frames that it shows."""

    alert: Alert
    moments: list[tuple[int, int]] = field(default_factory=list)

    @property
    def first(self) -> int:
        return min(ts for ts, _ in self.moments)

    @property
    def begins(self) -> tuple[int, int]:
        """The first thing it speaks of, and when it came to be told: an amount is counted from long before."""
        return self.first, max(self.first, min(end for _, end in self.moments) - WINDOW)


@dataclass(slots=True)
class Judged:
    """What a run gave: alerts, messages, nanoseconds judged, and ends of the windows judged."""

    run: Run
    seen: list[Seen]
    messages: int = 0
    windows: list[tuple[int, int]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def duration(self) -> int:
        """Of windows in which something was seen: silence between rounds is no time without false alarms."""
        return sum(end - start for start, end in set(self.windows))


def shifted(part: Part, folder: Path) -> Path:
    """The capture with every packet `part.shift` later; a classic little-endian pcap in microseconds."""
    if not part.shift:
        return part.capture
    blob = part.capture.read_bytes()
    data = bytearray(gzip.decompress(blob) if part.capture.suffix == ".gz" else blob)
    if _PCAP.unpack_from(data)[0] != _MICROSECONDS:
        raise ValueError(f"{part.capture} cannot be moved in time: it is no pcap in microseconds")
    place = _PCAP.size
    while place + _RECORD.size <= len(data):
        seconds, fraction, kept, _ = _RECORD.unpack_from(data, place)
        moved = seconds * SECOND + fraction * 1000 + part.shift
        struct.pack_into("<II", data, place, moved // SECOND, moved % SECOND // 1000)
        place += _RECORD.size + kept
    out = folder / part.capture.name.removesuffix(".gz")
    out.write_bytes(data)
    return out


def windows(data: DataSet, part: Part) -> Iterator[Window]:
    def warn(text: str) -> None:
        raise ValueError(text)

    with tempfile.TemporaryDirectory() as folder:
        engine = open_captures([str(shifted(part, Path(folder)))], data.config, 1, warn)
        while (window := engine.next()) is not None:
            yield window


def learn(data: DataSet) -> dict[str, Any]:
    """The pipeline's state after the data set's clean captures, still learning."""
    pipeline = pipeline_of(data.config, data.name)
    pipeline.begin_learning()
    for part in data.learn:
        for window in windows(data, part):
            if not data.learn_end or window.end <= data.learn_end:
                _observe(pipeline, window)
    return pipeline.snapshot()


@contextlib.contextmanager
def sights() -> Iterator[dict[int, list[int]]]:
    """Packet times that detectors add to their causes, by the cause's `id`. An alert keeps its first and its latest time
    and its earliest frames only; which of several events in a window it speaks of is said while they are gathered."""
    kept: dict[int, list[int]] = {}
    seen, shown = Cause.seen, Cause.shown

    def noted_seen(cause: Cause, count: int, first_ts: int, last_ts: int) -> None:
        kept.setdefault(id(cause), []).extend((first_ts, last_ts))
        seen(cause, count, first_ts, last_ts)

    def noted_shown(cause: Cause, ts: int, frame: int, capture: str) -> None:
        kept.setdefault(id(cause), []).append(ts)
        shown(cause, ts, frame, capture)

    with contextlib.ExitStack() as stack:
        for name, wrapped, plain in (("seen", noted_seen, seen), ("shown", noted_shown, shown)):
            setattr(Cause, name, wrapped)
            stack.callback(setattr, Cause, name, plain)
        yield kept


def judge(data: DataSet, run: Run, state: dict[str, Any]) -> Judged:
    shift = run.part.shift
    approved = [replace(change, start=change.start + shift, end=change.end + shift) for change in run.changes]
    pipeline = pipeline_of(data.config, data.name, changes=approved)
    pipeline.restore(copy.deepcopy(state))
    told: dict[str, Seen] = {}
    judged, learning, counted, end = Judged(run, []), True, Counter[str](), 0
    with sights() as sighted:
        for window in windows(data, run.part):
            if run.until and window.end > run.until + shift:
                break
            if learning and window.end > run.learn_until + shift:
                pipeline.end_learning()
                learning = False
            sighted.clear()
            alerts = _observe(pipeline, window)
            if learning:
                continue
            end = window.end
            counted.update(window.counters)
            judged.windows.append((window.start, window.end))
            _keep(told, alerts, window.end)
            _still(told, pipeline, window, sighted)
    _keep(told, pipeline.finish(), end)
    packets = times(run.part.capture)
    for seen in told.values():
        for ts in (packets[frame - 1] + shift for frame in _frames(seen.alert, run, len(packets))):
            seen.moments += [(ts, close) for begin, close in judged.windows if begin <= ts < close]
    judged.seen = sorted(told.values(), key=lambda seen: (seen.first, seen.alert.alert_id))
    judged.messages = sum(counted[f"messages.{name}"] for name in PROTOCOLS)
    judged.notes = [f"{name} was switched off: {why}" for name, why in pipeline.failures.items()]
    return judged


def _frames(alert: Alert, run: Run, packets: int) -> list[int]:
    """The frames of an alert that are of the run's own capture, not of the one that was learnt."""
    name = run.part.capture.name.removesuffix(".gz")
    if alert.capture and Path(alert.capture).name.removesuffix(".gz") != name:
        return []
    return [frame for frame in alert.frames if 0 < frame <= packets]


def _observe(pipeline: Pipeline, window: Window) -> list[Alert]:
    return pipeline.observe(window.tables, window.start, window.end, window.last)


def _keep(told: dict[str, Seen], alerts: list[Alert], end: int) -> None:
    for alert in alerts:
        seen = told.setdefault(alert.alert_id, Seen(alert))
        if not seen.moments:
            seen.moments.append((alert.first_ts, end))
        seen.moments.append((alert.last_ts, end))
        seen.alert = alert


def _still(told: dict[str, Seen], pipeline: Pipeline, window: Window, sighted: dict[int, list[int]]) -> None:
    """What detectors added in this window to alerts that are out: those that only grew are not given out again."""
    for detector in pipeline.detectors.values():
        for identity, seen in told.items():
            cause = detector.book.get(identity)
            for ts in sorted(set(sighted.get(id(cause), ()))):
                if window.start <= ts < window.end:
                    seen.moments.append((ts, window.end))
