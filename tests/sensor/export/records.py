"""Records that every format is tried with: rows as the store gives them."""

from __future__ import annotations

import orjson

from sensor.export import record
from sensor.export.record import Flow, Record

FLOW = Flow(
    10678931302008703170, "1:LQU9qZlK+B5F3KDmev6m5PMibrg=", "tcp", "10.50.0.10", 43211, "10.40.0.31", 502, "modbus", 40
)
_COMMON = {
    "sensor": "plant-1",
    "case_id": "live",
    "status": "open",
    "first_ts": "2026-03-01 12:00:00.123456789",
    "last_ts": "2026-03-01 12:30:00.000000000",
}
ALERT_ROW = _COMMON | {
    "alert_id": "650254064e9b9b2ab76b5900d203b209", "detector": "new_writer", "kind": "new_writer.write", "title": "A host writes for the first time",
    "severity": "high", "confidence": 0.9, "src_ip": "::ffff:10.50.0.10", "dst_ip": "::ffff:10.40.0.31", "src_zone": "enterprise", "dst_zone": "cell",
    "protocol": "modbus", "summary": "10.50.0.10 writes register 100 of 10.40.0.31", "evidence": '{"registers":[100],"unit":1}',
    "techniques": ["T1692.001", "T0836", "AML.T0010.003"], "attack_version": "ATT&CK for ICS v19; ATLAS 5.6.0", "controls": ["IEC 62443-3-3 SR 2.1"],
    "frames": [12, 14], "capture": "1" * 32, "count": 3,
}  # fmt: skip
INCIDENT_ROW = _COMMON | {
    "incident_id": "4be1" * 8, "title": "wear drifted: likely its inputs were manipulated", "severity": "critical", "level": "likely", "cause": "input_manipulation",
    "probability": 0.87, "model_id": "wear", "models": ["wear"], "alert_ids": [ALERT_ROW["alert_id"]], "drift_ids": ["d" * 32],
    "speaks_for": ["a new writer wrote to what feeds it"], "speaks_against": [], "would_settle": ["the PLC's own log"], "runbook": "wear.md",
    "techniques": ["T0836"], "controls": [], "timeline": '[{"what":"write"}]', "suspects": '[{"cause":"input_manipulation","probability":0.87}]',
}  # fmt: skip
DRIFT_ROW = {
    "sensor": "plant-1", "case_id": "live", "ts": "2026-03-01 12:30:00.000000000", "since": "2026-03-01 12:05:00.000000000", "drift_id": "d" * 32,
    "model_id": "wear", "kind": "output", "detector": "page_hinkley", "statistic": 9.5, "threshold": 5.0, "p_value": 0.001, "baseline": "{}", "current": "{}",
    "window": "300 s", "source": "wire", "stream": "score", "shape": "step", "magnitude": 3.2, "summary": "score of wear is 3.2 sd higher",
}  # fmt: skip
# Whatever breaks out of a format: ends of lines of all kinds, separators, escapes, quotes, controls, bidi, surrogates.
NASTY = "a\nb\r\nc|d=e\\f\"g'h\x00i\x1b[31mj\u202ek\u2028l\u0085m]n>o cs1=forged CEF:0|x|y|<14>1 - - \ud800"
_TEXTS = (
    "title",
    "summary",
    "kind",
    "detector",
    "protocol",
    "src_zone",
    "dst_zone",
    "sensor",
    "case_id",
    "capture",
    "attack_version",
)
HOSTILE_ROW = ALERT_ROW | dict.fromkeys(_TEXTS, NASTY)
HOSTILE_ROW |= {
    "evidence": orjson.dumps({NASTY.replace("\ud800", ""): [NASTY.replace("\ud800", "")]}).decode(),
    "techniques": [NASTY],
    "controls": [NASTY],
    "alert_id": "e" * 32,
}
BARE_ROW = ALERT_ROW | {
    "alert_id": "b" * 32,
    "src_ip": "::",
    "dst_ip": "::",
    "protocol": "",
    "techniques": [],
    "controls": [],
    "frames": [],
    "evidence": "{}",
    "severity": "info",
    "confidence": 0.2,
}
SIX_ROW = ALERT_ROW | {"alert_id": "6" * 32, "src_ip": "2001:db8::1", "dst_ip": "2001:db8::2", "severity": "low"}

RECORDS: dict[str, Record] = {
    "alert": record.alert(ALERT_ROW, FLOW),
    "incident": record.incident(INCIDENT_ROW, FLOW),
    "drift": record.drift(DRIFT_ROW),
    "hostile": record.alert(HOSTILE_ROW, FLOW),
    "bare": record.alert(BARE_ROW),
    "six": record.alert(SIX_ROW, Flow(1, "1:x=", "udp", "2001:db8::2", 5, "2001:db8::1", 6)),
}
