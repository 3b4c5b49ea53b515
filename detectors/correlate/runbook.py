"""What to do about an incident: the steps of its cause, then those for the very model, safe for the process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from detectors.catalogue import runbooks
from detectors.correlate.rows import ATTACKS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from detectors.correlate.graph import Graph
    from detectors.correlate.rows import Incident
    from detectors.models import Model

_CONSUMERS = 4  # named


def of_cause(cause: str) -> str:
    """The steps of a cause alone, a line each: number, id in brackets, text."""
    return _lines(runbooks.of_cause(cause).steps)


def written(incident: Incident, model: Model | None, graph: Graph) -> str:
    """The same with the steps that follow for the model; of a cause that is no attack only its own."""
    book = runbooks.of_cause(incident.cause)
    if incident.cause not in ATTACKS or model is None:
        return _lines(book.steps)
    consumers = sorted(graph.downstream(model.id))[:_CONSUMERS]
    version, digest = _target(model, incident)
    filled = {
        "{model}": model.id,
        "{hosts}": ", ".join(model.hosts) or "its host",
        "{consumers}": ", ".join(consumers) or "not seen",
        "{version}": version,
        "{sum}": digest[:16] + "…" if digest else "",
        "{minutes}": str(model.rollback_minutes),
    }
    left_out = "no-rollback" if version else "rollback"
    steps = (step for step in runbooks.steps_of(book) if step.id.rpartition("/")[2] != left_out)
    return _lines(steps, filled)


def _lines(steps: Iterable[runbooks.Step], filled: Mapping[str, str] | None = None) -> str:
    told = []
    for number, step in enumerate(steps, 1):
        text = step.text
        for name, value in (filled or {}).items():
            text = text.replace(name, value)
        told.append(f"{number}. [{step.id}] {text}")
    return "\n".join(told)


def _target(model: Model, incident: Incident) -> tuple[str, str]:
    """The approved version to go back to: the newest, but for poisoned training the one before it, as the newest may
    have learnt from what was poisoned."""
    approved = list(model.approved)
    if not approved:
        return "", ""
    version = approved[-2] if incident.cause == "data_poisoning" and len(approved) > 1 else approved[-1]
    return f"version {version}", ", ".join(model.sums(version))
