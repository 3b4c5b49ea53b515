"""Loss of packets costs the messages in them, and hardly any other.

A message is *whole* when none of its own packets was lost. Its packets are found in the lossless run: its
row names the packet that completed it; the packets with payload before that one in the same direction, back
to the packet that completed the message before, carried its first bytes. A whole message counts as dissected
when the run with losses has a row of the same content at the same packet.
"""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from tests.golden import corpus, pcap

if TYPE_CHECKING:
    from collections.abc import Iterator

GOLDEN = pathlib.Path(__file__).parent / "loss.json"
SHARES = (0.001, 0.01)
SEEDS = {"demo": (1, 2, 3, 4, 5), "speed": (1,)}
ENOUGH = 99.0

# What makes a message this message. A Modbus response's values need its request: they do not count.
CONTENT = {
    "modbus": {
        "request_frame": ("transaction_id", "unit_id", "function_code", "address", "quantity"),
        "response_frame": ("transaction_id", "unit_id", "function_code", "exception_code"),
    },
    "dnp3": {"frame": ("link_src", "link_dst", "link_function", "app_function", "app_seq", "iin", "objects")},
    "opcua": {
        "request_frame": ("message_type", "request_id", "request_type_id"),
        "response_frame": ("message_type", "request_id", "response_type_id"),
    },
    "mqtt": {"frame": ("packet_type", "topic", "qos", "packet_id", "payload_size")},
}

Message = tuple[Any, ...]  # protocol, side, frame, content


def messages(path: pathlib.Path, frames: list[int]) -> Counter[Message]:
    """Messages of a capture; `frames` gives each packet the number it had before packets were taken away."""
    columns = {
        table: sorted({*sides, *(name for names in sides.values() for name in names)})
        for table, sides in CONTENT.items()
    }
    rows = corpus.rows(path, wanted=CONTENT, columns=columns)
    return Counter(
        (table, side, frames[row[side] - 1], *(str(row[name]) for name in names))
        for table, found in rows.items()
        for row in found
        for side, names in CONTENT[table].items()
        if row[side]
    )


def owned(packets: list[pcap.Packet], completing: set[int]) -> dict[int, list[int]]:
    """Packets of the messages that each packet completed."""
    own, begun = {}, {}
    for packet in packets:
        carried = pcap.carried(packet)
        if carried is None or carried[1] <= 0:
            continue
        frames = begun.setdefault(carried[0], [])
        frames.append(packet.frame)
        if packet.frame in completing:
            own[packet.frame] = begun.pop(carried[0])
    return own


def measure(name: str, capture: pathlib.Path, scratch: pathlib.Path) -> Iterator[tuple[str, dict[str, Any]]]:
    header, packets = pcap.read(capture)
    complete = messages(capture, [packet.frame for packet in packets])
    own = owned(packets, {message[2] for message in complete})
    for share in SHARES:
        whole, found, lost = Counter[str](), Counter[str](), Counter[str]()
        for seed in SEEDS[name]:
            kept = pcap.without(packets, share, seed)
            frames = [packet.frame for packet in kept]
            pcap.write(scratch / "lossy.pcap", header, kept)
            expected = still_whole(complete, own, set(frames))
            lost.update(
                {
                    "packets lost": len(packets) - len(kept),
                    "messages lost": (complete - expected).total(),
                }
            )
            dissected = expected & messages(scratch / "lossy.pcap", frames)
            whole.update(by_protocol(expected))
            found.update(by_protocol(dissected))
        yield f"{name} {share:.1%}", {**lost, **report(whole, found)}


def still_whole(complete: Counter[Message], own: dict[int, list[int]], kept: set[int]) -> Counter[Message]:
    return Counter({m: n for m, n in complete.items() if m[2] in own and kept.issuperset(own[m[2]])})


def by_protocol(found: Counter[Message]) -> Counter[str]:
    out: Counter[str] = Counter()
    for message, n in found.items():
        out[message[0]] += n
    return out


def report(whole: Counter[str], found: Counter[str]) -> dict[str, dict[str, float]]:
    return {
        protocol: {"whole": n, "dissected": found[protocol], "percent": round(100 * found[protocol] / n, 2)}
        for protocol, n in sorted(whole.items())
    }


@pytest.fixture(scope="module")
def speed(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path | None:
    tool = corpus.TOOLS / "make_speed_capture.py"
    if not tool.is_file():
        return None
    out = tmp_path_factory.mktemp("speed") / "speed.pcap"
    subprocess.run([sys.executable, tool, "--packets", "100000", "--out", out], check=True, capture_output=True)
    return out


@pytest.fixture(scope="module")
def measured(speed: pathlib.Path | None, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    captures = {"demo": corpus.ROOT / "pcaps" / "demo.pcap"} | ({"speed": speed} if speed else {})
    scratch = tmp_path_factory.mktemp("loss")
    return {case: got for name, path in captures.items() for case, got in measure(name, path, scratch)}


@pytest.mark.slow
def test_loss_costs_only_what_was_lost(measured: dict[str, dict[str, Any]], update: bool) -> None:
    if update:
        GOLDEN.write_text(json.dumps(measured, indent=1) + "\n")
    for case, found in measured.items():
        assert found["packets lost"], case
        assert found["messages lost"], case
        assert {name for name in CONTENT if found[name]["percent"] < ENOUGH} == set(), (case, found)
