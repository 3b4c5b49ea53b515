"""Bounded memory of what was looked at.

Two generations: when the young one is full, the old one is forgotten and the young one takes its place.
What is still in use moves back to the young one. Forgetting costs a second look, never an error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from detectors.window import Array

Key = bytes | int

KNOWN = 1 << 16  # keys a generation
BEHAVIOURS = 1 << 18  # ids a generation, eight bytes each: a large site's behaviours all fit into one


class Memo:
    """Text by key; `get` answers None for what is unknown or forgotten."""

    def __init__(self, limit: int = 0) -> None:
        self.limit = limit or KNOWN
        self._young: dict[Key, str] = {}
        self._old: dict[Key, str] = {}

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def get(self, key: Key) -> str | None:
        found = self._young.get(key)
        if found is None and (found := self._old.pop(key, None)) is not None:
            self.put(key, found)
        return found

    def put(self, key: Key, text: str = "") -> None:
        if len(self._young) >= self.limit:
            self._old, self._young = self._young, {}
        self._young[key] = text

    def fresh(self, keys: Iterable[Any]) -> list[int]:
        """Positions of the keys that are new; from now on they are known, with an empty text."""
        young = self._young
        suspects = [(at, key) for at, key in enumerate(keys) if key not in young]
        found = []
        for at, key in suspects:
            if self.get(key) is None:
                found.append(at)
                self.put(key)
        return found

    def clear(self) -> None:
        self._young, self._old = {}, {}

    def snapshot(self) -> list[list[tuple[str, str]]]:
        # In the order of insertion: it is part of the state only within a generation's fill, which a
        # restored memo must reach at the same moment.
        return [[(_plain(k), text) for k, text in part.items()] for part in (self._young, self._old)]

    def restore(self, state: list[list[tuple[str, str]]]) -> None:
        self._young, self._old = ({_key(k): text for k, text in part} for part in state)


class Ids:
    """64-bit ids that were seen, as sorted arrays: thousands are looked up in one call."""

    def __init__(self, limit: int = 0) -> None:
        self.limit = limit or BEHAVIOURS
        self.clear()

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def clear(self) -> None:
        self._young: Array = np.zeros(0, dtype=np.uint64)
        self._old: Array = np.zeros(0, dtype=np.uint64)

    def fresh(self, ids: Array) -> list[int]:
        """Positions of the ids that are new; from now on they are known. `ids` are sorted."""
        if not len(ids):
            return []
        absent = ~_among(self._young, ids)
        if not absent.any():
            return []
        at = np.flatnonzero(absent)
        new = at[~_among(self._old, ids[at])]
        self._add(np.unique(ids[at]))
        positions: list[int] = new.tolist()
        return positions

    def known(self, ids: Array) -> Array:
        """Which of the ids were seen, without remembering the others."""
        return _among(self._young, ids) | _among(self._old, ids)

    def _add(self, ids: Array) -> None:
        if len(self._young) + len(ids) > self.limit:
            self._old, self._young = self._young, self._young[:0]
        self._young = np.insert(self._young, np.searchsorted(self._young, ids), ids)[-self.limit :]

    def snapshot(self) -> list[list[int]]:
        return [self._young.tolist(), self._old.tolist()]

    def restore(self, state: list[list[int]]) -> None:
        self._young, self._old = (np.array(part, dtype=np.uint64) for part in state)


def latest(held: dict[Any, Any], limit: int, when: Callable[[Any], Any]) -> dict[Any, Any]:
    """What was seen last (`when` of a value), where something has to leave; of the same time the greater key stays."""
    if len(held) <= limit:
        return held
    return dict(sorted(held.items(), key=lambda item: (when(item[1]), item[0]))[-limit:])


def _among(known: Array, ids: Array) -> Array:
    if not len(known):
        return np.zeros(len(ids), dtype=bool)
    at = np.searchsorted(known, ids)
    at[at == len(known)] = 0
    found: Array = known[at] == ids
    return found


def _plain(key: bytes | int) -> str:
    return key.hex() if isinstance(key, bytes) else f"#{key}"


def _key(text: str) -> Key:
    return int(text[1:]) if text.startswith("#") else bytes.fromhex(text)
