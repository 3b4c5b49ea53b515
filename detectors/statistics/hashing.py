"""64-bit numbers for rows of bytes, for whole columns at once: the same in every run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from detectors.window import Array

# Constants of splitmix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_30, _27, _31 = np.uint64(30), np.uint64(27), np.uint64(31)


def hash64(*columns: Array) -> Array:
    """One number a row; columns of numbers, or (rows, n) of bytes."""
    return hash_on(np.zeros(len(columns[0]), dtype=np.uint64), *columns)


def hash_on(state: Array, *columns: Array) -> Array:
    """`hash64` of further columns: those that made `state`, and these."""
    for column in columns:
        for word in _words(column):
            state = _mix(state + _GOLDEN ^ word)
    return state


def _words(column: Array) -> Array:
    """The column as rows of 64-bit words."""
    if column.ndim == 1:
        return column.astype(np.uint64)[None, :]
    if column.shape[1] % 8 == 0 and column.dtype == np.uint8:
        return np.ascontiguousarray(np.ascontiguousarray(column).view("<u8").T.astype(np.uint64, copy=False))
    padded = np.zeros((len(column), -(-column.shape[1] // 8) * 8), dtype=np.uint8)
    padded[:, : column.shape[1]] = column
    return padded.view("<u8").T.astype(np.uint64)


def _mix(x: Array) -> Array:
    x = (x ^ (x >> _30)) * _FIRST
    x = (x ^ (x >> _27)) * _SECOND
    mixed: Array = x ^ (x >> _31)
    return mixed
