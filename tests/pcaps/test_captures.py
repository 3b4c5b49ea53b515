"""The captures of pcaps/ agree with their index and their labels."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from detectors import catalogue
from parsers import Engine
from sensor import packets as packets_of
from tests.pcaps.conftest import PLANT

import evidence  # isort: skip
import firewall  # isort: skip
import index  # isort: skip
import rehearsal  # isort: skip
from kinds import KINDS  # isort: skip
from layout import ADDRESS, MAC, ZONES  # isort: skip

PCAPS = PLANT.parent
LABELS = sorted(PCAPS.glob("*.labels.json"))
NAMES = [path.name.removesuffix(".labels.json") for path in LABELS]
SMALL, TOGETHER = 1_100_000, 40_000_000
CAUSES = (
    "benign_process",
    "sensor_fault",
    "input_manipulation",
    "data_poisoning",
    "model_swap",
    "edge_compromise",
    "network_only",
)

JOINED = ("dnp3.tr.fir", "dnp3.al.fragment.overlap.conflict")

needs_tshark = pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")
each = pytest.mark.parametrize("name", NAMES)


@cache
def labels(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((PCAPS / f"{name}.labels.json").read_text())
    return found


def test_index_is_of_these_captures() -> None:
    assert (PCAPS / "README.md").read_text() == index.text(PCAPS), "write it again: python pcaps/plant/index.py"


def test_index_names_every_capture_with_its_hash() -> None:
    listed = {
        line.split()[1]: line.split()[0]
        for line in (PCAPS / "README.md").read_text().splitlines()
        if line[64:66] == "  "
    }
    captures = {path.name for path in PCAPS.glob("*.pcap*")}
    assert set(listed) == captures
    assert {name: hashlib.sha256((PCAPS / name).read_bytes()).hexdigest() for name in captures} == listed


def test_every_scenario_has_its_capture() -> None:
    assert sorted(path.stem for path in (PLANT / "scenarios").glob("[a-z]*.py")) == NAMES


def test_sizes() -> None:
    sizes = {path.name: path.stat().st_size for path in PCAPS.glob("*.pcap*")}
    assert sum(sizes.values()) < TOGETHER
    assert [name for name, size in sizes.items() if size > SMALL and not name.startswith("day_")] == []


def test_captures_of_the_catalogue_exist() -> None:
    named = {entry.fires for entry in catalogue.entries()} | {entry.silent for entry in catalogue.entries()}
    assert sorted(name for name in named if not (PCAPS.parent / name).exists()) == []


def test_configuration_is_the_firewalls() -> None:
    text = (PCAPS / "plant.toml").read_text()
    [model] = tomllib.loads(text)["model"]
    assert text == firewall.configuration(model["approved"], model["revoked"])


def carried(name: str, folder: Path) -> dict[str, str]:
    """SHA-256 of the models that went over HTTP, by file name."""
    command = ["tshark", "-n", "-r", str(PCAPS / labels(name)["capture"]), "-q", "--export-objects", f"http,{folder}"]
    subprocess.run([*command, *evidence.DISSECT], capture_output=True, check=True)
    files = (path for path in folder.glob("*.safetensors") if path.stat().st_size > 100)  # not the answer to a PUT
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@needs_tshark
def test_released_models_are_those_on_the_wire(tmp_path: Path) -> None:
    released = tomllib.loads((PCAPS / "plant.toml").read_text())["model"][0]["approved"]
    assert sorted(released) == sorted([*firewall.RELEASED, firewall.RETRAINED])
    for name, version, known in (("planned_update", "1.5.0", True), ("approved_rollback", "1.4.0", True), ("day_clean", "1.6.0", True),
                                 ("model_swap", "1.4.1", False), ("poisoned_retraining", "1.5.0", False)):  # fmt: skip
        folder = tmp_path / name
        folder.mkdir()
        found = carried(name, folder)[f"pump-wear-{version}.safetensors"]
        assert (found in released.values()) == known
        assert not known or released[version] == found


@each
def test_labels_are_whole(name: str) -> None:
    found = labels(name)
    assert found["name"] == name
    assert found["start"] <= found["end"]
    assert not found["learn_until"] or found["start"] < found["learn_until"] < found["end"]
    assert found["attack"] == any(step["techniques"] for step in found["steps"])
    assert not found["attack"] or not found["look_alike"]
    assert found["look_alike"] in ("", *NAMES)
    assert not found["look_alike"] or labels(found["look_alike"])["attack"]
    assert found["drift"] is None or found["drift"]["cause"] in CAUSES
    assert found["benign"] == all(step["benign"] for step in found["steps"])
    for step in found["steps"]:
        assert not set(step["expected"]) & set(step["also"])
        assert step["benign"] == (not step["expected"] and not step["techniques"])
        assert not step["techniques"] or step["expected"] or found["drift"], "an attack that nothing should tell"
        assert step["start"] < step["end"]
        assert found["start"] <= step["end"]
        assert step["start"] <= found["end"]
        assert 0 < len(step["frames"]) <= step["count"]
    for host, about in found["hosts"].items():
        assert about == {"ip": ADDRESS[host], "mac": MAC[host], "zone": about["zone"]}


@each
def test_labels_mean_what_the_scenario_says(name: str) -> None:
    assert rehearsal.meant(name, labels(name)) == labels(name), "write them again: python pcaps/plant/rehearsal.py"


def test_kinds_of_the_catalogue_may_be_expected() -> None:
    assert {entry.id for entry in catalogue.entries()} <= KINDS


@cache
def packets(name: str) -> list[dict[str, str]]:
    """Every packet's time, tag, addresses, and whether tshark takes it for malformed: one pass for all tests."""
    fields = ("frame.time_epoch", "vlan.id", "ip.src", "ip.dst", "eth.src", "eth.dst", "_ws.malformed", *JOINED)
    chosen = [part for field in fields for part in ("-e", field)]
    command = ["tshark", "-n", "-r", str(PCAPS / labels(name)["capture"]), "-T", "fields", *chosen, *evidence.DISSECT]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    return [dict(zip(fields, line.split("\t"), strict=True)) for line in lines]


@each
@needs_tshark
def test_evidence_is_what_the_label_says(name: str) -> None:
    """The frames are those of the filter in the step's time, and are sent by or to one of its hosts."""
    found = labels(name)
    for step in found["steps"]:
        picked = evidence.frames(PCAPS / found["capture"], step["filter"])
        shown = [n for n, t in picked.items() if step["start"] // 1000 <= t // 1000 <= step["end"] // 1000]
        assert len(shown) == step["count"]
        assert shown[: len(step["frames"])] == step["frames"]
        hosts = {*step["actors"], *step["targets"]}
        hosts |= {about["mac"] for about in found["hosts"].values() if about["ip"] in hosts}
        for number in step["frames"]:
            packet = packets(name)[number - 1]
            ends = {e for f in ("ip.src", "ip.dst", "eth.src", "eth.dst") for e in packet[f].split(",")}
            assert ends & hosts, f"frame {number} has nothing to do with {step['what']}"


@each
@needs_tshark
def test_nothing_is_malformed_that_should_not_be(name: str) -> None:
    malformed = [n for n, packet in enumerate(packets(name), 1) if packet["_ws.malformed"] and not joined(packet)]
    assert labels(name)["malformed"] or malformed == []


def joined(packet: dict[str, str]) -> bool:
    """Whether tshark has joined the beginning of a DNP3 message to the end of another, and read nonsense there.

    A response of several segments whose transport sequence number goes from 63 to 0 on its way leaves its tail in the
    table of fragments of tshark 4.0, under number 0 (or 1). The next message that begins with that number is joined
    to it, although FIR says that it is a beginning (IEEE 1815, 8.2.1); tshark itself shows that the two overlap in
    conflict. The outstation counts right, and the sensor reads these messages.
    """
    return all(packet[field].startswith("1") for field in JOINED)


@pytest.mark.parametrize("name", [n for n in NAMES if not labels(n)["malformed"]])
def test_the_sensor_finds_nothing_malformed(name: str) -> None:
    engine, malformed = Engine([PCAPS / labels(name)["capture"]]), 0
    while (window := engine.next()) is not None:
        malformed += window.counters.get("malformed", 0)
    assert malformed == 0


@each
@needs_tshark
def test_packets_are_tagged_in_order_and_stay_in_the_plant(name: str) -> None:
    rows = packets(name)
    assert len(rows) == labels(name)["packets"]
    times = [evidence.nanoseconds(row["frame.time_epoch"]) for row in rows]
    assert times == sorted(times)
    assert {row["vlan.id"] for row in rows} <= {str(zone.vlan) for zone in ZONES.values()}
    inside = (
        *(f"{zone.prefix}." for zone in ZONES.values()),
        "224.",
        "0.0.0.0",
        "255.255.255.255",
        "172.20.7.",
    )  # the last one is of no zone
    addresses = {a for row in rows for field in ("ip.src", "ip.dst") for a in row[field].split(",") if a}
    assert {a for a in addresses if not a.startswith(inside)} == set()


@needs_tshark
def test_pyshark_reads_the_evidence() -> None:
    """The same through pyshark, as the product shows packets to analysts."""
    pytest.importorskip("pyshark", reason="pyshark is not installed")
    found = labels("rogue_writer")
    step, path = found["steps"][0], PCAPS / found["capture"]
    shown, note = packets_of.dissected(str(path), str(Engine([path]).captures()[0]["id"]), step["frames"])
    assert (note, [packet["frame"] for packet in shown]) == ("", step["frames"])
    modbus = [" ".join(packet["layers"][1]["fields"]) for packet in shown]
    assert all("Write Single Register (6)" in text for text in modbus)
    assert [re.findall(r"Data: ([0-9a-f:]+)", text) for text in modbus] == [["06d6"], ["06ea"], ["06fe"]]
