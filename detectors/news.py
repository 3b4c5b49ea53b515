"""How often conversations bring something new: what was never seen is rare only where hardly anything is new."""

from __future__ import annotations

from typing import TYPE_CHECKING

from detectors.learning import EVEN
from detectors.statistics import words

if TYPE_CHECKING:
    from collections.abc import Iterable

    from detectors.book import Cause
    from detectors.learning import Learning

CONVERSATIONS = 1 << 14


class News:
    """Windows with news, by the number of the conversation."""

    def __init__(self, learning: Learning) -> None:
        self._learning = learning
        self._counts: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self._counts)

    def came(self, conversations: Iterable[int]) -> None:
        """In this window."""
        for key in sorted(conversations):
            if key in self._counts or len(self._counts) < CONVERSATIONS:
                self._counts[key] = self._counts.get(key, 0) + 1

    def forget(self, all_but: set[int]) -> None:
        self._counts = {key: count for key, count in self._counts.items() if key in all_but}

    def explain(self, cause: Cause, key: int, windows: int) -> str:
        """How rare it is that the conversation, there in so many windows, brings news; one that is new itself, 0, is
        held against all windows."""
        count, total = (self._counts.get(key, 0), windows) if windows else (0, self._learning.windows)
        cause.scored(self._learning.surprise(count, total), EVEN)
        cause.facts |= {"windows_learned": total, "windows_with_news": count}
        return f"it brought anything new {words.rare(count, total)}"

    def snapshot(self) -> list[list[int]]:
        return [list(item) for item in self._counts.items()]

    def restore(self, state: Iterable[list[int]]) -> None:
        self._counts = {pair[0]: pair[1] for pair in state}
