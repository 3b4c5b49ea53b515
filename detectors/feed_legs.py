"""The two legs of a message through an MQTT broker: as its source sent it, and as a reader got it.

Both pass the mirror port. What a reader gets that nobody sent, at the moment at which something else was sent that this
reader never gets, was changed on its way. A lost packet cannot look like that: it takes away one of the two only.
Retained messages are left out: they were sent long before.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from detectors.base import SECOND

LAG = 5 * SECOND  # between the legs of a message; messages are judged this long after they came
EARLY = SECOND // 2  # a mirror port may show the second leg first
HELD = 30 * SECOND  # what was sent this long before may still be handed over
MESSAGES = 8192  # held at a time, of all topics
PAYLOAD = 4096  # bytes kept of a payload; of a longer one only that it differs is known
FIELDS = 64  # of a payload that are compared
_DEPTH = 4


class Message(NamedTuple):
    """`end`: the client that sent or got it."""

    ts: int
    digest: bytes
    end: bytes
    frame: int
    capture: str
    payload: bytes
    sent: bool

    def packed(self) -> list[Any]:
        """As JSON can carry it."""
        return [part.hex() if isinstance(part, bytes) else part for part in self]

    @classmethod
    def unpacked(cls, kept: list[Any]) -> Message:
        ts, digest, end, frame, capture, payload, sent = kept
        return cls(ts, bytes.fromhex(digest), bytes.fromhex(end), frame, capture, bytes.fromhex(payload), sent)


class Altered(NamedTuple):
    """`others`: whether another reader got what was sent."""

    server: bytes
    topic: str
    sent: Message
    got: Message
    others: bool

    def packed(self) -> list[Any]:
        return [self.server.hex(), self.topic, self.sent.packed(), self.got.packed(), self.others]

    @classmethod
    def unpacked(cls, kept: list[Any]) -> Altered:
        server, topic, sent, got, others = kept
        return cls(bytes.fromhex(server), topic, Message.unpacked(sent), Message.unpacked(got), others)


Place = tuple[bytes, str]  # broker, topic


class Legs:
    def __init__(self) -> None:
        self._held: dict[Place, list[Message]] = {}
        self._judged = 0  # messages before this moment were judged
        self.size = 0
        self.overflow = 0

    def add(self, place: Place, message: Message) -> None:
        """In any order within a window."""
        if self.size >= MESSAGES:
            self.overflow += 1
            return
        self._held.setdefault(place, []).append(message)
        self.size += 1

    def settle(self, end: int) -> list[Altered]:
        """At the end of a window: messages that were changed, of those for which all legs had their time."""
        limit, found = end - LAG, []
        for place in sorted(self._held):
            held = sorted(self._held[place])
            found += [altered for got in held if self._judged <= got.ts < limit and not got.sent
                      and (altered := _changed(place, got, held)) is not None]  # fmt: skip
            self._held[place] = [message for message in held if message.ts >= limit - HELD]
        self._held = {place: held for place, held in self._held.items() if held}
        self.size = sum(map(len, self._held.values()))
        self._judged = max(self._judged, limit)
        return found

    def snapshot(self) -> dict[str, Any]:
        held = [
            [server.hex(), topic, [m.packed() for m in sorted(found)]]
            for (server, topic), found in sorted(self._held.items())
        ]
        return {"held": held, "judged": self._judged, "overflow": self.overflow}

    def restore(self, state: dict[str, Any]) -> None:
        self._held = {
            (bytes.fromhex(server), topic): [Message.unpacked(m) for m in found]
            for server, topic, found in state["held"]
        }
        self._judged, self.overflow = state["judged"], state["overflow"]
        self.size = sum(map(len, self._held.values()))


def _changed(place: Place, got: Message, held: list[Message]) -> Altered | None:
    """What was sent instead of this; None: nothing, or it was sent as it is."""
    sent = [m for m in held if m.sent and got.ts - HELD <= m.ts <= got.ts + EARLY]
    if any(m.digest == got.digest for m in sent):
        return None
    near = [m for m in sent if got.ts - LAG <= m.ts]
    handed = {m.digest for m in held if not m.sent and m.end == got.end}
    lost = [m for m in near if m.digest not in handed]
    if not lost:
        return None
    original = min(lost, key=lambda m: (abs(m.ts - got.ts), m))
    others = any(not m.sent and m.end != got.end and m.digest == original.digest for m in held)
    return Altered(*place, original, got, others)


def difference(sent: bytes, got: bytes) -> list[tuple[str, str, str]]:
    """Fields of two JSON documents that differ: name, as sent, as received; the whole text where they are none."""
    before, after = _fields(sent), _fields(got)
    if before is None or after is None:
        return [("payload", _short(sent.decode("utf-8", "replace")), _short(got.decode("utf-8", "replace")))]
    names = list(dict.fromkeys((*before, *after)))
    return [
        (name, before.get(name, "absent"), after.get(name, "absent"))
        for name in names
        if before.get(name) != after.get(name)
    ]


def _fields(payload: bytes) -> dict[str, str] | None:
    try:
        document = json.loads(payload)
    except (ValueError, RecursionError):
        return None
    found: dict[str, str] = {}
    _walk(document, "", found, 0)
    return found


def _walk(value: object, name: str, found: dict[str, str], depth: int) -> None:
    if len(found) >= FIELDS:
        return
    if isinstance(value, dict) and depth < _DEPTH:
        for key, item in value.items():
            _walk(item, f"{name}.{key}" if name else str(key), found, depth + 1)
    elif isinstance(value, list) and depth < _DEPTH:
        for at, item in enumerate(value):
            _walk(item, f"{name}[{at}]", found, depth + 1)
    else:
        found[name or "value"] = _short(json.dumps(value))


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:60] + "…"
