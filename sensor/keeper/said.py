"""What people said, as it was last: told to the sensor when it changes, and kept for a start without the store."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from pathlib import Path

EVERY = 10.0  # seconds between two looks for what others said to a server


class Said:
    """`folder`: the spool's. `kept`: the store may be away at the next start."""

    def __init__(self, folder: Path, *, kept: bool) -> None:
        self._path, self._kept = folder / "said", kept
        self._known: dict[str, Any] = {}
        self._looked = 0.0

    def is_old(self) -> bool:
        return time.monotonic() - self._looked > EVERY

    def new(self, said: dict[str, Any]) -> dict[str, Any]:
        """All of it, if it is not what was said before; else nothing."""
        self._looked = time.monotonic()
        if said == self._known:
            return {}
        self._known = said
        if not self._kept:
            return said
        draft = self._path.with_suffix(".new")
        draft.write_bytes(orjson.dumps(said))
        draft.replace(self._path)
        return said

    def last(self) -> dict[str, Any]:
        """What is known of an earlier run; nothing if this one knows already."""
        self._looked = time.monotonic()
        if self._known:
            return {}
        try:
            self._known = orjson.loads(self._path.read_bytes())
        except (OSError, orjson.JSONDecodeError):
            self._known = {"verdicts": [], "models": []}
        return self._known
