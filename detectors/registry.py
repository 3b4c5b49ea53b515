"""Which detectors there are: those of this package by name, and those that other packages bring along
under the entry point group `driftspan.detectors`. Modules are imported when they are wanted."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING

from detectors import catalogue
from detectors.base import Detector, parse_settings

if TYPE_CHECKING:
    from collections.abc import Mapping

GROUP = "driftspan.detectors"
BUILTIN = {
    "cleartext": "detectors.cleartext:Cleartext",
    "artefacts": "detectors.artefacts:Artefacts",
    "feeds": "detectors.feeds:Feeds",
    "candidates": "detectors.candidates:Candidates",
    "boundary": "detectors.boundary:Boundary",
    "new_writer": "detectors.new_writer:NewWriter",
    "scan": "detectors.scan:Scan",
    "parser_anomaly": "detectors.parser_anomaly:ParserAnomaly",
    "assets": "detectors.asset_changes:AssetChanges",
    "lateral": "detectors.lateral:Lateral",
    "relay": "detectors.relay:Relay",
    "transfer": "detectors.transfer:Transfer",
    "beacon": "detectors.beacon:Beacon",
    "exfiltration": "detectors.exfiltration:Exfiltration",
    "outflow": "detectors.outflow:Outflow",
    "tunnels": "detectors.tunnels:Tunnels",
    "credentials": "detectors.credentials:Credentials",
    "logins": "detectors.logins:Logins",
    "encryption": "detectors.encryption:Encryption",
    "boundary_shape": "detectors.boundary_shape:BoundaryShape",
    "commands": "detectors.commands:Commands",
    "spoofing": "detectors.spoofing:Spoofing",
    "availability": "detectors.availability:Availability",
    "baseline": "detectors.baseline:Baseline",
    "period": "detectors.period:Period",
    "values": "detectors.values:Values",
    "inference": "detectors.inference:Inference",
    "mirror": "detectors.mirror:Mirror",
}


def builtin(name: str) -> type[Detector]:
    """KeyError if this package has none of the name."""
    module, _, attribute = BUILTIN[name].partition(":")
    found: type[Detector] = getattr(import_module(module), attribute)
    return found


def installed() -> dict[str, EntryPoint]:
    """Detectors of other packages by name. One of this package cannot be replaced by them."""
    return {point.name: point for point in entry_points(group=GROUP) if point.name not in BUILTIN}


def load(point: EntryPoint) -> type[Detector]:
    """TypeError if it is no detector, ValueError if it contradicts itself."""
    found = point.load()
    if not (isinstance(found, type) and issubclass(found, Detector)):
        raise TypeError(f"detector {point.name!r}: {point.value} is no subclass of detectors.base.Detector")
    if found.name != point.name:
        raise ValueError(f"detector {point.name!r}: {point.value} calls itself {found.name!r}")
    catalogue.add(found.entries)
    return found


def enabled(settings: Mapping[str, Mapping[str, object]]) -> dict[str, bool]:
    """Every detector there is and whether it is to run. ValueError for a section or switch that makes no sense."""
    names = [*BUILTIN, *sorted(installed())]
    for name, section in settings.items():
        if name not in names:
            raise ValueError(f"[detectors.{name}]: there is no such detector; there are {', '.join(names)}")
        if section.get("enabled", True) not in (True, False):
            raise ValueError(f"[detectors.{name}] enabled: true or false is expected")
    return {name: bool(settings.get(name, {}).get("enabled", True)) for name in names}


def check(settings: Mapping[str, Mapping[str, object]]) -> None:
    """Reads all sections `[detectors.NAME]` as a run would. ValueError with one sentence for what is wrong."""
    for name in enabled(settings):
        if name in settings:
            section = settings[name]
            detector = builtin(name) if name in BUILTIN else load(installed()[name])
            parse_settings(detector, section)
