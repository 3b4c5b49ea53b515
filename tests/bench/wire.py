"""What the packet path alone costs: captures to finished columns in Rust, without Python and Arrow.

    python -m tests.bench.wire [--packets 1000000] [--times 4] [--runs 5]

Runs the cargo example `rows` on the mixed capture of `bench.py` and on one that is so many times as long, in turns, since a
shared machine is not equally fast all the time. Printed: CPU seconds (the median, with least and most), packets a CPU
second, peak memory, and how many times the CPU the long one took.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.bench.bench import ROOT, Cost, cost, speed_capture

PARSERS = ROOT / "parsers"


def example() -> Path:
    """Builds the program that is measured."""
    build = ["cargo", "build", "--release", "--locked", "--quiet", "-p", "capture", "--example", "rows"]
    subprocess.run(build, cwd=PARSERS, check=True)
    return PARSERS / "target" / "release" / "examples" / "rows"


def told(packets: int, runs: list[Cost]) -> float:
    """Prints a line, gives the median CPU seconds."""
    cpu = [run.cpu for run in runs]
    middle = statistics.median(cpu)
    spread, peak = f"{min(cpu):.2f} to {max(cpu):.2f}", max(run.peak for run in runs)
    sys.stdout.write(
        f"{packets:>9,} packets  {middle:6.2f} CPU s  ({spread})  {packets / middle:>10,.0f} packets a CPU second"
    )
    sys.stdout.write(f"  peak {peak:.0f} MiB\n")
    return middle


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--packets", type=int, default=1_000_000)
    parser.add_argument("--times", type=int, default=4)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    program = example()
    with tempfile.TemporaryDirectory() as short, tempfile.TemporaryDirectory() as long:
        sizes = options.packets, options.packets * options.times
        captures = [speed_capture(Path(folder), size) for folder, size in zip((short, long), sizes, strict=True)]
        rounds = [[cost([str(program), str(capture)]) for capture in captures] for _ in range(options.runs)]
        one, many = (told(size, list(runs)) for size, runs in zip(sizes, zip(*rounds, strict=True), strict=True))
    sys.stdout.write(f"{options.times} times the packets: {many / one:.2f} times the CPU\n")
    return max(run.status for both in rounds for run in both)


if __name__ == "__main__":
    sys.exit(main())
