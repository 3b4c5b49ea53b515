"""What to do about an incident: the words of its cause, then the steps for the very model, safe for the process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from detectors.correlate.factory import words
from detectors.correlate.rows import ATTACKS

if TYPE_CHECKING:
    from detectors.correlate.graph import Graph
    from detectors.correlate.rows import Incident
    from detectors.models import Model

_CONSUMERS = 4  # named


def written(incident: Incident, model: Model | None, graph: Graph) -> str:
    """Numbered steps; of a cause that is no attack only its sentence."""
    table = words()
    first: str = table["runbook"][incident.cause]
    if incident.cause not in ATTACKS or model is None:
        return first
    consumers = sorted(graph.downstream(model.id))[:_CONSUMERS]
    hosts = ", ".join(model.hosts) or "its host"
    version, digest = _target(model, incident)
    filled = {
        "model": model.id,
        "hosts": hosts,
        "consumers": ", ".join(consumers) or "not seen",
        "version": version,
        "sum": digest[:16] + "…" if digest else "",
        "minutes": str(model.rollback_minutes),
    }
    steps = ["loop", "isolate", "keep", "rollback" if version else "no_rollback", "back"]
    told = [first, *(str(table["steps"][name]).format(**filled) for name in steps)]
    return "\n".join(f"{number}. {text}" for number, text in enumerate(told, 1))


def _target(model: Model, incident: Incident) -> tuple[str, str]:
    """The approved version to go back to: the newest, but for poisoned training the one before it, as the newest may
    have learnt from what was poisoned."""
    approved = list(model.approved)
    if not approved:
        return "", ""
    version = approved[-2] if incident.cause == "data_poisoning" and len(approved) > 1 else approved[-1]
    return f"version {version}", ", ".join(model.sums(version))
