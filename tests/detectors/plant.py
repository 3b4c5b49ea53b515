"""A small plant with zones and conduits, for scenarios of movement and loss; learning ends after its first window."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from detectors.base import Detector
from detectors.learning import Settings
from detectors.zones import Conduit, Policy, Zone
from tests.detectors.build import act, detector, run, window

PLC, HMI, EWS, EDGE, REGISTRY = "10.0.1.10", "10.0.2.20", "10.0.2.30", "10.0.5.5", "10.0.5.6"
HISTORIAN, OFFICE, PUBLIC, POLL = "10.0.3.5", "10.9.9.5", "93.184.216.34", "10.0.1.11"
POLICY = Policy(
    (
        Zone("cell", 1, ("10.0.1.0/24",)),
        Zone("control", 2, ("10.0.2.0/24",)),
        Zone("edge", 3, ("10.0.5.0/24",), kind="edge_ai"),
        Zone("dmz", 3.5, ("10.0.3.0/24",), kind="dmz"),
        Zone("office", 4, ("10.9.0.0/16",), kind="it"),
    ),
    (
        Conduit("control", "cell", ("modbus", "opcua")),
        Conduit("control", "edge", ("ssh", "http")),
        Conduit("office", "dmz", ("http",)),
    ),
)
Rows = Iterable[dict[str, Any]]


def made(kind: type[Detector], policy: Policy | None = POLICY, **settings: object) -> Detector:
    return detector(kind, policy, Settings(seconds=10.0), **settings)


def after(kind: Detector | type[Detector], learnt: dict[str, Rows], *later: dict[str, Rows]) -> list[Any]:
    """Alerts of windows of 10 s, the first of which is learnt; a poll makes it one with OT traffic."""
    one = made(kind) if isinstance(kind, type) else kind
    poll = act(HMI, POLL, "modbus", "read_coils", "read")
    windows = [window(**(learnt | {"behaviours": [poll, *learnt.get("behaviours", ())]}))]
    windows += [window(10.0 * n, **tables) for n, tables in enumerate(later, 1)]
    return run(one, *windows)
