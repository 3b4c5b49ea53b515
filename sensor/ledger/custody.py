"""The chain of custody: who did what with a case, as records of the stream `custody`."""

from __future__ import annotations

import time
from secrets import token_hex
from typing import TYPE_CHECKING

import orjson

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sensor.store import Saying

TABLE = "custody"


def append(
    store: Saying, case: str, who: str, what: str, *, target: str = "", detail: Mapping[str, object] | None = None
) -> str:
    """Records it, durably and in the ledger; gives the entry's name. `what`: noun and verb, as in `capture.add`;
    `target`: what it was done with; `detail`: anything of JSON, never a secret."""
    entry = token_hex(8)
    text = orjson.dumps(dict(detail or {}), default=str, option=orjson.OPT_SORT_KEYS).decode()
    row = {"ts": time.time_ns(), "entry": entry, "who": who, "what": what, "target": target, "detail": text}
    store.record(TABLE, case, [row])
    return entry
