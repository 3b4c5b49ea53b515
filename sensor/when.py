"""Times as people give them to `--since` and `--until`."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from sensor.errors import InputError

_BACK = re.compile(r"(\d+)\s*([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def literal(option: str, text: str, now: datetime | None = None) -> str:
    """An SQL expression of the time; a time without an offset is UTC."""
    moment = _moment(option, text.strip(), now or datetime.now(UTC))
    return f"toDateTime64('{moment:%Y-%m-%d %H:%M:%S.%f}', 9, 'UTC')"


def _moment(option: str, text: str, now: datetime) -> datetime:
    back = _BACK.fullmatch(text)
    try:
        if back is not None:
            return now - timedelta(**{_UNITS[back[2]]: int(back[1])})
        parsed = datetime.fromisoformat(text)
        return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise InputError(
            f"{option} {text!r} is no time; write 2026-03-01, 2026-03-01T12:30:00Z, or 2h for two hours ago"
        ) from None
