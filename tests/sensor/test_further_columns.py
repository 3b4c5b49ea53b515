from __future__ import annotations

import numpy as np

from detectors.models import Model
from detectors.pipeline import Pipeline
from detectors.zones import Policy, Zone
from sensor import further_columns
from tests.detectors.build import flow, rows

LINES = tuple(Zone(f"line{n}", 1, ("192.168.0.0/24",), vlans=(n,)) for n in (10, 20))
LAPTOP = Zone("laptop", 4, (), macs=("02:00:00:00:00:07",), kind="it")


def zones(policy: Policy, *flows: dict[str, object]) -> list[tuple[str, str]]:
    columns = further_columns.zones(rows("flows", *flows), Pipeline(policy, {}))
    return list(zip(*(shown(columns[name]) for name in ("src_zone", "dst_zone")), strict=True))


def shown(words: further_columns.Words) -> list[str]:
    codes, texts = words
    return [texts[code] for code in np.frombuffer(codes, "<u4")]


def test_the_verdict_on_a_model_file() -> None:
    model = Model("wear", approved={"1": "a" * 64, "2": "b" * 64})
    files = [
        {"model_format": form, "sha256": digest * 64, "src_ip": "10.0.0.1", "dst_ip": "10.0.0.2"}
        for form, digest in (("onnx", "b"), ("onnx", "a"), ("", "b"), ("onnx", "c"))
    ]
    told = further_columns.verdicts(rows("files", *files), Pipeline(Policy(), {}, models=[model]))
    assert shown(told) == ["approved", "old", "", "unknown"]
    assert shown(further_columns.verdicts(rows("files", *files), Pipeline(Policy(), {}))) == [""] * 4


def test_a_vlan_decides_between_zones_with_the_same_network() -> None:
    here, there = (flow("192.168.0.5", "192.168.0.6", "modbus", vlan=vlan) for vlan in (10, 20))
    assert zones(Policy(LINES), here, there, here) == [("line10",) * 2, ("line20",) * 2, ("line10",) * 2]


def test_a_hardware_address_decides_over_a_network() -> None:
    plain = flow("192.168.0.5", "192.168.0.6", "modbus", vlan=10)
    named = plain | {"src_mac": "02:00:00:00:00:07"}
    assert zones(Policy((*LINES, LAPTOP)), plain, named) == [("line10", "line10"), ("laptop", "line10")]


def test_no_zone_is_empty_and_no_row_is_none() -> None:
    assert zones(Policy(LINES), flow("172.16.0.1", "192.168.0.6", vlan=20)) == [("", "line20")]
    assert zones(Policy(LINES)) == []
