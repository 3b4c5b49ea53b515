"""`driftspan ledger verify`: chains, trees and records of a store, and what is wrong with them, each record once."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sensor.access import verified
from sensor.ledger import outputs, records, trees
from sensor.ledger.leaves import of_records
from sensor.ledger.reading import asking, encoder_of
from sensor.ledger.state import Files
from sensor.ledger.streams import STREAMS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sensor.ledger.keys import Keys
    from sensor.ledger.note import Head
    from sensor.ledger.outputs import Verified
    from sensor.ledger.reading import Ask
    from sensor.ledger.records import Records, Wrong
    from sensor.ledger.streams import Stream
    from sensor.ledger.trees import Tree
    from sensor.store import Reading

_PAUSES = (0.3, 1.0, 3.0)  # seconds in which a record that is being written gets its leaf
_CHAINED = {"inference": 3, "access": 2}  # streams that are chains too: parts of a key up to and with the number


@dataclass(slots=True)
class Verification:
    """`cut`: streams whose last write was not finished."""

    chains: list[Verified] = field(default_factory=list)
    trees: list[Tree] = field(default_factory=list)
    records: dict[str, Records] = field(default_factory=dict)
    cut: list[str] = field(default_factory=list)


def verify(
    store: Reading, case: str | None, keys: Keys | None, given: bytes | None, kept: Sequence[Head]
) -> Verification:
    """`case`: records of this one only; trees are of all. `keys`: of the store's directory. `given`: another public
    key to trust. `kept`: heads that were taken elsewhere."""
    ask = asking(store.query)
    done = Verification(list(outputs.verify(store, case)))
    if case is None:
        done.chains += verified.verify(store)
    if not outputs.has_table(store, "ledger_leaves"):
        return done
    for log, stream in trees.known_trees(ask, kept, keys):
        own = keys if keys is not None and keys.log == log else None
        tree = trees.verify(ask, log, stream, own, given, kept)
        if tree.size or tree.broken:
            done.trees.append(tree)
    for named in STREAMS:
        found = records.verify(ask, named, case, time.time_ns())
        found.wrong = list(_lasting(ask, named, found.wrong, keys, done))
        found.wrong = [fault for fault in found.wrong if not _told(named, fault, done.chains)]
        done.records[named.name] = found
    return done


def _lasting(ask: Ask, stream: Stream, wrong: list[Wrong], keys: Keys | None, done: Verification) -> Iterator[Wrong]:
    """What is wrong now may be right in a moment; what a killed process left is brought to its end by the next."""
    for pause in _PAUSES:
        if wrong:
            time.sleep(pause if pause == _PAUSES[0] or _is_cut(stream, keys) else 0)
            wrong = records.again(ask, stream, wrong, time.time_ns())
    under_way = _under_way(ask, stream, keys)
    if under_way is not None:
        done.cut.append(stream.name)
    for fault in wrong:
        if not (under_way and (fault.case, fault.key) in under_way):
            yield fault


def _is_cut(stream: Stream, keys: Keys | None) -> bool:
    return keys is not None and Files(keys.folder, stream.name).pending() is not None


def _under_way(ask: Ask, stream: Stream, keys: Keys | None) -> set[tuple[str, str]] | None:
    """Cases and keys that a process had begun to write; None: all is finished."""
    pending = Files(keys.folder, stream.name).pending() if keys is not None else None
    if pending is None:
        return None
    about, payload = pending
    leaves = of_records(stream, encoder_of(ask, stream.table), payload.splitlines(), about["now"])
    return {(leaf["case_id"], leaf["key"]) for leaf in leaves}


def _told(stream: Stream, fault: Wrong, chains: list[Verified]) -> bool:
    """A record of a chain, of which the chain tells already."""
    parts = _CHAINED.get(stream.name)
    words = fault.key.split("/")
    if parts is None or len(words) < parts or not words[parts - 1].isdecimal():
        return False
    run, seq = words[parts - 2], int(words[parts - 1])
    return any(
        chain.name.run == run and chain.name.case_id in (fault.case, verified.CASE) and known.seq <= seq <= known.last
        for chain in chains
        for known in chain.faults
    )
