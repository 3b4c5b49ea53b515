"""kill -9 at any moment: nothing acknowledged is lost, and a repeated replay is as if nothing had happened."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time

import orjson

COUNTS = (
    "SELECT (SELECT count() FROM modbus) AS modbus, (SELECT sum(cityHash64(ts, flow_id, request_frame)) FROM modbus)"
    " AS digest, (SELECT count() FROM flows) AS flows, (SELECT count() FROM tag_values) AS tags,"
    " (SELECT count() FROM alerts) AS alerts, (SELECT count() FROM assets) AS assets,"
    " (SELECT count() FROM health) AS health, (SELECT countIf(finished) FROM captures) AS finished"
)


def test_a_killed_replay_can_be_repeated(driftspan, make_capture) -> None:
    capture = make_capture("plant.pcap", 1200, every=0.1)
    driftspan.rows("replay", capture, "--store", "clean", "--case", "c")
    [wanted] = driftspan.rows("query", COUNTS, "--store", "clean")
    assert wanted["modbus"] == 1200
    dice = random.Random(7)
    command = [sys.executable, "-m", "sensor", "replay", str(capture), "--store", "s", "--case", "c", "--pace", "100"]
    killed = 0
    for _ in range(5):
        process = subprocess.Popen(command, cwd=driftspan.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(dice.uniform(0.3, 2.0))
        process.send_signal(signal.SIGKILL)
        killed += process.wait() == -signal.SIGKILL
        if (driftspan.folder / "s" / "metadata" / "driftspan").exists():
            rows = driftspan("query", "SELECT count() AS n FROM modbus", "--store", "s", "--format", "ndjson")
            assert rows.returncode == 0 or "modbus" in rows.stderr, rows.stderr  # killed before the table was made
    assert killed == 5
    for _ in range(2):
        driftspan.rows("replay", capture, "--store", "s", "--case", "c")
        assert driftspan.rows("query", COUNTS, "--store", "s") == [wanted]


WRITER = """
import sys, pyarrow as pa
from sensor.store import CaptureFacts, open_store
store = open_store(sys.argv[1], "driftspan", "s")
store.begin_case("c", [CaptureFacts("ab" * 16, "x")])
schema = pa.schema([("ts", pa.timestamp("ns", "UTC")), ("frame", pa.uint64())])
for batch in range(1000):
    frames = pa.array(range(batch * 100, batch * 100 + 100), pa.uint64())
    store.append("mqtt", pa.table([frames.cast(pa.int64()).cast(schema.field(0).type), frames], schema=schema))
    store.flush()
    print(batch + 1, flush=True)
"""


def test_what_was_acknowledged_is_there(driftspan) -> None:
    dice = random.Random(11)
    for attempt in range(3):
        store = f"w{attempt}"
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, store],
            cwd=driftspan.folder,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ,
        )
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(dice.uniform(0.0, 0.5))
        process.send_signal(signal.SIGKILL)
        acknowledged = 1 + len([line for line in process.stdout.read().splitlines() if line.isdigit()])
        process.stdout.close()
        process.wait()
        done = driftspan(
            "query", "SELECT count() AS n, max(frame) AS last FROM mqtt", "--store", store, "--format", "ndjson"
        )
        assert done.returncode == 0, done.stderr
        row = orjson.loads(done.stdout)
        assert row["n"] % 100 == 0, "a batch is there as a whole or not at all"
        assert row["n"] - acknowledged * 100 in (0, 100), "what was acknowledged, and at most the one under way"
        assert row["last"] == row["n"] - 1
