"""The audit: what was observed against what was meant, each finding with the query that proves it.

`take` asks a store and gives an `Audit`, plain data that can be kept as JSON; `compare` holds it against an earlier
one; `blocks` makes a report of both. A finding is an *observed violation of* a control or *evidence of* one: a sensor
sees traffic, never a whole control, so nothing here says that anything is compliant.
"""

from __future__ import annotations

from dataclasses import dataclass, field

VIOLATION, EVIDENCE, GAP, FACT = "violation", "evidence", "gap", "fact"
KEPT = 5000  # rows of a finding that an audit keeps: what a later one is compared with
Cell = str | int | float


@dataclass(frozen=True, slots=True)
class Finding:
    """`key`: the columns that name a row, by which audits are compared. `flags`: of each row, whether it is what the
    stance says. `total` counts rows beyond those kept."""

    id: str
    section: str
    title: str
    stance: str
    text: str
    query: str
    columns: tuple[str, ...] = ()
    key: tuple[str, ...] = ()
    rows: tuple[tuple[Cell, ...], ...] = ()
    flags: tuple[bool, ...] = ()
    total: int = 0
    sr: tuple[str, ...] = ()
    nist: tuple[str, ...] = ()

    def names(self) -> dict[tuple[Cell, ...], bool]:
        """What names each row, and whether it is what the stance says."""
        at = [self.columns.index(name) for name in self.key]
        return {tuple(row[i] for i in at): flag for row, flag in zip(self.rows, self.flags, strict=True)}


@dataclass(frozen=True, slots=True)
class Audit:
    """`first`, `last`: what was observed, `since`, `until`: what was asked for; ISO 8601. `policy`: a digest of zones
    and conduits; audits of different ones are compared all the same, and that is said."""

    made: str
    program: str
    store: str
    case: str
    since: str
    until: str
    first: str
    last: str
    sensors: tuple[str, ...]
    policy: str
    findings: tuple[Finding, ...] = field(default_factory=tuple)


@dataclass(frozen=True, slots=True)
class Change:
    """Of one finding since an earlier audit; `known` False: the earlier one did not have it."""

    id: str
    known: bool
    before: int
    now: int
    new: tuple[tuple[Cell, ...], ...] = ()
    gone: tuple[tuple[Cell, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Comparison:
    """`made`, `first`, `last`: of the earlier audit."""

    made: str
    first: str
    last: str
    same_policy: bool
    changes: tuple[Change, ...]


def compare(before: Audit, now: Audit) -> Comparison:
    earlier = {finding.id: finding for finding in before.findings}
    changes = []
    for finding in now.findings:
        old = earlier.get(finding.id)
        if not finding.key:
            continue
        names, known = finding.names(), old.names() if old is not None and old.key == finding.key else {}
        new = tuple(name for name in names if name not in known) if old is not None else ()
        gone = tuple(name for name in known if name not in names)
        changes.append(Change(finding.id, old is not None, len(known), len(names), new, gone))
    return Comparison(before.made, before.first, before.last, before.policy == now.policy, tuple(changes))
