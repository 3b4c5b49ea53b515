"""`driftspan models`: the models of the plant, and what of them may be used."""

from __future__ import annotations

import hashlib
import time
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from detectors.models import Model, checked
from sensor import manifest, model_registry, models_seen
from sensor.commands.common import location, settings, signature
from sensor.commands.noted import noting
from sensor.config_read import unknown
from sensor.errors import InputError
from sensor.model_registry import ADD, APPROVE, REVOKE, UNDO, Record
from sensor.output import chosen_format, show_rows
from sensor.service.log import say
from sensor.store import open_reading, open_saying
from sensor.store.server.place import is_server
from sensor.when import iso

if TYPE_CHECKING:
    from argparse import Namespace

    from sensor.config import Config

_SELECTORS = ("host", "input", "output")
_LONGEST_ROLLBACK = 1_000_000  # minutes
_LONGEST = 200  # characters of an id, a version, a selector
_MOST_SELECTORS = 1_000
_CHUNK = 1 << 20


def run(arguments: Namespace) -> int:
    loaded = settings(arguments)
    fmt = chosen_format(arguments.format)
    if arguments.action == "list":
        rows = _list(arguments, loaded, fmt)
    elif arguments.action == "history":
        rows = _history(arguments, loaded)
    else:
        rows = [_say(arguments, loaded)]
    show_rows(rows, fmt)
    return 0


@dataclass(frozen=True, slots=True)
class _Given:
    """`fixed`: the configuration's models. `said`: every record so far. `draft`: the one to be made whole."""

    arguments: Namespace
    fixed: tuple[Model, ...]
    said: list[Record]
    draft: Record

    @property
    def models(self) -> tuple[Model, ...]:
        return model_registry.merged(self.fixed, self.said)

    @property
    def model(self) -> Model:
        """The one that is meant."""
        for model in self.models:
            if model.id == self.draft.model_id:
                return model
        why = unknown("model", self.draft.model_id, [model.id for model in self.models])
        raise InputError(f"{why}; 'driftspan models add' adds one")


def _say(arguments: Namespace, loaded: Config) -> dict[str, object]:
    """Everything is checked before the store is opened to write, but for what only the store knows."""
    who, note = signature(arguments)
    build = {ADD: _added, APPROVE: _approved, REVOKE: _revoked, UNDO: _undone}[arguments.action]
    given = _plain("the model's id", arguments.what if arguments.action == UNDO else arguments.model)
    sums = _sums(arguments, given) if arguments.action == APPROVE else ((), "")
    fixed = model_registry.configured(loaded.models)
    where = location(arguments, loaded)
    layout = loaded.layout()
    with (
        closing(open_saying(where, loaded.store.database, loaded.sensor.name, layout, make=True)) as store,
        noting(where, loaded, store) as noted,
    ):
        said = model_registry.records(store)
        draft = Record(arguments.action, given, who, note, sha256=sums[0], origin=sums[1])
        known = _Given(arguments, fixed, said, draft)
        record = build(known)
        model = next((model for model in known.models if model.id == record.model_id), None)
        last = model_registry.last_of(said, given) if record.action == UNDO else None
        held = model_registry.before(model, record, last)
        stored = model_registry.say(store, record, time.time_ns())
        noted(f"models.{record.action}", held, model_registry.told(stored), record.model_id)
    return _row(stored, "")


def _added(given: _Given) -> Record:
    minutes = given.arguments.rollback_minutes
    if not 0 <= minutes <= _LONGEST_ROLLBACK:
        raise InputError(f"--rollback-minutes must be between 0 and {_LONGEST_ROLLBACK}")
    names = {kind: [_plain(f"--{kind}", name) for name in getattr(given.arguments, kind)] for kind in _SELECTORS}
    if any(len(found) > _MOST_SELECTORS for found in names.values()):
        raise InputError(f"a model has at most {_MOST_SELECTORS} hosts, inputs or outputs")
    hosts, inputs, outputs = (tuple(dict.fromkeys(found)) for found in names.values())
    whole = replace(given.draft, hosts=hosts, inputs=inputs, outputs=outputs, rollback_minutes=minutes)
    model_registry.check_add(given.models, [model.id for model in given.fixed], whole)
    return whole


def _approved(given: _Given) -> Record:
    model, whole = given.model, given.draft
    version = _plain("the version", given.arguments.version)
    if not whole.sha256:
        if version not in model.approved:
            raise InputError(f"say what version {version!r} is: --sha256, --file or --manifest")
        whole = replace(whole, sha256=model.sums(version), origin="approved before")
    whole = replace(whole, version=version)
    model_registry.check_approve(model, whole)
    return whole


def _revoked(given: _Given) -> Record:
    model, what = given.model, given.arguments.what.strip()
    version, sums = model_registry.sums_of(model, what)
    if set(sums) <= {checked(model.id, digest) for digest in model.revoked}:
        raise InputError(f"{what!r} of {model.id!r} is revoked already")
    return replace(given.draft, version=version, sha256=sums)


def _undone(given: _Given) -> Record:
    last = model_registry.last_of(given.said, given.draft.model_id)
    return replace(
        given.draft,
        model_id=last.model_id,
        version=last.version,
        sha256=last.sha256,
        undoes=last.record,
        origin=last.action,
    )


def _sums(arguments: Namespace, model: str) -> tuple[tuple[str, ...], str]:
    """The SHA-256 sums of an approval, and where they are from."""
    if (arguments.key or arguments.certificate) and not arguments.manifest:
        raise InputError("--key and --certificate are for a --manifest")
    if arguments.manifest:
        found = manifest.read(arguments.manifest, manifest.Trust(arguments.key, arguments.certificate))
        return found.sums, f"manifest of {found.name} signed by {found.signer}"
    if arguments.file:
        return tuple(dict.fromkeys(_digest(path) for path in arguments.file)), "file " + ", ".join(arguments.file)
    try:
        return tuple(dict.fromkeys(checked(model, digest) for digest in arguments.sha256)), "given"
    except ValueError as error:
        raise InputError(str(error)) from None


def _digest(path: str) -> str:
    whole = hashlib.sha256()
    try:
        with Path(path).open("rb") as handle:
            while piece := handle.read(_CHUNK):
                whole.update(piece)
    except IsADirectoryError:
        raise InputError(f"{path}: is a directory; name its files, or sign it and name the manifest") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    return whole.hexdigest()


def _plain(what: str, given: str) -> str:
    plain = given.strip()
    if not plain.isprintable() or not 0 < len(plain) <= _LONGEST:
        raise InputError(f"{what} must be 1 to {_LONGEST} printable characters")
    return plain


def _history(arguments: Namespace, loaded: Config) -> list[dict[str, object]]:
    with closing(open_reading(location(arguments, loaded), loaded.store.database)) as store:
        said = model_registry.records(store)
    counting = {record.record for record in model_registry.standing(said)}
    wanted = [record for record in said if arguments.model in ("", record.model_id)]
    return [_row(record, "yes" if record.record in counting else "no") for record in wanted]


def _row(said: Record, counts: str) -> dict[str, object]:
    row: dict[str, object] = {
        "record": said.record, "time": iso(said.ts), "model": said.model_id, "action": said.action,
        "version": said.version, "sha256": list(said.sha256), "hosts": list(said.hosts), "inputs": list(said.inputs),
        "outputs": list(said.outputs), "origin": said.origin, "undoes": said.undoes, "by": said.analyst,
        "note": said.note,
    }  # fmt: skip
    return row | ({"counts": counts} if counts else {})


def _list(arguments: Namespace, loaded: Config, fmt: str) -> list[dict[str, object]]:
    fixed = model_registry.configured(loaded.models)
    where = location(arguments, loaded)
    if not is_server(where) and not Path(where).exists() and fixed and arguments.store is None:
        say(f"{where}: there is no store yet; only the configuration's models are shown")
        return [models_seen.shown(model, "configuration", [], nested=fmt == "ndjson") for model in fixed]
    with closing(open_reading(where, loaded.store.database)) as store:
        return models_seen.listed(store, fixed, arguments.case, nested=fmt == "ndjson")
