"""`driftspan ledger`: whether records are as they were written, and proofs of it for others."""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from sensor.case_name import LIVE, check_case
from sensor.commands.common import location, opened, reading, settings
from sensor.errors import FAILED, DriftspanError, InputError
from sensor.ledger.config import folder_of
from sensor.output import chosen_format, show_rows
from sensor.service.log import say
from sensor.when import iso

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterator

    from sensor.config import Config
    from sensor.ledger.keys import Keys
    from sensor.ledger.note import Head
    from sensor.ledger.outputs import Verified
    from sensor.ledger.records import Wrong
    from sensor.ledger.trees import Tree
    from sensor.ledger.verifying import Verification

Row = dict[str, object]
_MOST_REMOVALS = 20  # told one by one
_MOST_BYTES = 1 << 30


def run(arguments: Namespace) -> int:
    action = {"verify": _verify, "prove": _prove, "check": _check, "heads": _heads, "key": _key}[arguments.action]
    return action(arguments)


def _verify(arguments: Namespace) -> int:
    from sensor.ledger import note, verifying

    case = arguments.case if arguments.case in (None, LIVE) else check_case(arguments.case)
    given = note.public_key(arguments.key) if arguments.key else None
    kept = [head for path in arguments.heads for head in _kept(path)]
    keys = _keys(arguments)
    with reading(arguments) as store:
        done = verifying.verify(store, case, keys, given, kept)
    if not done.chains and not done.trees:
        where = f"case {case!r}" if case else "the store"
        say(f"{where} holds no outputs of models, no access log: there is nothing to verify")
        return 0
    bad = list(_faults(done))
    _say_about(done, trusted=bool(keys or given))
    show_rows(bad or list(_whole(done)), chosen_format(arguments.format))
    if bad:
        whole = sum(not chain.faults for chain in done.chains) + sum(not tree.broken for tree in done.trees)
        of = f"{whole} of {len(done.chains) + len(done.trees)} chains and trees are whole"
        say(f"the log was tampered with: {len(bad)} faults, {of}", "error")
    return FAILED if bad else 0


def _keys(arguments: Namespace) -> Keys | None:
    """What is known of the log whose directory belongs to the store."""
    from sensor.ledger.keys import Keys

    loaded = settings(arguments)
    keys = Keys(_folder(arguments, loaded))
    return keys if keys.read() else None


def _folder(arguments: Namespace, loaded: Config) -> Path:
    return folder_of(location(arguments, loaded), loaded.ledger, loaded.store.database)


def _needed(arguments: Namespace, loaded: Config) -> Keys:
    keys = _keys(arguments)
    if keys is None:
        folder = _folder(arguments, loaded)
        raise InputError(f"{folder}: there is no log yet; whatever writes to the store begins one")
    return keys


def _kept(path: str) -> list[Head]:
    from sensor.ledger import note

    try:
        if Path(path).stat().st_size > _MOST_BYTES:
            raise InputError(f"{path}: is too large for a file of heads")
        return note.heads_in(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    except (ValueError, KeyError) as error:
        raise InputError(f"{path}: holds no signed heads: {error}") from None


def _say_about(done: Verification, *, trusted: bool) -> None:
    for chain in done.chains:
        if not chain.finished:
            say(f"case {chain.name.case_id!r}: its replay did not come to its end")
    removals = sorted(
        ((removal.at, removal) for found in done.records.values() for removal in found.removals),
        key=lambda pair: pair[0],
    )
    for at, removal in removals[-_MOST_REMOVALS:]:
        what = f"{removal.stream} of case {removal.case!r}"
        say(f"{what} that were written before were removed by {removal.who} at {iso(at)}: {removal.why}")
    if len(removals) > _MOST_REMOVALS:
        say(f"{len(removals) - _MOST_REMOVALS} earlier removals on purpose are not listed")
    for name, found in done.records.items():
        if found.expired:
            say(f"{found.expired} records of {name} are gone because the store keeps them only so long")
        if found.older:
            say(f"{found.older} records of {name} are older than the ledger; the next that writes commits to them")
    for name in done.cut:
        say(f"the last write to {name} was cut off; whoever opens the store next to write brings it to its end")
    if done.trees and not trusted:
        say("signatures were not checked: the log's directory is not here; name its public key with --key", "warning")


def _whole(done: Verification) -> Iterator[Row]:
    for chain in done.chains:
        name = chain.name
        yield {"result": "whole", "case": name.case_id, "sensor": name.sensor, "run": name.run,
               "records": chain.records, "head": chain.head}  # fmt: skip
    for tree in done.trees:
        yield {"result": "whole", "case": "", "sensor": tree.sensor, "run": "", "records": tree.size,
               "head": tree.root.hex(), "stream": tree.stream, "log": tree.log, "signed": tree.signed}  # fmt: skip


def _faults(done: Verification) -> Iterator[Row]:
    for chain in done.chains:
        yield from _of_chain(chain)
    for name, found in done.records.items():
        yield from (_of_record(name, fault) for fault in found.wrong)
    for tree in done.trees:
        yield from _of_tree(tree)


def _of_chain(chain: Verified) -> Iterator[Row]:
    name = chain.name
    for fault in chain.faults:
        yield {"result": fault.what, "case": name.case_id, "sensor": name.sensor, "run": name.run, "seq": fault.seq,
               "last": fault.last, "ts": iso(fault.ts), "detail": fault.detail}  # fmt: skip


def _of_record(stream: str, fault: Wrong) -> Row:
    return {"result": fault.what, "case": fault.case, "sensor": "", "run": fault.run, "seq": None, "last": None,
            "ts": iso(fault.ts), "detail": fault.detail, "stream": stream, "record": fault.key,
            "leaf": fault.place if fault.log else None, "log": fault.log}  # fmt: skip


def _of_tree(tree: Tree) -> Iterator[Row]:
    for broken in tree.broken:
        yield {"result": broken.what, "case": "", "sensor": tree.sensor, "run": "", "seq": None, "last": broken.last,
               "ts": "", "detail": broken.detail, "stream": tree.stream, "record": "", "leaf": broken.place,
               "log": tree.log}  # fmt: skip


def _prove(arguments: Namespace) -> int:
    from sensor.ledger import proof
    from sensor.ledger.reading import asking

    if (arguments.id is None) == (arguments.since is None):
        raise InputError("name the ID of a record, or --since a file of signed heads")
    with reading(arguments) as store:
        _needs_ledger(store)
        ask = asking(store.query)
        if arguments.since is not None:
            proofs = proof.consistency(ask, _kept(arguments.since))
        else:
            proofs = [proof.prove(ask, arguments.id.strip(), arguments.stream, arguments.case)]
    indent = orjson.OPT_INDENT_2 if len(proofs) == 1 else 0
    for each in proofs:
        sys.stdout.buffer.write(orjson.dumps(each, option=indent | orjson.OPT_APPEND_NEWLINE))
    if any(each.get("record", "") is None for each in proofs):
        say("the store has another state of this record, or none: the proof is of its leaf alone", "warning")
    return 0


def _needs_ledger(store: Any) -> None:
    from sensor.ledger.outputs import has_table

    if not has_table(store, "ledger_leaves"):
        raise InputError("this store is older than the ledger; what writes to it next begins one")


def _check(arguments: Namespace) -> int:
    from sensor.ledger import note, proof

    public = note.public_key(arguments.key)
    try:
        data = sys.stdin.buffer.read() if arguments.proof == "-" else Path(arguments.proof).read_bytes()
    except OSError as error:
        raise InputError(f"{arguments.proof}: cannot be read: {error.strerror}") from None
    rows = [proof.check(each, public, arguments.proof) for each in proof.load(data, arguments.proof)]
    show_rows(rows, chosen_format(arguments.format))
    return 0 if all(row["result"] == "proved" for row in rows) else FAILED


def _heads(arguments: Namespace) -> int:
    loaded = settings(arguments)
    texts = _signed(arguments, loaded)
    if not texts:
        say("no stream has a record yet: there is no head")
        return 0
    if not arguments.to:
        sys.stdout.buffer.write("\n".join(texts).encode())
    for place in arguments.to:
        _send(place, texts, loaded)
    return 0


def _signed(arguments: Namespace, loaded: Config) -> list[str]:
    """The latest heads. Where no other process has the store they are signed anew first."""
    from sensor.store import open_saying
    from sensor.store.case_store import CaseStore

    keys = _needed(arguments, loaded)
    where = location(arguments, loaded)
    with closing(open_saying(where, loaded.store.database, loaded.sensor.name, loaded.layout())) as store:
        if isinstance(store, CaseStore):  # else a sensor keeps it, and signs by itself
            store.sign()
    from sensor.ledger.state import Files
    from sensor.ledger.streams import STREAMS

    states = [Files(keys.folder, stream.name).state() for stream in STREAMS]
    return [state.checkpoint for state in states if state is not None and state.checkpoint]


def _send(place: str, texts: list[str], loaded: Config) -> None:
    from sensor.export.ways import AwayError
    from sensor.ledger.witness import send

    try:
        send(place, texts, loaded.ledger)
    except AwayError as error:
        raise DriftspanError(str(error)) from None
    say(f"{len(texts)} heads went to {place}")


def _key(arguments: Namespace) -> int:
    import base64

    from sensor.ledger import note
    from sensor.ledger.state import Files
    from sensor.ledger.streams import STREAMS

    loaded = settings(arguments)
    if arguments.rotate:
        with closing(opened(arguments, loaded)) as store:
            store.rotate_key()
    keys = _needed(arguments, loaded)
    states = {stream.name: Files(keys.folder, stream.name).state() for stream in STREAMS}
    begun = [name for name, state in states.items() if state is not None and state.tree.size]
    rows = [
        {"log": keys.log, "public_key": base64.b64encode(known.public).decode(), "since": iso(known.since),
         "state": "in use" if known is keys.known[-1] else "replaced", "stream": name,
         "verifier": note.verifier(note.origin(keys.sensor, keys.log, name), known.public)}
        for known in keys.known
        for name in begun
    ]  # fmt: skip
    show_rows(rows, chosen_format(arguments.format))
    return 0
