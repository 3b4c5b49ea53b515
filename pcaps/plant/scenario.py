"""A scenario: one file of scenarios/, one capture, one file of labels.

A file has a docstring (its first line is the title), settings in capitals, and `play(stage)`:

    SPEED = 4            how much faster than the plant's time it is recorded
    LOOK_ALIKE = ""      the scenario this one resembles without being an attack
    STANDING = ()        kinds of alert that are true of the plant itself all the time
    OPENED = ()          firewall rules that are there by mistake
    SILENT = ()          detectors, or kinds of alert, that have nothing to say here
    GZIP = False         whether the capture is kept compressed
    MALFORMED = False    whether messages are meant to be malformed
    DRIFT = ""           the true cause of the drift of the model's output, as `incidents.cause` names it

In `play` everything between the beginning and `stage.learned()` is normal life to learn from, and every
`with stage.step(...)` is one thing that happens and has evidence: packets that a display filter of tshark
picks out of the step's time.
"""

from __future__ import annotations

import gzip
import importlib.util
import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from types import ModuleType

from evidence import frames
from kinds import KINDS
from layout import ADDRESS, MAC, ZONE_OF
from mirror import Stretch
from services import Services

SCENARIOS = Path(__file__).parent / "scenarios"
KEPT = 40  # of a step's evidence kept in the labels; `count` says how many there are
CAUSES = ("benign_process", "sensor_fault", "input_manipulation", "data_poisoning", "model_swap", "edge_compromise",
          "network_only")  # fmt: skip


FOREIGN = ("intruder", "guest")  # hosts that are no part of the plant
BESIDES = ("baseline.new_behaviour", "baseline.traffic", "commands.outside_window")  # true of every attack


@dataclass
class Step:
    """One thing that happened. `techniques`: ATT&CK for ICS v19 (T…) and ATLAS (AML.T…). Times in nanoseconds.

    `expected`: the kinds of alert that tell what happened; one of them is enough unless `all`; none: only an incident
    of the right cause tells. `also`: kinds that are true of it too and tell less. `benign`: nothing above `low` should
    come of it. `approved`: what a change ticket for it allows (write control deploy update session).
    """

    what: str
    actors: list[str]
    targets: list[str]
    techniques: list[str]
    expected: list[str]
    also: list[str]
    all: bool
    benign: bool
    approved: list[str]
    filter: str
    start: int = 0
    end: int = 0
    count: int = 0
    frames: list[int] = field(default_factory=list)


FIELDS = tuple(f.name for f in fields(Step))


class Record:
    """Keeps what happened when."""

    learned_at: int = 0
    steps: list[Step]

    def learned(self) -> None:
        """Here the clean part ends."""
        self.learned_at = time.time_ns()

    @contextmanager
    def step(
        self, what: str, *, actors: tuple[str, ...] = (), targets: tuple[str, ...] = (), techniques: tuple[str, ...] = (),
        expected: tuple[str, ...] = (), also: tuple[str, ...] = (), every: bool = False, approved: tuple[str, ...] = (), evidence: str = "",
    ) -> Iterator[Step]:  # fmt: skip
        """`evidence` may say {host} for a host's address and {mac[host]} for its hardware address."""
        benign = not techniques and not expected
        more = also + (BESIDES if techniques else ()) + (("assets.new",) if set(actors) & set(FOREIGN) else ())
        step = Step(what, [ADDRESS.get(a, a) for a in actors], [ADDRESS.get(t, t) for t in targets], list(techniques), list(expected),
                    sorted(set(more) - set(expected)), every, benign, list(approved), evidence.format(mac=MAC, **ADDRESS))  # fmt: skip
        step.start = time.time_ns()
        yield step
        time.sleep(0.1)  # answers under way belong to it
        step.end = time.time_ns()
        self.steps.append(step)


class Stage(Record, Services):
    """A plant on which a scenario is played."""


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"scenario_{name}", SCENARIOS / f"{name}.py")
    if spec is None or spec.loader is None or not (SCENARIOS / f"{name}.py").exists():
        raise SystemExit(f"no scenario {name} in {SCENARIOS}")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def names() -> list[str]:
    return sorted(path.stem for path in SCENARIOS.glob("[a-z]*.py"))


def play(name: str, out: Path, scratch: Path, prefix: str) -> None:
    """Records a scenario: `<out>/<name>.pcap` and `<out>/<name>.labels.json`."""
    module = load(name)
    settings = {name.lower(): getattr(module, name) for name in ("SPEED", "SEED", "EPOCH", "OPENED", "INGRESS")
                if hasattr(module, name)}  # fmt: skip
    with Stage(prefix, scratch, **settings) as stage:
        stage.steps = []
        module.play(stage)
        capture = out / f"{name}.pcap"
        hosts = sorted(stage.net.hosts)
        stretch = stage.finish(capture)
    if getattr(module, "GZIP", False):
        capture = packed(capture)
    labels = describe(module, name, capture, stage, stretch)
    labels["hosts"] = {h: {"ip": ADDRESS[h], "mac": MAC[h], "zone": ZONE_OF[h].name} for h in hosts}
    (out / f"{name}.labels.json").write_text(short(labels))


def packed(capture: Path) -> Path:
    """The capture compressed, the same bytes for the same capture."""
    small = capture.with_name(f"{capture.name}.gz")
    small.write_bytes(gzip.compress(capture.read_bytes(), 9, mtime=0))
    capture.unlink()
    return small


def short(labels: dict[str, object]) -> str:
    """JSON with a line a field, lists of numbers or words on one line."""
    text = json.dumps(labels, indent=1)
    return re.sub(r"\[\s+([^\[\]{}]*?)\s+\]", lambda m: "[" + re.sub(r",\s*\n\s*", ", ", m[1]) + "]", text) + "\n"


def describe(module: ModuleType, name: str, capture: Path, stage: Stage, stretch: Stretch) -> dict[str, object]:
    """The labels: steps with their times in the capture and the frames that show them."""
    every = frames(capture, "frame")
    for step in stage.steps:
        step.start, step.end = stretch.of(step.start), stretch.of(step.end)
        shown = [
            n for n, t in frames(capture, step.filter).items() if step.start // 1000 <= t // 1000 <= step.end // 1000
        ]
        if not shown:
            raise RuntimeError(f"{name}: nothing in the capture shows {step.what!r} ({step.filter})")
        step.count, step.frames = len(shown), shown[:KEPT]
    return {
        **meaning(module, name, stage.steps),
        "capture": capture.name,
        "packets": len(every),
        "start": min(every.values()),
        "end": max(every.values()),
        "learn_until": stretch.of(stage.learned_at) if stage.learned_at else 0,
        "speed": stage.speed,
        "steps": [asdict(step) for step in stage.steps],
    }


def meaning(module: ModuleType, name: str, steps: list[Step]) -> dict[str, object]:
    """What a scenario says of itself, whatever its recording looks like."""
    title, _, text = (module.__doc__ or "").strip().partition("\n")
    cause = getattr(module, "DRIFT", "")
    if cause and cause not in CAUSES:
        raise RuntimeError(f"{name}: {cause} is no cause")
    unknown = {kind for step in steps for kind in (*step.expected, *step.also)} - set(KINDS)
    if unknown:
        raise RuntimeError(f"{name}: no such kinds of alert: {', '.join(sorted(unknown))}")
    return {
        "name": name,
        "title": title.rstrip("."),
        "text": " ".join(text.split()),
        "attack": any(step.techniques for step in steps),
        "benign": all(step.benign for step in steps),
        "look_alike": getattr(module, "LOOK_ALIKE", ""),
        "standing": list(getattr(module, "STANDING", ())),
        "malformed": bool(getattr(module, "MALFORMED", False)),
        "silent": list(getattr(module, "SILENT", ())),
        "drift": {"model": "pump-wear", "cause": cause} if cause else None,
        "attack_version": "ATT&CK for ICS v19",
        "atlas_version": "ATLAS 5.6.0",
    }
