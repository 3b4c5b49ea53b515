"""The way an incident took, as nodes and edges: host, source, model, what hangs on the model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from detectors.models import Model

_MOST = 3  # suspects drawn
_INPUTS = 4


def drawing(row: dict[str, Any], model: Model | None) -> dict[str, list[dict[str, str]]]:
    """Columns from left to right: 0 host, 1 source, 2 model, 3 consumers. `main`: of the likeliest explanation."""
    nodes: dict[str, dict[str, Any]] = {}
    edges: dict[tuple[str, str], dict[str, Any]] = {}

    def node(name: str, column: int, kind: str, label: str = "") -> str:
        nodes.setdefault(name, {"id": name, "column": column, "kind": kind, "label": label or name})
        return name

    def edge(source: str, target: str, label: str, *, main: bool) -> None:
        if source != target:
            known = edges.setdefault((source, target), {"source": source, "target": target, "label": label})
            known["main"] = known.get("main", False) or main

    centre = node(f"model {row['model_id']}", 2, "model", row["model_id"])
    seen = [suspect for suspect in row["suspects"] or [] if suspect.get("event")][:_MOST]
    for place, suspect in enumerate(seen):
        event, first = suspect["event"], place == 0
        host = node(event["src"], 0, "host")
        over = event["target"] or event["dst"]
        through = node(over, 1, "source") if over and over not in (event["src"], row["model_id"]) else ""
        edge(host, through or centre, f"{event['kind']} ({suspect['probability']:.0%})", main=first)
        if through:
            edge(through, centre, "feeds" if suspect["cause"] != "model_swap" else "loaded by", main=first)
    for source in (model.inputs if model else ())[:_INPUTS]:
        edge(node(source, 1, "source"), centre, "input", main=False)
    for name in row["blast_radius"][:_INPUTS]:
        edge(centre, node(name, 3, "consumer"), "output", main=False)
    return {"nodes": list(nodes.values()), "edges": list(edges.values())}
