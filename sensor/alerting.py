"""`[learning]`, `[alerting]`, `[[change]]` and `[[suppress]]`: how the sensor is taught by its configuration."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from detectors import address
from detectors.changes import ACTIONS, Change
from detectors.verdicts import Suppression
from sensor.config_read import Reader, unknown

if TYPE_CHECKING:
    from detectors.learning import Settings
    from sensor.toml_lines import Path

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MOST_FALSE_ALARMS = 10_000.0
_LONGEST = 366 * 24 * 3600  # seconds of learning


@dataclass(frozen=True, slots=True)
class LearningSection:
    """`detectors.learning.Settings`, which is read only where detectors run: it brings numpy along."""

    seconds: float = 300.0
    quiet_windows: int = 6
    device_seconds: float = 3600.0

    def settings(self) -> Settings:
        from detectors.learning import Settings

        return Settings(self.seconds, self.quiet_windows, self.device_seconds)


@dataclass(frozen=True, slots=True)
class AlertingSection:
    """`false_alarms_per_day`: what all detectors that judge by what is usual may cost together. `changes`: files of
    approved changes, CSV or JSON."""

    false_alarms_per_day: float = 1.0
    changes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ChangeEntry:
    id: str
    start: datetime
    end: datetime
    hosts: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()
    note: str = ""

    def change(self) -> Change:
        return Change(self.id, nanoseconds(self.start), nanoseconds(self.end), self.hosts, self.actions, self.note)


@dataclass(frozen=True, slots=True)
class SuppressEntry:
    """Empty: any. `until` is the epoch where none is given: for ever."""

    kind: str = ""
    src: str = ""
    dst: str = ""
    until: datetime = EPOCH
    note: str = ""

    def suppression(self) -> Suppression:
        ends = {name: address.parse(text) for name, text in (("src", self.src), ("dst", self.dst)) if text}
        return Suppression(self.kind, until=nanoseconds(self.until), note=self.note, **ends)


def nanoseconds(time: datetime) -> int:
    return (time - EPOCH) // timedelta(microseconds=1) * 1000


def check_alerting(
    reader: Reader,
    learns: LearningSection,
    alerting: AlertingSection,
    changes: tuple[ChangeEntry, ...],
    suppressed: tuple[SuppressEntry, ...],
) -> None:
    _check_learning(reader, learns)
    budget = alerting.false_alarms_per_day
    if not 0 < budget <= MOST_FALSE_ALARMS:  # NaN is neither
        message = f"false_alarms_per_day must be above 0 and at most {MOST_FALSE_ALARMS:g}"
        raise reader.error(("alerting", "false_alarms_per_day"), message)
    for index, entry in enumerate(changes):
        _check_change(reader, ("change", index), entry, [c.id for c in changes[:index]])
    for index, suppress in enumerate(suppressed):
        _check_suppress(reader, ("suppress", index), suppress)


def _check_learning(reader: Reader, learns: LearningSection) -> None:
    for name in ("seconds", "device_seconds"):
        value = getattr(learns, name)
        if not (math.isfinite(value) and 0 <= value <= _LONGEST):
            raise reader.error(("learning", name), f"{name} must be between 0 and {_LONGEST} (a year)")
    if learns.quiet_windows < 1:
        raise reader.error(("learning", "quiet_windows"), "quiet_windows must be at least 1")


def _check_change(reader: Reader, path: Path, entry: ChangeEntry, earlier: list[str]) -> None:
    if not entry.id:
        raise reader.error((*path, "id"), "this change has an empty id; give it the ticket's number")
    if entry.id in earlier:
        raise reader.error((*path, "id"), f"change {entry.id!r} is defined twice; rename one")
    if entry.end <= entry.start:
        raise reader.error((*path, "end"), f"change {entry.id!r} ends before it begins; set end after start")
    for host in entry.hosts:
        try:
            address.prefix(host)
        except ValueError:
            message = f"{host!r} is neither an address nor a network, as in 10.1.0.5 or 10.1.0.0/24"
            raise reader.error((*path, "hosts"), message) from None
    for action in entry.actions:
        if action not in ACTIONS:
            raise reader.error((*path, "actions"), unknown("action", action, ACTIONS))


def _check_suppress(reader: Reader, path: Path, entry: SuppressEntry) -> None:
    if not (entry.kind or entry.src or entry.dst):
        raise reader.error(path, "this would keep every alert quiet; name a kind, src or dst")
    for key, text in (("src", entry.src), ("dst", entry.dst)):
        try:
            if text:
                address.parse(text)
        except ValueError:
            raise reader.error((*path, key), f"{text!r} is no address; one host is named, as in 10.1.0.5") from None
    if not entry.kind:
        return
    from detectors import catalogue, registry

    kinds = [known.id for known in catalogue.entries()]
    # Kinds of detectors that other packages bring are not known before these are loaded.
    if entry.kind not in kinds and entry.kind.partition(".")[0] in registry.BUILTIN:
        raise reader.error((*path, "kind"), unknown("kind of alert", entry.kind, kinds))
