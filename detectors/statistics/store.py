"""Rows of numbers by 64-bit key: the memory of all streaming statistics.

A structure of arrays, so that ten thousand streams cost a few calls a window. Full, it forgets the rows that were seen
longest ago; that is counted. Rows are given out in the order of first sight and, within a window, of their keys, so
the order of rows in a window cannot be seen.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from detectors.window import Array

LIMIT = 1 << 18
_SMALL = 64


class Store:
    """`fields`: name to (dtype, shape of one row). New rows are zero. `limit`: rows at most."""

    def __init__(self, fields: Mapping[str, tuple[Any, tuple[int, ...]]], limit: int = 0) -> None:
        self.limit = limit or LIMIT
        self.evicted = 0
        self.rows = 0
        self._fields = {"key": (np.uint64, ()), "seen": (np.int64, ()), **fields}
        self._arrays = {n: np.zeros((_SMALL, *shape), dtype=d) for n, (d, shape) in self._fields.items()}
        self._index()

    def __len__(self) -> int:
        return self.rows

    def __getitem__(self, name: str) -> Array:
        """A field of all rows; writing into it changes the store."""
        return self._arrays[name][: self.rows]

    @property
    def bytes(self) -> int:
        return sum(array.nbytes for array in self._arrays.values()) + self._sorted.nbytes + self._order.nbytes

    def _index(self) -> None:
        self._order: Array = np.argsort(self["key"], kind="stable")
        self._sorted: Array = self["key"][self._order]

    def find(self, keys: Array) -> Array:
        """Row of each key; -1 where there is none."""
        if not self.rows:
            return np.full(len(keys), -1, dtype=np.int64)
        at = np.searchsorted(self._sorted, keys)
        at[at == self.rows] = 0
        return np.where(self._sorted[at] == keys, self._order[at], -1)

    def at(self, keys: Array, now: int) -> tuple[Array, Array]:
        """Row of each key, and which of them are new. `keys` are distinct, `now` is when they were seen.

        With more keys than the limit, the largest are left out: their row is -1.
        """
        if not len(keys):
            return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=bool)
        rows = self.find(keys)
        new = rows < 0
        if new.any():
            self["seen"][rows[~new]] = now
            self._add(np.sort(keys[new]), now)
            rows = self.find(keys)
            new &= rows >= 0
        self["seen"][rows[rows >= 0]] = now
        return rows, new

    def _add(self, keys: Array, now: int) -> None:
        room = self.limit - int(np.count_nonzero(self["seen"] == now))
        self.evicted += max(0, len(keys) - room)
        keys = keys[: max(0, room)]
        if self.rows + len(keys) > self.limit:
            self._forget(min(self.rows, self.rows + len(keys) - self.limit + self.limit // 8), now)
        count = self.rows + len(keys)
        for name, array in self._arrays.items():
            if count > len(array):
                grown = np.zeros(
                    (min(self.limit, max(5 * len(array) // 4, count)), *array.shape[1:]), dtype=array.dtype
                )
                grown[: self.rows] = array[: self.rows]
                self._arrays[name] = grown
            self._arrays[name][self.rows : count] = 0
        self.rows = count
        self["key"][count - len(keys) :] = keys
        self["seen"][count - len(keys) :] = now
        self._index()

    def _forget(self, excess: int, now: int) -> None:
        """The rows seen longest ago leave, of the same age those with the smaller key; none that was seen now."""
        oldest = np.lexsort((self["key"], self["seen"]))
        leaving = oldest[self["seen"][oldest] < now][:excess]
        kept = np.ones(self.rows, dtype=bool)
        kept[leaving] = False
        count = int(kept.sum())
        for array in self._arrays.values():
            array[:count] = array[: self.rows][kept]
        self.evicted += self.rows - count
        self.rows = count
        self._index()

    def snapshot(self) -> dict[str, Any]:
        """Arrays as base64 of their bytes, little endian."""
        kept = {name: base64.b64encode(np.ascontiguousarray(self[name]).tobytes()).decode() for name in self._arrays}
        return {"rows": self.rows, "evicted": self.evicted, "fields": kept}

    def restore(self, state: Mapping[str, Any]) -> None:
        """ValueError if the state is of other fields."""
        if set(state["fields"]) != set(self._fields):
            raise ValueError(f"fields {sorted(set(state['fields']) ^ set(self._fields))} are missing or unknown")
        self.rows, self.evicted = state["rows"], state["evicted"]
        for name, (dtype, shape) in self._fields.items():
            flat = np.frombuffer(base64.b64decode(state["fields"][name]), dtype=dtype)
            array = np.zeros((max(_SMALL, self.rows), *shape), dtype=dtype)
            array[: self.rows] = flat.reshape(self.rows, *shape)
            self._arrays[name] = array
        self._index()
