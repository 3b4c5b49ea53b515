"""The registry of streams: tables whose records are committed to. A further one is an entry here, no more."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Stream:
    """`key`: columns that name a record within its case. `version`: the column by which a later state of a record takes
    the place of an earlier one; empty: every row stays. `run`: the table has that column. `stays`: whoever takes a case
    away leaves these records."""

    name: str
    table: str
    key: tuple[str, ...]
    version: str = ""
    run: bool = False
    stays: bool = False


STREAMS = (
    Stream("access", "access_log", ("run", "seq"), run=True, stays=True),
    Stream("alerts", "alert_rows", ("alert_id",), version="last_ts", run=True),
    Stream("custody", "custody", ("entry",), stays=True),
    Stream("incidents", "incident_rows", ("incident_id",), version="version", run=True),
    Stream("inference", "inference_log", ("sensor", "run", "seq", "record_id"), run=True),
    Stream("models", "model_registry", ("record",)),
    Stream("runbook", "runbook_steps", ("incident_id", "step")),
    Stream("verdicts", "verdicts", ("alert_id",)),
)
OF_TABLE = {stream.table: stream for stream in STREAMS}
NAMED = {stream.name: stream for stream in STREAMS}
