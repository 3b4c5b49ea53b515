"""A layer of the ATT&CK Navigator: which techniques were evidenced, how often, how gravely."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

from detectors.alert import SEVERITIES
from detectors.attack import ATTACK_VERSION

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sensor.export.record import Record

DOMAIN, LAYER, NAVIGATOR = "ics-attack", "4.5", "5.1.0"
_COLOURS = ("#c6dbef", "#9ecae1", "#fdd0a2", "#fd8d3c", "#d94801")  # by severity, lowest first


class Seen:
    """Counts; a record is held no longer than it takes. Techniques of ATLAS have no place in the matrix."""

    def __init__(self) -> None:
        self._count: Counter[str] = Counter()
        self._worst: dict[str, int] = {}
        self._kinds: dict[str, Counter[str]] = {}
        self._others: Counter[str] = Counter()

    def add(self, record: Record) -> None:
        for technique in record.techniques:
            if technique.startswith("AML."):
                self._others[technique] += 1
                continue
            self._count[technique] += 1
            self._worst[technique] = max(self._worst.get(technique, 0), record.rank)
            self._kinds.setdefault(technique, Counter())[record.kind] += 1

    def layer(self) -> dict[str, Any]:
        most = max(self._count.values(), default=1)
        version = re.search(r"v(\d+)", ATTACK_VERSION)
        others = "".join(f"; {t} ({n})" for t, n in sorted(self._others.items()))
        return {
            "name": "driftspan: techniques evidenced",
            "versions": {"attack": version[1] if version else "", "navigator": NAVIGATOR, "layer": LAYER},
            "domain": DOMAIN,
            "description": "Techniques that alerts and incidents are evidence of; score: how many"
            + (f". Of ATLAS, which has no place here{others}" if others else ""),
            "sorting": 3,
            "hideDisabled": False,
            "gradient": {"colors": [_COLOURS[0], _COLOURS[-1]], "minValue": 0, "maxValue": most},
            "legendItems": [{"label": s, "color": c} for s, c in zip(SEVERITIES, _COLOURS, strict=True)],
            "techniques": [self._technique(t) for t in sorted(self._count)],
        }

    def _technique(self, technique: str) -> dict[str, Any]:
        kinds = ", ".join(f"{kind} ({n})" for kind, n in self._kinds[technique].most_common(10))
        return {
            "techniqueID": technique, "score": self._count[technique], "color": _COLOURS[self._worst[technique]],
            "comment": kinds, "enabled": True, "showSubtechniques": "." in technique,
            "metadata": [{"name": "worst severity", "value": SEVERITIES[self._worst[technique]]}],
        }  # fmt: skip


def to_navigator(records: Iterable[Record]) -> dict[str, Any]:
    seen = Seen()
    for record in records:
        seen.add(record)
    return seen.layer()
