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

pytestmark = [pytest.mark.corpus, pytest.mark.slow]


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


def known(measured: Measured, recorded: dict[str, Any]) -> Measured:
    """Leave the captures that the record is about: a corpus may have others."""
    return {capture: counts for capture, counts in measured.items() if capture in set(recorded["captures"])}


def summary(measured: Measured) -> dict[str, Any]:
    protocols = {protocol: total(measured, protocol) for protocol in PROTOCOLS}
    differing = {
        capture: {protocol: count.differences for protocol, count in counts.items() if count.differences}
        for capture, counts in measured.items()
    }
    return {
        "captures": sorted(measured),
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


def test_agreement_with_tshark(measured: Measured, recorded: dict[str, Any]) -> None:
    """One test, not four: the captures are read once, and by one worker of a parallel run."""
    judged = known(measured, recorded)
    assert judged, "the record is about other captures"
    assert not lost(judged, recorded["protocols"])
    assert not worse(judged, recorded["differences"])
    assert not unexplained(judged)


def lost(measured: Measured, protocols: dict[str, Any]) -> list[str]:
    out = []
    for protocol in PROTOCOLS:
        now, before = total(measured, protocol), protocols[protocol]["percent"]
        if round(now.percent, 2) < min(ENOUGH, before):
            out.append(f"{protocol}: {now.percent:.2f} % instead of {before} %")
    return out


def worse(measured: Measured, differences: dict[str, dict[str, int]]) -> dict[str, Any]:
    """Look at each capture: a large one must not hide what was lost in a small one."""
    return {
        f"{capture} {protocol}": count.examples[:3]
        for capture, counts in measured.items()
        for protocol, count in counts.items()
        if count.differences > differences.get(capture, {}).get(protocol, 0)
    }


def unexplained(measured: Measured) -> list[str]:
    text = (HERE / "DIFFERENCES.md").read_text()
    differing = [name for name, counts in measured.items() if any(count.differences for count in counts.values())]
    return [name for name in differing if f"`{name}`" not in text]
