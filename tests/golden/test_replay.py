"""Every capture is read to its end, and other packets with the same messages give the same rows."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from parsers import CaptureError
from tests.golden import canonical, corpus

if TYPE_CHECKING:
    import pathlib

pytestmark = pytest.mark.corpus

MESSAGES = ("dnp3", "modbus", "mqtt", "opcua")
# What other packets change: where and when they stand, and the addresses under which they travel.
OF_THE_PACKETS = {
    "capture", "src_ip", "dst_ip", "vlan", "flow_id", "community_id",
    "frame", "request_frame", "response_frame", "latency_us",
}  # fmt: skip
# Variants that swap packets of both directions: rows that are another, and why.
SWAPPED = {
    "derived/dnp3.ooo-w-3-seed-1.pcap": (
        1,
        "a message across the edge of a hole that was declared before its bytes came",
    ),
    "derived/modbus.ooo-w-3-seed-1.pcap": (1, "a response before its request is unsolicited"),
    "derived/mqtt.ooo-w-3-seed-1.pcap": (1, "a CONNACK before its CONNECT has no client id"),
}


def test_every_capture_is_read_to_its_end(captures: pathlib.Path) -> None:
    unreadable = {}
    rows = 0
    for path in corpus.files():
        try:
            rows += sum(table.num_rows for tables in corpus.windows(path) for table in tables.values())
        except CaptureError as error:
            unreadable[corpus.name(path)] = str(error)
    assert not unreadable, captures
    assert rows


def messages(path: pathlib.Path) -> Counter[str]:
    rows = corpus.rows(path, wanted=MESSAGES)
    return Counter(
        f"{table} {canonical.line({**row, 'ts': None}, OF_THE_PACKETS)}" for table in rows for row in rows[table]
    )


def lossless() -> list[tuple[pathlib.Path, pathlib.Path]]:
    pairs = []
    for note in sorted(corpus.HOME.rglob("*.base")):
        facts = dict(line.split("\t", 1) for line in note.read_text().splitlines() if "\t" in line)
        if facts.get("lossless") == "1":
            pairs.append((note.with_suffix(""), corpus.HOME.parent / facts["base"]))
    return pairs


def test_other_packets_with_the_same_messages_give_the_same_rows(captures: pathlib.Path) -> None:
    expected: dict[pathlib.Path, Counter[str]] = {}
    for variant, base in lossless():
        if base not in expected:
            expected[base] = messages(base)
        found = messages(variant)
        missing = expected[base] - found
        allowed, _ = SWAPPED.get(corpus.name(variant), (0, ""))
        assert missing.total() <= allowed, (corpus.name(variant), list(missing)[:2])
        assert (found - expected[base]).total() <= 2 * allowed, corpus.name(variant)
    assert any(expected.values()), captures
