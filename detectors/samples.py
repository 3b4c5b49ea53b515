"""The values of a window, by tag and in the order of time, whatever the order of rows and the number of parts.

A tag is what one client hears of one server. Whatever all values of a message share is worked out once a message, and
a name once a tag: a busy site has a hundred thousand values in a window.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from detectors.statistics.hashing import hash64, hash_on
from detectors.window import number
from parsers import tag_numbers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from detectors.statistics.store import Store
    from detectors.window import Array, Table

WAITING = 1 << 20  # values of a window; what comes later is left out and counted
_NONE = np.uint32(0xFFFFFFFF)
NAME = 96  # octets kept of a tag's name
SOURCE = 16  # and of its protocol's
FIELDS = {
    "name": (f"S{NAME}", ()), "source": (f"S{SOURCE}", ()), "client": (np.uint8, (16,)), "server": (np.uint8, (16,)),
    "conversation": (np.uint64, ()),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Samples:
    """`keys`: of the tags, rising. The other columns are as `parsers.Readings.take` wants them."""

    keys: Array
    order: Array
    edges: Array
    times: Array
    numbers: Array
    values: Array
    places: Array


class Gathered:
    """`known`: tags whose names need not be told again."""

    def __init__(self, known: Store) -> None:
        self._known = known
        self.overflow = 0
        self.clear()

    def __len__(self) -> int:
        return self._waiting

    def clear(self) -> None:
        self._waiting = 0
        self._numbers: list[Array] = []
        self._values: list[Array] = []
        self._edges: list[Array] = []
        self._messages: list[tuple[Array, ...]] = []
        self._tags: list[Array] = []
        self._named: list[dict[str, Array]] = []
        self._captures: dict[str, int] = {}

    def add(self, table: Table) -> None:
        """A part of a window."""
        messages, edges = table.folded
        ends, first, whose = np.unique(
            hash64(messages.addresses("src_ip"), messages.addresses("dst_ip"), messages.stable("source")),
            return_index=True, return_inverse=True,
        )  # fmt: skip
        codes, names = table.codes("tag")
        values = table.numbers("value").astype(np.float64, copy=False)
        numbers, pairs, left_out = tag_numbers(
            whose.astype(np.int64, copy=False), edges, codes.astype(np.int32, copy=False), len(names), values,
            table.valid("value").view(np.uint8), max(0, WAITING - self._waiting),
        )  # fmt: skip
        self.overflow += left_out
        whose, code = np.divmod(np.frombuffer(pairs, dtype=np.int64), max(1, len(names)))
        called, code = np.unique(code, return_inverse=True)
        called_as = [names[at] for at in called.tolist()]
        keys = hash_on(ends[whose], np.fromiter(map(number, called_as), dtype=np.uint64, count=len(called))[code])
        self._name(messages, first[whose], called_as, code, keys)
        self._numbers.append(_moved(np.frombuffer(numbers, dtype=np.uint32), sum(map(len, self._tags))))
        self._values.append(values)
        self._edges.append(edges[:-1].astype(np.int64) - edges[0] + self._waiting)
        self._tags.append(keys)
        times, frames = messages.numbers("ts"), messages.numbers("frame").astype(np.int64)
        self._messages.append((times, frames, self._capture(messages)))
        self._waiting += len(values)

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
        self._messages = [tuple(np.concatenate(columns) for columns in zip(*self._messages, strict=True))]
        times, frames, _ = self._messages[0]
        values = np.concatenate(self._values)
        edges = np.append(np.concatenate(self._edges), len(values))
        keys, places = np.unique(np.concatenate(self._tags), return_inverse=True)
        return Samples(
            keys, _in_time(times, frames, edges, values), edges, times, np.concatenate(self._numbers), values,
            places.astype(np.int64, copy=False),
        )  # fmt: skip

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


def _moved(numbers: Array, by: int) -> Array:
    """The numbers of a later part, behind those of the parts before; what has none keeps none."""
    return np.where(numbers == _NONE, _NONE, numbers + np.uint32(by)) if by else numbers


def _in_time(times: Array, frames: Array, edges: Array, values: Array) -> Array:
    """Messages in the order of time; of the same packet in that of their values, for want of another. Within a message
    values stay as it tells them: an outstation's events come before what holds now."""
    if not len(times) or (times[1:] > times[:-1]).all():
        return np.arange(len(times))
    sizes = np.diff(edges)
    firsts = np.zeros(len(times))
    firsts[sizes > 0] = values[edges[:-1][sizes > 0]]
    return np.lexsort((firsts, frames, times))
