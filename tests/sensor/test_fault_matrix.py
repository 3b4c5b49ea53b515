"""Faults that no other test injects: damaged files, no memory, clocks that jump, captures made to break a reader, and a
dissector of ours that fails. What stands in docs/faults.md is the table in fault_table.py."""

from __future__ import annotations

import random
import resource
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pytest

from detectors.pipeline import Pipeline
from detectors.zones import Policy
from parsers import CaptureError, Engine, Recorder
from sensor import config
from sensor.case_name import LIVE
from sensor.evidence.collector import Collector
from sensor.evidence.shelf import Shelf
from sensor.evidence.sources import Ring
from sensor.evidence_config import EvidenceSection
from sensor.live import STATE, learnt
from sensor.replay import pipeline_of
from tests.sensor import fault_table
from tests.sensor.conftest import Program, modbus_reads, write_pcap

ROOT = Path(__file__).parents[2]
ATTACK = ROOT / "pcaps" / "rogue_writer.pcap"


def test_a_damaged_part_of_the_store_is_a_sentence_and_a_replay_mends_it(driftspan: Program, make_capture) -> None:
    capture = make_capture("plant.pcap", 400)
    driftspan.rows("replay", capture, "--store", "s", "--case", "c")
    asked = ("query", "SELECT sum(cityHash64(*)) AS n FROM modbus", "--store", "s")
    assert driftspan.rows(*asked)
    parts = {path.parent for path in (driftspan.folder / "s").rglob("columns.txt") if b"`unit_id`" in path.read_bytes()}
    for path in (path for part in parts for path in part.glob("data*.bin")):
        data = bytearray(path.read_bytes())
        for place in range(20, len(data), 97):
            data[place] ^= 0xFF
        path.write_bytes(data)
    assert parts
    assert "a part of the store is damaged" in driftspan.refused(*asked, status=1)
    assert driftspan.rows("query", "SELECT count() AS n FROM flows", "--store", "s"), "other tables are read"
    again = driftspan("replay", capture, "--store", "s", "--case", "d")
    assert "Traceback" not in again.stderr and "unexpected" not in again.stderr


def test_a_damaged_state_is_kept_aside_and_learning_begins_anew(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    loaded = config.Config()
    for spoilt in (b"", b"\x1f\x8b\x08 cut off", b"not a baseline at all"):
        (tmp_path / STATE).write_bytes(spoilt)
        learnt(pipeline_of(loaded, LIVE), tmp_path, loaded)
        assert (tmp_path / f"{STATE}.old").read_bytes() == spoilt and not (tmp_path / STATE).exists()
        assert "learning begins anew" in capsys.readouterr().err


def test_a_status_that_is_cut_off_is_a_sentence(driftspan: Program, capture) -> None:
    driftspan.rows("replay", capture, "--store", "s")
    (driftspan.folder / "s-spool").mkdir()
    (driftspan.folder / "s-spool" / "status.json").write_bytes(b'{"version": "0.1')
    done = driftspan("status", "--store", "s")
    assert done.returncode == 1 and "Traceback" not in done.stderr and "unexpected" not in done.stderr


def test_too_little_memory_ends_a_replay_and_costs_nothing_that_was_stored(driftspan: Program, make_capture) -> None:
    kept, more = make_capture("kept.pcap", 100), make_capture("more.pcap", 1000)
    driftspan.rows("replay", kept, "--store", "s", "--case", "kept")
    asked = (
        "query",
        "SELECT count() AS n, sum(cityHash64(*)) AS sum FROM modbus WHERE case_id = 'kept'",
        "--store",
        "s",
    )
    before = driftspan.rows(*asked)
    most = 900 << 20
    done = subprocess.run(
        [sys.executable, "-m", "sensor", "replay", str(more), "--store", "s", "--case", "more"],
        cwd=driftspan.folder, capture_output=True, text=True, check=False, timeout=120,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (most, most)),
    )  # fmt: skip
    assert done.returncode != 0, "it had to fail for this to say anything"
    assert driftspan.rows(*asked) == before
    driftspan.rows("replay", more, "--store", "s", "--case", "more")
    [row] = driftspan.rows("query", "SELECT count() AS n FROM modbus WHERE case_id = 'more'", "--store", "s")
    assert int(str(row["n"])) == 1000


@pytest.mark.parametrize("jump", [-86_400.0, -3600.0, 3600.0, 40 * 86_400.0])
def test_a_clock_that_jumps_costs_no_row(tmp_path: Path, jump: float) -> None:
    packets = modbus_reads(200)
    moved = [(at + (jump if number >= 200 else 0.0), frame) for number, (at, frame) in enumerate(packets)]
    counts: Counter[str] = Counter()
    pipeline = Pipeline(Policy((), ()), {}, sensor="test", case_id="test")
    engine = Engine([write_pcap(tmp_path / "jump.pcap", [(at + 100 * 86_400, frame) for at, frame in moved])])
    while (window := engine.next()) is not None:
        if "modbus" in window.tables:
            counts.update(pa.table(window.tables["modbus"])["status"].to_pylist())
        pipeline.observe(window.tables, window.start, window.end, window.last)
    assert counts["ok"] >= 199 and counts.total() in (200, 201), "one that was under way may be told in two halves"
    assert not pipeline.failures


def test_captures_made_to_break_a_reader_are_read_or_refused(tmp_path: Path) -> None:
    """Bits turned, lengths made absurd, cut off: never anything but windows or a sentence."""
    dice = random.Random(9)
    sources = [(ROOT / "pcaps" / f"{name}.pcap").read_bytes()[:60_000] for name in ("demo", "overlap", "opcua_none")]
    refused = 0
    for number in range(24):
        data = bytearray(sources[number % len(sources)])
        for _ in range(dice.choice((1, 10, 200))):
            data[dice.randrange(len(data))] = dice.choice((0, 0xFF, dice.randrange(256)))
        path = tmp_path / "hostile.pcap"
        path.write_bytes(data[: dice.randrange(20, len(data))] if number % 4 == 0 else data)
        pipeline = Pipeline(Policy((), ()), {}, sensor="test", case_id="test")
        try:
            engine = Engine([path])
            while (window := engine.next()) is not None:
                assert window.counters["panics"] == 0
                pipeline.observe(window.tables, window.start, window.end, window.last)
        except CaptureError:
            refused += 1
        pipeline.finish()
        assert not pipeline.failures
    assert refused < 12, "most were read as far as they go"


@pytest.mark.parametrize("workers", [1, 2])
def test_a_dissector_that_fails_is_told_with_its_packets(tmp_path: Path, workers: int) -> None:
    recorder = Recorder(memory=8 << 20)
    engine = Engine([ATTACK], recorder=recorder, simulate=("flow", 502), workers=workers)
    pipeline = Pipeline(Policy((), ()), {}, sensor="test", case_id="test")
    collector = Collector(Ring(recorder, engine), Shelf(tmp_path / "evidence", "live"), EvidenceSection(), print)
    counts: Counter[str] = Counter()
    found = []
    while (window := engine.next()) is not None:
        counts.update(window.counters)
        counts.update(flows=pa.table(window.tables["flows"]).num_rows if "flows" in window.tables else 0)
        alerts = pipeline.observe(window.tables, window.start, window.end, window.last)
        collector.note(alerts)
        collector.close(window.end)
        found += alerts
    [failure] = [alert for alert in found if alert.kind == "parser_anomaly.failure"][:1]
    assert failure.severity == "high" and "worker.rs:" in failure.evidence["details"][0]
    assert counts["panics"] >= 1 and counts["messages.modbus"] <= counts["panics"], "each flow's rest is not dissected"
    assert counts["packets"] == 1256 and counts["flows"] > 1, "all others go on"
    collector.finish(2**62)
    end = time.monotonic() + 20
    while not collector.columns(failure.alert_id)["evidence_packets"] and time.monotonic() < end:
        collector.finished()
        time.sleep(0.01)
    assert collector.columns(failure.alert_id)["evidence_packets"] > 0


def test_secrets_of_the_wire_and_of_the_configuration_are_nowhere(
    driftspan: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every text of every table, and what the program says, searched for passwords that the captures hold."""
    captures = [ROOT / "pcaps" / f"{name}.pcap" for name in ("cleartext_credentials", "default_credentials")]
    blob = b"".join(path.read_bytes() for path in captures)
    (driftspan.folder / "token").write_text("planted-token-8d1f\n")
    (driftspan.folder / "d.toml").write_text('[console]\ntoken_file = "token"\n')
    monkeypatch.setenv("DRIFTSPAN_STORE_PASSWORD", "planted-password-77")
    done = driftspan("replay", *captures, "--store", "s", "--config", "d.toml")
    assert done.returncode == 0, done.stderr
    said = done.stdout + done.stderr
    dumped = subprocess.run(
        [sys.executable, "-c", DUMP, "s"], cwd=driftspan.folder, capture_output=True, text=True, check=True, timeout=120
    ).stdout
    assert '"topic"' in dumped and '"summary"' in dumped
    said += dumped
    assert all(word.encode() in blob for word in PLANTED), "the captures hold them"
    secrets = [*PLANTED, "planted-token-8d1f", "planted-password-77"]
    assert [word for word in secrets if word in said] == []


DUMP = """
import sys
from contextlib import closing
from sensor.store import open_reading
with closing(open_reading(sys.argv[1], "driftspan")) as store:
    tables = b"".join(store.query("SHOW TABLES", "TSVRaw")).decode().split()
    assert len(tables) > 20
    for table in tables:
        for piece in store.query(f"SELECT * FROM {table}", "JSONEachRow"):
            sys.stdout.buffer.write(piece)
"""
PLANTED = ("sensor-secret", "edge-secret", "turbine-7", "factorycast@schneider")


def test_the_table_of_faults_is_the_document() -> None:
    for fault in fault_table.FAULTS:
        path, _, name = fault.test.partition("::")
        assert f"{'fn' if path.endswith('.rs') else 'def'} {name}(" in (ROOT / path).read_text(), fault
    assert (ROOT / "docs" / "faults.md").read_text() == fault_table.document()
