"""`driftspan ledger verify`: chains, trees and records of a store, and what is wrong with them, each record once."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sensor.access import verified
from sensor.ledger import outputs, records, trees
from sensor.ledger.leaves import of_records
from sensor.ledger.reading import asking, encoders_of
from sensor.ledger.state import Files
from sensor.ledger.streams import NAMED, OF_TABLE, STREAMS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from sensor.ledger.encoding import Encoder
    from sensor.ledger.keys import Keys
    from sensor.ledger.note import Head
    from sensor.ledger.outputs import Verified
    from sensor.ledger.reading import Ask
    from sensor.ledger.records import Records, Scopes, Wrong
    from sensor.ledger.streams import Stream
    from sensor.ledger.trees import Tree
    from sensor.store import Reading

PAUSES = (0.3, 1.0, 3.0)  # seconds in which a record that is being written gets its leaf
_CHAINED = {"inference": 3, "access": 2}  # streams that are chains too: parts of a key up to and with the number


@dataclass(slots=True)
class Verification:
    """`cut`: streams whose last write was not finished."""

    chains: list[Verified] = field(default_factory=list)
    trees: list[Tree] = field(default_factory=list)
    records: dict[str, Records] = field(default_factory=dict)
    cut: list[str] = field(default_factory=list)


def verify(
    store: Reading,
    case: str | None,
    keys: Keys | None,
    given: bytes | None,
    kept: Sequence[Head],
    streams: Collection[str] = tuple(NAMED),
) -> Verification:
    """`case`: records of this one only; trees are of all. `keys`: of the store's directory. `given`: another public
    key to trust. `kept`: heads that were taken elsewhere."""
    ask = asking(store.query)
    done = Verification(list(outputs.verify(store, case)) if "inference" in streams else [])
    if case is None and "access" in streams:
        done.chains += verified.verify(store)
    if not outputs.has_table(store, "ledger_leaves"):
        return done
    known = trees.known(ask, kept, keys)
    for log, stream in known.trees:
        if stream in streams or stream not in NAMED:
            tree = trees.verify(ask, known, log, stream, keys if keys and keys.log == log else None, given)
            if tree.size or tree.broken:
                done.trees.append(tree)
    encoders, scopes = encoders_of(ask, OF_TABLE), records.scopes_of(ask, time.time_ns())
    if "inference" in scopes:
        done.chains = [_without_removed(chain, scopes["inference"]) for chain in done.chains]
    for named in STREAMS:
        if named.name in streams:
            encoder = encoders[named.table]
            found = records.verify(ask, named, encoder, scopes.get(named.name), case)
            found.wrong = list(_lasting(ask, named, encoder, found.wrong, keys, done))
            found.wrong = [fault for fault in found.wrong if not _told(named, fault, done.chains)]
            done.records[named.name] = found
    return done


def _without_removed(chain: Verified, scopes: Scopes) -> Verified:
    """Of a chain whose records were taken away on purpose its leaves tell what is missing all the same."""
    if not scopes.covers(chain.name.case_id, chain.name.run):
        return chain
    return chain._replace(faults=[fault for fault in chain.faults if fault.what != "removed"])


def _lasting(
    ask: Ask, stream: Stream, encoder: Encoder, wrong: list[Wrong], keys: Keys | None, done: Verification
) -> Iterator[Wrong]:
    """What is wrong now may be right in a moment; what a killed process left is brought to its end by the next."""
    for pause in PAUSES:
        if wrong and (pause == PAUSES[0] or _is_cut(stream, keys)):
            time.sleep(pause)
            scopes = records.scopes_of(ask, time.time_ns())[stream.name]
            wrong = records.again(ask, stream, encoder, wrong, scopes)
    under_way = _under_way(stream, encoder, keys)
    if under_way is not None:
        done.cut.append(stream.name)
    for fault in wrong:
        if not (under_way and (fault.case, fault.key) in under_way):
            yield fault


def _is_cut(stream: Stream, keys: Keys | None) -> bool:
    return keys is not None and Files(keys.folder, stream.name).pending() is not None


def _under_way(stream: Stream, encoder: Encoder, keys: Keys | None) -> set[tuple[str, str]] | None:
    """Cases and keys that a process had begun to write; None: all is finished."""
    pending = Files(keys.folder, stream.name).pending() if keys is not None else None
    if pending is None:
        return None
    about, payload = pending
    leaves = of_records(stream, encoder, payload.splitlines(), about["now"])
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
