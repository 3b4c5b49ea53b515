"""Values around an event: what was reported, what was commanded, what models said, and the events of that time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

from sensor.alerts import ask
from sensor.forensics import process_sql as sql
from sensor.forensics.words import address

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sensor.store import Reading

    Row = dict[str, Any]

PANELS = 7  # of one picture
MARKS = 14
POINTS = 2000  # of a line; more are thinned, their extremes kept
OUTPUTS = 2  # panels of models that nobody asked for
Point = tuple[int, float]


@dataclass(frozen=True, slots=True)
class Panel:
    """Times are nanoseconds. `commanded`: time, value, by whom. `changes`: when another version of a model began."""

    title: str
    unit: str = ""
    reported: tuple[Point, ...] = ()
    commanded: tuple[tuple[int, float, str], ...] = ()
    changes: tuple[tuple[int, str], ...] = ()
    output: bool = False


@dataclass(frozen=True, slots=True)
class Mark:
    ts: int
    kind: str
    severity: str
    text: str
    id: str = ""


@dataclass(frozen=True, slots=True)
class View:
    """`since`, `until`: nanoseconds. `queries`: what was asked, with what it is of."""

    case: str
    title: str
    since: int
    until: int
    panels: tuple[Panel, ...] = ()
    marks: tuple[Mark, ...] = ()
    left_out: int = 0
    queries: tuple[tuple[str, str], ...] = ()


@dataclass(slots=True)
class Wanted:
    """`at`: the event, nanoseconds. `tags` empty: those that tell most. `models` None: any that spoke."""

    case: str
    title: str
    at: int
    since: int
    until: int
    hosts: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    named: tuple[str, ...] = ()
    models: tuple[str, ...] | None = None
    units: Mapping[str, str] = field(default_factory=dict)
    panels: int = PANELS


class Looking:
    """Asks, and remembers what was asked."""

    def __init__(self, store: Reading) -> None:
        self._store = store
        self.asked: list[tuple[str, str]] = []

    def __call__(self, what: str, question: str) -> list[Row]:
        self.asked.append((what, question))
        return ask(self._store, question)


def view(store: Reading, wanted: Wanted) -> View:
    look = Looking(store)
    outputs = list(_outputs(look, wanted))
    chosen = _chosen(look, wanted, wanted.panels - len(outputs))
    panels = [panel for host, tag in chosen if (panel := _panel(look, wanted, host, tag)) is not None]
    marks, left_out = _marks(look, wanted)
    return View(
        wanted.case, wanted.title, wanted.since, wanted.until, (*panels, *outputs), marks, left_out, tuple(look.asked)
    )


def _chosen(look: Looking, wanted: Wanted, most: int) -> list[tuple[str, str]]:
    """(server, tag): those asked for; else those that the event names, that were commanded, that moved most."""
    if wanted.tags:
        return _servers(look, wanted, wanted.tags)
    found = _servers(look, wanted, wanted.named)
    found += [
        (address(row["host"]), row["tag"]) for row in look("Tags that were commanded", sql.commanded_tags(wanted))
    ]
    moved = look("Tags that moved most", sql.moved(wanted, most))
    found += [(address(row["host"]), row["tag"]) for row in moved]
    return list(dict.fromkeys(found))[: max(1, most)]


def _servers(look: Looking, wanted: Wanted, tags: Iterable[str]) -> list[tuple[str, str]]:
    tags = tuple(tags)
    if not tags:
        return []
    rows = look("Where the tags are", sql.servers(wanted, tags))
    order = {tag: place for place, tag in enumerate(tags)}
    return sorted(((address(row["host"]), row["tag"]) for row in rows), key=lambda pair: order[pair[1]])


def _panel(look: Looking, wanted: Wanted, host: str, tag: str) -> Panel | None:
    rows = look(f"{tag} of {host} as it was reported", sql.reported(wanted, host, tag))
    points = [(int(row["t"]), float(row["value"])) for row in rows if row["value"] is not None]
    given = []
    if question := sql.commanded(wanted, host, tag):
        told = look(f"{tag} of {host} as it was commanded", question)
        given = [(int(row["t"]), float(row["value"]), address(row["by"])) for row in told if row["value"] is not None]
    if not points and not given:
        return None
    unit = wanted.units.get(f"{host} {tag}", wanted.units.get(tag, ""))
    return Panel(f"{tag} of {host}", unit, tuple(thinned(points)), tuple(given))


def _outputs(look: Looking, wanted: Wanted) -> Iterable[Panel]:
    rows = look("Outputs of models", sql.outputs(wanted))
    found: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        found.setdefault((row["model_id"], row["tag"]), []).append(row)
    most = OUTPUTS if wanted.models is None else wanted.panels - 1
    for (model, tag), told in list(found.items())[:most]:
        points = [(int(row["t"]), float(row["value"])) for row in told]
        changes, version = [], ""
        for row in told:
            if row["model_version"] != version:
                version = row["model_version"]
                changes.append((int(row["t"]), version))
        unit = wanted.units.get(tag, "")
        yield Panel(f"{model} says {tag}", unit, tuple(thinned(points)), (), tuple(changes), output=True)


def _marks(look: Looking, wanted: Wanted) -> tuple[tuple[Mark, ...], int]:
    """The gravest, in the order of time."""
    rows = look("Events of this time", sql.events(wanted))
    kept = sorted(rows[:MARKS], key=lambda row: (int(row["t"]), row["what"]))
    marks = tuple(Mark(int(row["t"]), row["kind"], row["severity"], row["what"], row["id"]) for row in kept)
    return marks, max(0, len(rows) - MARKS)


def thinned(points: list[Point], most: int = POINTS) -> list[Point]:
    """At most so many: of each stretch the first, the least, the greatest and the last."""
    if len(points) <= most:
        return points
    size = -(-len(points) * 4 // most)
    kept: list[Point] = []
    for at in range(0, len(points), size):
        part = points[at : at + size]
        some = {part[0], min(part, key=lambda p: p[1]), max(part, key=lambda p: p[1]), part[-1]}
        kept += sorted(some)
    return kept


def named_tags(evidence: str) -> tuple[str, ...]:
    """Tags that an alert's evidence names."""
    told = orjson.loads(evidence or "{}")
    tags = [told["tag"]] if isinstance(told.get("tag"), str) else []
    tags += [tag for name in ("tags", "leapt") for tag in told.get(name) or [] if isinstance(tag, str)]
    return tuple(dict.fromkeys(tags))
