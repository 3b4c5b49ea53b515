"""The whole way from windows to incidents, with payloads as the packet path hands them over."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from detectors.drift.monitor import Settings as DriftSettings
from detectors.drift.rows import DriftAlert
from detectors.insight import Insight, Settings
from detectors.models import Model
from detectors.pipeline import Pipeline
from detectors.zones import Policy
from tests.detectors.build import SECOND, T0, act, rows

BLOCK = 300
GOOD, NEW, BAD = "a" * 64, "b" * 64, "c" * 64
MODEL = Model(
    "wear", hosts=("10.0.5.1",), inputs=("line/pump",), outputs=("line/wear",), canary=("line/canary",),
    approved={"1.0": GOOD, "1.1": NEW}, rollback_minutes=30,
)  # fmt: skip


class Source:
    id, hosts, tags, models = "historian", ("10.0.2.5",), ("/rows.csv",), ("wear",)


def made(**more: Any) -> Pipeline:
    settings = Settings(DriftSettings(learn_days=1.0), sources=(Source(),), **more)
    return Pipeline(Policy(), {}, models=[MODEL], insight=settings)


def publish(client: str, topic: str, at: float, flow: int, **fields: Any) -> dict[str, Any]:
    payload = json.dumps(fields).encode()
    return {
        "ts": at, "src_ip": client, "dst_ip": "10.0.2.1", "src_port": 40000 + flow, "dst_port": 1883, "flow_id": flow,
        "packet_type": 3, "packet": "publish", "topic": topic, "payload": payload, "payload_size": len(payload),
        "frame": int(at * 10) + flow,
    }  # fmt: skip
