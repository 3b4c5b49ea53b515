"""Disagreements of a host's log with the network in words and numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from detectors import agreement
from detectors.base import SECOND
from detectors.drift.words import when

if TYPE_CHECKING:
    from collections.abc import Mapping

    from detectors.compared import Judged
    from detectors.comparison import Comparison

SUBJECTS = {"differs": "output", "version": "version", "input": "input", "denied": "input"}
_SIDES = {
    "unlogged": ("the network shows", "its host's own log does not have"),
    "unseen": ("its host's own log has", "the network did not show"),
}


def subject(one: Judged) -> str:
    return f"{SUBJECTS[one.what]} {one.stream}".strip()


def both(one: Judged) -> tuple[str, str]:
    """What the network and the log say."""
    if one.what in ("input", "denied"):
        network, log = one.value
        return agreement.shown(network), agreement.shown(log)
    if one.shown is None or one.logged is None:
        return "", ""
    if one.what == "version":
        return one.shown.version, one.logged.version
    return agreement.shown(one.shown.value), agreement.shown(one.logged.value)


def place(one: Judged) -> str:
    return f" ({one.logged.place})" if one.logged and one.logged.place else ""


def pair(one: Judged) -> str:
    network, log = both(one)
    return f"{when(one.ts)}: network {network}, log {log}{place(one)}"


def first(model: str, one: Judged) -> str:
    """The sentence on the first disagreement of a cause."""
    network, log = both(one)
    says = f"has no such value, the nearest is {log}" if one.what == "denied" else f"says {log}"
    return (
        f"The network shows {subject(one)} {network} of model {model} at {when(one.ts)}, its host's own log "
        f"{says}{place(one)}"
    )


def totals(agreed: int, differ: int, tolerance: float) -> str:
    doubt = "" if differ <= agreed else "; most do not, so the log may be in other units or of another quantity"
    return f"{agreed} of {agreed + differ} compared agree within {tolerance:.1%}{doubt}"


def lacking(model: str, what: str, count: int, since: int, agreed: int) -> str:
    have, lack = _SIDES[what]
    outputs = "1 output" if count == 1 else f"{count} outputs"
    return f"{outputs} of model {model} that {have} {lack}, the first at {when(since)}; {agreed} others agree"


def record(one: Judged) -> str:
    value = one.shown.value if one.shown else one.logged.value if one.logged else ""
    return f"{when(one.ts)}: {agreement.shown(value)}{place(one)}"


def notes(model: str, held: Comparison, counted: Mapping[str, int], unreported: set[str]) -> list[str]:
    """What an analyst should know of a comparison."""
    told, offset = [], held.clock.offset
    if offset is not None and abs(offset) >= SECOND:
        side = "ahead of" if offset > 0 else "behind"
        told.append(
            f"the clock of the host of model {model} is {abs(offset) / SECOND:.1f} s {side} the wire's, as "
            f"{held.clock.support} equal outputs tell; that was taken off before its log was compared"
        )
    if not held.watched[1]:
        told.append(f"a host's log of model {model} came, but the network showed no output of it: nothing was compared")
    elif not counted["agreed"] and counted["differs"] + counted["incomparable"]:
        told.append(f"no output in the host's log of model {model} agrees with the network: look at units and fields")
    if "unlogged" in unreported:
        told.append(
            f"{counted['unlogged']} outputs of model {model} on the network are not in its host's log and only "
            f"{counted['agreed']} are: it is taken for a log of samples"
        )
    if "unseen" in unreported:
        told.append(
            f"{counted['unseen']} outputs in the host's log of model {model} are not on the network and only "
            f"{counted['agreed']} are: it is taken for a model that does not publish all"
        )
    return told
