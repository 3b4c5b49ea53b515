"""Runbooks: what to do, step by step, safe for the process. Markdown beside this file, one a purpose.

Below the title stand `Kinds:` (kinds of alert, or the detector of several; the longest match counts, `*` is for all
others) or `Causes:` (of incidents), and `Then:`, a runbook whose steps follow. A step is an item of a task list with
its id in back-ticks: what was checked off is remembered by runbook and id, so an id stays when its words change.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

_STEP = re.compile(r"- \[ \] `([a-z][a-z0-9-]*)` (.+)")
_HEAD = re.compile(r"(Kinds|Causes|Then): (.+)")
ALL = "*"


@dataclass(frozen=True, slots=True)
class Step:
    """`id`: the runbook's and the step's, as in `commands/operations`. `phase`: the heading it stands under."""

    id: str
    phase: str
    text: str


@dataclass(frozen=True, slots=True)
class Runbook:
    id: str
    title: str
    kinds: tuple[str, ...]
    causes: tuple[str, ...]
    then: str
    steps: tuple[Step, ...]


@lru_cache(maxsize=1)
def runbooks() -> dict[str, Runbook]:
    """By id, in order."""
    found = sorted((entry for entry in _folder().iterdir() if entry.name.endswith(".md")), key=lambda e: e.name)
    return {entry.name[:-3]: parsed(entry.name[:-3], entry.read_text(encoding="utf-8")) for entry in found}


def markdown(identity: str) -> str:
    """The runbook as it was written; KeyError if there is none."""
    return _folder().joinpath(f"{runbooks()[identity].id}.md").read_text(encoding="utf-8")


def of_kind(kind: str) -> Runbook:
    """That of the kind itself, else of its detector, else the one for all."""
    by = _by_kind()
    return by.get(kind) or by.get(kind.split(".", 1)[0]) or by[ALL]


def of_cause(cause: str) -> Runbook:
    """KeyError if the cause is none."""
    return next((book for book in runbooks().values() if cause in book.causes), None) or runbooks()[cause]


def steps_of(book: Runbook) -> tuple[Step, ...]:
    """Its own, and those that follow."""
    return (*book.steps, *(steps_of(runbooks()[book.then]) if book.then else ()))


@lru_cache(maxsize=1)
def _by_kind() -> dict[str, Runbook]:
    return {kind: book for book in runbooks().values() for kind in book.kinds}


def _folder() -> Traversable:
    return files(__package__) / "runbooks"


def parsed(identity: str, text: str) -> Runbook:
    """ValueError where a line is none of a runbook's."""
    title, phase, steps, heads = "", "", list[Step](), dict[str, str]()
    for number, line in enumerate(text.splitlines(), 1):
        step, head = _STEP.fullmatch(line), _HEAD.fullmatch(line)
        if line.startswith("# "):
            title = line[2:]
        elif line.startswith("## "):
            phase = line[3:]
        elif head is not None and not steps:
            heads[head[1]] = head[2]
        elif step is not None:
            steps.append(Step(f"{identity}/{step[1]}", phase, step[2]))
        elif line.startswith("  ") and steps:
            last = steps.pop()
            steps.append(Step(last.id, last.phase, f"{last.text} {line.strip()}"))
        elif line.startswith("- "):
            raise ValueError(f"{identity}.md:{number}: a step is written as: - [ ] `id` Text")
    kinds, causes = (tuple(filter(None, heads.get(name, "").split(", "))) for name in ("Kinds", "Causes"))
    return Runbook(identity, title, kinds, causes, heads.get("Then", ""), tuple(steps))
