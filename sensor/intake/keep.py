"""Records from outside into the store, each once. What `keep` has returned from is durable."""

from __future__ import annotations

import dataclasses
from collections import Counter
from typing import TYPE_CHECKING, Any

import orjson

from detectors.alert import alert_id
from detectors.arrived import HostOutput
from detectors.drift.rows import DriftAlert
from sensor.alerts import ask
from sensor.store.literal import quote
from sensor.store.rows import seconds

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sensor.intake.lines import Batch, Reject
    from sensor.store import Saying, Store

_ASKED = 4000  # ids in one question: the SQL may have 256 KiB
_WRITTEN = 50_000  # rows of one insert


def keep(store: Saying, case: str, batch: Batch, now: int, run: Store | None = None) -> Counter[str]:
    """Gives how many of each kind are new. `now`: nanoseconds, when it came. `run`: the store that has
    begun a replay; a later one of the same captures replaces the drift that came with it."""
    kept: Counter[str] = Counter()
    for rows in _pieces(batch.drift, _WRITTEN):
        fresh = _fresh(store, case, "drift", "drift_id", rows)
        made = [drift_row(row) for row in fresh]
        if run is not None:
            run.upsert("drift", made)
        else:
            store.record("drift", case, made)
        kept["drift"] += len(fresh)
    for rows in _pieces(batch.inference, _WRITTEN):
        fresh = _fresh(store, case, "inference_log", "record_id", rows)
        store.record("inference_log", case, [inference_row(row) for row in fresh])
        kept["inference"] += len(fresh)
    store.record("intake_rejects", case, [_reject_row(reject, now) for reject in batch.rejects])
    kept["rejected"] += len(batch.rejects)
    return kept


def _fresh(store: Saying, case: str, table: str, column: str, rows: Sequence[Any]) -> list[Any]:
    """The rows whose ids the case does not have yet, each once."""
    found = {getattr(row, column): row for row in rows}
    ids = list(found)
    for some in _pieces(ids, _ASKED):
        moments = [found[identity].ts for identity in some]
        span = f"ts BETWEEN {_moment(min(moments))} AND {_moment(max(moments))}"
        if table == "drift":
            span = "1"  # of a report without a time the moment is that of its coming
        wanted = ", ".join(map(quote, some))
        known = (
            f"SELECT {column} AS id FROM {table} WHERE case_id = {quote(case)} AND {span} AND {column} IN ({wanted})"
        )
        for row in ask(store, known):
            found.pop(row["id"], None)
    return list(found.values())


def _pieces(rows: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    return (rows[at : at + size] for at in range(0, len(rows), size))


def drift_row(alert: DriftAlert) -> dict[str, object]:
    return dataclasses.asdict(alert) | {"version": alert.ts}


def inference_row(record: HostOutput) -> dict[str, object]:
    """A row of `inference_log`. The chain of hashes is of what the sensor saw itself: a host's word is not in it."""
    return {
        "ts": record.ts,
        "model_id": record.model_id,
        "model_version": record.model_version,
        "input_sha256": record.input_sha256,
        "output": record.output,
        "confidence": record.confidence,
        "source": "host",
        "record_id": record.record_id,
        "input": record.input,
        "place": record.place,
    }


def drift_of(row: Mapping[str, Any]) -> DriftAlert:
    """What `drift_row` made a row of."""
    return DriftAlert(**{name: row[name] for name in DriftAlert.__dataclass_fields__})


def inference_of(row: Mapping[str, Any]) -> HostOutput:
    """What `inference_row` made a row of."""
    value = orjson.loads(row["output"])
    return HostOutput(
        ts=row["ts"],
        model_id=row["model_id"],
        value=tuple(value) if isinstance(value, list) else value,
        confidence=row["confidence"],
        model_version=row["model_version"],
        input_sha256=row["input_sha256"],
        inputs=orjson.loads(row["input"]) if row["input"] else {},
        place=row["place"],
    )


def _reject_row(reject: Reject, now: int) -> dict[str, object]:
    identity = alert_id("reject", reject.kind, reject.place, reject.text)
    return {"ts": now, "reject_id": identity} | {f.name: getattr(reject, f.name) for f in dataclasses.fields(reject)}


def _moment(ts: int) -> str:
    return f"toDateTime64('{seconds(ts)}', 9, 'UTC')"
