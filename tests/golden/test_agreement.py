"""Message by message, our rows are tshark's; what differs is recorded, and explained in DIFFERENCES.md."""

from __future__ import annotations

import json
import pathlib
from typing import Any

import pytest

from tests.golden import corpus
from tests.golden.agreement import Count, Judge, capture_of

HERE = pathlib.Path(__file__).parent
GOLDEN = HERE / "agreement.json"
PROTOCOLS = ("dnp3", "dnp3 link", "modbus", "mqtt", "opcua")
ENOUGH = 99.5

Measured = dict[str, dict[str, Count]]

pytestmark = pytest.mark.corpus


@pytest.fixture(scope="module")
def measured(captures: pathlib.Path) -> Measured:
    tool = corpus.TOOLS / "agree.py"
    if not tool.is_file():
        pytest.skip(f"the comparison belongs to the corpus and is not at {tool}")
    judge = Judge(tool)
    truths = judge.truths()
    assert truths, f"no *.tshark.tsv below {captures}"
    return {corpus.name(capture_of(truth)): judge.compare(truth) for truth in truths}


@pytest.fixture(scope="module")
def recorded(measured: Measured, update: bool) -> dict[str, Any]:
    if update:
        GOLDEN.write_text(json.dumps(summary(measured), indent=1) + "\n")
    return dict(json.loads(GOLDEN.read_text()))


def total(measured: Measured, protocol: str) -> Count:
    return sum((counts[protocol] for counts in measured.values() if protocol in counts), Count())


def summary(measured: Measured) -> dict[str, Any]:
    protocols = {protocol: total(measured, protocol) for protocol in PROTOCOLS}
    differing = {
        capture: {protocol: count.differences for protocol, count in counts.items() if count.differences}
        for capture, counts in measured.items()
    }
    return {
        "captures": len(measured),
        "protocols": {
            protocol: {
                "truth": count.truth,
                "agreed": count.agreed,
                "missing": count.missing,
                "extra": count.extra,
                "differing": dict(sorted(count.differing.items())),
                "percent": round(count.percent, 2),
            }
            for protocol, count in protocols.items()
        },
        "differences": {capture: counts for capture, counts in sorted(differing.items()) if counts},
    }


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_agreement_is_not_lost(protocol: str, measured: Measured, recorded: dict[str, Any]) -> None:
    now, before = total(measured, protocol), recorded["protocols"][protocol]
    assert now.truth, "the corpus has messages of every protocol"
    assert round(now.percent, 2) >= min(ENOUGH, before["percent"]), (
        f"{now.agreed} of {now.truth}, {now.extra} extra; was {before}"
    )


def test_no_capture_got_worse(measured: Measured, recorded: dict[str, Any]) -> None:
    """A large capture must not hide what was lost in a small one."""
    worse = {
        f"{capture} {protocol}": count.examples[:3]
        for capture, counts in measured.items()
        for protocol, count in counts.items()
        if count.differences > recorded["differences"].get(capture, {}).get(protocol, 0)
    }
    assert not worse


def test_every_difference_is_explained(measured: Measured) -> None:
    text = (HERE / "DIFFERENCES.md").read_text()
    differing = [
        capture for capture, counts in measured.items() if any(c.differences for c in counts.values())
    ]
    assert not [capture for capture in differing if capture not in text]
