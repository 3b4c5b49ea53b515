"""A store with some records of every stream."""

from __future__ import annotations

from typing import Any

from detectors.outputs.chain import COLUMNS, Chain
from sensor.access.log import COLUMNS as ACCESS
from sensor.ledger import custody
from sensor.store import CaptureFacts
from sensor.store.case_store import CaseStore
from sensor.store.rows import run_id
from tests.sensor.conftest import START, alert_row

SECOND = 10**9
CAPTURE = "1" * 32
Row = dict[str, Any]


def fill(store: CaseStore) -> None:
    """Alerts and incidents in several states, two chains, and what people said."""
    store.begin_case("c", [CaptureFacts(CAPTURE, "c.pcap")])
    for state in range(3):
        store.upsert("alert_rows", [alert(n, state) for n in range(1, 13 - 2 * state)])
    for state in range(2):
        store.upsert("incident_rows", [incident(n, state) for n in range(1, 7 - 2 * state)])
    outputs, head = chained(Chain("s", "c", run_id([CAPTURE])), [output(n) for n in range(1, 11)], COLUMNS)
    store.upsert("inference_log", outputs)
    store.upsert("ledger_heads", [head])
    access, head = chained(Chain("", "", "console", ACCESS), [asked(n) for n in range(1, 11)], ACCESS)
    store.record("access_log", "", [row | {"run": "console"} for row in access])
    store.record("access_heads", "", [head | {"run": "console"}])
    for n in range(1, 9):
        store.record("verdicts", "c" if n % 2 else "", [verdict(n)])
        custody.append(store, "c", "ann", "capture.add", target=f"{n}.pcap", detail={"sha256": f"{n:064x}"})
    store.record("model_registry", "", [approved(n) for n in range(1, 7)])
    store.record("runbook_steps", "live", [step(n) for n in range(1, 6)])
    store.finish_case({CAPTURE: {"packets": 1, "first_ts": START * SECOND, "last_ts": START * SECOND}})


def chained(chain: Chain, rows: list[Row], columns: tuple[str, ...]) -> tuple[list[Row], Row]:
    whole = []
    for row in rows:
        seq, prev, digest = chain.add({name: row.get(name) for name in columns})
        whole.append(row | {"seq": seq, "prev_hash": prev, "hash": digest})
    return whole, {"ts": (START + 99) * SECOND, "seq": chain.seq, "hash": chain.head}


def alert(n: int, state: int) -> Row:
    return alert_row(
        f"{n:032x}", last_ts=(START + 10 * state) * SECOND, count=state + 1, confidence=0.3 + n / 50,
        evidence={"n": n, "state": state, "text": "é\n\x00"}, frames=[n, n + 1 + state], techniques=["T0885", "T0830"],
    )  # fmt: skip


def incident(n: int, state: int) -> Row:
    return {
        "ts": START * SECOND, "incident_id": f"{0xF000 + n:032x}", "title": "drift", "severity": "high", "cause": "sensor_fault",
        "probability": 0.5 + state / 10, "model_id": "wear", "alert_ids": [f"{n:032x}"], "drift_ids": [], "timeline": "[]",
        "first_ts": START * SECOND, "last_ts": (START + state) * SECOND, "state": "open", "version": state + 1,
    }  # fmt: skip


def output(n: int) -> Row:
    return {
        "ts": (START + n) * SECOND, "capture": CAPTURE, "frame": n, "src_ip": bytes(15) + b"\1", "dst_ip": bytes(15) + b"\2",
        "model_id": "wear", "model_version": "1.0.0", "kind": "score", "tag": "plant/wear", "input_sha256": f"{n:064x}",
        "output": f"0.{n}", "confidence": None if n % 3 else 0.0 if n == 6 else 0.1 * n, "quality": "good", "source": "wire",
        "source_ts": 0,
    }  # fmt: skip


def asked(n: int) -> Row:
    return {
        "ts": (START + n) * SECOND, "who": "ann", "role": "analyst", "via": "session", "address": "10.0.0.9",
        "what": "query", "target": "", "before": "", "after": f'{{"sql":"SELECT {n}"}}',
    }  # fmt: skip


def verdict(n: int) -> Row:
    return {
        "ts": (START + n) * SECOND, "alert_id": f"{1 + n // 3:032x}", "action": "mute", "analyst": "ann", "expiry": 0,
        "last_seen": 0, "note": f"because {n}",
    }  # fmt: skip


def approved(n: int) -> Row:
    return {
        "ts": (START + n) * SECOND, "record": f"{n:012x}", "model_id": "wear", "action": "approve", "version": f"1.{n}.0",
        "sha256": [f"{n:064x}"], "hosts": [], "inputs": [], "outputs": [], "rollback_minutes": 15, "origin": "given",
        "undoes": "", "analyst": "ann", "note": "",
    }  # fmt: skip


def step(n: int) -> Row:
    return {
        "ts": (START + n) * SECOND,
        "incident_id": f"{0xF000 + n:032x}",
        "step": "isolate",
        "done": True,
        "analyst": "ann",
        "note": "",
    }
