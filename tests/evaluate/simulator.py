"""Simulated plants with known causes: network events, drift alerts, facts, and what really happened.

Where the numbers come from. Sizes of a plant, 20 background alerts a day, 13 or more kinds of them, six incidents in
20 days, 15 % of the data-flow edges unseen and 10 % wrong: the measured prototype this follows (`Stress` holds them).
Everything an attacker or an engineer does (lags, who does it, with or without a ticket) is *assumed*: no public data
set says it. So nothing is a constant here: every plant draws its own habits (`Habits`) from wide ranges that stand
beside the draw, and no table, range or draw of this file is read by the correlator. Its factory tables are fitted to
what comes out, on seeds that are never tested (`tests/evaluate/fit.py`).

Drift alerts are not made up: each affected stream gets 5-minute block values of an AR(1) process with the effect
added, and the project's CUSUM, change-point estimate and shape test judge them. An effect they do not see is no case.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from detectors.correlate.graph import Graph
from detectors.correlate.rows import Event, Fact
from detectors.drift import changepoint, shape
from detectors.drift.cusum import Cusum
from detectors.drift.rows import DriftAlert, drift_id

HOUR = 3600 * 10**9
DAY = 24 * HOUR
BLOCK = 300 * 10**9
T0 = 1_760_000_400 * 10**9 // DAY * DAY
DAYS, FIRST_DAY = 40, 20  # simulated; incidents begin from `FIRST_DAY` on, before lie the slow beginnings
# Share of which the outputs for frozen reference inputs change (assumed; an update that is meant to change outputs
# often does, a poisoned region is not always among the references).
CANARY = {"approved_update": 0.45, "data_poisoning": 0.85, "model_swap": 0.93, "edge_compromise": 0.7}
FALSE_DRIFT = 0.1 / 30  # a day and output: what tests/evaluate/drift.py measures, rounded up

# Background: kind of alert, weight of its rate, who does it, whom it touches.
BACKGROUND = (
    ("new_writer.write", 2.0, "ops", "plc"), ("new_writer.control", 0.7, "ops", "plc"),
    ("boundary.crossing", 3.0, "it", "any"), ("cleartext.login", 3.0, "any", "any"), ("scan.ports", 1.0, "it", "any"),
    ("scan.hosts", 0.8, "it", "any"), ("remote.session", 2.0, "eng", "any"), ("auth.failure", 1.5, "any", "any"),
    ("program.download", 0.5, "eng", "plc"), ("artefact.transfer", 1.0, "ml", "edge"),
    ("artefact.read", 0.5, "it", "registry"), ("publisher.new", 0.6, "any", "stream"),
    ("arp.change", 0.4, "any", "gateway"), ("historian.write", 1.0, "ops", "historian"),
    ("training.source", 0.3, "ml", "historian"), ("protocol.anomaly", 2.0, "any", "plc"),
    ("config.change", 0.7, "eng", "any"), ("subscriber.new", 0.8, "it", "stream"),
)  # fmt: skip


@dataclass(frozen=True)
class Stress:
    """Defaults: the prototype's plant. `attack_share` of the incidents; `None`: every plant draws its own from 2 to 60 %."""

    background: float = 20.0
    unseen_edges: float = 0.15
    wrong_edges: float = 0.10
    unseen_roots: float = 0.0
    attack_share: float | None = 0.42
    incidents: float = 6.0
    canary: bool = False


ALL = Stress(background=60.0, unseen_edges=0.40, unseen_roots=0.5, attack_share=0.05)


@dataclass
class Truth:
    """What happened. `root`: id of the event that began it, None where nothing was to be seen."""

    hypothesis: str
    attack: bool
    onset: int
    root: str | None
    models: list[str]
    drift_ids: list[str] = field(default_factory=list)


@dataclass
class Plant:
    graph: Graph
    linked: dict[str, str]
    watched: dict[str, set[str]]
    events: list[Event]
    drifts: list[DriftAlert]
    facts: list[Fact]
    truths: list[Truth]


class Habits:
    """One plant's ways; each draw's range beside it is assumed."""

    def __init__(self, rng: np.random.Generator) -> None:
        u = rng.uniform
        self.tickets = u(0.45, 0.9)  # of planned work that has a ticket
        self.stray_tickets = u(0.02, 0.12)  # of anything else that falls into one
        self.in_shift = u(0.65, 0.95)  # of legitimate work
        self.night = u(0.35, 0.75)  # of attacks that come outside shift hours
        self.inside = u(0.05, 0.25)  # of attacks from an approved, taken-over station
        self.known = u(0.1, 0.35)  # of attacks from a host seen before
        self.strangers = u(0.02, 0.10)  # of background from a new host
        self.opaque = u(0.05, 0.5)  # of artefact transfers that are encrypted
        self.precursors = u(0.3, 0.8)  # of attacks that were preceded by others of their own
        self.sides = u(0, 1) < 0.5  # whether the sensor sees source and model
        self.linked = u(0.6, 0.95)  # of linked streams whose share in a process change is seen
        self.lineage = u(0.45, 0.9)  # of new training sources that are seen as such
        self.fast = float(np.exp(rng.normal(0, 0.4)))  # factor on every lag
        self.versions = u(0.5, 0.9)  # of versions that show on the wire


class Site:
    """Hosts, streams, models and the true data flow of one plant."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.areas = int(rng.integers(2, 5))
        self.plcs = [f"plc-{a}-{n}" for a in range(self.areas) for n in range(int(rng.integers(2, 5)))]
        self.streams = {f"area{p[4]}/{p}/{n}": p for p in self.plcs for n in range(int(rng.integers(1, 3)))}
        self.edges = [f"edge-{n}" for n in range(int(rng.integers(2, 5)))]
        self.models = [f"model-{n}" for n in range(int(rng.integers(6, 10)))]
        self.host = {m: str(rng.choice(self.edges)) for m in self.models}
        self.inputs: dict[str, list[str]] = {}
        names = sorted(self.streams)
        for model in self.models:
            area = f"area{int(rng.integers(self.areas))}/"
            own = [s for s in names if s.startswith(area)]
            chosen = {str(s) for s in rng.choice(own, size=min(len(own), int(rng.integers(2, 5))), replace=False)}
            if rng.random() < 0.4:
                chosen.add(str(rng.choice(names)))
            self.inputs[model] = sorted(chosen)
        self.hosts = {
            "ops": [f"hmi-{n}" for n in range(int(rng.integers(1, 4)))] + ["scada"],
            "eng": [f"eng-{n}" for n in range(int(rng.integers(1, 3)))],
            "ml": ["trainer", "registry"], "it": [f"it-{n}" for n in range(4)], "plc": self.plcs, "edge": self.edges,
            "gateway": [f"gw-{a}" for a in range(self.areas)], "registry": ["registry"], "historian": ["historian"],
            "stream": names,
        }  # fmt: skip
        groups = ("ops", "eng", "ml", "it", "plc", "edge", "gateway")
        self.hosts["any"] = [*(h for group in groups for h in self.hosts[group]), "historian"]

    def true_edges(self) -> list[tuple[str, str, str]]:
        found = [(plc, stream, "data") for stream, plc in self.streams.items()]
        found += [(f"gw-{plc[4]}", plc, "data") for plc in self.plcs]
        for model in self.models:
            found += [(stream, model, "data") for stream in self.inputs[model]]
            found += [(self.host[model], model, "host"), ("trainer", model, "training"), (model, "scada", "data")]
        found += [("registry", edge, "supply") for edge in self.edges]
        return [*found, ("historian", "trainer", "training"), ("trainer", "registry", "supply")]

    def seen_edges(self, rng: np.random.Generator, stress: Stress) -> list[tuple[str, str, str]]:
        true = self.true_edges()
        kept = [edge for edge in true if rng.random() >= stress.unseen_edges]
        streams, plcs = self.hosts["stream"], self.plcs
        for _ in range(int(len(true) * stress.wrong_edges)):
            pick = rng.integers(3)
            model = str(rng.choice(self.models))
            wrong = [(str(rng.choice(streams)), model, "data"), (str(rng.choice(plcs)), str(rng.choice(streams)), "data"),
                     (str(rng.choice(self.edges)), model, "host")]  # fmt: skip
            kept.append(wrong[pick])
        return kept


class Simulation:
    def __init__(self, seed: int, stress: Stress) -> None:
        self.rng = np.random.default_rng([seed, 20_251])
        self.stress, self.seed = stress, seed
        self.site, self.habits = Site(self.rng), Habits(self.rng)
        self.events: list[Event] = []
        self.drifts: list[DriftAlert] = []
        self.facts: list[Fact] = []
        self.truths: list[Truth] = []

    def run(self) -> Plant:
        self._background()
        share = self.stress.attack_share
        share = float(self.rng.uniform(0.02, 0.6)) if share is None else share
        for _ in range(self.rng.poisson(self.stress.incidents)):
            onset = T0 + int(self.rng.uniform(FIRST_DAY, DAYS - 1.5) * DAY)
            attack = self.rng.random() < share
            names = ("input_manipulation", "data_poisoning", "model_swap", "edge_compromise") if attack else (
                "process_change", "approved_update", "sensor_ageing", "sensor_replaced")  # fmt: skip
            # Shares: attacks as in the prototype (127 spoofs and 55 slow biases, 105 swaps, 87 poisonings) with a
            # place made for the edge host; benign by its false incidents (70 process, 62 ageing, 16, 15), evened.
            weights = (0.42, 0.2, 0.23, 0.15) if attack else (0.4, 0.2, 0.25, 0.15)
            name = str(self.rng.choice(names, p=weights))
            if attack:
                onset = self._at_shift(onset, self.rng.random() >= self.habits.night)
            getattr(self, f"_{name}")(onset)
        self._false_drifts()
        self.events.sort(key=lambda e: (e.ts, e.event_id))
        graph = Graph(self.site.seen_edges(self.rng, self.stress))
        linked = {stream: stream.split("/")[0] for stream in self.site.streams}
        watched = {
            m: {"version", "lineage", "relation"} | ({"sides"} if self.habits.sides else set())
            for m in self.site.models
        }
        return Plant(graph, linked, watched, self.events, self.drifts, self.facts, self.truths)

    # -- events

    def _event(self, ts: int, kind: str, src: str, dst: str, **marks: str) -> Event:
        identity = f"{self.seed}-{len(self.events)}"
        target = dst if "/" in dst else ""
        made = Event(identity, ts, kind, src, self.site.streams.get(dst, dst), target, marks)
        self.events.append(made)
        return made

    def _shift(self, ts: int) -> str:
        return "in" if 6 <= (ts // HOUR) % 24 < 18 else "out"

    def _at_shift(self, ts: int, inside: bool) -> int:
        """The same day at an hour that is in, or out of, the shift."""
        hour = self.rng.uniform(6, 18) if inside else self.rng.uniform(18, 30) % 24
        return ts // DAY * DAY + int(hour * HOUR)

    def _background(self) -> None:
        rng, h = self.rng, self.habits
        total = sum(weight for _, weight, _, _ in BACKGROUND)
        for kind, weight, who, whom in BACKGROUND:
            rate = self.stress.background * weight / total * float(rng.gamma(2.0, 0.5))
            for _ in range(rng.poisson(rate * DAYS)):
                work = rng.random() < h.in_shift
                ts = self._at_shift(T0 + int(rng.integers(DAYS)) * DAY, work)
                stranger = rng.random() < h.strangers
                src = f"new-{rng.integers(99)}" if stranger else str(rng.choice(self.site.hosts[who]))
                approved = not stranger and src.startswith(("hmi", "scada", "eng", "trainer", "registry", "plc", "gw"))
                planned = who in ("eng", "ml", "ops") and rng.random() < 0.5 * h.tickets
                verdict = self._verdict(0.9, 0.04, 0.05, 0.01) if kind == "artefact.transfer" else "none"
                self._event(
                    ts, kind, src, str(rng.choice(self.site.hosts[whom])), source="new" if stranger else "approved" if approved
                    else "known", ticket="yes" if planned or rng.random() < h.stray_tickets else "no",
                    shift=self._shift(ts), verdict=verdict,
                )  # fmt: skip

    def _verdict(self, *chances: float) -> str:
        if self.rng.random() < self.habits.opaque:
            return "opaque"
        return str(self.rng.choice(("approved", "unknown", "known_old", "changed"), p=chances))

    def _legit(self, ts: int, kind: str, who: str, dst: str, verdict: str = "none") -> tuple[Event, bool]:
        """Planned work; and whether a ticket covers it."""
        ticket = self.rng.random() < self.habits.tickets
        src = str(self.rng.choice(self.site.hosts[who]))
        marks = {"ticket": "yes" if ticket else "no", "shift": self._shift(ts), "verdict": verdict}
        return self._event(ts, kind, src, dst, source="approved", **marks), ticket

    def _attack(self, ts: int, kinds: tuple[str, ...], dst: str, verdict: str = "none") -> str | None:
        """The event that begins it, after its precursors; None if the sensor does not see it."""
        rng, h = self.rng, self.habits
        dice = rng.random()
        source = "approved" if dice < h.inside else "known" if dice < h.inside + h.known else "new"
        pool = {"approved": "eng", "known": "it"}
        src = str(rng.choice(self.site.hosts[pool[source]])) if source in pool else f"new-{rng.integers(99)}"
        ticket = "yes" if rng.random() < h.stray_tickets else "no"
        if rng.random() < h.precursors:
            for kind in rng.choice(("scan.ports", "remote.session", "auth.failure", "boundary.crossing", "artefact.read"),
                                   size=int(rng.integers(1, 4)), replace=False):  # fmt: skip
                before = ts - int(min(rng.exponential(6), 23) * HOUR)
                touched = "registry" if kind == "artefact.read" else dst
                self._event(
                    before,
                    str(kind),
                    src,
                    touched,
                    source=source,
                    ticket=ticket,
                    shift=self._shift(before),
                    verdict="none",
                )
        if rng.random() < self.stress.unseen_roots:
            return None
        marks = {"source": source, "ticket": ticket, "shift": self._shift(ts), "verdict": verdict}
        return self._event(ts, str(rng.choice(kinds)), src, dst, **marks).event_id

    def _lag(self, median: float, spread: float) -> int:
        return int(median * self.habits.fast * float(np.exp(self.rng.normal(0, spread))) * HOUR)

    # -- benign causes

    def _process_change(self, onset: int) -> None:
        rng = self.rng
        area = f"area{int(rng.integers(self.site.areas))}/"
        moved = [s for s in self.site.streams if s.startswith(area) and rng.random() < self.habits.linked]
        onset = self._at_shift(onset, rng.random() < self.habits.in_shift)
        root = None
        covered = False
        if moved and rng.random() < rng.uniform(0.4, 0.9):  # an operator's act that shows
            plc = self.site.streams[moved[0]]
            event, covered = self._legit(onset - self._lag(0.3, 0.8), "new_writer.write", "ops", plc)
            root = event.event_id
        form = str(rng.choice(("step", "ramp", "mode_switch"), p=(0.55, 0.35, 0.10)))
        models = [m for m in self.site.models if set(self.site.inputs[m]) & set(moved)]
        self._case("process_change", onset, root, models, form, moved, rng.uniform(1, 4), relation=0.2, covered=covered)

    def _approved_update(self, onset: int) -> None:
        rng = self.rng
        onset = self._at_shift(onset, rng.random() < self.habits.in_shift)
        model = str(rng.choice(self.site.models))
        verdict = self._verdict(0.93, 0.05, 0.02, 0.0)
        ts = onset - self._lag(0.2, 0.7)
        event, ticket = self._legit(ts, "artefact.transfer", "ml", self.site.host[model], verdict)
        if rng.random() < 0.25:  # trained on a source that is new, and meant to be
            self._training(onset - int(rng.uniform(1, 12) * DAY), "trainer", "approved", ticket, [model])
        self._version(model, onset)
        form = str(rng.choice(("step", "variance"), p=(0.85, 0.15)))
        self._case(
            "approved_update",
            onset,
            event.event_id,
            [model],
            form,
            [],
            rng.uniform(0.8, 2.5),
            relation=0.85,
            covered=ticket,
        )

    def _sensor_ageing(self, onset: int) -> None:
        stream = str(self.rng.choice(sorted(self.site.streams)))
        models = [m for m in self.site.models if stream in self.site.inputs[m]]
        form = str(self.rng.choice(("ramp", "variance", "frozen", "step"), p=(0.6, 0.2, 0.1, 0.1)))
        self._case("sensor_ageing", onset, None, models, form, [stream], self.rng.uniform(1, 3), relation=0.1)

    def _sensor_replaced(self, onset: int) -> None:
        rng = self.rng
        onset = self._at_shift(onset, rng.random() < self.habits.in_shift)
        stream = str(rng.choice(sorted(self.site.streams)))
        models = [m for m in self.site.models if stream in self.site.inputs[m]]
        root, covered = None, rng.random() < self.habits.tickets
        if rng.random() < 0.5:
            kind = str(rng.choice(("program.download", "config.change", "new_writer.write")))
            event, covered = self._legit(onset - self._lag(0.4, 0.7), kind, "eng", self.site.streams[stream])
            root = event.event_id
        self._case(
            "sensor_replaced", onset, root, models, "step", [stream], rng.uniform(1, 3), relation=0.1, covered=covered
        )

    # -- attacks

    def _input_manipulation(self, onset: int) -> None:
        rng, h = self.rng, self.habits
        model = str(rng.choice(self.site.models))
        stream = str(rng.choice(self.site.inputs[model]))
        slow = rng.random() < 0.3
        lag = self._lag(10, 0.8) if slow else self._lag(0.4, 1.0)
        way = int(rng.choice(3, p=(0.4, 0.35, 0.25)))
        kinds = (("new_writer.write", "new_writer.control", "program.download"), ("publisher.new",), ("arp.change",))[
            way
        ]
        dst = (self.site.streams[stream], stream, f"gw-{stream[4]}")[way]
        root = self._attack(onset - lag, kinds, dst)
        models = [m for m in self.site.models if stream in self.site.inputs[m]]
        form = "ramp" if slow else str(rng.choice(("step", "variance", "frozen", "periodic"), p=(0.75, 0.1, 0.1, 0.05)))
        differ = way > 0 and h.sides and rng.random() < 0.85
        name = ("write", "publish", "middle")[way] + ("_slow" if slow else "_fast")
        self._case(name, onset, root, models, form, [stream], rng.uniform(1, 4), relation=0.15, differ=differ)

    def _data_poisoning(self, onset: int) -> None:
        rng = self.rng
        model = str(rng.choice(self.site.models))
        began = onset - int(rng.uniform(2, 14) * DAY)
        root = self._attack(began, ("historian.write", "training.source"), "historian")
        if rng.random() < self.habits.lineage:
            covered = rng.random() < self.habits.stray_tickets + self.habits.inside / 2
            self.facts.append(Fact(began, model, "lineage", "new_approved" if covered else "new_source"))
        self._legit(
            onset - self._lag(0.3, 0.7),
            "artefact.transfer",
            "ml",
            self.site.host[model],
            self._verdict(0.97, 0.02, 0.01, 0),
        )
        self._version(model, onset)
        form = str(rng.choice(("step", "variance", "ramp"), p=(0.75, 0.15, 0.1)))
        self._case("data_poisoning", onset, root, [model], form, [], rng.uniform(0.8, 2.5), relation=0.85,
                           covered=rng.random() < self.habits.tickets * 0.8)  # fmt: skip

    def _model_swap(self, onset: int) -> None:
        rng = self.rng
        model = str(rng.choice(self.site.models))
        root = self._attack(
            onset - self._lag(0.25, 0.9),
            ("artefact.transfer",),
            self.site.host[model],
            self._verdict(0.03, 0.65, 0.2, 0.12),
        )
        self._version(model, onset)
        form = str(rng.choice(("step", "variance", "mode_switch"), p=(0.75, 0.15, 0.1)))
        self._case("model_swap", onset, root, [model], form, [], rng.uniform(1, 4), relation=0.9)

    def _edge_compromise(self, onset: int) -> None:
        rng = self.rng
        edge = str(rng.choice(self.site.edges))
        root = self._attack(onset - self._lag(1.5, 1.0), ("remote.session", "config.change", "auth.failure"), edge)
        models = [m for m in self.site.models if self.site.host[m] == edge]
        form = str(rng.choice(("step", "frozen", "variance"), p=(0.5, 0.25, 0.25)))
        self._case("edge_compromise", onset, root, models, form, [], rng.uniform(1, 4), relation=0.85)

    # -- what is seen of them

    def _training(self, ts: int, src: str, source: str, ticket: bool, models: list[str]) -> None:
        marks = {"source": source, "ticket": "yes" if ticket else "no", "shift": self._shift(ts), "verdict": "none"}
        self._event(ts, "training.source", src, "historian", **marks)
        value = "new_approved" if ticket or self.rng.random() < 0.5 else "new_source"
        self.facts += [Fact(ts, m, "lineage", value) for m in models if self.rng.random() < self.habits.lineage]

    def _version(self, model: str, onset: int) -> None:
        if self.rng.random() < self.habits.versions:
            self.facts.append(Fact(onset, model, "version", "changed"))

    def _case(
        self, name: str, onset: int, root: str | None, models: list[str], form: str, moved: list[str], size: float,
        relation: float, covered: bool = False, differ: bool = False,
    ) -> None:  # fmt: skip
        attack = name.startswith(("write_", "publish_", "middle_")) or name in (
            "data_poisoning",
            "model_swap",
            "edge_compromise",
        )
        truth = Truth(name, attack, onset, root, models)
        rng = self.rng
        for stream in moved:
            self._drift("", stream, "input", onset, form, size * rng.uniform(0.7, 1.3))
        for model in models:
            gain = rng.uniform(0.5, 1.1) if moved else 1.0
            seen = self._drift(model, "output", "output", onset, form, size * gain)
            if rng.random() < relation:
                seen += self._drift(model, "output given inputs", "relation", onset, form, size * 1.5)
            truth.drift_ids += seen
            if covered:
                self.facts.append(Fact(onset, model, "change", "covered"))
            if differ:
                self.facts.append(Fact(onset, model, "sides", "differ"))
            if self.stress.canary:
                changed = rng.random() < CANARY.get(name, 0.03)
                self.facts.append(Fact(onset + 4 * HOUR, model, "canary", "changed" if changed else "same"))
        if truth.drift_ids:
            self.truths.append(truth)

    def _false_drifts(self) -> None:
        for model in self.site.models:
            for _ in range(self.rng.poisson(FALSE_DRIFT * (DAYS - FIRST_DAY))):
                onset = T0 + int(self.rng.uniform(FIRST_DAY, DAYS - 1) * DAY)
                form = str(self.rng.choice(("step", "variance", "ramp")))
                self._case("false_drift", onset, None, [model], form, [], self.rng.uniform(0.8, 1.5), relation=0.2)

    def _drift(self, model: str, stream: str, kind: str, onset: int, form: str, size: float) -> list[str]:
        """Judges a day before and a day and a half after the onset as the drift monitor would."""
        alert = judged(self.rng, model, stream, kind, onset, form, size)
        if alert is None:
            return []
        self.drifts.append(alert)
        return [alert.drift_id]


def judged(
    rng: np.random.Generator, model: str, stream: str, kind: str, onset: int, form: str, size: float
) -> DriftAlert | None:
    """None: the effect is not seen. `size` in standard deviations of samples; a block mean varies by 0.66 of one."""
    before, after = 144, 432
    phi, sd = float(rng.uniform(0.1, 0.5)), 0.66
    noise = rng.normal(0, sd * np.sqrt(1 - phi**2), before + after)
    at = np.arange(after)
    effect = {
        "step": np.ones(after), "ramp": np.minimum(1.5, at / float(rng.uniform(60, 240))), "frozen": np.zeros(after),
        "mode_switch": ((at // float(rng.uniform(8, 30))) % 2), "periodic": np.sin(at * float(rng.uniform(0.15, 0.6))),
        "variance": rng.normal(0, 1.0, after),
    }[form] * size * float(rng.choice((-1.0, 1.0)))  # fmt: skip
    values = np.zeros(before + after)
    for i in range(1, len(values)):
        values[i] = phi * values[i - 1] + noise[i]
    values[before:] += effect
    first = onset // BLOCK - before
    identity = drift_id(model, stream, kind, onset)
    if form == "frozen":
        return _alert(identity, model, stream, kind, (onset // BLOCK) * BLOCK, 2, "frozen", 0.0)
    scale = sd * np.sqrt(1 - phi**2)
    level, spread = Cusum(0.6, 11.0), Cusum(0.5, 14.0, one_sided=True)
    for i in range(1, len(values)):
        z = float(values[i] - phi * values[i - 1]) / scale
        moved = level.step(i, z)
        wider = spread.step(i, (min(abs(z), 4.0) - 0.8) / 0.6)
        if i >= before and (moved or wider):
            break
    else:
        return None
    end = min(len(values), i + 144)
    rests = values[max(0, i - 144) : end]
    judged_on = rests if moved else np.abs(rests) - float(np.mean(np.abs(rests[:72])))
    start, low, high = changepoint.estimate(judged_on[: -max(1, end - i - 12)] if end - i > 13 else judged_on, sd, phi)
    found = shape.classify(rests, start, sd, moved=bool(moved))
    base = (first + max(0, i - 144)) * BLOCK
    after_change = rests[start:]
    magnitude = float(after_change.mean()) if moved else float(after_change.std()) - sd
    made = _alert(identity, model, stream, kind, base + start * BLOCK, 0, found, magnitude)
    return DriftAlert(**{n: getattr(made, n) for n in DriftAlert.__slots__} | {
        "ts": (first + i + 1) * BLOCK, "since_low": base + low * BLOCK, "since_high": base + (high + 1) * BLOCK})  # fmt: skip


def _alert(
    identity: str, model: str, stream: str, kind: str, since: int, blocks: int, form: str, magnitude: float
) -> DriftAlert:
    return DriftAlert(
        drift_id=identity, ts=since + blocks * BLOCK, model_id=model, kind=kind, detector="cusum", statistic=0.0, threshold=0.0,
        p_value=None, baseline="", current="", window="", stream=stream, shape=form, magnitude=magnitude, since=since,
        since_low=since, since_high=since + BLOCK,
    )  # fmt: skip


def plant(seed: int, stress: Stress = Stress()) -> Plant:
    """The same plant for the same seed and stress."""
    return Simulation(seed, stress).run()
