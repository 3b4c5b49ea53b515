"""`driftspan replay CAPTURE...`."""

from __future__ import annotations

import gc
import math
import os
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from sensor import capture_files, changes_file, chosen, config, model_registry, verdicts
from sensor.case_name import LIVE, case_name, check_case
from sensor.commands.common import location, opened
from sensor.errors import InputError
from sensor.output import chosen_format, show_rows
from sensor.progress import progress
from sensor.resume import Checkpoints
from sensor.service.log import say

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Mapping, Sequence

    from detectors.pipeline import Pipeline
    from parsers import Engine
    from sensor.evidence.shelf import Shelf
    from sensor.intake.feed import Feed
    from sensor.learn_from import Learnt
    from sensor.replay import Outcome
    from sensor.resume import State
    from sensor.sigma.rules import Rule


def run(arguments: Namespace) -> int:
    if [*arguments.captures, *arguments.learn_from].count("-") > 1:
        raise InputError("- (stdin) can be read only once")
    arguments.captures = capture_files.expanded(arguments.captures, say)
    return replay(arguments)


def replay(arguments: Namespace, shifts: Sequence[int] = (), expected: Mapping[str, str] | None = None) -> int:
    """`shifts`: nanoseconds to add to the times of each capture. `expected`: ids that the captures must have."""
    path = config.find(arguments.config)
    loaded = config.load(path)
    pace, workers = _pace(arguments), _workers(arguments, loaded)
    _check(arguments)
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # numpy's own threads only spin here
    gc.set_threshold(100_000)  # what a replay makes either lives on or is freed at once
    from sensor.replay import open_captures, pipeline_of

    config.check_detectors(loaded, path)
    learn = _Learn(arguments, loaded, workers)
    if not arguments.captures:
        learn.teach(pipeline_of(loaded, LIVE))
        show_rows([learn.summary()], chosen_format(arguments.format))
        return 0
    case = case_name(arguments.captures) if arguments.case is None else check_case(arguments.case)
    wanted = chosen.chosen(arguments)
    engine = open_captures(
        arguments.captures, loaded, workers, say, shifts=shifts, selection=wanted.selection(), index=True
    )
    _check_content(engine, expected)
    if loaded.alerting.changes:
        changes_file.load(loaded.alerting.changes)  # what is wrong with them is said before a store is made
    model_registry.configured(loaded.models)  # so are manifests that cannot be trusted
    feed = _feed(arguments, loaded)
    outcome = _replayed(arguments, loaded, case, engine, pace, learn, feed)
    _tell_passed_over(engine)
    for warning in (*outcome.warnings, *outcome.notes):
        say(warning)
    if outcome.replaced_rows:
        say(f"{outcome.replaced_rows} rows of an earlier replay of this case were replaced")
    show_rows([outcome.summary()], chosen_format(arguments.format))
    return 0


def _replayed(
    arguments: Namespace,
    loaded: config.Config,
    case: str,
    engine: Engine,
    pace: float,
    learn: _Learn,
    feed: Feed,
) -> Outcome:
    from sensor.replay import Replay, pipeline_of

    rules = _rules(loaded)
    with closing(opened(arguments, loaded)) as store:
        models = model_registry.running(store, loaded.models)
        pipeline = pipeline_of(loaded, case, verdicts.running(store, case), models=models)
        checkpoints = _checkpoints(arguments, loaded, case, engine, pipeline)
        state = _state(arguments, checkpoints)
        shelf = _shelf(arguments, loaded, case)
        if state is None:
            learn.teach(pipeline)
        total = sum(capture_files.stamp(str(facts["path"])).size for facts in engine.captures())
        shown = progress(total, engine.taken)
        try:
            run = Replay(engine, store, loaded, case, pipeline, feed, shelf, checkpoints, state)
            outcome = run.run(pace, shown)
        finally:
            if shown is not None:
                shown.done()
        if rules:
            from sensor.sigma.beside import after_replay

            outcome.alerts += after_replay(loaded, rules, location(arguments, loaded), case, store)
        if checkpoints is not None:
            checkpoints.clear()
        return outcome


def _checkpoints(
    arguments: Namespace, loaded: config.Config, case: str, engine: Engine, pipeline: Pipeline
) -> Checkpoints | None:
    """None: how far it came is not kept."""
    if arguments.evidence or "-" in arguments.captures or not arguments.checkpoint:
        return None
    from sensor import baseline
    from sensor.program import version

    about = {
        "captures": [facts["id"] for facts in engine.captures()],
        "chosen": chosen.chosen(arguments).told(),
        "workers": _workers(arguments, loaded),
        "limits": loaded.limits,
        "configuration": baseline.digests(loaded, pipeline),
        "learnt": [arguments.learn_from, arguments.baseline],
        "beside": [arguments.drift or loaded.intake.drift, arguments.inference or loaded.intake.inference],
        "version": version(),
    }
    return Checkpoints(location(arguments, loaded), case, about, arguments.checkpoint)


def _state(arguments: Namespace, checkpoints: Checkpoints | None) -> State | None:
    if not arguments.resume:
        return None
    if checkpoints is None:
        raise InputError("--resume goes with neither --evidence nor stdin nor --checkpoint 0: there is no state then")
    state = checkpoints.load()
    if state is None:
        say("there is no interrupted replay of this case with a checkpoint: it begins at the start")
    return state


def _check_content(engine: Engine, expected: Mapping[str, str] | None) -> None:
    for facts in engine.captures() if expected is not None else ():
        path = str(facts["path"])
        if expected is not None and expected[path] != facts["id"]:
            raise InputError(
                f"{path}: changed since it was added to the case: it has another hash; put back what was added, "
                "or make a case of what is there now"
            )


def _tell_passed_over(engine: Engine) -> None:
    over, unknown = engine.passed_over()
    if over:
        say(f"{over} packets were not chosen and left out")
    if unknown:
        say(f"{unknown} of them are of link types for which the filter makes no sense")


def _rules(loaded: config.Config) -> list[Rule]:
    """What is wrong with them is said before a store is made."""
    if not loaded.sigma.enabled:
        return []
    from sensor.sigma.rules import load

    return load(loaded.sigma)


def _shelf(arguments: Namespace, loaded: config.Config, case: str) -> Shelf | None:
    """Where the packets of alerts go, without those of an earlier replay of the case."""
    if not arguments.evidence:
        return None
    from sensor.evidence.keeping import root_of
    from sensor.evidence.shelf import Shelf

    root = root_of(location(arguments, loaded), loaded.evidence)
    shelf = Shelf(root, case)
    try:
        shelf.open(anew=True)
    except OSError as error:
        raise InputError(f"{root}: evidence cannot be kept there: {error.strerror}; choose another path") from None
    return shelf


def _feed(arguments: Namespace, loaded: config.Config) -> Feed:
    """What is named here, else what the configuration names."""
    from sensor.intake.feed import Feed

    return Feed(
        arguments.drift or loaded.intake.drift,
        arguments.inference or loaded.intake.inference,
        [model.id for model in loaded.models],
    )


class _Learn:
    """What comes before the captures: a baseline from a file, then clean captures, then a baseline to a file."""

    def __init__(self, arguments: Namespace, loaded: config.Config, workers: int) -> None:
        from sensor.replay import open_captures

        self._config = loaded
        self._from = Path(arguments.baseline) if arguments.baseline is not None else None
        self._to = Path(arguments.save_baseline) if arguments.save_baseline is not None else None
        self._engine = open_captures(arguments.learn_from, loaded, workers, say) if arguments.learn_from else None
        self._learnt: Learnt | None = None
        self._bytes = 0

    def teach(self, pipeline: Pipeline) -> None:
        from sensor import baseline
        from sensor.learn_from import learn_from

        if self._from is not None:
            baseline.restore(self._from, pipeline, self._config)
        if self._engine is not None:
            shown = progress()
            try:
                self._learnt = learn_from(self._engine, pipeline, shown)
            finally:
                if shown is not None:
                    shown.done()
            for warning in (*self._learnt.warnings, *self._learnt.notes):
                say(warning)
        if self._to is not None:
            self._bytes = baseline.save(self._to, pipeline, self._config)

    def summary(self) -> dict[str, object]:
        learnt = self._learnt.summary() if self._learnt else {}
        return {"baseline": str(self._to), "file_bytes": self._bytes, **learnt}


def _check(arguments: Namespace) -> None:
    """What options must not be given together, or lack one another."""
    if not arguments.captures and not (arguments.learn_from and arguments.save_baseline):
        raise InputError("name a CAPTURE; only --learn-from with --save-baseline needs none")
    if not (math.isfinite(arguments.checkpoint) and arguments.checkpoint >= 0):
        raise InputError("--checkpoint must be a number of seconds above 0; 0 is none at all")
    if arguments.save_baseline is not None and not arguments.learn_from:
        raise InputError("--save-baseline needs --learn-from: it keeps what a clean capture taught")
    if arguments.evidence and "-" in arguments.captures:
        raise InputError("--evidence reads captures twice, which stdin cannot be: write it to a file first")
    if arguments.save_baseline is not None:
        _check_target(Path(arguments.save_baseline))


def _check_target(path: Path) -> None:
    """What would only be noticed when everything was learnt."""
    if path.is_dir() or not path.name:
        raise InputError(f"{path}: is a directory; name a file with --save-baseline")
    if not path.parent.is_dir():
        raise InputError(f"{path}: there is no directory {str(path.parent)!r}; make it first")


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
