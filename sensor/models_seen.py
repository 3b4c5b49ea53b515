"""What the store shows of models: artefacts that passed, and hosts that may be models nobody named."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import orjson

from detectors import address
from detectors.models import Model, Models
from sensor.alerts import ask
from sensor.model_registry import merged, records
from sensor.store.literal import quote

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sensor.store import Reading

CANDIDATE = "models.candidate"
MOST = 10_000  # artefacts, the ones seen last
_SHOWN_HOSTS = 8


Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Artefact:
    """One content of a model file. `model`: whose it is, by the list or by the host that took it; may be empty."""

    model: str
    version: str
    verdict: str
    sha256: str
    name: str
    format: str
    transfers: int
    first: str
    last: str


def artefacts(store: Reading, models: Models, case: str | None) -> list[Artefact]:
    """Those that passed, the one seen last first, judged by the list as it is now."""
    if not _has_column(store, "files", "upload"):
        return []
    only = f" AND case_id = {quote(case)}" if case else ""
    rows = ask(
        store,
        "SELECT sha256, argMax(name, ts) AS file, argMax(model_format, ts) AS format, count() AS transfers,"
        " toString(toDateTime(min(ts), 'UTC')) AS first,"
        " toString(toDateTime(max(ts), 'UTC')) AS last, max(ts) AS latest,"
        f" arraySort(groupUniqArray({_SHOWN_HOSTS})(toString(if(upload = 1, dst_ip, src_ip)))) AS hosts"
        f" FROM files WHERE model_format != ''{only} GROUP BY sha256 ORDER BY latest DESC, sha256 LIMIT {MOST}",
    )
    return [_artefact(row, models) for row in rows]


def _artefact(row: Row, models: Models) -> Artefact:
    verdict = models.verdict(row["sha256"])
    runs = [model.id for host in row["hosts"] if (model := models.on(address.parse(host)))]
    state = verdict.state if row["sha256"] else "not captured whole"
    return Artefact(
        verdict.model or (runs[0] if runs else ""), verdict.version, state, row["sha256"], row["file"], row["format"],
        int(row["transfers"]), row["first"], row["last"],
    )  # fmt: skip


def candidates(store: Reading, case: str | None) -> list[Row]:
    """Open proposals of models: the host, what it reads and publishes, and a `[[model]]` for the configuration."""
    only = f" AND case_id = {quote(case)}" if case else ""
    rows = ask(
        store,
        "SELECT toString(src_ip) AS host, argMax(evidence, last_ts) AS evidence,"
        f" toString(toDateTime(max(last_ts), 'UTC')) AS last FROM alerts"
        f" WHERE kind = {quote(CANDIDATE)} AND status = 'open'{only} GROUP BY host ORDER BY host",
    )
    return [row | {"evidence": orjson.loads(row["evidence"] or "{}")} for row in rows]


def listed(store: Reading, fixed: Iterable[Model], case: str | None, *, nested: bool) -> list[Row]:
    """A row a model, a candidate, and one for artefacts of no model. `fixed`: the configuration's models."""
    configured = {model.id for model in fixed}
    models = Models(merged(fixed, records(store)))
    passed = artefacts(store, models, case)
    rows = []
    for model in models.all:
        status = "configuration" if model.id in configured else "added"
        rows.append(shown(model, status, [a for a in passed if a.model == model.id], nested=nested))
    unknown = [found for found in candidates(store, case) if models.on(address.parse(found["host"])) is None]
    rows += [_proposed(found, nested=nested) for found in unknown]
    if strays := [a for a in passed if not a.model]:
        rows.append(shown(Model(""), "of no model", strays, nested=nested))
    return rows


def shown(model: Model, status: str, passed: list[Artefact], *, nested: bool) -> Row:
    """`nested`: lists and tables as they are; else texts, with sums shortened to what tells them apart."""
    versions = [artefact for artefact in passed if artefact.version]
    row: Row = {
        "model": model.id, "status": status, "hosts": list(model.hosts), "inputs": list(model.inputs),
        "outputs": list(model.outputs), "newest": next(reversed(list(model.approved)), ""),
        "approved": {version: list(model.sums(version)) for version in model.approved},
        "revoked": list(model.revoked), "last_version": versions[0].version if versions else "",
        "last_seen": passed[0].last if passed else "", "artefacts": [asdict(artefact) for artefact in passed],
        "proposal": "",
    }  # fmt: skip
    if nested:
        return row
    told = [f"{a.version or a.name or a.sha256[:12]} {a.verdict or 'no list'} ({a.transfers})" for a in passed]
    short = {"artefacts": told, "revoked": [digest[:12] for digest in row["revoked"]], "approved": row["approved"]}
    return {
        name: "; ".join(value) if isinstance(value, list | dict) else value for name, value in (row | short).items()
    }


def _proposed(proposal: Row, *, nested: bool) -> Row:
    told = proposal["evidence"]
    host = proposal["host"].removeprefix("::ffff:")
    model = Model(
        str(told.get("suggested_id", "")), (host,), tuple(told.get("inputs", ())), tuple(told.get("outputs", ()))
    )
    row = shown(model, "candidate", [], nested=nested)
    return row | {"last_seen": proposal["last"], "proposal": told.get("configuration", "")}


def _has_column(store: Reading, table: str, column: str) -> bool:
    place = f"database = currentDatabase() AND table = {quote(table)} AND name = {quote(column)}"
    return bool(int(ask(store, f"SELECT count() AS there FROM system.columns WHERE {place}")[0]["there"]))
