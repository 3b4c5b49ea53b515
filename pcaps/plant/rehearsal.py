"""What the scenarios say of themselves goes into their labels anew, without a recording.

    rehearsal.py [DIR]

A scenario is played on a stage where nothing happens: its steps are told, and what they mean replaces what the labels
say. Times, frames and counts stay; a step whose evidence is another one now must be recorded again.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import index
import scenario
from scenario import Record, Step

OF_A_STEP = ("what", "actors", "targets", "techniques", "expected", "also", "all", "benign", "approved", "filter")


class Nothing:
    """Anything a scenario starts, asks or looks up."""

    def __getattr__(self, _: str) -> Nothing:
        return self

    def __call__(self, *_: object, **__: object) -> Nothing:
        return self

    def __getitem__(self, _: object) -> Nothing:
        return self

    def __iter__(self) -> Iterator[Any]:
        return iter(())


class Rehearsal(Record):
    """A stage without a plant."""

    def __init__(self, scratch: Path) -> None:
        self.scratch, self.steps, self._hours = scratch, [], 0.0

    def hours(self) -> float:
        return self._hours

    def wait(self, seconds: float) -> None:
        self._hours += max(0.0, seconds) / 3600

    def model(self, version: str = "1.4.0", **_: object) -> Path:
        """A file of the name that the model's would have, which evidence may speak of."""
        file = self.scratch / f"pump-wear-{version}.safetensors"
        file.touch()
        return file

    def __getattr__(self, _: str) -> Nothing:
        return Nothing()


def steps(name: str) -> list[Step]:
    with tempfile.TemporaryDirectory() as scratch:
        stage = Rehearsal(Path(scratch))
        scenario.load(name).play(stage)
    return stage.steps


def meant(name: str, labels: dict[str, Any]) -> dict[str, Any]:
    """The labels as the scenario would write them for the same recording."""
    told = steps(name)
    if len(told) != len(labels["steps"]):
        raise SystemExit(f"{name}: has {len(told)} steps, its labels {len(labels['steps'])}: record it again")
    of_steps = [
        old | {field: getattr(new, field) for field in OF_A_STEP}
        for old, new in zip(labels["steps"], told, strict=True)
    ]
    if [s["filter"] for s in of_steps] != [s["filter"] for s in labels["steps"]]:
        raise SystemExit(f"{name}: the evidence is another one: record it again")
    of_steps = [{field: step[field] for field in scenario.FIELDS} for step in of_steps]
    known = {field: labels[field] for field in ("capture", "packets", "start", "end", "learn_until", "speed")}
    meaning = scenario.meaning(scenario.load(name), name, told)
    return {**meaning, **known, "steps": of_steps, "hosts": labels["hosts"]}


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[1]
    for path in sorted(folder.glob("*.labels.json")):
        name = path.name.removesuffix(".labels.json")
        path.write_text(scenario.short(meant(name, json.loads(path.read_text()))))
    index.write(folder)


if __name__ == "__main__":
    main()
