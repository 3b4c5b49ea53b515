"""What the ledger costs and what it finds.

    ledger.py [--edits 10000] [--records 200000] [--rounds 3]

Random edits of every stream (tests/sensor/ledger/lab.py): all must be found and named. Records that are verified in a
CPU second, the size of a proof, and the time to make and to check one, over so many records. CPU seconds of a replay
with and without the ledger, in turns, and the ledger's own share of them: the mixed capture of `bench.py`, which raises
few alerts, and the plant's campaign day, which has alerts, incidents and model outputs.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))


def apart(what: str, *arguments: object) -> Any:
    """In a process of its own."""
    command = [sys.executable, __file__, what, *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def edits(wanted: int) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        command = [sys.executable, "-m", "tests.sensor.ledger.lab", scratch, str(wanted), "7"]
        subprocess.run(command, cwd=ROOT, check=True)


def speed(store: str, wanted: int) -> dict[str, float]:
    """Half of the records are alerts, half outputs as a model's host logs them."""
    from sensor.ledger import proof, verifying
    from sensor.ledger.keys import Keys
    from sensor.ledger.reading import asking
    from sensor.store import CaptureFacts, open_beside, open_store
    from tests.sensor.conftest import START, alert_row

    kept, half = open_store(store, "driftspan", "bench"), wanted // 2
    kept.begin_case("c", [CaptureFacts("1" * 32, "c.pcap")])
    spent = time.process_time()
    kept.upsert(
        "alert_rows", (alert_row(f"{n:032x}", evidence={"n": n, "hosts": ["10.1.0.5"] * 8}) for n in range(half))
    )
    rows = (
        {"ts": (START + n) * 10**9, "model_id": "wear", "model_version": "1", "input_sha256": f"{n:064x}", "output": f"0.{n}",
         "confidence": 0.5, "source": "host", "record_id": f"{n:032x}"}
        for n in range(half)
    )  # fmt: skip
    kept.record("inference_log", "c", rows)
    written = time.process_time() - spent
    kept.close()
    reading, keys = open_beside(store, "driftspan"), Keys(Path(f"{store}-ledger"))
    keys.read()
    begun, wall = time.process_time(), time.monotonic()
    done = verifying.verify(reading, None, keys, None, [])
    spent, wall = time.process_time() - begun, time.monotonic() - wall
    assert not any(tree.broken for tree in done.trees) and not any(found.wrong for found in done.records.values())
    begun = time.process_time()
    told = proof.prove(asking(reading.query), f"{half // 3:032x}", "alerts", None)
    made = time.process_time() - begun
    data = json.dumps(told)
    begun = time.process_time()
    assert proof.check(told, keys.public, "proof")["result"] == "proved"
    checked = time.process_time() - begun
    reading.close()
    return {
        "records": wanted, "written_per_cpu_second": round(wanted / written), "verified_per_cpu_second": round(wanted / spent),
        "verified_per_second": round(wanted / wall), "proof_bytes": len(data), "path_bytes": 44 * len(told["path"]),
        "prove_cpu_seconds": round(made, 3), "check_cpu_seconds": round(checked, 4),
    }  # fmt: skip


def replayed(capture: str, config: str, store: str, kept: str) -> dict[str, float]:
    """CPU seconds of a replay whole, and of those the ledger's own."""
    from dataclasses import replace

    from sensor import config as configuration
    from sensor.ledger.book import Book
    from sensor.replay import Replay, open_captures, pipeline_of
    from sensor.store import open_store

    own = {"seconds": 0.0, "records": 0}

    def timed(owner: Any, name: str, sign: int) -> None:
        method = getattr(owner, name)

        def counted(*arguments: Any, **more: Any) -> Any:
            begun = time.process_time()
            try:
                return method(*arguments, **more)
            finally:
                own["seconds"] += sign * (time.process_time() - begun)

        setattr(owner, name, counted)

    write = Book.write

    def without_rows(self: Book, stream: Any, columns: Any, payload: bytes, put: Any, token: str = "") -> None:
        def putting() -> None:
            begun = time.process_time()
            put()
            own["seconds"] -= time.process_time() - begun

        own["records"] += payload.count(b"\n")
        write(self, stream, columns, payload, putting, token)

    Book.write = without_rows  # type: ignore[method-assign]
    for name in ("write", "removed", "close"):
        timed(Book, name, 1)
    loaded = configuration.load(Path(config) if config else None)
    loaded = replace(loaded, ledger=replace(loaded.ledger, enabled=kept == "with"))
    engine = open_captures([capture], loaded, 1, lambda _: None)
    opened = open_store(store, "driftspan", loaded.sensor.name, loaded.layout())
    Replay(engine, opened, loaded, "bench", pipeline_of(loaded, "bench")).run()
    opened.close()
    return {"whole": time.process_time(), "own": own["seconds"], "records": own["records"]}


def cost(name: str, capture: Path, config: str, rounds: int) -> None:
    found: dict[str, list[dict[str, float]]] = {"with": [], "without": []}
    for _ in range(rounds):
        for kept, rows in found.items():
            with tempfile.TemporaryDirectory() as scratch:
                rows.append(apart("replay", capture, config, Path(scratch) / "site", kept))
    whole = {kept: median(row["whole"] for row in rows) for kept, rows in found.items()}
    own = median(row["own"] / row["whole"] for row in found["with"])
    print(
        f"{name}: {found['with'][0]['records']:.0f} records, {whole['with']:.2f} CPU s with the ledger, {whole['without']:.2f}"
        f" without; its own share {own:.2%}", flush=True,
    )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--edits", type=int, default=10_000)
    parser.add_argument("--records", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        print(json.dumps(apart("speed", Path(scratch) / "site", given.records)), flush=True)
        from tests.bench.bench import speed_capture

        cost("mixed capture", speed_capture(Path(scratch)), "", given.rounds)
        cost("campaign day", ROOT / "pcaps" / "day_campaign.pcap.gz", str(ROOT / "pcaps" / "plant.toml"), given.rounds)
    if given.edits:
        edits(given.edits)


if __name__ == "__main__":
    if sys.argv[1:2] == ["speed"]:
        print(json.dumps(speed(sys.argv[2], int(sys.argv[3]))))
    elif sys.argv[1:2] == ["replay"]:
        print(json.dumps(replayed(*sys.argv[2:])))
    else:
        main()
