"""What counts as found, and what as a false alarm: by events, never by points, and without point adjustment.

An alert counts for an event if its kind is one of those expected there, it names one of the event's hosts, it began (or
was first told) in an event that expects it, and it was seen in the event's own time. That is from its start to its end; what is seen in
the GRACE after the latest event that has ended is this event's, and what is seen in the window before one, when no
other is under way, is the next one's (alerts of amounts begin where their window does). It is false if it is of medium severity or above, counts for no
event, and is neither a standing kind of the run nor one that is true of an event as well (`also`). A kind that the run
calls silent is false at any severity.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from detectors.alert import NOWHERE, SEVERITIES
from tests.evaluate.data import DAY, SECOND, Event
from tests.evaluate.delays import Delays
from tests.evaluate.judge import Judged, Seen

GRACE = 60 * SECOND
BEFORE = 10 * SECOND
COUNTED = SEVERITIES[SEVERITIES.index("medium") :]


@dataclass(frozen=True, slots=True)
class Finding:
    """An event and a detector that should tell it. `delay`: seconds from its start to the end of the window that told."""

    run: str
    event: str
    detector: str
    detected: bool
    delay: float | None


@dataclass(slots=True)
class Score:
    """Of a data set. `true` and `false` count alerts; `wrong` says of which run and kind the false ones are."""

    events: int = 0
    hit: int = 0
    true: int = 0
    false: int = 0
    nanoseconds: int = 0
    messages: int = 0
    findings: list[Finding] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)
    wrong: dict[str, int] = field(default_factory=dict)
    delays: list[float] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    soon: Delays = field(default_factory=Delays)
    look_alikes: dict[str, int] = field(default_factory=dict)  # runs without an attack: alarms above `low`

    @property
    def days(self) -> float:
        return self.nanoseconds / DAY

    def add(self, judged: Judged) -> None:
        """The alerts of one run against its events."""
        run, counting = judged.run, set()
        events = [moved(event, run.part.shift) for event in run.events]
        for event in events:
            if not event.expected:
                continue
            found = {}
            for seen in judged.seen:
                if (at := told(seen, event, events)) is not None:
                    found[seen.alert.alert_id] = at
                    first = min(ts for ts, end in seen.moments if end <= at and event in at_time(ts, events))
                    self.soon.tells(seen, first, at)
            counting |= set(found)
            kinds = {seen.alert.kind: found[seen.alert.alert_id] for seen in reversed(judged.seen)
                     if seen.alert.alert_id in found}  # fmt: skip
            self._event(run.name, event, kinds)
        if not run.events:
            self.look_alikes[run.name] = sum(false(seen, judged, events) for seen in judged.seen)
        for seen in judged.seen:
            self.soon.missed(seen)
            if seen.alert.alert_id in counting:
                self.true += 1
            elif false(seen, judged, events):
                self.false += 1
                name = f"{run.name}: {seen.alert.kind}"
                self.wrong[name] = self.wrong.get(name, 0) + 1
        self.nanoseconds += judged.duration
        self.messages += judged.messages
        self.notes += [f"{run.name}: {note}" for note in judged.notes]

    def _event(self, run: str, event: Event, kinds: dict[str, int]) -> None:
        whole = set(kinds) >= event.expected if event.every else bool(kinds)
        self.events += 1
        self.hit += whole
        if whole:
            at = (max if event.every else min)(kinds.values())
            self.delays.append((at - event.start) / SECOND)
        else:
            self.missed.append(f"{run}: {event.name}")
        for detector in event.detectors:
            times = [at for kind, at in kinds.items() if kind.partition(".")[0] == detector]
            delay = round((min(times) - event.start) / SECOND, 1) if times else None
            self.findings.append(Finding(run, event.name, detector, bool(times), delay))


def moved(event: Event, shift: int) -> Event:
    return Event(
        event.name, event.start + shift, event.end + shift, event.expected, event.also, event.every, event.hosts
    )


def told(seen: Seen, event: Event, events: list[Event]) -> int | None:
    """Packet time at which the alert told the event, if it did."""
    if seen.alert.kind not in event.expected or not names(seen, event):
        return None
    begun = any(seen.alert.kind in e.expected | e.also for e in beginning(seen, events))
    times = [at for ts, at in seen.moments if event in at_time(ts, events) and at > event.start]
    return min(times) if begun and times else None


def beginning(seen: Seen, events: list[Event]) -> list[Event]:
    """The events in which an alert began, or came to be told."""
    return [event for ts in seen.begins for event in at_time(ts, events)]


def names(seen: Seen, event: Event) -> bool:
    ends = {seen.alert.src_ip, seen.alert.dst_ip} - {NOWHERE}
    return not event.hosts or not ends or bool(ends & event.hosts)


def at_time(ts: int, events: list[Event]) -> list[Event]:
    """The events to which what is seen at this time belongs."""
    if now := [e for e in events if e.start <= ts <= e.end]:
        return now
    if over := [e for e in events if e.end < ts <= e.end + GRACE]:
        latest = max(e.end for e in over)
        return [e for e in over if e.end == latest]
    return [e for e in events if e.start - BEFORE <= ts < e.start]


def false(seen: Seen, judged: Judged, events: list[Event]) -> bool:
    """Whether an alert that counts for no event is a false alarm."""
    run, kind = judged.run, seen.alert.kind
    ends = {seen.alert.src_ip, seen.alert.dst_ip} - {NOWHERE}
    if ends and ends <= run.absent:
        return False
    if kind in run.silent or kind.partition(".")[0] in run.silent:
        return True
    if kind in run.standing or seen.alert.severity not in COUNTED:
        return False
    return not any(kind in e.also | e.expected and names(seen, e) for e in beginning(seen, events))


@dataclass(slots=True)
class Windows:
    """For labels by packet: windows with an attack hit by any alert of medium or above, and clean ones hit wrongly."""

    attacked: int = 0
    hit: int = 0
    clean: int = 0
    false: int = 0
    nanoseconds: int = 0
    messages: int = 0

    def add(self, judged: Judged, attacked: set[int]) -> None:
        """`attacked`: starts of the windows that hold a packet of the attack."""
        alarmed = {
            start
            for start, end in judged.windows
            if any(start <= ts < end for s in judged.seen if s.alert.severity in COUNTED for ts, _ in s.moments)
        }
        starts = {start for start, _ in judged.windows}
        self.attacked += len(attacked & starts)
        self.hit += len(attacked & alarmed)
        self.clean += len(starts - attacked)
        self.false += len(alarmed - attacked)
        self.nanoseconds += judged.duration
        self.messages += judged.messages
