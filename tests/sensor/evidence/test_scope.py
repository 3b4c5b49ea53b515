"""Which packets are asked for."""

from __future__ import annotations

from itertools import combinations
from typing import Any

from detectors import address
from detectors.alert import NOWHERE, Alert
from sensor.evidence.scope import MOST_HOSTS, pairs, question
from sensor.evidence_config import EvidenceSection

A, B, C = (address.parse(f"10.0.0.{n}") for n in (1, 2, 3))


def alert(src: bytes = NOWHERE, dst: bytes = NOWHERE, protocol: str = "modbus", **evidence: Any) -> Alert:
    return Alert("ab" * 16, "d", "d.k", "t", "high", 1.0, src, dst, protocol, "s", 1, 100 * 10**9, 101 * 10**9,
                 evidence=evidence, frames=(7, 9), capture="y")  # fmt: skip


def test_hosts() -> None:
    assert pairs(alert(A, B)) == [(A, B)]
    assert pairs(alert(A, named="10.0.0.9")) == [(A, NOWHERE)]
    assert pairs(alert(NOWHERE, B)) == [(B, NOWHERE)]
    assert pairs(alert()) == []
    assert pairs(alert(protocol="arp")) == [(NOWHERE, NOWHERE)]
    assert pairs(alert(one=["10.0.0.3"])) == [(C, NOWHERE)]


def test_hosts_that_the_evidence_names_belong_to_it() -> None:
    path = alert(A, B, path="10.0.0.1 -> 10.0.0.2 -> 10.0.0.3", version="1.2.3", more=[B, {"at": C}])
    assert pairs(path) == [(A, B), (A, C), (B, C)]
    six = address.parse("2001:db8::1")
    assert pairs(alert(A, B, via="2001:db8::1")) == list(combinations([A, B, six], 2))
    many = alert(A, B, targets=[f"10.0.1.{n}" for n in range(100)])
    assert len(pairs(many)) == MOST_HOSTS * (MOST_HOSTS - 1) // 2


def test_the_stretch() -> None:
    settings = EvidenceSection(before_seconds=30, after_seconds=5, slice_mib=2)
    second = 10**9
    asked = question(alert(A, B), 110 * second, ["x", "y"], settings)
    assert asked[1:5] == ([(1, 7), (1, 9)], 70 * second, 100 * second, 115 * second)
    assert asked[6] == 2 << 20
