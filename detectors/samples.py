"""The values of a window, sorted by tag and time, whatever the order of rows and the number of parts.

A tag is what one client hears of one server. Whatever all values of a message share is worked out once a message, and
a name once a tag: a busy site has a hundred thousand values in a window.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from detectors.statistics.hashing import hash64, hash_on
from detectors.window import number, ranked

if TYPE_CHECKING:
    from collections.abc import Mapping

    from detectors.statistics.store import Store
    from detectors.window import Array, Table

WAITING = 1 << 20  # values of a window; what comes later is left out and counted
NAME = 96  # octets kept of a tag's name
SOURCE = 16  # and of its protocol's
FIELDS = {
    "name": (f"S{NAME}", ()), "source": (f"S{SOURCE}", ()), "client": (np.uint8, (16,)), "server": (np.uint8, (16,)),
    "conversation": (np.uint64, ()),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Samples:
    """`keys`: of the tags, rising; their values begin at `starts`. `messages`: in which each value came."""

    keys: Array
    starts: Array
    ts: Array
    values: Array
    messages: Array

    def chosen(self, some: Array) -> Samples:
        """Only these values; tags without any of them are left out."""
        if some.all():
            return self
        tag = np.repeat(np.arange(len(self.keys)), np.diff(np.append(self.starts, len(self.ts))))[some]
        many = np.bincount(tag, minlength=len(self.keys))
        kept = many > 0
        starts = (np.cumsum(many) - many)[kept]
        return Samples(self.keys[kept], starts, self.ts[some], self.values[some], self.messages[some])


class Gathered:
    """`known`: tags whose names need not be told again."""

    def __init__(self, known: Store) -> None:
        self._known = known
        self.overflow = 0
        self.clear()

    def __len__(self) -> int:
        return self._waiting

    def clear(self) -> None:
        self._waiting = self._heard = 0
        self._values: list[tuple[Array, ...]] = []
        self._messages: list[tuple[Array, ...]] = []
        self._tags: list[Array] = []
        self._named: list[dict[str, Array]] = []
        self._captures: dict[str, int] = {}

    def add(self, table: Table) -> None:
        """A part of a window."""
        rows = np.flatnonzero(table.valid("value") & np.isfinite(table.numbers("value")))
        room = max(0, WAITING - self._waiting)
        self.overflow += max(0, len(rows) - room)
        rows = rows[:room]
        messages, owner = table.messages
        ends, first, whose = np.unique(
            hash64(messages.addresses("src_ip"), messages.addresses("dst_ip"), messages.stable("source")),
            return_index=True, return_inverse=True,
        )  # fmt: skip
        codes, names = table.codes("tag")
        owner = owner[rows]
        pairs, tag = ranked(whose[owner] * len(names) + codes[rows])
        whose, code = np.divmod(pairs.astype(np.int64), max(1, len(names)))
        called, code = ranked(code)
        called_as = [names[at] for at in called.tolist()]
        numbers = np.fromiter(map(number, called_as), dtype=np.uint64, count=len(called))
        keys = hash_on(ends[whose], numbers[code])
        self._name(messages, first[whose], called_as, code, keys)
        before = sum(len(tags) for tags in self._tags)
        self._values.append((tag + before, owner + self._heard, table.numbers("value")[rows].astype(np.float64)))
        self._tags.append(keys)
        times, frames = messages.numbers("ts"), messages.numbers("frame").astype(np.int64)
        self._messages.append((times, frames, self._capture(messages)))
        self._heard += len(messages)
        self._waiting += len(rows)

    def _name(self, messages: Table, first: Array, called: list[str], code: Array, keys: Array) -> None:
        new = np.flatnonzero(self._known.find(keys) < 0)
        if not len(new):
            return
        rows = first[new]
        told, code = np.unique(code[new], return_inverse=True)
        octets = np.array([called[at].encode("utf-8", "replace")[:NAME] for at in told.tolist()], dtype=f"S{NAME}")
        at, names = messages.codes("source")
        sources = np.array([name.encode()[:SOURCE] for name in names], dtype=f"S{SOURCE}")
        client, server = messages.addresses("src_ip")[rows], messages.addresses("dst_ip")[rows]
        self._named.append({
            "key": keys[new], "client": client, "server": server, "source": sources[at[rows]],
            "name": octets[code], "conversation": hash64(messages.stable("source")[rows], client, server),
        })  # fmt: skip

    def _capture(self, messages: Table) -> Array:
        if not messages.has("capture"):
            return np.full(len(messages), self._captures.setdefault("", len(self._captures)))
        codes, names = messages.codes("capture")
        return np.array([self._captures.setdefault(name, len(self._captures)) for name in names], dtype=np.int64)[codes]

    def samples(self) -> Samples:
        """All of the window; there is one at least."""
        tag, message, values = (np.concatenate(columns) for columns in zip(*self._values, strict=True))
        self._messages = [tuple(np.concatenate(columns) for columns in zip(*self._messages, strict=True))]
        keys, place = np.unique(np.concatenate(self._tags), return_inverse=True)
        ts, frames, _ = self._messages[0]
        at, tag = ts[message], place[tag]
        order = np.argsort(at, kind="stable") if (at[1:] < at[:-1]).any() else np.arange(len(at))
        order = order[np.argsort(tag[order].astype(np.uint16 if len(keys) <= 1 << 16 else np.int64), kind="stable")]
        same = (tag[order[1:]] == tag[order[:-1]]) & (at[order[1:]] == at[order[:-1]])
        if same.any():
            near = np.flatnonzero(np.append(same, False) | np.append(False, same))
            some = order[near]
            order[near] = some[np.lexsort((values[some], frames[message[some]], at[some], tag[some]))]
        tag = tag[order]
        starts = np.flatnonzero(np.append(True, tag[1:] != tag[:-1]))
        return Samples(keys, starts, at[order], values[order], message[order])

    def names(self, keys: Array) -> Mapping[str, Array]:
        """What is to be kept of new tags, FIELDS of each."""
        told = {name: np.concatenate([named[name] for named in self._named]) for name in ("key", *FIELDS)}
        found, first = np.unique(told["key"], return_index=True)
        rows = first[np.searchsorted(found, keys)]
        return {name: told[name][rows] for name in FIELDS}

    def frames(self, messages: Array) -> Array:
        found: Array = self._messages[0][1][messages]
        return found

    def place(self, message: int) -> tuple[int, int, str]:
        """Time, frame and capture of a message."""
        ts, frames, captures = self._messages[0]
        return int(ts[message]), int(frames[message]), list(self._captures)[int(captures[message])]
