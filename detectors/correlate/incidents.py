"""Cases that are one thing become an incident: title, evidence for and against, timeline, what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from detectors.alert import alert_id
from detectors.correlate.factory import words
from detectors.correlate.rows import ATTACKS, FEATURES, SILENT, Incident
from detectors.correlate.runbook import of_cause
from detectors.drift.words import when

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from detectors.correlate.graph import Graph
    from detectors.correlate.rows import Case, Event, Suspect
    from detectors.correlate.score import Verdict

HOUR = 3600 * 10**9
NEAR = 3 * HOUR
SURE = 0.3  # share of the posterior from which the same root makes two cases one incident
SENTENCES = 6
STRONG = 0.4  # nats below which a term is not worth a sentence
_SEVERITY = {"incident": "high", "suspicion": "medium", "note": "info"}
Judged = tuple["Case", "Verdict"]


def groups(judged: Sequence[Judged]) -> list[list[Judged]]:
    """Cases at the same time that share an input that moved or their most probable root."""
    parent = list(range(len(judged)))

    def root(at: int) -> int:
        while parent[at] != at:
            at = parent[at]
        return at

    for at, (case, verdict) in enumerate(judged):
        for before in range(at):
            other, its = judged[before]
            if case.model_id != other.model_id and _near(case, other) and _same(case, verdict, other, its):
                one, two = sorted((root(at), root(before)))
                parent[two] = one
    made: dict[int, list[Judged]] = {}
    for at, pair in enumerate(judged):
        made.setdefault(root(at), []).append(pair)
    return list(made.values())


def _near(one: Case, other: Case) -> bool:
    return one.low - NEAR <= other.high and other.low - NEAR <= one.high


def _same(case: Case, verdict: Verdict, other: Case, its: Verdict) -> bool:
    if set(case.moved) & set(other.moved):
        return True
    one, two = _root(verdict), _root(its)
    return one is not None and one == two


def _root(verdict: Verdict) -> str | None:
    first = verdict.suspects[0] if verdict.suspects else None
    if first is None or first.event is None or first.probability < SURE:
        return None
    return first.event.event_id


def identity(group: Sequence[Judged]) -> str:
    """Of the model that drifted first, and when that was told first."""
    ts, model = min((case.ts, case.model_id) for case, _ in group)
    return alert_id("incident", model, ts)


def log_odds(group: Sequence[Judged]) -> float:
    """Cases of one incident show the same evidence several times: their mean, not their sum."""
    return sum(verdict.log_odds for _, verdict in group) / len(group)


def incident(group: Sequence[Judged], probability: float, level: str, graph: Graph) -> Incident:
    """`probability`: calibrated, that it is an attack."""
    case, verdict = max(group, key=lambda pair: (pair[1].log_odds, pair[0].model_id))
    causes = _causes(group, probability)
    attack = probability >= 0.5
    cause = max((name for name in sorted(causes) if (name in ATTACKS) == attack), key=lambda name: causes[name])
    suspects = verdict.suspects
    first = suspects[0] if suspects and attack else verdict.lawful
    every = sorted({drift for member, _ in group for drift in member.drift_ids})
    models = tuple(sorted({member.model_id for member, _ in group}))
    shown = [s for s in suspects if s.event is not None and s.probability >= 0.05] if level != "note" else []
    events = {s.event.event_id: s.event for s in shown if s.event is not None}
    if first is not None and first.event is not None:
        events.setdefault(first.event.event_id, first.event)
    spoken = _spoken(verdict, first)
    table = words()
    techniques = dict.fromkeys(table["techniques"][cause])
    techniques |= dict.fromkeys(t for e in events.values() for t in e.techniques) if attack else {}
    severity = "critical" if probability >= 0.9 and level == "incident" else _SEVERITY[level]
    starts = [member.since for member, _ in group] + [e.ts for e in events.values()]
    return Incident(
        incident_id=identity(group),
        ts=min(member.ts for member, _ in group),
        title=_title(case, cause, first, probability),
        severity=severity,
        cause=cause,
        probability=round(probability, 4),
        model_id=case.model_id,
        alert_ids=tuple(sorted(identity for identity, event in events.items() if event.alert)),
        drift_ids=tuple(every),
        timeline=_timeline(group, events.values()),
        techniques=tuple(techniques),
        controls=tuple(table["controls"][cause]),
        runbook=of_cause(cause),
        first_ts=min(starts),
        last_ts=max(max(member.ts, member.returned) for member, _ in group),
        level=level,
        status="returned" if all(member.returned for member, _ in group) else "open",
        causes={name: round(share, 4) for name, share in sorted(causes.items())},
        suspects=suspects,
        unseen=round(verdict.unseen, 4),
        models=models,
        speaks_for=spoken[0],
        speaks_against=spoken[1],
        would_settle=_settles(case, first),
        blast_radius=tuple(sorted(graph.downstream(case.model_id) | (set(models) - {case.model_id}))),
    )


def _causes(group: Sequence[Judged], probability: float) -> dict[str, float]:
    """Shares by cause, attacks together brought to the calibrated probability."""
    mean: dict[str, float] = {}
    for _, verdict in group:
        for name, share in verdict.causes.items():
            mean[name] = mean.get(name, 0.0) + share / len(group)
    bad = sum(share for name, share in mean.items() if name in ATTACKS) or 1.0
    good = sum(share for name, share in mean.items() if name not in ATTACKS) or 1.0
    return {n: s / bad * probability if n in ATTACKS else s / good * (1 - probability) for n, s in mean.items()}


def _title(case: Case, cause: str, first: Suspect | None, probability: float) -> str:
    name = words()["names"][cause]
    chance = probability if cause in ATTACKS else 1 - probability
    told = f"{case.model_id} drifted since {when(case.since)}, likely {name} ({chance:.0%})"
    if first is None or first.event is None or first.cause != cause:
        return told
    event = first.event
    return f"{told}: {event.kind} by {event.src} on {event.target or event.dst} at {when(event.ts)}"


def _timeline(group: Sequence[Judged], events: Any) -> tuple[Mapping[str, Any], ...]:
    rows = [
        {"ts": e.ts, "what": "event", "id": e.event_id, "text": e.summary or f"{e.kind}: {e.src} → {e.dst}"}
        for e in events
    ]
    for case, _ in group:
        text = case.summary or f"{case.model_id} began to drift"
        rows.append({"ts": case.since, "what": "drift", "id": case.drift_ids[0], "text": text})
        if case.returned:
            rows.append(
                {"ts": case.returned, "what": "returned", "id": case.drift_ids[0], "text": f"{case.model_id} is back"}
            )
    return tuple(sorted(rows, key=lambda row: (row["ts"], row["what"], row["id"])))


def _spoken(verdict: Verdict, first: Suspect | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What speaks for an attack and what against, strongest first: differences of the terms in nats."""
    says = words()["says"]
    terms = dict(verdict.contrast)
    if first is not None:
        terms["event"] = first.terms.get("rarity", 0.0) + first.terms.get("type", 0.0)
    told: list[tuple[float, str]] = []
    for name, nats in terms.items():
        if name == "event" and first is not None and first.event is not None:
            told.append((nats, f"{first.event.kind} by {first.event.src} is rare here ({nats:+.1f} nats)"))
        elif name in says:
            told.append((nats, f"{says[name]} ({nats:+.1f} nats)"))
    strong = sorted((nats, text) for nats, text in told if abs(nats) >= STRONG)
    speak_for = tuple(text for nats, text in reversed(strong) if nats > 0)[:SENTENCES]
    return speak_for, tuple(text for nats, text in strong if nats < 0)[:SENTENCES]


def _settles(case: Case, first: Suspect | None) -> tuple[str, ...]:
    """What is not known and would say most."""
    settles = words()["settles"]
    unknown = [n for n in FEATURES if n in SILENT and case.features.get(n, SILENT[n]) == SILENT[n] and n in settles]
    event: Event | None = first.event if first is not None else None
    if event is not None and event.marks.get("verdict") == "opaque":
        unknown.insert(0, "verdict")
    if event is not None and event.marks.get("ticket", "no") == "no":
        unknown.append("ticket")
    return tuple(settles[name] for name in unknown)
