"""A file far larger than what may be held is hashed as it passes."""

from __future__ import annotations

import pytest

from tests.bench.large_file import CARRIERS, MIB, transfer


@pytest.mark.parametrize("carrier", CARRIERS)
def test_memory_does_not_grow_with_the_file(carrier: str) -> None:
    """`make bench` sends 2 GiB; here it is enough that the engine holds a fraction of what passes."""
    done = transfer(carrier, 64 * MIB)
    assert done["files"] == [done["wanted"]]
    assert done["growth"] < 16, f"{done['growth']:.1f} MiB more at the end than after the first window"
