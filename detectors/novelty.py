"""What one detector knows: keys that are normal, keys that were reported, and those that are new."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from detectors.memory import Memo

if TYPE_CHECKING:
    from detectors.learning import Learning
    from detectors.memory import Key


class Novelty:
    """Keys under the discipline of `Learning`. What is new in a window is known from the next window on, so the
    order of rows and the number of parts never matter. A key must hold all that makes it one thing, its host included.
    """

    def __init__(self, detector: str, learning: Learning, limit: int = 0) -> None:
        self._detector = detector
        self._learning = learning
        self._known = Memo(limit)
        self._pending: dict[Key, tuple[bytes, str]] = {}

    def __len__(self) -> int:
        return len(self._known) + len(self._pending)

    def told(self, key: Key) -> str | None:
        """None: unknown. Empty: known to be normal. Else the id of the alert that reported it."""
        return self._known.get(key)

    def fresh(self, key: Key, owner: bytes, text: str = "") -> bool:
        """True for a key that is new and to be reported; one that is known, or learnt now, is not.

        `owner` is the host whose doing it is, `text` says what it is should it be quarantined. What is reported
        has to be said with `report`, else it is known as normal afterwards.
        """
        if self._known.get(key) is not None:
            return False
        live = self._learning.live(self._detector, owner)
        if live:
            self._pending.setdefault(key, (b"", ""))
        else:
            self._pending[key] = (owner, text)
            self._learning.note(self._detector, owner)
        return live

    def report(self, key: Key, identity: str) -> None:
        """The key has its alert."""
        self._pending.pop(key, None)
        self._known.put(key, identity)

    def settle(self, suspects: set[bytes]) -> None:
        """The window is over."""
        for key, (owner, text) in self._pending.items():
            if owner and owner in suspects:
                self._learning.set_aside(self._detector, owner, text)
            else:
                self._known.put(key)
        self._pending.clear()

    def snapshot(self) -> Any:
        """Between two windows, when nothing is pending."""
        return self._known.snapshot()

    def restore(self, state: Any) -> None:
        self._known.restore(state)
