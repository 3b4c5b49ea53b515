"""The window's conversations (client, server, protocol) as feature vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from detectors.behaviours import Behaviour, Behaviours

if TYPE_CHECKING:
    from detectors.window import Array, Window

# What is counted in a window, as an analyst would say it. More of it than usual is judged; less of it is the business
# of polls that stay away.
FEATURES = (
    "messages",
    "bytes",
    "errors",
    "unanswered",
    "distinct behaviours",
    "writes and commands",
    "session messages",
)
_CHANGING = ("write", "control")


class Conversations:
    """`keys`: distinct and rising; `x`: (conversations, FEATURES); `of`: conversation of each behaviour, in the order
    of the behaviours' ids."""

    def __init__(self, window: Window) -> None:
        self._behaviours = b = window.derive(Behaviours)
        self.keys: Array = np.zeros(0, dtype=np.uint64)
        self.x: Array = np.zeros((0, len(FEATURES)))
        self.of: Array = np.zeros(0, dtype=np.int64)
        if not len(b):
            return
        self.keys, self._first, self.of = np.unique(b.conversations(), return_index=True, return_inverse=True)
        count = b.array("count").astype(np.float64)
        unanswered = np.maximum(0.0, count - b.array("answered"))
        changing, session = np.zeros(len(b)), np.zeros(len(b))
        changing[b.where("access", _CHANGING)] = 1.0
        session[b.where("access", ("session",))] = 1.0
        columns = (
            count,
            b.array("bytes"),
            b.array("errors"),
            unanswered,
            np.ones(len(b)),
            count * changing,
            count * session,
        )
        size = len(self.keys)
        self.x = np.stack([np.bincount(self.of, column, minlength=size) for column in columns], axis=1)

    def __len__(self) -> int:
        return len(self.keys)

    def example(self, at: int) -> Behaviour:
        """A behaviour of the conversation: the one of the smallest id."""
        return self._behaviours.row(int(self._first[at]))

    def rows(self, at: int, most: int) -> list[Behaviour]:
        """Its behaviours, those seen most often first."""
        rows = [self._behaviours.row(int(row)) for row in np.flatnonzero(self.of == at)[: 8 * most]]
        return sorted(rows, key=lambda b: (-b.occurrences, b.ts, b.id))[:most]
