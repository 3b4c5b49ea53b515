"""The chain of custody: who did what with a case, as records of the stream `custody`."""

from __future__ import annotations

import time
from secrets import token_hex
from typing import TYPE_CHECKING

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sensor.store import Saying

TABLE = "custody"


def append(
    store: Saying, case: str, who: str, what: str, *, target: str = "", detail: Mapping[str, object] | None = None
) -> str:
    """Records it, durably and in the ledger; gives the entry's name. `what`: noun and verb, as in `capture.add`;
    `target`: what it was done with; `detail`: anything of JSON, never a secret."""
    [entry] = append_all(store, case, who, what, [(target, detail or {})])
    return entry


def append_all(
    store: Saying, case: str, who: str, what: str, done: Iterable[tuple[str, Mapping[str, object]]]
) -> list[str]:
    """The same of several things, each with its target and detail."""
    now, rows = time.time_ns(), []
    for target, detail in done:
        text = orjson.dumps(dict(detail), default=str, option=orjson.OPT_SORT_KEYS).decode()
        named = {"ts": now, "entry": token_hex(8), "who": who, "what": what}
        rows.append({**named, "target": target, "detail": text})
    store.record(TABLE, case, rows)
    return [str(row["entry"]) for row in rows]
