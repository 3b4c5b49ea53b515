"""The sensor's loop: windows from interfaces through the detectors into the spool."""

from __future__ import annotations

import os
import time
from collections import Counter
from typing import TYPE_CHECKING

from detectors.verdicts import Verdicts
from sensor import baseline, model_registry
from sensor.case_name import LIVE
from sensor.derived import Derived
from sensor.errors import DriftspanError, InputError
from sensor.evidence.keeping import in_incidents
from sensor.health import Health
from sensor.intake.keep import drift_of, inference_of
from sensor.program import version
from sensor.replay import facts_of, found_of, pipeline_of
from sensor.service.log import say
from sensor.service.systemd import ONCE, notify, ready

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from detectors.pipeline import Pipeline
    from detectors.verdicts import Verdict
    from parsers import Engine, Window
    from sensor.config import Config
    from sensor.evidence.keeping import Keeping
    from sensor.keeper.process import KeeperProcess
    from sensor.model_registry import Record
    from sensor.service.report import Facts, Reporter
    from sensor.spool.store import SpoolStore

STATE = "state"  # what was learnt, in the spool's directory
SAVE_EVERY = 300.0  # seconds between two savings of what was learnt
# Sections that a running sensor does not read again.
_AT_START = ("capture", "limits", "store", "evidence", "ledger", "metrics", "log", "sigma", "export")
_REGISTER_EVERY = 60.0  # seconds between two states of the interfaces in the store


class Sensor:
    """`pipeline`: with what was learnt before. `reload` gives the configuration anew."""

    def __init__(
        self,
        engine: Engine,
        store: SpoolStore,
        keeper: KeeperProcess,
        config: Config,
        pipeline: Pipeline,
        folder: Path,
        reporter: Reporter,
        reload: Callable[[], Config],
        said: Sequence[Record] = (),
        evidence: Keeping | None = None,
    ) -> None:
        self._engine, self._store, self._keeper = engine, store, keeper
        self._config, self._pipeline, self._folder, self._reload = config, pipeline, folder, reload
        self._reporter = reporter
        self._said = list(said)  # of models, at run time
        self._verdicts: list[Verdict] = []
        self._health = Health()
        self._evidence = evidence
        collector = evidence.begin(engine, lambda: in_incidents(self._pipeline)) if evidence else None
        self._derived = Derived(store, pipeline, collector)
        self._counters: Counter[str] = Counter()
        self._begun = time.time()
        self._saved = self._registered = time.monotonic()
        self._lost = self._last = self._windows = self._end = 0
        self._lag = 0.0  # seconds between a window's end and its commit
        self._waits = False  # for the engine
        self._between = True  # windows: the pipeline has a state that another can take over
        self.reload_wanted = False

    def run(self) -> None:
        """Until the engine is stopped."""
        facts = [facts_of(capture) for capture in self._engine.captures()]
        self._store.begin_case(LIVE, facts)
        self._tell_state(ended=False)
        self._derived.begin(self._config.sensor.name, LIVE, [capture.id for capture in facts])
        self._keeper.nudge()
        self._say_ready()
        while (window := self._next()) is not None:
            if self._between:
                self._hear()
            self._take(window)
            self._between = window.last
            if self._between:
                self._commit(window.end)
        self._finish()

    def _next(self) -> Window | None:
        self._waits = True
        try:
            return self._engine.next()
        finally:
            self._waits = False

    def tick(self) -> None:
        """Called by a timer, in this thread, whatever it does. A port may be silent for days, and no window ends then:
        the watchdog, who asks, and who wants the configuration to be read again must not wait for a packet."""
        if not self._waits:
            return
        self._waits = False  # the timer may be faster than what follows
        try:
            if self._between:
                self._hear()
                self._keeper.nudge()
            self._reporter.tell(self._facts())
        finally:
            self._waits = True

    def _hear(self) -> None:
        """What came from outside since the last window: verdicts, a wish for the configuration to be read again."""
        said = self._keeper.models()
        if said is not None and said != self._said:
            self._said = said
            if self._rebuild(self._config):
                say("what was said of models holds from now on")
        if self.reload_wanted:
            self.reload_wanted = False
            self._read_again()
        found = self._keeper.verdicts()
        if found is not None:
            self._verdicts = found
            self._pipeline.hear(Verdicts(found, [entry.suppression() for entry in self._config.suppressed]))
        for rows in self._keeper.arrived():
            self._pipeline.arrive(
                map(drift_of, rows.get("drift", ())), map(inference_of, rows.get("inference_log", ()))
            )
        for text in self._engine.warnings():
            say(text, "warning")

    def _read_again(self) -> None:
        """Flows go on as they are: they are the engine's. What was learnt is kept."""
        try:
            config = self._reload()
        except DriftspanError as error:
            say(f"{error}; the configuration stays as it was", "error")
            return
        if not self._rebuild(config):
            return
        late = [name for name in _AT_START if getattr(config, name) != getattr(self._config, name)]
        if late:
            say(
                f"{', '.join(f'[{name}]' for name in late)} of the configuration: holds from the next start on",
                "warning",
            )
        self._config = config
        say("the configuration was read again")

    def _rebuild(self, config: Config) -> bool:
        """A pipeline for this configuration and what was said of models, with what was learnt; False: all stays."""
        try:
            models = model_registry.merged(model_registry.configured(config.models), self._said)
            pipeline = pipeline_of(config, LIVE, self._verdicts, models=models)
            pipeline.restore(self._pipeline.snapshot())
        except (DriftspanError, KeyError, TypeError, ValueError) as error:
            say(f"{error}; the configuration stays as it was", "error")
            return False
        self._pipeline = pipeline
        self._derived.go_on(pipeline)
        return True

    def _take(self, window: Window) -> None:
        self._derived.take(window)
        self._last = window.start
        self._counters.update(window.counters)
        lost = self._store.lost.total() - self._lost
        self._lost += lost
        if lost:
            say(f"the spool is full: {lost} rows of messages were given up, {self._lost} so far", "error", lost=lost)
        kept = self._evidence.counts() if self._evidence else {}
        self._counters.update(kept)
        minute = self._health.add(window.start, {**window.counters, "dropped.spool_rows": lost, **kept})
        if minute:
            self._store.upsert("health", minute)

    def _commit(self, end: int) -> None:
        now = time.monotonic()
        if now - self._registered >= _REGISTER_EVERY:
            self._registered = now
            self._store.register(self._found(), finished=False)
            self._tell_state(ended=False)
        self._derived.write()
        self._keeper.nudge()
        self._windows += 1
        self._end, self._lag = end, max(0.0, time.time() - end / 1e9)
        self._reporter.tell(self._facts())
        if now - self._saved >= SAVE_EVERY:
            self._save()

    def _found(self) -> dict[str, dict[str, object]]:
        return {str(facts["id"]): found_of(facts) for facts in self._engine.captures()}

    def _finish(self) -> None:
        notify("STOPPING=1", wait=ONCE)
        self._save()  # before what is open is closed: the next run goes on from here
        self._derived.finish()
        if self._evidence:
            self._health.add(self._last, self._evidence.counts())
            self._evidence.end()
        self._store.upsert("health", self._health.rest())
        self._tell_state(ended=True)
        self._derived.write()
        self._store.finish_case(self._found())
        self._reporter.end()

    def _tell_state(self, *, ended: bool) -> None:
        """For whoever looks after several sensors of one store."""
        facts = self._facts()
        problems = [facts["store_problem"], *(f"detector {name}: {why}" for name, why in facts["failures"].items())]
        row = {
            "ts": time.time_ns(),
            "since": facts["since"],
            "packet_ts": self._end,
            "packets": sum(each["packets"] for each in facts["interfaces"]),
            "dropped": sum(each["dropped"] for each in facts["interfaces"]),
            "interfaces": [each["name"] for each in facts["interfaces"]],
            "problem": "; ".join(filter(None, problems)),
            "ended": ended,
        }
        same = ("version", "alerts", "learning", "spool_rows_lost")
        self._store.upsert("sensor_states", [row | {name: facts[name] for name in same}])

    def _save(self) -> None:
        """What was learnt, so that a restart needs no new learning phase."""
        self._saved = time.monotonic()
        try:
            baseline.save(self._folder / STATE, self._pipeline, self._config, level=1)
        except DriftspanError as error:
            say(str(error), "error")

    def _facts(self) -> Facts:
        return {
            "version": version(),
            "sensor": self._config.sensor.name,
            "pid": os.getpid(),
            "keeper_pid": self._keeper.pid,
            "keeper_restarts": self._keeper.restarts,
            "since": int(self._begun * 1e9),
            "packet_time": self._end,
            "lag_seconds": round(self._lag, 3),
            "windows": self._windows,
            "learning": self._pipeline.site.learning.mode,
            "alerts": sum(self._pipeline.raised.values()),
            "severities": dict(self._pipeline.severities),
            "detectors_failed": len(self._pipeline.failures),
            "failures": dict(self._pipeline.failures),
            "interfaces": [_interface(facts) for facts in self._engine.captures()],
            "spool_rows_lost": self._lost,
            "evidence": self._evidence.state() if self._evidence else {},
            "spool_limit_bytes": self._config.store.spool_mib << 20,
            "stored_rows": self._keeper.store["rows"],
            "store_problem": self._keeper.store["problem"],
            "counters": dict(self._counters),
        }

    def _say_ready(self) -> None:
        ready(self._config.capture.window_seconds)
        self._reporter.tell(self._facts())
        names = ", ".join(str(facts["path"]) for facts in self._engine.captures())
        say(f"listening on {names}; nothing is sent there")


def learnt(pipeline: Pipeline, folder: Path, config: Config) -> None:
    """Puts the pipeline where the last run left it; where that cannot be, says so and learns anew."""
    path = folder / STATE
    if not path.exists():
        return
    try:
        baseline.restore(path, pipeline, config)
        say("going on with what was learnt before")
    except InputError as error:
        old = path.with_suffix(".old")
        path.replace(old)
        say(f"{error}; it is kept as {old.name}, and learning begins anew", "warning")


def _interface(facts: dict[str, object]) -> dict[str, object]:
    plain = {name: facts[name] for name in ("packets", "bytes", "dropped")}
    return {
        "name": facts["path"],
        "id": facts["id"],
        **plain,
        "truncated": facts["truncated_packets"],
        "last": facts["last_ts"],
    }
