"""Moments as logs write them, in nanoseconds since the epoch."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime

_SECOND = 10**9
_LAST = 2**63  # of 64-bit nanoseconds: the year 2262
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FRACTION = re.compile(r"([.,])(\d{7,9})(?=Z|[+-]|$)")  # more than microseconds, which datetime does not keep
# A number of seconds since the epoch has at most 11 digits until the year 5138, and so on by thousands.
_UNITS = ((10**11, _SECOND), (10**14, 10**6), (10**17, 10**3), (_LAST, 1))


def nanoseconds(value: object) -> int:
    """Of ISO 8601 or a number. ValueError, one sentence, for what is no moment after 1970 and before 2262."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        found = _number(value)
    elif isinstance(value, str):
        found = _text(value.strip())
    else:
        found = -1
    if not 0 < found < _LAST:
        raise ValueError(f"{_shown(value)} is no moment; write 2026-03-01T12:30:00Z or seconds since the epoch")
    return found


def _number(value: float) -> int:
    if not math.isfinite(value) or not 0 < value < _LAST:
        return -1
    unit = next(unit for limit, unit in _UNITS if value < limit)
    return value * unit if isinstance(value, int) else round(value * unit)


def _text(text: str) -> int:
    if re.fullmatch(r"\d{9,19}", text):
        return _number(int(text))
    if re.fullmatch(r"\d{9,16}\.\d+", text):
        whole, _, fraction = text.partition(".")
        return int(whole) * _SECOND + int(fraction[:9].ljust(9, "0")) if int(whole) < _UNITS[0][0] else -1
    more = _FRACTION.search(text)
    try:
        moment = datetime.fromisoformat(_FRACTION.sub("", text))
    except ValueError:
        return -1
    if re.fullmatch(r"\d{8}|\d{4}-W.*", text):  # 20260301 is more likely a mistake than a date
        return -1
    since = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - _EPOCH
    exact = (since.days * 86400 + since.seconds) * _SECOND + since.microseconds * 1000
    return exact + (int(more[2].ljust(9, "0")) if more else 0)


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
