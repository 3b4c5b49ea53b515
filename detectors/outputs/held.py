"""What the network carried of a model's inputs, to tell which of them an output had before it.

The rule of `input_sha256`: of every input (a tag that an entry's `inputs` covers, with its path in the document) the
value that was carried last at or before the output, if that is not longer than `LOOK_BACK` ago; as JSON, tags as keys
and sorted, numbers as they are shortest written; SHA-256 of that, hexadecimal. Empty: nothing was carried.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import orjson

LOOK_BACK = 600 * 10**9  # nanoseconds
TAGS = 1024  # of one model; beyond it the one carried longest ago leaves


class Held:
    """The inputs of one model."""

    def __init__(self) -> None:
        self._last: dict[str, tuple[int, Any]] = {}  # in order of time
        self._hash = ""
        self.evicted = 0

    def __len__(self) -> int:
        return len(self._last)

    def put(self, tag: str, ts: int, value: Any) -> None:
        before = self._last.pop(tag, None)
        self._last[tag] = (ts, value)
        if before is None and len(self._last) > TAGS:
            del self._last[next(iter(self._last))]
            self.evicted += 1
        if before is None or before[1] != value or type(before[1]) is not type(value):
            self._hash = ""

    def sha256(self, ts: int) -> str:
        """Of what was carried up to `ts`."""
        while self._last:
            oldest = next(iter(self._last))
            if self._last[oldest][0] >= ts - LOOK_BACK:
                break
            del self._last[oldest]
            self._hash = ""
        if self._last and not self._hash:
            plain = {tag: value for tag, (_, value) in self._last.items()}
            self._hash = sha256(orjson.dumps(plain, option=orjson.OPT_SORT_KEYS)).hexdigest()
        return self._hash if self._last else ""

    def snapshot(self) -> dict[str, Any]:
        return {"last": [[tag, ts, value] for tag, (ts, value) in self._last.items()], "evicted": self.evicted}

    def restore(self, state: dict[str, Any]) -> None:
        self._last = {tag: (ts, value) for tag, ts, value in state["last"]}
        self._hash, self.evicted = "", state["evicted"]
