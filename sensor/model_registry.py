"""What was said of models at run time, merged with those of the configuration.

Records are only ever added; the ones that count are those that no later `undo` takes back. A model of the
configuration stays as it is there; records add approved versions and revoked sums to it. What was approved last is
the newest version, also where it was approved before: so one goes back to an older one. A revoked sum stays revoked
until the revocation is taken back.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from hashlib import blake2b
from typing import TYPE_CHECKING

from detectors.models import Model, Models, checked, several
from sensor import manifest
from sensor.alerts import ask
from sensor.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    from sensor.store import Reading, Saying

ADD, APPROVE, REVOKE, UNDO = "add", "approve", "revoke", "undo"
MOST_MODELS, MOST_RECORDS = 1_000, 100_000
_TABLE = "model_registry"
_NEEDED = "SELECT count() AS there FROM system.tables WHERE database = currentDatabase() AND name = 'model_registry'"


@dataclass(frozen=True, slots=True)
class Record:
    """A row of the table `model_registry`. `ts`: nanoseconds since the epoch, 0 until it is stored."""

    action: str
    model_id: str
    analyst: str
    note: str = ""
    version: str = ""
    sha256: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    rollback_minutes: int = 0
    origin: str = ""
    undoes: str = ""
    ts: int = 0
    record: str = ""


def configured(models: Iterable[Model]) -> tuple[Model, ...]:
    """Models of the configuration with what their signed manifests approve. InputError for a manifest that cannot be
    used, ValueError never: the configuration was checked."""
    return tuple(_with_manifests(model) for model in models)


def _with_manifests(model: Model) -> Model:
    if not model.manifest:
        return model
    approved: dict[str, tuple[str, ...]] = {version: model.sums(version) for version in model.approved}
    trust = manifest.Trust(model.manifest_key, model.manifest_certificate)
    for path in several(model.manifest):
        found = manifest.read(path, trust)
        approved[found.name] = tuple(dict.fromkeys((*approved.pop(found.name, ()), *found.sums)))
    return replace(model, approved=approved)


def records(store: Reading) -> list[Record]:
    """All that was said, the earliest first; none where the store is of an older program."""
    if not int(ask(store, _NEEDED)[0]["there"]):
        return []
    names = ", ".join(name for name in Record.__slots__ if name != "ts")
    inner = (
        f"SELECT {names}, toUnixTimestamp64Nano(ts) AS said FROM {_TABLE} ORDER BY said, record LIMIT {MOST_RECORDS}"
    )
    rows = ask(store, f"SELECT * EXCEPT said, said AS ts FROM ({inner}) ORDER BY ts, record")
    return [record_of({**row, "ts": int(row["ts"])}) for row in rows]


def record_of(row: Mapping[str, Any]) -> Record:
    """A record that went through JSON."""
    values: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in row.items()}
    return Record(**values)


def standing(said: Sequence[Record]) -> list[Record]:
    """Those that count: not taken back, and taking nothing back."""
    undone = {record.undoes for record in said}
    return [record for record in said if record.action != UNDO and record.record not in undone]


def merged(models: Iterable[Model], said: Sequence[Record]) -> tuple[Model, ...]:
    """The models as they are now, those of the configuration first."""
    now = {model.id: model for model in models}
    fixed, counting = frozenset(now), standing(said)
    for record in counting:
        if record.action == ADD and record.model_id not in fixed:
            now[record.model_id] = Model(
                record.model_id, record.hosts, record.inputs, record.outputs, rollback_minutes=record.rollback_minutes
            )
    for record in counting:
        known = now.get(record.model_id)
        if known is None:
            continue  # its model is in no configuration any more
        if record.action == APPROVE:
            earlier = {version: sums for version, sums in known.approved.items() if version != record.version}
            now[record.model_id] = replace(known, approved=earlier | {record.version: record.sha256})
        elif record.action == REVOKE:
            now[record.model_id] = replace(known, revoked=tuple(dict.fromkeys((*known.revoked, *record.sha256))))
    return tuple(now.values())


def running(store: Reading, models: Iterable[Model]) -> tuple[Model, ...]:
    """What a run works with: the configuration's models, their manifests, and what the store says of them."""
    return merged(configured(models), records(store))


def say(store: Saying, said: Record, now: int) -> Record:
    """Records it, durably, and gives it as it is stored."""
    earlier = records(store)
    if len(earlier) >= MOST_RECORDS:
        raise InputError(f"the registry holds {MOST_RECORDS} records already")
    # Later than what was said before: a clock that was set back must not change what counts.
    ts = max([now, *(record.ts + 1 for record in earlier)])
    name = blake2b(repr((ts, said.action, said.model_id, said.version, said.undoes)).encode(), digest_size=6)
    whole = replace(said, ts=ts, record=name.hexdigest())
    store.record(_TABLE, "", [asdict(whole)])
    return whole


def told(stored: Record) -> dict[str, object]:
    """What the access log keeps of it; who said it stands beside."""
    return {name: value for name, value in asdict(stored).items() if value}


def before(known: Model | None, said: Record, last: Record | None = None) -> dict[str, object]:
    """What the access log keeps of what held before. `last`: what an undo takes back."""
    if last is not None:
        return {"action": last.action, "version": last.version}
    if known is None:
        return {}
    return {"revoked": list(known.revoked)} if said.action == REVOKE else {"approved": list(known.approved)}


def check_add(models: Sequence[Model], fixed: Iterable[str], said: Record) -> None:
    """InputError for a model that cannot be added."""
    if said.model_id in fixed:
        raise InputError(f"model {said.model_id!r} is in the configuration; change its [[model]] there")
    if len(models) >= MOST_MODELS and said.model_id not in {model.id for model in models}:
        raise InputError(f"there are {MOST_MODELS} models already")
    if not said.hosts and not said.inputs and not said.outputs:
        wanted = "--host, --input, --output"
        raise InputError(f"say where model {said.model_id!r} runs, or what it reads and publishes: {wanted}")
    try:
        Models([Model(said.model_id, said.hosts)])
    except ValueError as error:
        raise InputError(str(error)) from None


def check_approve(model: Model, said: Record) -> None:
    """InputError for sums that cannot be approved under this version."""
    revoked = {checked(model.id, digest) for digest in model.revoked}
    for digest in said.sha256:
        if digest in revoked:
            raise InputError(
                f"{digest[:16]}… is a revoked artefact of {model.id!r}; take the revocation back first "
                "('driftspan models undo', or revoked in the configuration)"
            )
    if said.version in model.approved and set(model.sums(said.version)) != set(said.sha256):
        raise InputError(
            f"version {said.version!r} of {model.id!r} is approved with other sums; use another version, or take that "
            "back first ('driftspan models undo')"
        )


def sums_of(model: Model, wanted: str) -> tuple[str, tuple[str, ...]]:
    """Version and sums that a revocation names: a version, a SHA-256, or the start of an approved one."""
    if wanted in model.approved:
        return wanted, model.sums(wanted)
    plain = wanted.lower().removeprefix("sha256:")
    if len(plain) == 64 and set(plain) <= set("0123456789abcdef"):
        return next((v for v in model.approved if plain in model.sums(v)), ""), (plain,)
    versions = ", ".join(model.approved) or "none"
    raise InputError(f"{wanted!r} is neither an approved version of {model.id!r} ({versions}) nor a SHA-256")


def last_of(said: Sequence[Record], wanted: str) -> Record:
    """The record that an undo takes back: the one named, or the latest that counts of the model named."""
    counting = standing(said)
    found = [r for r in counting if r.model_id == wanted][-1:] or [r for r in counting if r.record == wanted]
    if found:
        return found[0]
    if any(record.record == wanted for record in said):
        raise InputError(f"record {wanted!r} does not count any more; there is nothing to take back")
    raise InputError(f"nothing was said of a model {wanted!r}; 'driftspan models history' lists the records")
