"""Captures through the whole pipeline: packet path, detectors, store."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from secrets import token_hex
from typing import TYPE_CHECKING, Any

from detectors.pipeline import Pipeline
from detectors.verdicts import Verdicts
from detectors.zones import Policy
from parsers import CaptureError, Engine
from sensor import capture_files, changes_file, insight_config, model_registry
from sensor.derived import Derived
from sensor.errors import InputError
from sensor.evidence.collector import Collector
from sensor.evidence.keeping import in_incidents
from sensor.evidence.sources import Captures
from sensor.health import Health
from sensor.intake.feed import Feed
from sensor.intake.keep import keep
from sensor.resume import END, State
from sensor.store import CaptureFacts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from detectors.changes import Change
    from detectors.models import Model
    from detectors.verdicts import Verdict
    from parsers import Selection, Window
    from sensor.config import Config
    from sensor.evidence.shelf import Shelf
    from sensor.resume import Checkpoints
    from sensor.store import Store

PROTOCOLS = ("modbus", "dnp3", "opcua", "mqtt", "tls")
_SECOND = 10**9
_MOST_WAITING = 10_000  # rows of `health`


@dataclass(slots=True)
class Outcome:
    """What a replay counted."""

    case: str
    counters: Counter[str] = field(default_factory=Counter)
    alerts: int = 0
    incidents: int = 0
    learning: str = ""
    seconds: float = 0.0
    replaced_rows: int = 0
    warnings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def summary(self) -> dict[str, object]:
        """The summary row."""
        counted = self.counters
        row: dict[str, object] = {"case": self.case}
        row |= {name: counted[name] for name in ("packets", "bytes", "flows")}
        row["messages"] = sum(counted[f"messages.{name}"] for name in PROTOCOLS)
        row |= {name: counted[f"messages.{name}"] for name in PROTOCOLS}
        row |= {name: counted[name] for name in ("malformed", "gaps", "duplicates", "cut_packets")}
        row["dropped"] = sum(value for name, value in counted.items() if name.startswith("dropped"))
        row |= {"alerts": self.alerts, "incidents": self.incidents, "learning": self.learning}
        row["seconds"] = round(self.seconds, 3)
        row["packets_per_second"] = round(counted["packets"] / self.seconds) if self.seconds > 0 else 0
        return row


class Pace:
    """Holds windows back until their packets would have come, at a multiple of real time."""

    def __init__(self, factor: float) -> None:
        self._factor = factor
        self._begin: tuple[float, int] | None = None

    def wait(self, window: Window) -> None:
        if self._factor <= 0:
            return
        now = time.monotonic()
        if self._begin is None:
            self._begin = (now, window.start)
        started, first = self._begin
        due = started + (window.end - first) / _SECOND / self._factor
        if due > now:
            time.sleep(due - now)


def open_captures(
    paths: Sequence[str],
    config: Config,
    workers: int,
    warn: Callable[[str], None],
    *,
    shifts: Sequence[int] = (),
    selection: Selection | None = None,
    index: bool = False,
) -> Engine:
    """The engine over the captures, equal ones read once; InputError if one cannot be read. `shifts`: nanoseconds to
    add to the times of each. `index`: windows tell where frames stand."""
    shifts = shifts or [0] * len(paths)
    engine = _engine(paths, config, workers, shifts, selection, index)
    first: dict[object, object] = {}
    unique = []
    for path, shift, facts in zip(paths, shifts, engine.captures(), strict=True):
        if facts["id"] in first:
            warn(f"{path}: has the same content as {first[facts['id']]}; it is read once")
        else:
            first[facts["id"]] = path
            unique.append((path, shift))
    if len(unique) == len(paths):
        return engine
    return _engine([path for path, _ in unique], config, workers, [shift for _, shift in unique], selection, index)


def _engine(
    paths: Sequence[str],
    config: Config,
    workers: int,
    shifts: Sequence[int],
    selection: Selection | None,
    index: bool,
) -> Engine:
    try:
        return Engine(
            paths,
            window_seconds=config.capture.window_seconds,
            workers=workers,
            limits=config.limits,
            vlan_in_key=config.capture.vlan_in_key,
            shifts=shifts,
            selection=selection,
            index=index,
        )
    except CaptureError as error:
        raise InputError(str(error)) from None


def pipeline_of(
    config: Config,
    case: str,
    verdicts: Iterable[Verdict] = (),
    changes: Iterable[Change] = (),
    models: Iterable[Model] | None = None,
) -> Pipeline:
    """All detectors as the configuration wants them; `changes`: approved ones besides the configuration's; `models`:
    what a store makes of the configuration's. InputError for a file of changes or a manifest that cannot be used."""
    approved = [*changes_file.load(config.alerting.changes), *(entry.change() for entry in config.changes), *changes]
    return Pipeline(
        Policy(config.zones, config.conduits),
        config.detectors,
        sensor=config.sensor.name,
        case_id=case,
        learning=config.learning.settings(),
        changes=approved,
        models=model_registry.configured(config.models) if models is None else models,
        sources=config.data_sources,
        false_alarms=config.alerting.false_alarms_per_day,
        insight=insight_config.settings(config.drift, config.context, config.data_sources),
        verdicts=Verdicts(verdicts, [entry.suppression() for entry in config.suppressed]),
    )


class Replay:
    """One run of captures into a case of the store. `pipeline`: one that has learnt already. `feed`: what other
    tools and the models' hosts say of the same time. `shelf`: where alerts' packets are to be kept. `checkpoints`:
    where it is kept how far it came, `state`: what an interrupted run kept there."""

    def __init__(
        self,
        engine: Engine,
        store: Store,
        config: Config,
        case: str,
        pipeline: Pipeline | None = None,
        feed: Feed | None = None,
        shelf: Shelf | None = None,
        checkpoints: Checkpoints | None = None,
        state: State | None = None,
    ) -> None:
        self._checkpoints, self._state = checkpoints, state
        self._engine = engine
        self._store = store
        self._config = config
        self._pipeline = pipeline or pipeline_of(config, case)
        self._feed = feed or Feed()
        self._health = Health()
        self.outcome = Outcome(case)
        self._evidence = self._collector(shelf) if shelf else None
        self._derived = Derived(store, self._pipeline, self._evidence)
        self._end = 0
        self._minutes: list[dict[str, object]] = []
        self._windows = self._number = self._after = 0
        self._nonce = token_hex(8)
        self._saved = time.monotonic()

    def _collector(self, shelf: Shelf) -> Collector:
        def spared() -> frozenset[str]:
            return in_incidents(self._pipeline)

        source, said = Captures(self._engine), self.outcome.warnings.append
        return Collector(source, shelf, self._config.evidence, said, spared, at_end=True)

    def run(self, pace: float = 0.0, progress: Callable[[Counter[str], int], None] | None = None) -> Outcome:
        started = time.monotonic()
        facts = [facts_of(capture) for capture in self._engine.captures()]
        if self._state is None:
            self._begin(facts)
        else:
            self._go_on(facts, self._state, progress)
        pacer = Pace(pace)
        while (window := self._next()) is not None:
            pacer.wait(window)
            self._end = window.end
            self._take(window)
            if pace > 0:
                self._write_minutes()
                self._derived.write()
            if window.last:
                self._windows += 1
                if self._checkpoints is not None and self._checkpoint_is_due(self._checkpoints):
                    self._checkpoint(self._checkpoints)
            if progress is not None:
                progress(self.outcome.counters, window.end)
        self._finish()
        self.outcome.seconds = time.monotonic() - started
        return self.outcome

    def _begin(self, facts: list[CaptureFacts]) -> None:
        if self._checkpoints is not None:
            self._checkpoints.clear()
        self.outcome.replaced_rows = self._store.begin_case(self.outcome.case, facts)
        if self._feed:
            keep(self._store, self.outcome.case, self._feed.records, time.time_ns(), self._store)
        self._derived.begin(self._config.sensor.name, self.outcome.case, [capture.id for capture in facts])

    def _go_on(
        self, facts: list[CaptureFacts], state: State, progress: Callable[[Counter[str], int], None] | None
    ) -> None:
        """Flows are as they were when the windows before have passed by again."""
        self._store.go_on_with(self.outcome.case, facts)
        self._derived.begin(self._config.sensor.name, self.outcome.case, [capture.id for capture in facts])
        passed: Counter[str] = Counter()
        while self._windows < state.windows and (window := self._next()) is not None:
            if self._feed:
                self._feed.until(window.start, window.end)
            passed.update(window.counters)
            self._end = window.end
            self._windows += window.last
            if progress is not None:
                progress(passed, window.end)
        self._pipeline.restore(state.pipeline)
        self._health.restore(state.told["health"])
        self.outcome.counters.update(state.told["counters"])
        self.outcome.replaced_rows = state.told["replaced_rows"]
        self._nonce, self._number, self._after = state.nonce, state.number, state.after
        self._store.mark(f"{self._nonce}-{self._number}")

    def _checkpoint_is_due(self, checkpoints: Checkpoints) -> bool:
        if self._after:
            return self._windows == self._after
        return time.monotonic() - self._saved >= checkpoints.every

    def _checkpoint(self, checkpoints: Checkpoints) -> None:
        checkpoints.intend(self._number + 1, self._windows)
        self._write_minutes()
        self._derived.write()
        self._number, self._after = self._number + 1, 0
        told: dict[str, Any] = {"counters": dict(self.outcome.counters), "health": self._health.snapshot()}
        told |= {"replaced_rows": self.outcome.replaced_rows}
        state = State(checkpoints.about, self._nonce, self._number, self._windows, told)
        state.pipeline = self._pipeline.snapshot()
        checkpoints.save(state)
        self._store.mark(f"{self._nonce}-{self._number}")
        self._saved = time.monotonic()

    def _next(self) -> Window | None:
        try:
            return self._engine.next()
        except CaptureError as error:
            raise InputError(str(error)) from None

    def _take(self, window: Window) -> None:
        if self._feed:
            self._pipeline.arrive(**self._feed.until(window.start, window.end))
        self._derived.take(window)
        self.outcome.counters.update(window.counters)
        self._minutes += self._health.add(window.start, window.counters)
        if len(self._minutes) >= _MOST_WAITING:
            self._write_minutes()

    def _write_minutes(self) -> None:
        self._store.upsert("health", self._minutes)
        self._minutes.clear()

    def _finish(self) -> None:
        if self._checkpoints is not None:
            self._checkpoints.intend(self._number + 1, END)
        if self._feed:
            self._pipeline.arrive(**self._feed.rest())
        self._derived.finish()
        self._minutes += self._health.rest()
        self._store.flush()
        self._minutes += self._taught()
        self._write_minutes()
        self._derived.write()
        found = {str(capture["id"]): found_of(capture) for capture in self._engine.captures()}
        self._store.finish_case(found)
        self.outcome.alerts = sum(self._pipeline.raised.values())
        self.outcome.incidents = len(self._pipeline.insight.incidents)
        self.outcome.learning = self._pipeline.site.learning.mode
        self.outcome.warnings += self._engine.warnings()
        self.outcome.notes = [*self._pipeline.notes(), *self._feed.notes()]

    def _taught(self) -> list[dict[str, object]]:
        """How far learning came and what verdicts hid, as rows of `health` at the end of packet time."""
        counters = self._pipeline.counters()
        told = {name: value for name, value in counters.items() if name.startswith(("learning.", "alerts_"))}
        told |= self._feed.counters() if self._feed else {}
        told |= self._evidence.counted() if self._evidence else {}
        return [{"ts": self._end, "counter": name, "value": value} for name, value in told.items()]


def facts_of(capture: Mapping[str, Any]) -> CaptureFacts:
    size, modified = capture_files.stamp(capture["path"])
    known = (capture["id"], capture["path"], capture["format"], capture["bytes"])
    return CaptureFacts(*known, size, modified, capture["shift"])


def found_of(capture: Mapping[str, Any]) -> dict[str, object]:
    return {name: capture[name] for name in ("bytes", "packets", "first_ts", "last_ts", "truncated_packets")}
