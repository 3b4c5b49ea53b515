"""Proofs that leave the store: JSON documents that hold all that is needed but the public key.

Inclusion: the record's texts by column, its leaf's texts by column, the leaf's number, the path to the root and the
signed head. SHA-256 of the record's bytes (`encoding.py`) stands in the leaf; the leaf's bytes, a zero before them, are
the tree's leaf. Consistency: two signed heads and the path that shows the later tree to begin with the earlier one.
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any

import orjson

from sensor.errors import DriftspanError, InputError
from sensor.ledger import merkle, note
from sensor.ledger.encoding import digest, encoded
from sensor.ledger.leaves import ENTRY, RECORD
from sensor.ledger.reading import LEAVES, encoder_of, key_sql, of_tree
from sensor.ledger.streams import NAMED, STREAMS
from sensor.store.literal import quote

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sensor.ledger.note import Head
    from sensor.ledger.reading import Ask
    from sensor.ledger.streams import Stream

INCLUSION, CONSISTENCY = "driftspan inclusion proof, version 1", "driftspan consistency proof, version 1"
_MOST_BYTES = 64 << 20
_SAID = ("verdicts", "runbook")  # what is said of a record has its name


def prove(ask: Ask, wanted: str, stream: str | None, case: str | None) -> dict[str, Any]:
    """Of the latest state of a record. InputError if there is none, or several."""
    found = [
        (named, *row)
        for named in STREAMS
        if stream in (None, named.name)
        for row in _leaves_of(ask, named, wanted, case)
    ]
    if stream is None and any(named.name not in _SAID for named, *_ in found):
        found = [row for row in found if row[0].name not in _SAID]
    if not found:
        raise InputError(f"the ledger has no record {wanted!r}; 'driftspan alerts', 'incidents', 'models history' and "
                         "'query' list what there is")  # fmt: skip
    if len({(named.name, of_case, key) for named, of_case, key, *_ in found}) > 1:
        said = ", ".join(sorted({f"{named.name} {key} of case {of_case!r}" for named, of_case, key, *_ in found})[:5])
        raise InputError(f"{wanted!r} may be several records ({said}); write more of it, or name --stream and --case")
    named, of_case, key, log, index, hashed = found[-1]
    head = _head(ask, log, named.name, index)
    entry = dict(next(ask(f"SELECT {ENTRY.texts_sql()} FROM ledger_leaves WHERE {of_tree(log, named.name)}"
                          f" AND leaf_index = {index}"))[0])  # fmt: skip
    spans = merkle.inclusion_spans(index, head.size)
    return {
        "kind": INCLUSION, "stream": named.name, "case": of_case, "key": key,
        "record": _record(ask, named, of_case, key, hashed), "leaf": entry, "leaf_index": index,
        "path": [_text(each) for each in merkle.heads_of(spans, _hashes(ask, log, named.name, head.size))],
        "checkpoint": head.text,
    }  # fmt: skip


def _leaves_of(ask: Ask, stream: Stream, wanted: str, case: str | None) -> list[tuple[str, str, str, int, str]]:
    """Case, key, log, number and hash of what the record was written with, the latest last."""
    where = f"startsWith(key, {quote(wanted)})"
    if stream.name == "inference":
        hashes = f"SELECT concat(toString(sensor), '/', toString(run), '/', toString(seq), '/', record_id)\
 FROM inference_log WHERE startsWith(hash, {quote(wanted)})"
        where = f"({where} OR key IN ({hashes} AND seq > 0))"
    if case is not None:
        where += f" AND case_id = {quote(case)}"
    rows = ask(
        "SELECT toString(case_id), key, toString(log), toString(leaf_index), record_hash FROM ledger_leaves WHERE"
        f" stream = {quote(stream.name)} AND kind = '{RECORD}' AND {where}"
        " ORDER BY ledger_leaves.version, ledger_leaves.ts, ledger_leaves.leaf_index LIMIT 100000"
    )
    return [(of_case, key, log, int(index), hashed) for of_case, key, log, index, hashed in rows]


def _head(ask: Ask, log: str, stream: str, index: int) -> Head:
    rows = ask(
        f"SELECT checkpoint FROM tree_heads WHERE {of_tree(log, stream)} AND tree_size > {index}"
        " ORDER BY tree_size DESC, ts DESC LIMIT 1"
    )
    for (text,) in rows:
        return note.parse(text)
    raise DriftspanError("no head has been signed since that record was written; 'driftspan ledger heads' signs one")


def _record(ask: Ask, stream: Stream, case: str, key: str, hashed: str) -> dict[str, str] | None:
    """The record as it is stored now, if that is what the leaf stands for."""
    encoder = encoder_of(ask, stream.table)
    where = f"case_id = {quote(case)} AND {key_sql(stream, encoder)} = {quote(key)}"
    for (pairs,) in ask(f"SELECT {encoder.texts_sql()} FROM {stream.table} WHERE {where}"):
        texts = dict(pairs)
        if digest(texts) == hashed:
            return texts
    return None


def _hashes(ask: Ask, log: str, stream: str, size: int) -> Iterator[bytes]:
    rows = ask(f"{LEAVES} WHERE {of_tree(log, stream)} AND leaf_index < {size} ORDER BY ledger_leaves.leaf_index")
    for place, (number, hashed, *_) in enumerate(rows):
        if int(number) != place:
            break
        yield bytes.fromhex(hashed)
    else:
        return
    raise DriftspanError("the tree has not all its leaves any more; 'driftspan ledger verify' names what is wrong")


def consistency(ask: Ask, old: Sequence[Head]) -> list[dict[str, Any]]:
    """A proof for each of the heads; InputError for one of a tree that this store does not have."""
    proofs = []
    for head in old:
        _, log, stream = f"//{head.origin}".rsplit("/", 2)
        if stream not in NAMED:
            raise InputError(f"{head.origin!r} is no stream of this program")
        new = _head(ask, log, stream, max(0, head.size - 1))
        spans = merkle.consistency_spans(head.size, new.size) if head.size else []
        path = merkle.heads_of(spans, _hashes(ask, log, stream, new.size)) if spans else []
        proofs.append(
            {"kind": CONSISTENCY, "old": head.text, "checkpoint": new.text, "path": [_text(each) for each in path]}
        )
    return proofs


def load(data: bytes, where: str) -> list[dict[str, Any]]:
    """One proof, or a line each of several. InputError for what is none."""
    if len(data) > _MOST_BYTES:
        raise InputError(f"{where}: is too large for a proof")
    try:
        found = [orjson.loads(data)]
    except orjson.JSONDecodeError:
        try:
            found = [orjson.loads(line) for line in data.splitlines() if line.strip()]
        except orjson.JSONDecodeError as error:
            raise InputError(f"{where}: is no proof: {error}") from None
    for proof in found:
        if not isinstance(proof, dict) or proof.get("kind") not in (INCLUSION, CONSISTENCY):
            raise InputError(f"{where}: is no proof that 'driftspan ledger prove' wrote")
    if not found:
        raise InputError(f"{where}: is empty; 'driftspan ledger prove ID > proof.json' writes a proof")
    return found


def check(proof: dict[str, Any], public: bytes, where: str) -> dict[str, object]:
    """What a proof shows, as a row; `result` is `proved` or says in words what does not hold."""
    try:
        return _inclusion(proof, public) if proof["kind"] == INCLUSION else _consistency(proof, public)
    except (KeyError, TypeError, ValueError, AttributeError, binascii.Error) as error:
        raise InputError(f"{where}: lacks something, or has it in another form: {error}") from None


def _inclusion(proof: dict[str, Any], public: bytes) -> dict[str, object]:
    head = note.parse(proof["checkpoint"])
    leaf, record, index = dict(proof["leaf"]), proof["record"], int(proof["leaf_index"])
    path = [base64.b64decode(step, validate=True) for step in proof["path"]]
    hashed = merkle.leaf(encoded(leaf))
    named = (leaf.get("stream"), leaf.get("case_id", ""), leaf.get("key", ""))
    wrong = [
        text
        for holds, text in (
            (head.signed_by(public), "the head is not signed by this key"),
            (head.origin.endswith(f"/{leaf.get('log')}/{leaf.get('stream')}"), "the head is of another log or stream"),
            (merkle.included(hashed, index, head.size, path, head.root), "the leaf is not in the tree of the head"),
            (record is None or digest(record) == leaf.get("record_hash"), "the record is not what the leaf stands for"),
            (named == (proof["stream"], proof["case"], proof["key"]), "the leaf is of another record"),
        )
        if not holds
    ]
    state = "the record itself is not in the proof: its leaf is proved" if record is None else ""
    return {"result": "; ".join(wrong) or "proved", "stream": leaf.get("stream"), "case": leaf.get("case_id", ""),
            "record": leaf.get("key", ""), "leaf": index, "tree_size": head.size, "origin": head.origin,
            "detail": state}  # fmt: skip


def _consistency(proof: dict[str, Any], public: bytes) -> dict[str, object]:
    old, new = note.parse(proof["old"]), note.parse(proof["checkpoint"])
    path = [base64.b64decode(step, validate=True) for step in proof["path"]]
    wrong = [
        text
        for holds, text in (
            (old.signed_by(public), "the earlier head is not signed by this key"),
            (new.signed_by(public), "the later head is not signed by this key"),
            (old.origin == new.origin, "the heads are of two trees"),
            (merkle.consistent(old.size, new.size, old.root, new.root, path), "the later tree begins otherwise"),
        )
        if not holds
    ]  # fmt: skip
    return {"result": "; ".join(wrong) or "proved", "stream": new.origin.rpartition("/")[2], "from_size": old.size,
            "tree_size": new.size, "origin": new.origin}  # fmt: skip


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
