from __future__ import annotations

from detectors.pipeline import Pipeline
from detectors.zones import Policy, Zone
from sensor.zone_columns import with_zones
from tests.detectors.build import flow, rows

LINES = tuple(Zone(f"line{n}", 1, ("192.168.0.0/24",), vlans=(n,)) for n in (10, 20))
LAPTOP = Zone("laptop", 4, (), macs=("02:00:00:00:00:07",), kind="it")


def zones(policy: Policy, *flows: dict[str, object]) -> list[tuple[str, str]]:
    table = with_zones(rows("flows", *flows), Pipeline(policy, {}))
    return list(zip(table["src_zone"].to_pylist(), table["dst_zone"].to_pylist(), strict=True))


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
