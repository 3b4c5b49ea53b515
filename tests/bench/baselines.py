"""What baselines cost, by the number of conversations: CPU seconds a window, memory, snapshot and restore.

    baselines.py [--conversations 1000 3000 10000] [--behaviours 20] [--windows 12]

Every conversation has its behaviours, each polled once or more in a window of 10 s, and a tag; every window the counts
vary a little. Figures are of the steady state: the windows in which everything is new come first and are not counted.
"""

from __future__ import annotations

import argparse
import gc
import json
import sys
import time
import tracemalloc
from pathlib import Path

import numpy as np
import pyarrow as pa

sys.path.insert(0, str(Path(__file__).parents[2]))

from detectors import registry
from detectors.base import Detector, parse_settings
from detectors.learning import Settings
from detectors.site import Site, site
from detectors.window import Window
from detectors.zones import Policy

SECOND = 10**9
START = 1_767_600_000 * SECOND
LENGTH = 10 * SECOND
NAMES = ("baseline", "period", "values")
SETTLING = 4  # windows before the clock runs


def _ips(numbers: np.ndarray) -> pa.Array:
    data = np.zeros((len(numbers), 16), dtype=np.uint8)
    data[:, 10:12] = 255
    data[:, 12:16] = (numbers.astype(">u4") + (10 << 24)).astype(">u4").view(np.uint8).reshape(-1, 4)
    return pa.FixedSizeBinaryArray.from_buffers(pa.binary(16), len(numbers), [None, pa.py_buffer(data.tobytes())])


def _name(values: list[str], codes: np.ndarray) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int32)), pa.array(values))


def _time(values: np.ndarray) -> pa.Array:
    return pa.array(values.astype(np.int64)).cast(pa.timestamp("ns", tz="UTC"))


def window(conversations: int, behaviours: int, number: int) -> Window:
    """One window of ten seconds. Seeded by its number: the same in every run."""
    dice = np.random.default_rng(number)
    n = conversations * behaviours
    row = np.arange(n)
    who, what = row // behaviours, row % behaviours
    count = 1 + what % 10
    start = START + number * LENGTH
    first = start + (LENGTH // (count * 2)) + dice.integers(0, SECOND // 100, n)
    last = first + (count - 1) * (LENGTH // count)
    zero = np.zeros(n, dtype=np.uint64)
    made = pa.table({
        "ts": _time(first), "last_ts": _time(last), "behaviour_id": pa.array((row + 1).astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)),
        "protocol": _name(["modbus", "dnp3"], who % 2), "client_ip": _ips(who // 50), "server_ip": _ips(65536 + who),
        "server_port": pa.array(np.full(n, 502, dtype=np.uint16)), "unit": _name(["1", "2"], what % 2),
        "operation": _name(["read_holding_registers", "read_coils"], what % 2), "access": _name(["read", "write"], (what == 19).astype(int)),
        "object": _name([f"holding_register {i}-{i + 9}" for i in range(behaviours)], what),
        "count": pa.array(count.astype(np.uint64)), "errors": pa.array(zero), "answered": pa.array(count.astype(np.uint64)),
        "bytes": pa.array((count * 60).astype(np.uint64)), "frame": pa.array((row + 1).astype(np.uint64)),
        "last_frame": pa.array((row + 1).astype(np.uint64)),
    })  # fmt: skip
    tag = np.arange(conversations)
    values = pa.table({
        "ts": _time(start + dice.integers(0, LENGTH, conversations)), "src_ip": _ips(tag // 50), "dst_ip": _ips(65536 + tag),
        "source": _name(["modbus"], tag * 0), "tag": _name(["u1/holding_register/7"], tag * 0),
        "value": pa.array(50 + dice.standard_normal(conversations)), "frame": pa.array((tag + 1).astype(np.uint64)),
    })  # fmt: skip
    return Window({"behaviours": made, "tag_values": values}, start, start + LENGTH)


def fresh() -> tuple[Site, list[Detector]]:
    shared = site(Policy((), ()), Settings(seconds=60.0))
    kinds = [registry.builtin(name) for name in NAMES]
    return shared, [kind(parse_settings(kind, {}), shared) for kind in kinds]


def held(conversations: int, behaviours: int) -> float:
    """MiB that the detectors and what is known hold between two windows, by the allocator's own account."""
    window(conversations, behaviours, 0)
    gc.collect()
    tracemalloc.start()
    shared, detectors = fresh()
    for number in range(SETTLING):
        made = window(conversations, behaviours, number)
        for detector in detectors:
            detector.observe(made)
        shared.learning.close(made.end)
        del made
    gc.collect()
    live, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return live / 2**20


def run(conversations: int, behaviours: int, windows: int) -> dict[str, float]:
    memory = held(conversations, behaviours)
    shared, detectors = fresh()
    spent, alerts = 0.0, 0
    each = dict.fromkeys(NAMES, 0.0)
    for number in range(windows + SETTLING):
        made = window(conversations, behaviours, number)
        for detector in detectors:
            started = time.process_time()
            alerts += len(detector.observe(made))
            cost = time.process_time() - started
            if number >= SETTLING:
                each[detector.name] += cost / windows
                spent += cost / windows
        shared.learning.close(made.end)
    started = time.process_time()
    text = json.dumps([part.snapshot() for part in (shared, *detectors)])
    other, others = fresh()
    for part, state in zip((other, *others), json.loads(text), strict=True):
        part.restore(state)
    kept = time.process_time() - started
    return {
        "conversations": conversations, "behaviours": conversations * behaviours, "cpu_s_a_window": round(spent, 3),
        **{f"cpu_s_{name}": round(cost, 3) for name, cost in each.items()}, "mib": round(memory, 1),
        "snapshot_mib": round(len(text) / 2**20, 1), "snapshot_and_restore_s": round(kept, 2), "alerts": alerts,
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--conversations", type=int, nargs="+", default=[1000, 3000, 10000])
    parser.add_argument("--behaviours", type=int, default=20)
    parser.add_argument("--windows", type=int, default=12)
    asked = parser.parse_args()
    print("baselines, windows of 10 s:")
    for conversations in asked.conversations:
        print("  " + " ".join(f"{k}={v}" for k, v in run(conversations, asked.behaviours, asked.windows).items()))


if __name__ == "__main__":
    main()
