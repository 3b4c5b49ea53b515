"""Bounded memory of what was looked at.

Two generations: when the young one is full, the old one is forgotten and the young one takes its place.
What is still in use moves back to the young one. Forgetting costs a second look, never an error.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

Key = bytes | int

KNOWN = 1 << 16  # keys a generation


class Memo:
    """Text by key; `get` answers None for what is unknown or forgotten."""

    def __init__(self, limit: int = KNOWN) -> None:
        self.limit = limit
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
        found = []
        for at, key in enumerate(keys):
            if key not in self._young and self.get(key) is None:
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


def _plain(key: bytes | int) -> str:
    return key.hex() if isinstance(key, bytes) else f"#{key}"


def _key(text: str) -> Key:
    return int(text[1:]) if text.startswith("#") else bytes.fromhex(text)
