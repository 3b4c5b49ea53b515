"""Are the leaves of a log as they were written? One pass over each stream's leaves, in order.

A leaf whose seal holds is genuine wherever it stands. Without the log's directory (`Keys`) there are no seals to look
at: then the chain tells where it breaks, and signed heads tell between which of them the tree is another.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import orjson

from sensor.ledger import note
from sensor.ledger.keys import sealed
from sensor.ledger.leaves import KEY, genesis, linked
from sensor.ledger.merkle import Frontier
from sensor.ledger.reading import LEAVES, of_tree
from sensor.ledger.state import Files
from sensor.store.literal import quote

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sensor.ledger.keys import Keys
    from sensor.ledger.note import Head
    from sensor.ledger.reading import Ask

    Of = tuple[str, str]

MOST_TOLD = 1_000  # faults of one tree


class Broken(NamedTuple):
    """A leaf, or several in a row up to `last`."""

    place: int
    last: int
    what: str
    detail: str


@dataclass(slots=True)
class Tree:
    """`size`, `root`: of the leaves that are there. `signed`: leaves of the last head whose signature holds; `trusted`:
    whether there was a key to check signatures with."""

    log: str
    stream: str
    sensor: str = ""
    size: int = 0
    root: bytes = b""
    signed: int = 0
    trusted: bool = False
    sealed: bool = False
    broken: list[Broken] = field(default_factory=list)


class _Leaf(NamedTuple):
    place: int
    hashed: bytes
    chain: str
    seal: str


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of trees besides their leaves. `trees`: log and stream. `heads`: size, text, sensor and public key
    as they are stored. `kept`: heads from elsewhere. `changes`: of keys, the earlier and the later one."""

    trees: list[Of]
    heads: dict[Of, list[tuple[int, str, str, str]]]
    kept: dict[Of, list[Head]]
    changes: dict[Of, list[tuple[bytes, bytes]]]


def known(ask: Ask, kept: Iterable[Head], keys: Keys | None) -> Known:
    """Of the store, of heads kept elsewhere and of the log's own directory."""
    trees = {(log, stream) for log, stream in ask("SELECT DISTINCT toString(log), toString(stream) FROM ledger_leaves")}
    found = Known([], {}, {}, {})
    for log, stream, size, text, sensor, public in ask(
        "SELECT toString(log), toString(stream), toString(tree_size), checkpoint, toString(sensor),"
        " toString(public_key) FROM tree_heads ORDER BY tree_heads.tree_size"
    ):
        found.heads.setdefault((log, stream), []).append((int(size), text, sensor, public))
    for head in kept:
        found.kept.setdefault(_named(head), []).append(head)
    for log, stream, text in ask(
        f"SELECT toString(log), toString(stream), note FROM ledger_leaves WHERE kind = {quote(KEY)} ORDER BY leaf_index"
    ):
        try:
            told = orjson.loads(text)
            pair = base64.b64decode(told["before"]), base64.b64decode(told["public_key"])
        except (KeyError, TypeError, ValueError):
            continue  # an altered leaf, of which the walk will tell
        found.changes.setdefault((log, stream), []).append(pair)
    if keys is not None:
        trees |= {(keys.log, path.stem) for path in keys.folder.glob("*.json") if path.stem != "log"}
    found.trees.extend(sorted(trees | set(found.heads) | set(found.kept)))
    return found


def _named(head: Head) -> tuple[str, str]:
    _, log, stream = f"//{head.origin}".rsplit("/", 2)
    return log, stream


def verify(ask: Ask, known: Known, log: str, stream: str, keys: Keys | None, given: bytes | None) -> Tree:
    """`keys`: of the log's own directory, if it is this log's. `given`: a public key to trust."""
    tree = Tree(log, stream)
    walk = _Walk(tree, keys, _Heads(tree, known, keys, given))
    where = f"{of_tree(log, stream)} ORDER BY ledger_leaves.leaf_index"
    for place in _places(ask(f"{LEAVES} WHERE {where}")):
        walk.take(place)
    walk.end()
    return tree


def _places(rows: Iterator[list[str]]) -> Iterator[list[_Leaf]]:
    """Leaves by number; several where more than one claims it."""
    several: list[_Leaf] = []
    for place, hashed, chain, seal in rows:
        leaf = _Leaf(int(place), bytes.fromhex(hashed), chain, seal)
        if several and several[0].place != leaf.place:
            yield several
            several = []
        several.append(leaf)
    if several:
        yield several


class _Heads:
    """What heads say of a tree: root by size, of those whose signature holds."""

    def __init__(self, tree: Tree, known: Known, keys: Keys | None, given: bytes | None) -> None:
        self._tree = tree
        self._keys = [each.public for each in keys.known] if keys else []
        self._keys += [given] if given else []
        tree.trusted, tree.sealed = bool(self._keys), keys is not None
        of = (tree.log, tree.stream)
        self._keys += _announced(known.changes.get(of, ()), self._keys)
        self.roots: dict[int, set[bytes]] = {}
        self.kept: dict[int, set[bytes]] = {}
        for size, text, sensor, public in known.heads.get(of, ()):
            tree.sensor = sensor
            self._take(size, text, sensor, public)
        if keys is not None:
            state = Files(keys.folder, tree.stream).state()
            if state is not None:
                self.kept.setdefault(state.tree.size, set()).add(state.tree.root())
                if state.checkpoint:
                    self._keep(note.parse(state.checkpoint))
        for head in known.kept.get(of, ()):
            self._keep(head)

    def _take(self, size: int, text: str, sensor: str, public: str) -> None:
        try:
            head = note.parse(text)
        except ValueError as error:
            self._say(size, f"a signed head of {size} leaves cannot be read: {error}")
            return
        if (head.size, head.origin) != (size, note.origin(sensor, self._tree.log, self._tree.stream)):
            self._say(size, f"a signed head of {size} leaves was put in the place of another")
        elif not _signed(head, public):
            self._say(size, f"the head of {size} leaves is not signed by the key that stands beside it")
        elif self._keys and not any(head.signed_by(key) for key in self._keys):
            self._say(size, f"the signature of the head of {size} leaves does not hold")
        else:
            self.roots.setdefault(size, set()).add(head.root)
            self._tree.signed = max(self._tree.signed, size)

    def _keep(self, head: Head) -> None:
        if self._keys and not any(head.signed_by(key) for key in self._keys):
            self._say(
                head.size, f"a head of {head.size} leaves that was kept elsewhere is not signed by this log's key"
            )
            return
        self.kept.setdefault(head.size, set()).add(head.root)
        self._tree.signed = max(self._tree.signed, head.size)

    def _say(self, size: int, text: str) -> None:
        self._tree.broken.append(Broken(max(0, size - 1), max(0, size - 1), "head changed", text))

    def most(self) -> int:
        return max([0, *self.roots, *self.kept])


def _signed(head: Head, public: str) -> bool:
    try:
        return head.signed_by(base64.b64decode(public, validate=True))
    except ValueError:
        return False


def _announced(changes: Sequence[tuple[bytes, bytes]], trusted: list[bytes]) -> list[bytes]:
    """Keys that came later, or were there before: the leaves that say so are in a tree whose heads both signed."""
    found = list(trusted)
    for before, after in changes:
        if before in found:
            found.append(after)
    for before, after in reversed(changes):
        if after in found:
            found.append(before)
    return [key for key in found if key not in trusted]


class _Walk:
    def __init__(self, tree: Tree, keys: Keys | None, heads: _Heads) -> None:
        self._tree, self._heads = tree, heads
        self._secrets = [known.seal for known in keys.known] if keys else []
        self._next = 0
        self._chain = genesis(tree.log, tree.stream)
        self._other: bytes | None = None  # the link as it stands, where it is not what it should be
        self._frontier: Frontier | None = Frontier()  # None: leaves are missing, so no head can be made any more
        self._good = 0  # leaves of the last head that agrees
        self._blamed_last = -2  # the last leaf whose seal does not hold
        self._blamed = 0  # faults that explain why a head does not agree

    def take(self, claims: list[_Leaf]) -> None:
        place = claims[0].place
        if place > self._next:
            self._break(self._next, place - 1, "removed", "leaves are missing")
            self._frontier = None
            self._chain = b""
        chosen = self._chosen(claims)
        for other in claims:
            if other is not chosen:
                self._break(place, place, "inserted", "a second leaf of this number")
        self._check(chosen)
        self._next = place + 1
        if self._frontier is not None:
            self._frontier.add(chosen.hashed)
            self._compare(self._next)

    def _chosen(self, claims: list[_Leaf]) -> _Leaf:
        if len(claims) == 1:
            return claims[0]
        genuine = [leaf for leaf in claims if self._genuine(leaf)]
        linked_ = [leaf for leaf in claims if self._chain and linked(self._chain, leaf.hashed).hex() == leaf.chain]
        return (genuine or linked_ or claims)[0]

    def _genuine(self, leaf: _Leaf) -> bool:
        return any(sealed(secret, leaf.place, leaf.hashed) == leaf.seal for secret in self._secrets)

    def _check(self, leaf: _Leaf) -> None:
        """The chain goes on from what this leaf should say and from what it says: so only the leaf that was altered is
        blamed, not those behind it."""
        links = [linked(chain, leaf.hashed) for chain in (self._chain, self._other) if chain]
        stands = bytes.fromhex(leaf.chain) if _is_hash(leaf.chain) else b""
        fits = not links or stands in links
        if self._secrets and not self._genuine(leaf):
            self._break(leaf.place, leaf.place, "changed", "the leaf is not what was sealed")
            self._blamed_last = leaf.place
        elif not fits and not self._secrets:
            self._break(leaf.place, leaf.place, "changed", "the chain breaks at this leaf")
        elif not fits and self._blamed_last != leaf.place - 1:  # whoever alters a leaf may alter its link too
            self._break(leaf.place, leaf.place, "changed", "the leaf's link of the chain was altered")
        if fits:
            self._chain, self._other = (stands or (links or [b""])[0]), None
        else:
            self._chain, self._other = links[0], stands or None

    def _compare(self, size: int) -> None:
        wanted = self._heads.roots.get(size, set()) | self._heads.kept.get(size, set())
        if not wanted or self._frontier is None:
            return
        root = self._frontier.root()
        if wanted == {root}:
            self._good = size
        elif not self._blamed:
            where = f"the head signed of {size} leaves is of another tree"
            self._break(self._good, size - 1, "changed", f"{where}: one of these leaves, or the head, was altered")

    def end(self) -> None:
        most = self._heads.most()
        if most > self._next:
            self._break(self._next, most - 1, "removed", f"a head was signed of {most} leaves")
        self._tree.size = self._next
        self._tree.root = self._frontier.root() if self._frontier is not None else b""
        self._tree.broken = joined(self._tree.broken)

    def _break(self, first: int, last: int, what: str, detail: str) -> None:
        self._blamed += 1
        if len(self._tree.broken) < MOST_TOLD:
            self._tree.broken.append(Broken(first, last, what, detail))


def _is_hash(text: str) -> bool:
    try:
        return len(bytes.fromhex(text)) == 32
    except ValueError:
        return False


def joined(broken: Iterable[Broken]) -> list[Broken]:
    """Neighbours to which the same happened are told together."""
    told: list[Broken] = []
    for fault in sorted(broken, key=lambda fault: (fault.what, fault.detail, fault.place)):
        before = told[-1] if told else None
        if before and (before.what, before.detail) == (fault.what, fault.detail) and before.last + 1 >= fault.place:
            told[-1] = before._replace(last=max(before.last, fault.last))
        else:
            told.append(fault)
    return sorted(told)
