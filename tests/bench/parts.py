"""Where the CPU seconds of a replay go, and what Python costs where a capture is four times as long.

    parts.py [--rounds 4]

The mixed capture of `bench.py`, once and so many times over with its streams going on, each in a process of its own. A
part's seconds are those of its threads: the packet path, detectors (Python and numpy, the native pass over values with
them), rows as blocks, inserts, what is left. Start-up comes first: imports and opening the store.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

PARTS = ("start-up", "packet path", "detectors", "blocks", "inserts", "rest")


def timed(owner: Any, name: str, spent: dict[str, float], part: str) -> None:
    """Counts the CPU seconds of every call of a method."""
    method = getattr(owner, name)

    def counted(*arguments: Any, **more: Any) -> Any:
        begun = time.process_time()
        try:
            return method(*arguments, **more)
        finally:
            spent[part] = spent.get(part, 0.0) + time.process_time() - begun

    setattr(owner, name, counted)


def measured(capture: str, store: str) -> dict[str, float]:
    from detectors.pipeline import Pipeline
    from sensor.config import Config
    from sensor.replay import Replay, open_captures
    from sensor.store import batch, open_store
    from sensor.store.chdb_session import Session

    spent: dict[str, float] = {}
    timed(Pipeline, "observe", spent, "detectors")
    timed(batch.Blocks, "add", spent, "blocks")
    timed(Session, "insert", spent, "inserts")
    timed(Replay, "_next", spent, "packet path")
    config = Config()
    engine = open_captures([capture], config, 1, sys.stderr.write)
    kept = open_store(store, "driftspan", "bench")
    replay = Replay(engine, kept, config, "bench")
    spent["start-up"] = time.process_time()
    replay.run()
    kept.close()
    whole = time.process_time()
    return spent | {"rest": whole - sum(spent.values()), "whole": whole}


def one(capture: Path, store: Path) -> dict[str, float]:
    command = [sys.executable, __file__, "--capture", str(capture), "--store", str(store)]
    found: dict[str, float] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return found


def compared(rounds_wanted: int) -> None:
    from tests.bench.bench import speed_capture
    from tests.bench.day_long import Rounds

    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        capture, longer = speed_capture(folder), folder / "longer.pcap"
        rounds = Rounds(capture)
        with longer.open("wb") as out:
            out.write(rounds.head)
            for number in range(rounds_wanted):
                out.write(rounds.of(number))
        once, often = one(capture, folder / "once"), one(longer, folder / "often")
    sys.stdout.write(f"{'CPU s':14} {'once':>8} {f'{rounds_wanted} times':>8} {'ratio':>7}\n")
    for part in (*PARTS, "whole"):
        ratio = often[part] / max(once[part], 1e-9)
        sys.stdout.write(f"{part:14} {once[part]:>8.2f} {often[part]:>8.2f} {ratio:>7.2f}\n")
    python = [sum(found[part] for part in ("start-up", "detectors", "rest")) for found in (once, often)]
    sys.stdout.write(f"Python         {python[0]:>8.2f} {python[1]:>8.2f} {python[1] / python[0]:>7.2f}\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--capture", help=argparse.SUPPRESS)
    parser.add_argument("--store", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.capture:
        sys.stdout.write(json.dumps(measured(options.capture, options.store)))
    else:
        compared(options.rounds)


if __name__ == "__main__":
    main()
