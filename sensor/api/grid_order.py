"""In which order a grid pages, and the place that a cursor names."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

import orjson

from sensor.errors import InputError
from sensor.store.literal import quote

Row = dict[str, Any]
SORTS = (
    "last_ts", "first_ts", "severity", "confidence", "kind", "detector", "protocol", "src_ip", "dst_ip", "src_zone",
    "dst_zone", "count", "case_id", "sensor",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Order:
    sort: str = "last_ts"
    descending: bool = True

    @property
    def sql(self) -> str:
        way = "DESC" if self.descending else "ASC"
        return f"last_ts {way}, id" if self.sort == "last_ts" else f"{self.sort} {way}, last_ts DESC, id"


def cursor_of(row: Row) -> str:
    place = [row["sorted"], int(row["at"]), int(row["id"])]
    return base64.urlsafe_b64encode(orjson.dumps(place)).decode().rstrip("=")


def place_of(cursor: str) -> tuple[str, int, int]:
    """Of a row: what was sorted by, when it was last seen, and its id."""
    try:
        value, at, identity = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        found = str(value), int(at), int(identity)
    except (ValueError, TypeError):
        raise InputError("this cursor is none that a page gave") from None
    if not 0 <= found[1] < 2**63 or not 0 <= found[2] < 2**64:
        raise InputError("this cursor is none that a page gave")
    return found


def behind_of(order: Order, behind: tuple[str, int, int]) -> list[str]:
    """The condition of what comes behind a row."""
    value, at, identity = quote(behind[0]), *behind[1:]
    place = f"fromUnixTimestamp64Nano(toInt64({at}), 'UTC')"
    tied = f"id > toUInt64({identity})"
    sign = "<" if order.descending else ">"
    if order.sort == "last_ts":
        return [f"(last_ts {sign} {place} OR (last_ts = {place} AND {tied}))"]
    column = f"toString({order.sort}) = {value}"
    typed = f"CAST({value}, '{_TYPES.get(order.sort, 'String')}')"
    return [f"({order.sort} {sign} {typed} OR ({column} AND (last_ts < {place} OR (last_ts = {place} AND {tied}))))"]


_TYPES = {
    "first_ts": "DateTime64(9, \\'UTC\\')", "src_ip": "IPv6", "dst_ip": "IPv6", "count": "UInt64",
    "confidence": "Float32",
    "severity": "Enum8(\\'info\\' = 0, \\'low\\' = 1, \\'medium\\' = 2, \\'high\\' = 3, \\'critical\\' = 4)",
}  # fmt: skip
