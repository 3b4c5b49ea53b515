"""The kinds of alert: what each means, what to do, what it is evidence of. One TOML file a detector.

Wording: a sensor evidences an observed violation; it never says that anything is compliant.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING

from detectors.alert import SEVERITIES
from detectors.attack import ATLAS_VERSION, ATTACK_VERSION, current

if TYPE_CHECKING:
    from collections.abc import Iterable


SECURITY, OPERATIONAL = "security", "operational"


@dataclass(frozen=True, slots=True)
class Entry:
    """`counts`: what an alert's `count` counts. `fires`, `silent`: captures that do and must not raise it. `category`:
    whether it tells of the network or of the sensor's own senses; entries of other files than `mirror` leave it out."""

    id: str
    title: str
    severity: str
    meaning: str
    advice: str
    counts: str
    techniques: tuple[str, ...]
    sr: tuple[str, ...]
    nist: tuple[str, ...]
    false_positives: tuple[str, ...]
    fires: str
    silent: str
    category: str = SECURITY

    @property
    def attack_version(self) -> str:
        """The matrices the techniques are of."""
        atlas = any(t.startswith("AML.") for t in self.techniques)
        return f"{ATTACK_VERSION}; {ATLAS_VERSION}" if atlas else ATTACK_VERSION

    @property
    def controls(self) -> tuple[str, ...]:
        return (*(f"IEC 62443-3-3 {sr}" for sr in self.sr), *(f"NIST SP 800-82r3 {c}" for c in self.nist))


_added: dict[str, Entry] = {}


@lru_cache(maxsize=256)
def entry(kind: str) -> Entry:
    """The entry of a kind (`detector.what`); KeyError if the catalogue has none."""
    if kind in _added:
        return _added[kind]
    return _file(kind.split(".", 1)[0])[kind]


def entries() -> list[Entry]:
    """All entries, by id."""
    names = [item.name for item in files(__package__).iterdir() if item.name.endswith(".toml")]
    found = [e for name in names for e in _file(name.removesuffix(".toml")).values()]
    return sorted([*found, *_added.values()], key=lambda e: e.id)


def add(kinds: Iterable[Entry]) -> None:
    """Takes in the kinds of a detector that is not part of this package."""
    for kind in kinds:
        _added[kind.id] = kind
    entry.cache_clear()


@lru_cache(maxsize=64)
def _file(name: str) -> dict[str, Entry]:
    resource = files(__package__).joinpath(f"{name}.toml")
    if not resource.is_file():
        return {}
    tables = tomllib.loads(resource.read_text(encoding="utf-8"))
    return {f"{name}.{kind}": _entry(f"{name}.{kind}", values) for kind, values in tables.items()}


def _entry(kind: str, values: dict[str, object]) -> Entry:
    names = {f.name for f in fields(Entry)} - {"id"}
    values = {"category": SECURITY} | values
    if set(values) != names:
        raise ValueError(f"catalogue entry {kind}: fields {sorted(set(values) ^ names)} are missing or unknown")
    if values["severity"] not in SEVERITIES:
        raise ValueError(f"catalogue entry {kind}: severity {values['severity']!r}")
    if values["category"] not in (SECURITY, OPERATIONAL):
        raise ValueError(f"catalogue entry {kind}: category {values['category']!r}")
    made = {k: tuple(map(str, v)) if isinstance(v, list) else str(v).strip() for k, v in values.items()}
    made["techniques"] = tuple(map(current, made["techniques"]))
    return Entry(id=kind, **made)  # type: ignore[arg-type]
