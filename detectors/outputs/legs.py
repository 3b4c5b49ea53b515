"""One message, seen on several connections: a broker passes it on to every subscriber.

It counts where it was seen first. A message on another connection is the same one if topic and payload are equal, it
comes within `LAG`, and that connection has not carried it yet; so a payload that is repeated unchanged counts every
time its publisher sends it.
"""

from __future__ import annotations

from typing import Any

LAG = 30 * 10**9  # nanoseconds between two legs
MESSAGES = 65_536  # remembered; beyond it the oldest are forgotten, and a later leg of theirs counts as a message
STAMPS = 8  # of a tag: a slower client may be given an earlier sample after a later one
_Key = tuple[str, bytes]


class Legs:
    def __init__(self) -> None:
        self._seen: dict[_Key, list[tuple[int, set[int]]]] = {}
        self._stamps: dict[str, list[int]] = {}
        self._size = 0
        self.repeated = 0  # legs that were not counted
        self.forgotten = 0

    def first(self, tag: str, digest: bytes, flow: int, ts: int) -> bool:
        """Whether this is the first that is seen of a message. Called in order of time."""
        key = (tag, digest)
        sent = self._seen.get(key, [])
        while sent and sent[0][0] < ts - LAG:
            del sent[0]
            self._size -= 1
        for _, flows in sent:
            if flow not in flows:
                flows.add(flow)
                self.repeated += 1
                return False
        sent.append((ts, {flow}))
        self._seen.pop(key, None)
        self._seen[key] = sent  # behind those that were sent before it
        self._size += 1
        if self._size > MESSAGES:
            self._drop(next(iter(self._seen)))
            self.forgotten += 1
        return True

    def fresh(self, tag: str, stamp: int) -> bool:
        """Whether a sample that its source has stamped was not seen yet."""
        known = self._stamps.pop(tag, [])
        new = stamp not in known
        self._stamps[tag] = [*known[-STAMPS + 1 :], stamp] if new else known
        self.repeated += not new
        if len(self._stamps) > MESSAGES:
            del self._stamps[next(iter(self._stamps))]
            self.forgotten += 1
        return new

    def _drop(self, key: _Key) -> None:
        self._size -= len(self._seen.pop(key))

    def close(self, now: int) -> None:
        """A window is over: what no leg can follow any more is dropped."""
        while self._seen:
            key = next(iter(self._seen))
            if self._seen[key] and self._seen[key][-1][0] >= now - LAG:
                return
            self._drop(key)

    def snapshot(self) -> dict[str, Any]:
        seen = [
            [tag, digest.hex(), [[ts, sorted(flows)] for ts, flows in sent]]
            for (tag, digest), sent in self._seen.items()
        ]
        stamps = [[tag, known] for tag, known in self._stamps.items()]
        return {"seen": seen, "stamps": stamps, "lost": [self.repeated, self.forgotten]}

    def restore(self, state: dict[str, Any]) -> None:
        self._seen = {
            (tag, bytes.fromhex(digest)): [(ts, set(flows)) for ts, flows in sent]
            for tag, digest, sent in state["seen"]
        }
        self._stamps = {tag: list(known) for tag, known in state["stamps"]}
        self._size = sum(map(len, self._seen.values()))
        self.repeated, self.forgotten = state["lost"]
