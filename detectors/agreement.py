"""Whether two writings of a value are the same value: what the network showed, and what a host's log says."""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

_TRUTH = {"true": 1.0, "false": 0.0}
_DIGITS = 2  # significant ones that a number needs before it may be the other one rounded
_NEAR_ZERO = 1e-9


def same(one: Any, other: Any, tolerance: float) -> bool | None:
    """Numbers within `tolerance` (a share of the larger one), or one of them the other rounded; texts equal. A table of
    probabilities is the same as its most probable label. None: they cannot be compared."""
    one, other = plain(one), plain(other)
    if isinstance(one, dict) != isinstance(other, dict):
        one, other = (_like(one, other), other) if isinstance(one, dict) else (one, _like(other, one))
    if isinstance(one, float) and isinstance(other, float):
        return close(one, other, tolerance)
    if isinstance(one, str) and isinstance(other, str):
        return one.strip() == other.strip()
    if isinstance(one, tuple) and isinstance(other, tuple) and len(one) == len(other):
        return all(close(a, b, tolerance) for a, b in zip(one, other, strict=True))
    if isinstance(one, dict) and isinstance(other, dict) and set(one) == set(other):
        return all(close(one[name], other[name], tolerance) for name in one)
    return None


def close(one: float, other: float, tolerance: float) -> bool:
    if not (math.isfinite(one) and math.isfinite(other)):
        return one == other or (one != one and other != other)  # noqa: PLR0124  NaN
    difference = abs(one - other)
    if difference <= max(tolerance * max(abs(one), abs(other)), _NEAR_ZERO):
        return True
    return any(difference <= half for half in (_half_a_digit(one), _half_a_digit(other)))


def _half_a_digit(number: float) -> float:
    """Half a unit of the last digit that is written; 0 for a number of too few digits to be a rounded one."""
    written = Decimal(repr(number))
    _, digits, exponent = written.as_tuple()
    if len(digits) < _DIGITS or not isinstance(exponent, int):
        return 0.0
    return float(Decimal(5).scaleb(exponent - 1)) * (1 + 1e-9)


def plain(value: Any) -> Any:
    """A number as float, a sequence as tuple of them, a list of one as that one, a text that is a truth as a number."""
    if isinstance(value, bool | int | float):
        return float(value)
    if isinstance(value, str):
        truth = _TRUTH.get(value.strip().lower())
        if truth is not None:
            return truth
        try:
            return float(value)
        except ValueError:
            return value
    if isinstance(value, Mapping):
        return {str(name): float(part) for name, part in value.items()}
    parts = tuple(float(part) for part in value)
    return parts[0] if len(parts) == 1 else parts


def _like(table: dict[str, float], other: Any) -> Any:
    """A table of probabilities as the other writes it: their list, or the most probable label."""
    if isinstance(other, tuple):
        keys = [str(at) for at in range(len(table))]
        return tuple(table[key] for key in keys) if set(keys) == set(table) else None
    return plain(max(sorted(table), key=lambda name: table[name])) if table else None


def key(value: Any) -> str:
    """Equal for nearly all values that are the same: three digits of a number."""
    value = plain(value)
    if isinstance(value, float):
        return f"{value:.2e}"
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, tuple):
        return " ".join(f"{part:.2e}" for part in value[:16])
    return str(_like(value, ""))


def shown(value: Any) -> str:
    """For people."""
    value = plain(value)
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, str):
        return value
    if isinstance(value, tuple):
        return "[" + ", ".join(f"{part:.4g}" for part in value[:8]) + (", …]" if len(value) > 8 else "]")
    return (
        "{" + ", ".join(f"{name}: {value[name]:.4g}" for name in sorted(value)[:8]) + ("…}" if len(value) > 8 else "}")
    )
