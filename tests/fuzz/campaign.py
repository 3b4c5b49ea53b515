"""Fuzzing all targets: `make fuzz` in ten minutes, `make fuzz-long` as long as it takes.

    python -m tests.fuzz.campaign --minutes 10                 # shared among all targets
    python -m tests.fuzz.campaign --cpu-minutes 24 [TARGET...] # each
    python -m tests.fuzz.campaign --planted                    # only proves that bugs put in on purpose are found

Rust targets are built with coverage by the flags that cargo-fuzz gives, which the stable compiler takes; a sanitizer
of addresses it has not, nor is there unsafe code to look at. Seeds come from `pcaps` and, where it is there, from the
corpus beside the repository. What is found lands in `parsers/fuzz/found/TARGET`, where plain tests replay it.
"""

from __future__ import annotations

import argparse
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from tests.fuzz import EDGES
from tests.golden.corpus import HOME, ROOT, SUFFIXES

FUZZ = ROOT / "parsers" / "fuzz"
FLAGS = (
    "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters"
    " -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares -Clink-dead-code --cfg fuzzing"
)
HOST = "x86_64-unknown-linux-gnu"
TIMEOUT = 20  # seconds for one input: endless
PLANTED = {"planted_panic": "planted", "planted_hang": "of CPU time, more than", "planted_growth": "bytes are held"}
RUNS = 2_000_000  # within which a planted bug must be found, without seeds


@dataclass(frozen=True)
class Run:
    target: str
    status: int
    cpu: float
    runs: int
    log: str


def targets() -> list[str]:
    return sorted(path.stem for path in (FUZZ / "fuzz_targets").glob("*.rs") if not path.stem.startswith("planted_"))


def build() -> pathlib.Path:
    command = ["cargo", "build", "--release", "--locked", "--quiet", "--target", HOST]
    told = {"RUSTFLAGS": FLAGS, "CARGO_TARGET_DIR": str(FUZZ / "target")}
    subprocess.run(command, cwd=FUZZ, env=os.environ | told, check=True)
    return FUZZ / "target" / HOST / "release"


def seeds(binaries: pathlib.Path, corpus: pathlib.Path) -> None:
    captures = sorted(ROOT.glob("pcaps/*.pcap"))
    if HOME.is_dir():
        captures += sorted(p for p in HOME.rglob("*") if p.suffix in SUFFIXES and p.stat().st_size < 400_000)
    told = os.environ | {"SEEDS_TO": str(corpus), "SEEDS_FROM": "\n".join(map(str, captures))}
    subprocess.run([binaries / "engine"], env=told, check=True, stderr=subprocess.DEVNULL)


def command(target: str, binaries: pathlib.Path) -> list[str]:
    if target in EDGES:
        return [sys.executable, "-m", "tests.fuzz", target]
    return [str(binaries / target)]


def fuzz(target: str, binaries: pathlib.Path, corpus: pathlib.Path, options: list[str]) -> Run:
    """One target for as long as the options say."""
    place, found = corpus / target, FUZZ / "found" / target
    place.mkdir(parents=True, exist_ok=True)
    options = [*options, f"-timeout={TIMEOUT}", "-rss_limit_mb=2048", "-max_len=16384", "-print_final_stats=1"]
    with tempfile.NamedTemporaryFile("w+", errors="replace") as log, tempfile.TemporaryDirectory() as artefacts:
        told = [*command(target, binaries), *options, f"-artifact_prefix={artefacts}/", str(place)]
        child = subprocess.Popen(told, stdout=log, stderr=log, cwd=ROOT)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        log.seek(0)
        text = log.read()
        for artefact in pathlib.Path(artefacts).iterdir():
            if target not in PLANTED:
                found.mkdir(parents=True, exist_ok=True)
                artefact.rename(found / artefact.name)
    runs = re.search(r"number_of_executed_units:\s*(\d+)", text)
    return Run(target, child.returncode, usage.ru_utime + usage.ru_stime, int(runs[1]) if runs else 0, text)


def planted(binaries: pathlib.Path) -> bool:
    """Whether each bug that was put in on purpose is found, without any seed."""
    good = True
    for target, message in PLANTED.items():
        with tempfile.TemporaryDirectory() as corpus:
            run = fuzz(target, binaries, pathlib.Path(corpus), [f"-runs={RUNS}", "-seed=1"])
        good &= (found := run.status != 0 and message in run.log)
        print(f"{target}: {'found' if found else 'NOT FOUND'} within {run.runs} runs, {run.cpu:.0f} CPU s", flush=True)
    return good


def campaign(wanted: list[str], binaries: pathlib.Path, corpus: pathlib.Path, *, wall: float, cpu: float) -> bool:
    """`wall` seconds for each target, again and again until each had `cpu` seconds of CPU time (0: once)."""

    def one(target: str) -> Run:
        total, runs = 0.0, 0
        while True:
            run = fuzz(target, binaries, corpus, [f"-max_total_time={max(1, round(wall))}"])
            total, runs = total + run.cpu, runs + run.runs
            if run.status or total >= cpu:
                break
        print(f"{target:14} {total / 60:6.1f} CPU min {runs:>10} runs {'FOUND' if run.status else ''}", flush=True)
        if run.status:
            print("\n".join(run.log.splitlines()[-12:]), flush=True)
        return run

    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        return not any(run.status for run in pool.map(one, wanted))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.campaign")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"of {', '.join([*targets(), *EDGES])}")
    parser.add_argument("--minutes", type=float, default=10.0, help="for all targets together")
    parser.add_argument("--cpu-minutes", type=float, default=0.0, help="for each target")
    parser.add_argument("--planted", action="store_true")
    parser.add_argument("--corpus", type=pathlib.Path, default=FUZZ / "target" / "corpus")
    given = parser.parse_args()
    known = [*targets(), *EDGES]
    if wrong := set(given.targets) - set(known):
        parser.error(f"no target {', '.join(sorted(wrong))}; there are {', '.join(known)}")
    begun, binaries = time.monotonic(), build()
    if not planted(binaries):
        return 1
    if given.planted:
        return 0
    seeds(binaries, given.corpus)
    wanted = given.targets or known
    left = max(60.0, given.minutes * 60 - (time.monotonic() - begun))
    wall = 120.0 if given.cpu_minutes else left * (os.cpu_count() or 1) / len(wanted)
    good = campaign(wanted, binaries, given.corpus, wall=wall, cpu=given.cpu_minutes * 60)
    return 0 if good else 1


if __name__ == "__main__":
    raise SystemExit(main())
