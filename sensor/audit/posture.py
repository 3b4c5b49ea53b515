"""Findings on encryption, credentials, models, on what the sensor did not see, and on what people made of alerts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sensor.alerts import ask
from sensor.audit import EVIDENCE, FACT, GAP, VIOLATION, queries
from sensor.audit.making import finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from detectors.zones import Policy
    from sensor.audit import Finding
    from sensor.audit.queries import Scope
    from sensor.audit.segmentation import Segmentation
    from sensor.store import Reading

    Row = dict[str, Any]

OLD_TLS = ("SSL 2.0", "SSL 3.0", "TLS 1.0", "TLS 1.1")
WEAK_POLICIES = ("None", "Basic128Rsa15", "Basic256")  # OPC 10000-7: deprecated, or no security at all
APPROVED = ("approved", "old")
_ALERT = ("kind", "source", "target", "protocol")


def encryption(store: Reading, scope: Scope, crossed: Segmentation) -> Iterator[Finding]:
    rows = [
        {**_without(row, "opened", "first", "last"), "posture": _posture(crossed, row)}
        for row in crossed.crossings
        if row["opened"]
    ]
    broken = [row["posture"] == _BROKEN for row in rows]
    clear = sum(1 for row in rows if row["clear_flows"] and not row["encrypted_flows"])
    text = (
        f"{sum(broken)} crossings are in clear although their conduit asks for encryption. {clear} of {len(rows)} "
        "crossings between zones carry nothing encrypted. Flows of which it could not be told are in neither column."
    )
    sealed = any(row["encrypted_flows"] for row in rows)
    yield finding(
        "encryption.conduits", "Encryption", "Encryption of each crossing",
        VIOLATION if any(broken) else EVIDENCE if sealed else FACT, text, queries.crossings(scope), rows,
        ("src_zone", "dst_zone", "protocol"), broken if any(broken) else None,
    )  # fmt: skip
    yield _versions(
        store, "encryption.tls", "Versions of TLS", queries.tls(scope), ("src_zone", "dst_zone", "version"), "version",
        OLD_TLS, "handshakes of a version that RFC 8996 forbids",
    )  # fmt: skip
    yield _versions(
        store, "encryption.opcua", "Security of OPC UA channels", queries.opcua(scope), ("server", "policy", "mode"),
        "policy", WEAK_POLICIES, "channels without security, or of a policy that the standard has withdrawn",
    )  # fmt: skip


_BROKEN = "required, and in clear"


def _posture(crossed: Segmentation, row: Row) -> str:
    verdict = crossed.verdict(row)
    asks = verdict.conduit is not None and (verdict.conduit.encrypted or bool(verdict.conduit.tls))
    if asks and row["clear_flows"]:
        return _BROKEN
    if row["clear_flows"] and row["encrypted_flows"]:
        return "mixed"
    if row["clear_flows"]:
        return "in clear"
    if row["encrypted_flows"]:
        return "required, and encrypted" if asks else "encrypted"
    return "could not be told"


def _versions(
    store: Reading,
    identity: str,
    title: str,
    query: str,
    key: tuple[str, ...],
    column: str,
    bad: Sequence[str],
    of: str,
) -> Finding:
    rows = ask(store, query)
    wrong = [row[column].rpartition("#")[2] in bad for row in rows]
    text = f"{sum(wrong)} of {len(rows)} lines are {of}." if rows else "None was seen."
    stance = VIOLATION if any(wrong) else EVIDENCE if rows else FACT
    return finding(identity, "Encryption", title, stance, text, query, rows, key, wrong if any(wrong) else None)


def credentials(store: Reading, scope: Scope) -> Iterator[Finding]:
    query = queries.credentials(scope)
    rows = ask(store, query)
    text = (
        f"{len(rows)} pairs of hosts showed credentials in clear, or default ones. That they were seen is stored, "
        "never what they were."
        if rows
        else "No credentials in clear were seen. What is encrypted, or not dissected, is not looked into."
    )
    yield finding(
        "credentials.clear", "Credentials", "Credentials in clear", VIOLATION if rows else EVIDENCE, text, query, rows,
        _ALERT,
    )  # fmt: skip


def models(store: Reading, scope: Scope) -> Iterator[Finding]:
    query = queries.artefacts(scope)
    rows = ask(store, query)
    wrong = [row["verdict"] not in APPROVED for row in rows]
    text = (
        f"{len(rows)} model artefacts were seen on the network, {sum(wrong)} of them with a SHA-256 that no approved "
        "version has."
        if rows
        else "No model artefact was seen on the network in a form that can be read."
    )
    yield finding(
        "models.artefacts", "AI models", "Model artefacts seen on the network",
        VIOLATION if any(wrong) else EVIDENCE if rows else FACT, text, query, rows,
        ("sha256", "source", "target"), wrong if any(wrong) else None,
    )  # fmt: skip
    query = queries.model_alerts(scope)
    rows = ask(store, query)
    yield finding(
        "models.alerts", "AI models", "Alerts on models", VIOLATION if rows else EVIDENCE,
        f"{len(rows)} alerts on unapproved, changed or unknown models and on hosts that may run one."
        if rows else "No alert on a model was raised.", query, rows, _ALERT,
    )  # fmt: skip


def monitoring(store: Reading, scope: Scope, policy: Policy) -> Iterator[Finding]:
    for identity, title, query, key, some, none in (
        ("monitoring.mirror", "What the mirror port did not bring", queries.mirror_alerts(scope), _ALERT,
         "alerts on the mirror port itself: what it loses is seen by nobody.",
         "No alert on the mirror port was raised."),
        ("monitoring.losses", "What was lost on the way to the store", queries.losses(scope),
         ("sensor", "case", "counter"), "counters of loss are above nought.", "No loss was counted."),
        ("monitoring.one_sided", "Conversations of which a part is missing", queries.one_sided(scope),
         ("src_zone", "dst_zone", "protocol"), "kinds of conversations lack one direction, or bytes in between.",
         "Both directions of every conversation were seen, and no byte of them is missing."),
        ("monitoring.silences", f"Silence of more than {queries.SILENCE} minutes", queries.silences(scope),
         ("sensor", "case", "from"), "times without any packet.", "There is no longer time without packets."),
    ):  # fmt: skip
        rows = ask(store, query)
        text = f"{len(rows)} {some}" if rows else none
        yield finding(identity, "Monitoring gaps", title, GAP if rows else EVIDENCE, text, query, rows, key)
    yield _unseen(store, scope, policy)


def _unseen(store: Reading, scope: Scope, policy: Policy) -> Finding:
    query = queries.zones(scope)
    seen = {row["zone"] for row in ask(store, query)}
    unseen = [zone for zone in policy.zones if zone.name not in seen]
    rows = [{"zone": z.name, "level": z.level, "networks": ", ".join(z.cidrs)} for z in unseen]
    text = (
        f"Of {len(rows)} configured zones no host was seen: they are silent, or the mirror port does not see them."
        if rows
        else "Hosts were seen of every configured zone." if policy.zones else "No zones are configured."
    )  # fmt: skip
    stance = GAP if rows else EVIDENCE if policy.zones else FACT
    return finding(
        "monitoring.zones", "Monitoring gaps", "Zones that were not seen", stance, text, query, rows, ("zone",)
    )


def review(store: Reading, scope: Scope) -> Iterator[Finding]:
    query = queries.exceptions(scope)
    rows = ask(store, query)
    yield finding(
        "review.exceptions", "Review", "What analysts accepted", FACT,
        f"{len(rows)} causes are learned, muted or closed: each is a decision of somebody, to confirm or take back."
        if rows else "No verdict hides an alert.", query, rows, ("status", "kind", "source", "target"),
    )  # fmt: skip
    query = queries.controls(scope)
    rows = ask(store, query)
    yield finding(
        "review.controls", "Review", "Alerts by control", FACT,
        "Which controls the alerts of this time speak of, whatever became of them." if rows else "No alert was raised.",
        query, rows, ("control",),
    )  # fmt: skip


def scope_of(store: Reading, scope: Scope) -> Iterator[Finding]:
    query = queries.captures(scope)
    yield finding(
        "scope.sources", "Scope", "What was listened to", FACT, "Captures and interfaces that this report stands on.",
        query, ask(store, query), ("sensor", "case", "source"),
    )  # fmt: skip
    query = queries.zones(scope)
    yield finding(
        "scope.zones", "Scope", "Hosts seen by zone", EVIDENCE,
        "Zones that are inferred were told by addresses and roles.", query, ask(store, query), ("zone",),
    )  # fmt: skip


def _without(row: Row, *names: str) -> Row:
    return {name: value for name, value in row.items() if name not in names}
