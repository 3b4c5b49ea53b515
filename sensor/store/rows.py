"""Rows that are written one by one: alerts, assets, captures."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import Any

import orjson

from detectors import address

_TIMES = (
    "ts", "first_ts", "last_ts", "first_seen", "last_seen", "expiry",
    "since", "since_low", "since_high", "returned", "source_ts", "packet_ts", "begun",
)  # fmt: skip
_SECOND = 10**9
# Tables whose rows are learnt from a run as a whole, not read off one capture.
DERIVED = (
    "alert_rows", "alert_grid", "alert_last", "assets", "drift", "incident_rows", "health", "inference_log",
    "ledger_heads",
)  # fmt: skip
# Made of rows of other tables as those are written: nobody who counts rows means them.
SUMS = ("alert_grid", "alert_last", "protocol_minutes", "talker_hours")
OF_RUN = (*DERIVED, "captures")
_ADDRESS = 16  # bytes


def run_id(captures: Sequence[str]) -> str:
    """Names the set of captures that derived rows were learnt from: the same in every replay of them."""
    return blake2b("\n".join(sorted(captures)).encode(), digest_size=16).hexdigest()


def ndjson(rows: Iterable[Mapping[str, object]]) -> bytes:
    """Rows as ClickHouse's JSONEachRow reads them: times in nanoseconds, addresses in 16 bytes."""
    return b"".join(orjson.dumps(dict(_converted(row)), option=orjson.OPT_APPEND_NEWLINE) for row in rows)


def _converted(row: Mapping[str, object]) -> Iterable[tuple[str, object]]:
    for key, value in row.items():
        if key in _TIMES and isinstance(value, int):
            yield key, seconds(value)
        elif isinstance(value, bytes):
            yield key, str(ipaddress.IPv6Address(value))
        elif isinstance(value, Mapping):
            yield key, orjson.dumps(value, default=_plain, option=orjson.OPT_SORT_KEYS).decode()
        else:
            yield key, list(value) if isinstance(value, tuple) else value


def seconds(nanoseconds: int) -> str:
    """A time as decimal seconds, which loses nothing and needs no calendar."""
    return f"{nanoseconds // _SECOND}.{nanoseconds % _SECOND:09d}"


def _plain(value: Any) -> object:
    """What evidence may hold besides JSON's own types."""
    if isinstance(value, bytes):
        return address.text(value) if len(value) == _ADDRESS else value.hex()
    if isinstance(value, set | frozenset | tuple):
        return sorted(value, key=str) if not isinstance(value, tuple) else list(value)
    if isinstance(value, Mapping):
        return dict(value)
    return str(value)
