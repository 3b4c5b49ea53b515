"""Leaves: what of a record is committed to, and the chain that they form."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any

import orjson

from sensor.ledger import merkle
from sensor.ledger.encoding import Encoder, digest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sensor.ledger.streams import Stream

RECORD, REMOVAL, RETENTION, KEY = "record", "removal", "retention", "key"
_TEXT, _TIME = "LowCardinality(String)", "DateTime64(9, 'UTC')"
# What a leaf's hash is over: all that it says but where it stands.
ENTRY = Encoder(
    (
        ("sensor", _TEXT), ("case_id", _TEXT), ("ts", _TIME), ("log", _TEXT), ("stream", _TEXT), ("kind", _TEXT),
        ("key", "String"), ("version", "UInt64"), ("run", _TEXT), ("row_ts", _TIME), ("record_hash", "String"),
        ("note", "String"), ("batch", "String"),
    )
)  # fmt: skip


def genesis(log: str, stream: str) -> bytes:
    """What stands before the first link."""
    return sha256(f"driftspan ledger {log}/{stream}".encode()).digest()


def linked(chain: bytes, leaf: bytes) -> bytes:
    return sha256(chain + leaf).digest()


def leaf_hash(row: Mapping[str, Any]) -> bytes:
    """Of a row of `ledger_leaves` as it is written."""
    return merkle.leaf(ENTRY.bytes(row))


def of_records(stream: Stream, encoder: Encoder, lines: Iterable[bytes], now: str) -> list[dict[str, Any]]:
    """A leaf for each row of JSON, without what the log adds. `now`: decimal seconds."""
    made = []
    for line in lines:
        row = orjson.loads(line)
        texts = encoder.texts(row)
        made.append(
            {
                "sensor": row["sensor"], "case_id": row["case_id"], "ts": now, "stream": stream.name, "kind": RECORD,
                "key": "/".join(texts.get(column, "") for column in stream.key),
                "version": max(0, int(texts.get(stream.version, 0))),
                "run": row.get("run", "") if stream.run else "",
                "row_ts": row.get("ts", "0.000000000"),
                "record_hash": digest(texts), "note": "",
            }
        )  # fmt: skip
    return made


def of_note(sensor: str, stream: str, kind: str, note: Mapping[str, object], now: str, **scope: str) -> dict[str, Any]:
    """A leaf that says something of records instead of standing for one."""
    text = orjson.dumps(dict(note), option=orjson.OPT_SORT_KEYS).decode()
    return {
        "sensor": sensor, "case_id": "", "ts": now, "stream": stream, "kind": kind, "key": "", "version": 0, "run": "",
        "row_ts": "0.000000000", "record_hash": sha256(text.encode()).hexdigest(), "note": text, **scope,
    }  # fmt: skip
