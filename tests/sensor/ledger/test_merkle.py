"""Trees against the definitions of RFC 6962, written out, and against its well-known roots."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensor.ledger import merkle

# The leaves and roots with which Certificate Transparency's own implementations are tested.
KNOWN_LEAVES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
KNOWN_ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
TREES = st.integers(1, 130).flatmap(lambda size: st.tuples(st.just(size), st.integers(0, size - 1)))


def leaves(size: int) -> list[bytes]:
    return [merkle.leaf(n.to_bytes(4)) for n in range(size)]


def defined(hashes: list[bytes]) -> bytes:
    """MTH of RFC 6962, 2.1, word for word."""
    if not hashes:
        return sha256().digest()
    if len(hashes) == 1:
        return hashes[0]
    k = 1
    while k * 2 < len(hashes):
        k *= 2
    return sha256(b"\1" + defined(hashes[:k]) + defined(hashes[k:])).digest()


def test_roots_are_those_that_others_have() -> None:
    hashes = [merkle.leaf(bytes.fromhex(text)) for text in KNOWN_LEAVES]
    assert [merkle.root(hashes[: n + 1]).hex() for n in range(8)] == KNOWN_ROOTS
    assert merkle.root([]) == merkle.EMPTY == sha256().digest()


@given(st.integers(0, 200))
@settings(max_examples=60, deadline=None)
def test_a_tree_that_grows_has_the_root_of_the_definition(size: int) -> None:
    assert merkle.root(leaves(size)) == defined(leaves(size))


@given(TREES, st.integers(0, 255))
@settings(max_examples=120, deadline=None)
def test_a_leaf_is_proved_and_no_other(tree: tuple[int, int], flip: int) -> None:
    size, index = tree
    hashes = leaves(size)
    root, path = defined(hashes), merkle.heads_of(merkle.inclusion_spans(index, size), hashes)
    assert merkle.included(hashes[index], index, size, path, root)
    assert not merkle.included(merkle.leaf(b"another"), index, size, path, root)
    assert not merkle.included(hashes[index], index + 1, size, path, root)
    assert not merkle.included(hashes[index], size, size, path, root)
    assert not merkle.included(hashes[index], index, size, [*path, root], root)
    if path:
        assert not merkle.included(hashes[index], index, size, path[:-1], root)
        broken = bytearray(path[flip % len(path)])
        broken[flip % 32] ^= 1 << flip % 8
        altered = [*path]
        altered[flip % len(path)] = bytes(broken)
        assert not merkle.included(hashes[index], index, size, altered, root)


@given(TREES)
@settings(max_examples=120, deadline=None)
def test_a_tree_begins_as_an_earlier_one_was(tree: tuple[int, int]) -> None:
    size, old = tree
    old += 1
    hashes = leaves(size)
    path = merkle.heads_of(merkle.consistency_spans(old, size), hashes)
    assert merkle.consistent(old, size, defined(hashes[:old]), defined(hashes), path)
    assert not merkle.consistent(old, size, merkle.leaf(b"x"), defined(hashes), path)
    rewritten = [merkle.leaf(b"x"), *hashes[1:]]
    if old < size:
        other = merkle.heads_of(merkle.consistency_spans(old, size), rewritten)
        assert not merkle.consistent(old, size, defined(hashes[:old]), defined(rewritten), other)
        assert not merkle.consistent(old, size, defined(hashes[:old]), defined(hashes), path[:-1])


def test_a_frontier_has_as_many_heads_as_its_size_says() -> None:
    tree = merkle.Frontier()
    for number, hashed in enumerate(leaves(100), 1):
        tree.add(hashed)
        assert len(tree.heads) == number.bit_count()
    with pytest.raises(ValueError, match="has 3 whole trees, not 2"):
        merkle.Frontier(7, tree.heads[:2])


def test_too_few_leaves_make_no_path() -> None:
    with pytest.raises(ValueError, match="fewer leaves"):
        merkle.heads_of(merkle.inclusion_spans(3, 9), leaves(8))
