"""Rules asked of a store. What a rule matches between two hosts on a day is one alert: its id is made of these, so that
the same rows give the same alerts, however often they are asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from detectors.alert import alert_id
from detectors.attack import ATLAS_VERSION, ATTACK_VERSION
from sensor.errors import InputError
from sensor.export.record import address, nanoseconds
from sensor.export.source import rows
from sensor.store.guard import check_reading
from sensor.store.literal import quote

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sensor.sigma.rules import Rule
    from sensor.store import Reading, Saying

DETECTOR = "sigma"
MOST = 10_000  # alerts of one rule at once: a rule that matches more says nothing
_FRAMES = 8
_CONFIDENCE = 0.7  # a rule of somebody's own, whose worth nobody measured
_PROTOCOLS = ("modbus", "dnp3", "opcua", "mqtt", "tls")


@dataclass(frozen=True, slots=True)
class Matched:
    """`alerts`: rows of `alert_rows`, by case. `beyond`: those that were more than a rule may raise at once."""

    rule: Rule
    alerts: list[dict[str, Any]]
    beyond: int

    @property
    def told(self) -> str:
        """What is to be said of it; empty: nothing."""
        if not self.beyond:
            return ""
        return (
            f"{self.rule.file}: rule {self.rule.id} matched {self.beyond:,} times more than the {MOST:,} alerts that it"
            " may raise at once; those are not stored: narrow the rule, or ask a shorter time"
        )


def matches(store: Reading, rule: Rule, case: str = "", since: str = "") -> Matched:
    """`since`: SQL of a time. InputError where the rule cannot be asked."""
    table = rule.table
    conditions = [f"({rule.condition})"]
    conditions += [f"case_id = {quote(case)}"] if case else []
    conditions += [f"ts >= {since}"] if since else []
    conditions += [f"detector != '{DETECTOR}'"] if table.name == "alert_rows" else []
    last = "last_ts" if table.name in ("flows", "alert_rows") else "ts"
    sql = (
        "SELECT case_id, toDate(ts) AS day, src_ip, dst_ip, capture, count() AS n, min(ts) AS first,"
        f" max({last}) AS last, arraySort(groupArraySorted({_FRAMES})({table.frame})) AS frames"
        f" FROM {table.name} WHERE {' AND '.join(conditions)}"
        " GROUP BY case_id, day, src_ip, dst_ip, capture"
    )
    order, beyond = "ORDER BY case_id, day, src_ip, dst_ip, capture", 0
    try:
        found = list(rows(store, check_reading(f"{sql} {order} LIMIT {MOST + 1}")))
        if len(found) > MOST:
            [counted] = rows(store, check_reading(f"SELECT count() AS n FROM ({sql})"))
            beyond = int(counted["n"]) - MOST
    except InputError as error:
        raise InputError(f"{rule.file}: rule {rule.id} cannot be asked: {error}") from None
    runs = _runs(store, {row["capture"] for row in found})
    return Matched(rule, [_alert(rule, row, runs) for row in found[:MOST]], beyond)


def _runs(store: Reading, captures: set[str]) -> dict[tuple[str, str], str]:
    """What each capture was last replayed with: alerts go with it when that is done again."""
    ids = ", ".join(map(quote, sorted(captures - {""})))
    if not ids:
        return {}
    sql = f"SELECT case_id, id, run FROM captures WHERE id IN ({ids})"
    return {(row["case_id"], row["id"]): row["run"] for row in rows(store, sql)}


def _alert(rule: Rule, row: Mapping[str, Any], runs: Mapping[tuple[str, str], str]) -> dict[str, Any]:
    src, dst = address(row["src_ip"]), address(row["dst_ip"])
    first = nanoseconds(row["first"])
    who = f"{src} → {dst}: " if src and dst else f"{src or dst}: " if src or dst else ""
    evidence = {"rule": rule.id, "file": rule.file, "level": rule.severity, "description": rule.description,
                "false_positives": list(rule.false_positives), "service": rule.service}  # fmt: skip
    atlas = any(technique.startswith("AML.") for technique in rule.techniques)
    return {
        "case_id": row["case_id"], "run": runs.get((row["case_id"], row["capture"]), ""), "ts": first,
        "alert_id": alert_id(DETECTOR, rule.id, row["day"], row["src_ip"], row["dst_ip"], row["capture"]),
        "detector": DETECTOR, "kind": f"{DETECTOR}.{rule.service}", "title": rule.title, "severity": rule.severity,
        "confidence": _CONFIDENCE, "src_ip": row["src_ip"], "dst_ip": row["dst_ip"], "src_zone": "", "dst_zone": "",
        "protocol": rule.service if rule.service in _PROTOCOLS else "", "summary": f"{who}{rule.title}",
        "evidence": evidence, "techniques": list(rule.techniques),
        "attack_version": f"{ATTACK_VERSION}; {ATLAS_VERSION}" if atlas else ATTACK_VERSION if rule.techniques else "",
        "controls": [], "frames": [frame for frame in row["frames"] if frame], "capture": row["capture"],
        "count": row["n"], "first_ts": first, "last_ts": nanoseconds(row["last"]), "suppressed": "",
    }  # fmt: skip


def detect(
    store: Reading, rules: Sequence[Rule], say: Callable[[str], None], case: str = "", since: str = ""
) -> list[dict[str, Any]]:
    """The alerts of all rules; `say` is told of what was too much."""
    found = []
    for rule in rules:
        matched = matches(store, rule, case, since)
        found += matched.alerts
        if matched.told:
            say(matched.told)
    return found


def keep(saying: Saying, alerts: Sequence[Mapping[str, Any]]) -> None:
    """Into the store, as other alerts are."""
    for case in sorted({str(alert["case_id"]) for alert in alerts}):
        saying.record("alert_rows", case, [a for a in alerts if a["case_id"] == case])
