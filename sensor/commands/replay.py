"""`driftspan replay CAPTURE...`."""

from __future__ import annotations

import gc
import math
import os
import sys
from contextlib import closing
from typing import TYPE_CHECKING

from sensor import config
from sensor.case_name import case_name, check_case
from sensor.commands.common import location
from sensor.errors import InputError
from sensor.output import chosen_format, show_rows
from sensor.progress import progress
from sensor.store import open_store
from sensor.textwidth import safe

if TYPE_CHECKING:
    from argparse import Namespace


def run(arguments: Namespace) -> int:
    path = config.find(arguments.config)
    loaded = config.load(path)
    pace, workers = _pace(arguments), _workers(arguments, loaded)
    case = case_name(arguments.captures) if arguments.case is None else check_case(arguments.case)
    if arguments.captures.count("-") > 1:
        raise InputError("- (stdin) can be read only once")
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # numpy's own threads only spin here
    gc.set_threshold(100_000)  # what a replay makes either lives on or is freed at once
    from sensor.replay import Replay, open_captures

    config.check_detectors(loaded, path)
    engine = open_captures(arguments.captures, loaded, workers, _warn)
    shown = progress()
    with closing(open_store(location(arguments, loaded), loaded.store.database, loaded.sensor.name)) as store:
        try:
            outcome = Replay(engine, store, loaded, case).run(pace, shown)
        finally:
            if shown is not None:
                shown.done()
    for warning in (*outcome.warnings, *outcome.notes):
        _warn(warning)
    if outcome.replaced_rows:
        _warn(f"{outcome.replaced_rows} rows of an earlier replay of this case were replaced")
    show_rows([outcome.summary()], chosen_format(arguments.format))
    return 0


def _warn(text: str) -> None:
    sys.stderr.write(f"driftspan: {safe(text)}\n")


def _pace(arguments: Namespace) -> float:
    pace = float(arguments.pace)
    if not math.isfinite(pace) or pace < 0:
        raise InputError("--pace must be a number above 0, as in --pace 10; 0 is as fast as possible")
    return pace


def _workers(arguments: Namespace, loaded: config.Config) -> int:
    workers = int(loaded.capture.workers if arguments.workers is None else arguments.workers)
    if not 1 <= workers <= config.MOST_WORKERS:
        raise InputError(f"--workers must be between 1 and {config.MOST_WORKERS}")
    return workers
