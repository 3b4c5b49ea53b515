import json
import re
from importlib import import_module
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from detectors import registry
from detectors.base import Detector
from detectors.window import TABLES, Window
from tests.detectors import battery
from tests.detectors.build import SECOND, T0, TIME, step, window

DETECTORS = [registry.builtin(name) for name in registry.BUILTIN]
HEADINGS = (
    "Detects", "Why it matters", "Evidence", "False positives", "Techniques", "Fires on", "Silent on", "Cost", "Blind when",
)  # fmt: skip
PACKAGE = Path(import_module("detectors").__file__ or "").parent

each = pytest.mark.parametrize("kind", DETECTORS, ids=lambda kind: kind.name)


@each
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_same_windows_give_the_same_alerts(kind, seed):
    battery.check_determinism(kind, seed)


@each
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_order_of_rows_does_not_matter(kind, seed):
    battery.check_order_of_rows(kind, seed)


@each
@pytest.mark.parametrize("seed", [1, 2])
def test_the_parts_of_a_window_do_not_matter(kind, seed):
    battery.check_parts(kind, seed)


@each
def test_goes_on_from_a_snapshot(kind):
    battery.check_snapshot(kind, 7)


@each
def test_empty_windows_say_nothing(kind):
    battery.check_empty(kind)


def flood(n: int, window: int) -> Window:
    """Behaviours and flows of which every one is new."""
    rng = np.random.default_rng(window)

    def ips(column: int) -> pa.Array:
        data = np.zeros((n, 16), np.uint8)
        data[:, 10:12], data[:, 12] = 255, 10
        data[:, 13:16] = rng.integers(0, 256, (n, 3))
        return pa.FixedSizeBinaryArray.from_buffers(pa.binary(16), n, [None, pa.py_buffer(data.tobytes())])

    def name(*values: str) -> pa.Array:
        return pa.DictionaryArray.from_arrays(
            pa.array(rng.integers(0, len(values), n).astype(np.int32)), pa.array(values)
        )

    def numbers(high: int, dtype: type = np.uint64) -> pa.Array:
        return pa.array(rng.integers(1, high, n).astype(dtype))

    start = T0 + window * 10 * SECOND
    times = pa.array(start + rng.integers(0, 9 * SECOND, n)).cast(TIME)
    empty = pa.array([""] * n)
    ends = {"src_ip": ips(0), "dst_ip": ips(1), "dst_port": numbers(65535, np.uint16), "vlan": numbers(9, np.uint16)}
    flows = pa.table({
        "ts": times, **ends, "flow_id": numbers(1 << 60), "frame": numbers(1 << 40), "first_ts": times, "last_ts": times,
        "transport": name("tcp", "udp"), "state": name("attempt", "established", "rejected"), "app": name("modbus", "ftp", "ssh", "dns", ""),
        "service": name(""), "packets_out": numbers(4), "packets_in": numbers(4), "encrypted": numbers(2, np.uint8),
        "credentials": name("", "ftp_user"), "src_mac": empty, "dst_mac": empty, "bytes_out": numbers(1 << 20),
        "bytes_in": numbers(1 << 20), "info": empty,
    })  # fmt: skip
    behaviours = pa.table({
        "ts": times, "last_ts": times, "behaviour_id": numbers(1 << 62), "protocol": name("modbus", "dnp3"), "client_ip": ips(2),
        "server_ip": ips(3), "server_port": numbers(65535, np.uint16), "unit": empty, "operation": name("read", "write", "x"),
        "access": name("read", "write", "control"), "object": empty, "count": numbers(9), "errors": numbers(2),
        "frame": numbers(1 << 40), "last_frame": numbers(1 << 40), "answered": numbers(2), "bytes": numbers(9000),
    })  # fmt: skip
    tag_values = pa.table({
        "ts": times, **ends, "frame": numbers(1 << 40), "source": name("modbus"), "tag": name("a", "b", "c"),
        "value": pa.array(rng.standard_normal(n)), "capture": name("a.pcap"),
    })  # fmt: skip
    anomalies = pa.table({
        "ts": times, **ends, "flow_id": numbers(1 << 60), "frame": numbers(1 << 40), "protocol": name("modbus"),
        "kind": name("malformed", "crc", "overlap_conflict"), "detail": empty,
    })  # fmt: skip
    return Window(
        {"flows": flows, "behaviours": behaviours, "anomalies": anomalies, "tag_values": tag_values},
        start,
        start + 10 * SECOND,
    )


LIMITS = {
    "asset_changes": "HOSTS VALUES", "beacon": "PAIRS USED", "boundary_shape": "EDGES MACS", "chains": "SESSIONS",
    "credentials": "ACCOUNTS SUBJECTS", "encryption": "EDGES SERVERS", "exfiltration": "DIRECTIONS WATCHED HELD CLIENTS",
    "lateral": "ACTS EDGES SPREAD", "logins": "REFUSED", "outflow": "ACTS STREAMS", "relay": "DIRECTIONS RECEIVED", "silence": "HOSTS",
    "rates": "KEYS MOST", "write_ranges": "RANGES WRITES", "commands": "WAITING", "command_order": "STEPS WINDOW", "command_habits": "STATIONS",
    "command_load": "PAIRS", "arp_claims": "ADDRESSES CLAIMS", "mqtt_identities": "NAMES", "answers": "PAIRS",
    "availability": "FLOWS SHOWN", "unresponsive": "DEVICES ASKED", "restarts": "STATIONS CONNECTS",
    "baseline": "BEHAVIOURS CONVERSATIONS", "period": "BEHAVIOURS ENDED", "values": "TAGS",
    "candidates": "HOSTS ROWS", "sealed": "TRANSFERS", "feeds": "PARTIES WAITING TOLD", "feed_messages": "ROLES TOPICS LOGINS WAITING", "feed_legs": "MESSAGES",
    "mirror": "PORTS VLANS", "news": "CONVERSATIONS", "transfer": "EDGES", "tunnels": "DOMAINS PINGS", "volumes": "FLOWS",
}  # fmt: skip


@each
def test_memory_is_bounded_whatever_comes(kind, monkeypatch):
    """15,000 behaviours, sessions and oddities of which none repeats, thirty times the limits that are set here: all hold."""
    for module, limit in (
        ("memory", "KNOWN"),
        ("memory", "BEHAVIOURS"),
        ("book", "CAUSES"),
        ("scan", "SUSPECTS"),
        ("parser_anomaly", "PAIRS"),
    ):
        monkeypatch.setattr(import_module(f"detectors.{module}"), limit, 500)
    monkeypatch.setattr(import_module("detectors.boundary"), "PENDING", 700)
    for name in ("HOSTS", "OWNERS", "QUARANTINE"):
        monkeypatch.setattr(import_module("detectors.learning"), name, 500)
    for name in ("CLIENTS", "WRITERS"):
        monkeypatch.setattr(import_module("detectors.latecomers"), name, 500)
    monkeypatch.setattr(import_module("detectors.new_writer"), "WRITERS", 500)
    for module, names in LIMITS.items():
        for name in names.split():
            monkeypatch.setattr(import_module(f"detectors.{module}"), name, 500)
    detector = battery.fresh(kind)
    for n in range(3):
        step(detector, flood(5_000, n))
        for what, size in (detector.sizes() | detector.learning.sizes()).items():
            assert size <= 2048, f"{what} holds {size}"
    assert len(json.dumps(detector.snapshot())) < 8_000_000


@each
def test_reads_tables_that_exist(kind):
    assert set(kind.reads) <= set(TABLES)


@each
def test_headings(kind):
    text = import_module(kind.__module__).__doc__ or ""
    found = re.findall(r"^([A-Z][a-z ]+): \S", text, flags=re.MULTILINE)
    assert tuple(h for h in found if h in HEADINGS) == HEADINGS


def test_every_detector_is_registered():
    there = set()
    for path in sorted(PACKAGE.glob("*.py")):
        module = import_module(f"detectors.{path.stem}") if path.stem != "__init__" else None
        for item in vars(module).values() if module else ():
            if isinstance(item, type) and issubclass(item, Detector) and item is not Detector:
                there.add(item.name)
    assert there == set(registry.BUILTIN)


def test_files_stay_readable():
    for path in PACKAGE.rglob("*.py"):
        assert len(path.read_text().splitlines()) <= 300, path


@pytest.mark.parametrize("kind", [kind for kind in DETECTORS if kind.anomaly], ids=lambda kind: kind.name)
def test_every_anomaly_says_how_far_it_is_above_its_threshold(kind):
    told = battery.whole(kind, [window(**w) for w in battery.windows(1, 6)])
    assert told and all(a.evidence["score"] > 0 and a.evidence["threshold"] > 0 for a in told)
