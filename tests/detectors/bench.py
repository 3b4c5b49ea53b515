"""What the detectors cost: `python -m tests.detectors.bench [windows behaviours flows]`.

A plant that repeats itself: every window brings the same behaviours and sessions, one in a hundred of them new.
"""

from __future__ import annotations

import json
import resource
import sys
import time

import numpy as np
import pyarrow as pa

from tests.detectors.build import NAME, SECOND, T0, TIME


def _names(values: list[str], codes: np.ndarray) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int32)), pa.array(values))


def _ips(numbers: np.ndarray) -> pa.Array:
    data = np.zeros((len(numbers), 16), dtype=np.uint8)
    data[:, 10:12] = 255
    data[:, 12], data[:, 13] = 10, 0
    data[:, 14], data[:, 15] = numbers // 200 + 1, numbers % 200 + 1
    return pa.FixedSizeBinaryArray.from_buffers(pa.binary(16), len(numbers), [None, pa.py_buffer(data.tobytes())])


def _time(values: np.ndarray) -> pa.Array:
    return pa.array(values.astype(np.int64)).cast(TIME)


def behaviours(n: int, window: int, rng: np.random.Generator) -> pa.Table:
    ids = np.arange(n, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    fresh = rng.random(n) < 0.01
    ids[fresh] += np.uint64(window + 1)
    ts = T0 + window * 10 * SECOND + rng.integers(0, 9 * SECOND, n)
    number = np.arange(n)
    return pa.table({
        "ts": _time(ts), "behaviour_id": pa.array(ids), "protocol": _names(["modbus", "dnp3", "opcua", "mqtt"], number % 4),
        "client_ip": _ips(number % 20), "server_ip": _ips(400 + number % 200), "server_port": pa.array(np.full(n, 502, np.uint16)),
        "unit": pa.array([str(i % 4) for i in range(n)]), "operation": _names(["read_holding_registers", "write_single_coil"], (number % 10 == 0)),
        "access": _names(["read", "write"], (number % 10 == 0)), "object": pa.array([f"holding_register {i}" for i in range(n)]),
        "count": pa.array(np.full(n, 10, np.uint64)), "errors": pa.array(np.zeros(n, np.uint64)), "bytes": pa.array(np.full(n, 100, np.uint64)),
        "last_ts": _time(ts + SECOND // 2), "frame": pa.array(number.astype(np.uint64) + 1), "last_frame": pa.array(number.astype(np.uint64) + 1),
        "answered": pa.array(np.full(n, 10, np.uint64)),
    })  # fmt: skip


def flows(n: int, window: int, rng: np.random.Generator) -> pa.Table:
    number = np.arange(n)
    start = T0 + window * 10 * SECOND
    first = np.where(number % 5 == 0, start + rng.integers(0, 9 * SECOND, n), T0)
    same, empty = np.zeros(n, np.int32), pa.array([""] * n)
    port = np.array([502, 20000, 4840, 1883, 80], np.uint16)[number % 5]
    mac = pa.array([f"02:00:00:00:00:{i % 200:02x}" for i in range(n)])
    return pa.table({
        "ts": _time(first), "src_ip": _ips(number % 20), "src_port": pa.array((40000 + number).astype(np.uint16)), "dst_ip": _ips(400 + number % 200),
        "dst_port": pa.array(port), "vlan": pa.array(np.zeros(n, np.uint16)), "flow_id": pa.array((number + np.where(number % 5 == 0, window * n, 0)).astype(np.uint64)),
        "community_id": empty, "capture": _names(["a.pcap"], same), "frame": pa.array(number.astype(np.uint64) + 1), "first_ts": _time(first),
        "last_ts": _time(np.full(n, start + 9 * SECOND)), "transport": _names(["tcp"], same), "state": _names(["established", "closed", "attempt"], np.where(number % 50 == 0, 2, number % 2)),
        "app": _names(["modbus", "dnp3", "opcua", "mqtt", "http"], number % 5), "service": _names([""], same), "packets_out": pa.array(np.full(n, 50, np.uint64)),
        "bytes_out": pa.array(np.full(n, 50, np.uint64)), "packets_in": pa.array(np.full(n, 50, np.uint64)), "bytes_in": pa.array(np.full(n, 50, np.uint64)),
        "encrypted": pa.array([None] * n, type=pa.uint8()), "midstream": pa.array(np.zeros(n, np.uint8)), "credentials": _names([""], same),
        "info": empty, "src_mac": mac, "dst_mac": mac,
    })  # fmt: skip


def main(windows: int = 100, n_behaviours: int = 2000, n_flows: int = 500) -> None:
    rng = np.random.default_rng(1)
    made = [{"behaviours": behaviours(n_behaviours, w, rng), "flows": flows(n_flows, w, rng)} for w in range(windows)]
    assert made[0]["flows"].schema.field("app").type == NAME
    begin = time.process_time()
    from detectors.pipeline import Pipeline
    from detectors.zones import Policy

    pipeline = Pipeline(Policy(), {})
    ready = time.process_time()
    alerts = assets = 0
    for w, tables in enumerate(made):
        at = T0 + w * 10 * SECOND
        alerts += len(pipeline.observe(tables, at, at + 10 * SECOND, True))
        assets += len(pipeline.assets())
    alerts += len(pipeline.finish())
    done = time.process_time()
    report = {
        "windows": windows, "behaviours": n_behaviours, "flows": n_flows, "start_seconds": round(ready - begin, 4),
        "seconds": round(done - ready, 4), "alert_rows": alerts, "asset_rows": assets,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }  # fmt: skip
    print(json.dumps(report))
    if pipeline.failures:
        raise SystemExit(f"detectors failed: {pipeline.failures}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
