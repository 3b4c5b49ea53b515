"""The formats by name, as bytes for whoever takes them."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import orjson

from sensor.export import cef, ecs, eve, ocsf, stix, zeek

if TYPE_CHECKING:
    from collections.abc import Callable

    from sensor.export.record import Record

_MADE: dict[str, Callable[[Record], dict[str, Any] | str]] = {
    "eve": eve.to_eve,
    "ocsf": ocsf.to_ocsf,
    "ecs": ecs.to_ecs,
    "cef": cef.to_cef,
    "stix": stix.to_stix,
    "zeek": zeek.to_zeek,
}
NAMES = tuple(_MADE)


def encoded(to: str, record: Record, longest: int = 0) -> bytes:
    """One line without its end. `longest`: bytes; a record of more loses its evidence, which stays in the store under
    its id."""
    data = _bytes(_MADE[to](record))
    if longest and len(data) > longest:
        data = _bytes(_MADE[to](dataclasses.replace(record, evidence={"left_out": "too long"}, frames=())))
    return data


def _bytes(value: dict[str, Any] | str) -> bytes:
    if isinstance(value, str):
        return value.encode("utf-8", "replace")
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)
