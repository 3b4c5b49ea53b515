"""`python -m tests.fuzz EDGE [CORPUS] [libFuzzer options]`: one edge under atheris, with coverage of our own modules."""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["sensor", "detectors"]):
    from tests.fuzz.edges import EDGES, run


def main() -> None:
    if len(sys.argv) < 2 or sys.argv[1] not in EDGES:
        raise SystemExit(f"usage: python -m tests.fuzz {'|'.join(EDGES)} [CORPUS] [-max_total_time=60]")
    edge = EDGES[sys.argv.pop(1)]
    atheris.Setup(sys.argv, lambda data: run(edge, data))
    atheris.Fuzz()


if __name__ == "__main__":
    main()
