"""Merkle trees as of RFC 6962, 2.1 (RFC 9162, 2.1): heads, paths and their verification. Hashes are 32 bytes.

    MTH({}) = SHA-256()    leaf = SHA-256(0x00 ‖ entry)    node = SHA-256(0x01 ‖ left ‖ right)

A tree of n leaves splits at the largest power of two below n. Paths are made in one pass over the leaves, whose hashes
nobody has to hold: each node of a path is the head of a stretch of leaves.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    Span = tuple[int, int]  # leaves from, and up to but without

EMPTY = sha256().digest()


def leaf(entry: bytes) -> bytes:
    return sha256(b"\0" + entry).digest()


def node(left: bytes, right: bytes) -> bytes:
    return sha256(b"\1" + left + right).digest()


class Frontier:
    """A tree that grows: of its leaves only the heads of the largest whole trees, from left to right."""

    __slots__ = ("heads", "size")

    def __init__(self, size: int = 0, heads: Iterable[bytes] = ()) -> None:
        """ValueError where the heads are not as many as a tree of this size has."""
        self.size, self.heads = size, list(heads)
        if len(self.heads) != size.bit_count():
            raise ValueError(f"a tree of {size} leaves has {size.bit_count()} whole trees, not {len(self.heads)}")

    def add(self, hashed: bytes) -> None:
        heads, place = self.heads, self.size
        while place & 1:
            hashed = sha256(b"\1" + heads.pop() + hashed).digest()
            place >>= 1
        heads.append(hashed)
        self.size += 1

    def root(self) -> bytes:
        if not self.heads:
            return EMPTY
        found = self.heads[-1]
        for left in reversed(self.heads[:-1]):
            found = node(left, found)
        return found

    def copy(self) -> Frontier:
        return Frontier(self.size, self.heads)


def root(leaves: Iterable[bytes]) -> bytes:
    tree = Frontier()
    for hashed in leaves:
        tree.add(hashed)
    return tree.root()


def _split(size: int) -> int:
    return 1 << ((size - 1).bit_length() - 1)


def inclusion_spans(index: int, size: int) -> list[Span]:
    """The stretches whose heads are the path of a leaf, its nearest neighbour first. RFC 6962, 2.1.1."""
    spans: list[Span] = []
    low, high = 0, size
    while high - low > 1:
        middle = low + _split(high - low)
        if index < middle:
            spans.append((middle, high))
            high = middle
        else:
            spans.append((low, middle))
            low = middle
    return spans[::-1]


def consistency_spans(old: int, size: int) -> list[Span]:
    """The stretches whose heads show that a tree begins with its first `old` leaves. RFC 6962, 2.1.2."""
    spans: list[Span] = []
    low, high, whole = 0, size, True
    while low + old != high:
        middle = low + _split(high - low)
        if low + old <= middle:
            spans.append((middle, high))
            high = middle
        else:
            spans.append((low, middle))
            old -= middle - low
            low, whole = middle, False
    if not whole:
        spans.append((low, high))
    return spans[::-1]


def heads_of(spans: Sequence[Span], leaves: Iterable[bytes]) -> list[bytes]:
    """The heads of stretches that have no leaf in common. ValueError where there are too few leaves."""
    trees = {span: Frontier() for span in spans}
    wanted = iter(sorted(spans))
    low, high = next(wanted, (0, 0))
    for index, hashed in enumerate(leaves):
        while index >= high > low:
            low, high = next(wanted, (0, 0))
        if low <= index < high:
            trees[low, high].add(hashed)
    if any(tree.size != high - low for (low, high), tree in trees.items()):
        raise ValueError("there are fewer leaves than the tree has")
    return [trees[span].root() for span in spans]


def included(hashed: bytes, index: int, size: int, path: Sequence[bytes], head: bytes) -> bool:
    """RFC 9162, 2.1.3.2."""
    if not 0 <= index < size:
        return False
    place, last, found = index, size - 1, hashed
    for step in path:
        if last == 0:
            return False
        if place & 1 or place == last:
            found = node(step, found)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            found = node(found, step)
        place, last = place >> 1, last >> 1
    return last == 0 and found == head


def consistent(old: int, size: int, old_head: bytes, head: bytes, path: Sequence[bytes]) -> bool:
    """RFC 9162, 2.1.4.2."""
    if not 0 <= old <= size:
        return False
    if old in (0, size):
        return not path and (old_head == head if old else old_head == EMPTY)
    steps = [old_head, *path] if old & (old - 1) == 0 else list(path)
    if not steps:
        return False
    place, last = old - 1, size - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    before = after = steps[0]
    for step in steps[1:]:
        if last == 0:
            return False
        if place & 1 or place == last:
            before, after = node(step, before), node(step, after)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            after = node(after, step)
        place, last = place >> 1, last >> 1
    return last == 0 and before == old_head and after == head
