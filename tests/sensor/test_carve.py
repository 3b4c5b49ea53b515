"""Carving: exactly the frames that tshark selects with the filter that is told, in time order, and files with their hash."""

from __future__ import annotations

import hashlib
import random
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.sensor.conftest import modbus_reads, write_pcap

PCAPS = Path(__file__).parents[2] / "pcaps"
NO_TSHARK = pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")
PACKETS = "SELECT capture, frame FROM frame_index"


def frames(path: Path, wanted: str = "") -> list[str]:
    """Time and bytes of the packets that tshark selects."""
    command = [
        "tshark",
        "-n",
        "-r",
        str(path),
        "-T",
        "fields",
        "-e",
        "frame.time_epoch",
        "-e",
        "frame.len",
        "-e",
        "ip.id",
    ]
    done = subprocess.run([*command, *(["-Y", wanted] if wanted else [])], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """A store with the demonstration's capture in it, as pcap and, mixed with it, as pcapng."""
    from tests.sensor.conftest import Program

    program = Program(tmp_path_factory.mktemp("carve"))
    program.rows("replay", PCAPS / "demo.pcap", "--store", "s", "--case", "demo")
    return program


@NO_TSHARK
def test_alerts_are_carved_as_tshark_selects_them(demo) -> None:
    from sensor import carving
    from sensor.commands.carve import of_alerts, rows_of
    from sensor.store import open_reading

    ids = [row["alert_id"] for row in demo.rows("alerts", "--store", "s")]
    chosen = random.Random(1).sample(ids, min(20, len(ids)))
    store = open_reading(str(demo.folder / "s"), "driftspan")
    try:
        for alert_id in chosen:
            wanted = of_alerts(rows_of(store, "demo", [alert_id]), 5.0, 1.0)
            of = carving.found(store, "demo", wanted)
            carved = [f"{ts // 10**9}.{ts % 10**9:09d}" for ts, *_ in carving.packets(of, wanted)]
            selected = frames(PCAPS / "demo.pcap", carving.in_wireshark(wanted))
            assert carved == [line.split("\t")[0] for line in selected]
            assert carved
    finally:
        store.close()


@NO_TSHARK
def test_a_carved_slice_says_what_decides_and_raises_its_alert_again(demo) -> None:
    [alert] = demo.rows("alerts", "--store", "s", "--where", "kind = 'cleartext.opcua_none'")
    out = demo.folder / "slice.pcapng"
    [told] = demo.rows("carve", "--alert", alert["alert_id"], "--store", "s", "--output", out)
    assert told["sha256"] == hashlib.sha256(out.read_bytes()).hexdigest()
    assert len(frames(out)) == told["packets"]
    assert len(frames(out, f'frame.comment contains "decides alert {alert["alert_id"]}"')) == len(alert["frames"])
    assert out.stat().st_mode & 0o077 == 0
    demo.rows("replay", out, "--store", "again", "--case", "again")
    again = demo.rows("alerts", "--store", "again", "--where", f"alert_id = '{alert['alert_id']}'")
    assert [row["kind"] for row in again] == ["cleartext.opcua_none"]
    refused = demo("carve", "--alert", alert["alert_id"], "--store", "s", "--output", out)
    assert (refused.returncode, "is there already" in refused.stderr) == (2, True)


@NO_TSHARK
def test_hosts_times_flows_and_rows_are_carved(demo) -> None:
    where = ("--store", "s", "--force", "--output", demo.folder / "x.pcapng")
    [told] = demo.rows("carve", "--host", "10.40.0.11", "--filter", "vlan and tcp port 502", *where)
    selected = frames(PCAPS / "demo.pcap", "ip.addr == 10.40.0.11 and tcp.port == 502")
    assert len(selected) == told["packets"] > 100
    [flow] = demo.rows("query", "SELECT flow_id, src_port FROM flows WHERE app = 'modbus' LIMIT 1", "--store", "s")
    [told] = demo.rows("carve", "--flow", flow["flow_id"], *where)
    assert len(frames(PCAPS / "demo.pcap", f"tcp.port == {flow['src_port']} and tcp.port == 502")) == told["packets"]
    [told] = demo.rows("carve", "--sql", "SELECT capture, request_frame FROM modbus LIMIT 7", *where)
    assert told["packets"] == 7
    refused = demo("carve", "--host", "10.9.9.9", *where)
    assert (refused.returncode, "no packet is of that" in refused.stderr) == (2, True)


def test_a_file_is_carved_out_of_what_carried_it(driftspan) -> None:
    driftspan.rows("replay", PCAPS / "exfiltration_model.pcap", "--case", "c")
    [row] = driftspan.rows("query", "SELECT DISTINCT sha256, size FROM files WHERE model_format = 'safetensors'")
    [told] = driftspan.rows("carve", "--file", row["sha256"][:12], "--output", "model.safetensors")
    data = (driftspan.folder / "model.safetensors").read_bytes()
    assert (hashlib.sha256(data).hexdigest(), len(data)) == (row["sha256"], row["size"])
    assert told["carrier"] == "http"


def test_a_capture_that_is_another_by_now_is_refused(driftspan) -> None:
    path = write_pcap(driftspan.folder / "a.pcap", modbus_reads(50))
    driftspan.rows("replay", path, "--case", "c")
    write_pcap(path, modbus_reads(50, host=2))
    where = ("--host", "10.1.0.1", "--output", "x.pcapng")
    assert "is not what it was" in driftspan("carve", *where).stderr
    path.unlink()
    assert "is not there any more" in driftspan("carve", *where).stderr
    assert not (driftspan.folder / "x.pcapng").exists()
