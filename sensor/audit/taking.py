"""An audit of a store; and the file that keeps it for the next one."""

from __future__ import annotations

import dataclasses
import hashlib
from typing import TYPE_CHECKING, Any

import orjson

from detectors.zones import Policy
from sensor.alerts import ask
from sensor.audit import Audit, Finding, posture, queries
from sensor.audit.segmentation import Segmentation
from sensor.errors import InputError
from sensor.program import version

if TYPE_CHECKING:
    from pathlib import Path

    from sensor.audit.queries import Scope
    from sensor.config import Config
    from sensor.store import Reading

FORMAT = "driftspan-audit-1"


def take(
    store: Reading, config: Config, scope: Scope, *, where: str, made: str, since: str = "", until: str = ""
) -> Audit:
    """`made`: when, ISO 8601. InputError where there is nothing to audit."""
    [seen] = ask(store, queries.span(scope))
    if not seen["flows"]:
        raise InputError(f"{where}: there is no traffic of that time and case to audit")
    policy = Policy(config.zones, config.conduits)
    crossed = Segmentation(store, scope, policy)
    findings = (
        *posture.scope_of(store, scope),
        *crossed.findings(),
        *posture.encryption(store, scope, crossed),
        *posture.credentials(store, scope),
        *posture.models(store, scope),
        *posture.monitoring(store, scope, policy),
        *posture.review(store, scope),
    )
    return Audit(
        made, version(), where, scope.case, since, until, seen["first"], seen["last"], tuple(seen["sensors"]),
        _digest(policy), findings,
    )  # fmt: skip


def _digest(policy: Policy) -> str:
    told = [*map(dataclasses.asdict, policy.zones), *map(dataclasses.asdict, policy.conduits)]
    return hashlib.sha256(orjson.dumps(told)).hexdigest() if told else ""


def kept(audit: Audit) -> bytes:
    return orjson.dumps({"format": FORMAT, **dataclasses.asdict(audit)}, option=orjson.OPT_INDENT_2) + b"\n"


def read(path: Path) -> Audit:
    """InputError names the file and says what is wrong with it."""
    try:
        found: dict[str, Any] = orjson.loads(path.read_bytes())
        if found.pop("format") != FORMAT:
            raise InputError(
                f"{path}: is an audit of another version; take it anew with 'driftspan audit --format json'"
            )
        findings = tuple(Finding(**{name: _frozen(v) for name, v in each.items()}) for each in found.pop("findings"))
        plain = {name: _frozen(value) for name, value in found.items()}
        return Audit(**plain, findings=findings)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
        raise InputError(f"{path}: is no audit; 'driftspan audit --format json --output FILE' writes one") from None


def _frozen(value: Any) -> Any:
    return tuple(map(_frozen, value)) if isinstance(value, list) else value
