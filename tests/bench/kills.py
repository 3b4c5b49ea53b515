"""kill -9 at random moments: of a live run (sensor, keeper, both) and of a replay.

    kills.py [--times 50] [--seed N]

After each the store must open, hold everything that was acknowledged, and nothing twice. Exit status 1 where it does
not.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from tests.parsers.test_live import APART, possible  # noqa: E402
from tests.sensor.conftest import Program, modbus_reads, write_pcap  # noqa: E402

COUNTS = (
    "SELECT count() AS rows, uniqExact(tuple(*)) AS once, sum(cityHash64(ts, flow_id, request_frame)) AS digest,"
    " (SELECT count() FROM flows WHERE case_id = '{0}') AS flows,"
    " (SELECT count() FROM tag_values WHERE case_id = '{0}') AS tags,"
    " (SELECT groupArray(alert_id) FROM (SELECT DISTINCT alert_id FROM alerts WHERE case_id = '{0}' ORDER BY 1))"
    " AS alerts FROM modbus WHERE case_id = '{0}'"
)
WHOLE_EVERY = 10  # kills between two replays that are left alone


def live(folder: Path, times: int, seed: int) -> dict[str, Any]:
    command = [*APART, sys.executable, "-m", "tests.integration.kill_trial", str(folder), str(times), str(seed)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    if done.returncode:
        raise RuntimeError(done.stderr)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def replayed(folder: Path, times: int, seed: int) -> dict[str, Any]:
    """A case that is replayed and killed again and again, beside one that must not notice."""
    dice, program, faults = random.Random(seed), Program(folder), list[str]()
    capture = write_pcap(folder / "plant.pcap", [p for n in range(1, 9) for p in modbus_reads(150, host=n)])
    program.rows("replay", capture, "--store", "clean", "--case", "c")
    program.rows("replay", capture, "--store", "s", "--case", "kept")
    [wanted] = program.rows("query", COUNTS.format("c"), "--store", "clean")
    [kept] = program.rows("query", COUNTS.format("kept"), "--store", "s")
    words = ["replay", str(capture), "--store", "s", "--case", "c", "--pace", "20"]
    killed = 0
    for number in range(times):
        process = subprocess.Popen(
            [sys.executable, "-m", "sensor", *words], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        time.sleep(dice.uniform(0.2, 3.0))
        process.kill()
        killed += process.wait() < 0
        [partly] = program.rows("query", COUNTS.format("c"), "--store", "s")
        if partly["rows"] != partly["once"]:
            faults.append(f"after kill {number}: {partly['rows'] - partly['once']} rows are there twice")
        if not set(partly["alerts"]) <= set(wanted["alerts"]):
            faults.append(f"after kill {number}: alerts that a whole replay does not raise")
        if program.rows("query", COUNTS.format("kept"), "--store", "s") != [kept]:
            faults.append(f"after kill {number}: another case is not as it was")
        if number % WHOLE_EVERY == WHOLE_EVERY - 1 or number == times - 1:
            program.rows("replay", capture, "--store", "s", "--case", "c")
            if program.rows("query", COUNTS.format("c"), "--store", "s") != [wanted]:
                faults.append(f"after kill {number}: the repeated replay is not what an undisturbed one is")
    return {"faults": faults, "killed": killed, "rows": wanted["rows"], "alerts": len(wanted["alerts"])}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=50)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 30))
    given = parser.parse_args()
    print(f"seed {given.seed}")
    faults = 0
    for name, trial in (("replay", replayed), ("live", live)):
        if name == "live" and not possible():
            print("live: skipped, no network namespaces with veth pairs here")
            continue
        with tempfile.TemporaryDirectory() as folder:
            begun = time.monotonic()
            found = trial(Path(folder), given.times, given.seed)
        faults += len(found["faults"])
        print(f"{name}: {given.times} kills in {time.monotonic() - begun:.0f} s: {json.dumps(found)}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
