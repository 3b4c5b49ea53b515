"""Times as people give them to `--since`, `--until` and `--for`."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from sensor.errors import InputError

_BACK = re.compile(r"(\d+)\s*([smhdw])")
_FRACTION = re.compile(r"(?<=\d)\.(\d+)")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_YEAR = 2261  # of 64-bit nanoseconds
_FOR_EVER = "leave it out for a verdict without an end"
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def literal(option: str, text: str, now: datetime | None = None) -> str:
    """An SQL expression of the time; a time without an offset is UTC."""
    moment = _moment(option, text.strip(), now or datetime.now(UTC))
    return f"toDateTime64('{moment:%Y-%m-%d %H:%M:%S.%f}', 9, 'UTC')"


def moment(option: str, text: str, now: datetime | None = None) -> int:
    """Nanoseconds since the epoch; a fraction may have nine digits, a time without an offset is UTC."""
    text = text.strip()
    fraction = _FRACTION.search(text)
    whole = text.replace(fraction[0], "", 1) if fraction else text
    seconds = (_moment(option, whole, now or datetime.now(UTC)) - _EPOCH) // timedelta(seconds=1)
    return seconds * 10**9 + (int(fraction[1][:9].ljust(9, "0")) if fraction else 0)


def deadline(until: str | None, duration: str | None, now: datetime | None = None) -> int:
    """The moment, to come, until which something holds, in nanoseconds since the epoch; 0 if neither says one."""
    now = now or datetime.now(UTC)
    if duration is not None:
        ahead = _BACK.fullmatch(duration.strip())
        if ahead is None or not int(ahead[1]):
            raise InputError(f"--for {duration!r} is no duration; write 45m, 8h or 30d")
        try:
            moment = now + timedelta(**{_UNITS[ahead[2]]: int(ahead[1])})
        except OverflowError:
            raise InputError(f"--for {duration!r} is too long; {_FOR_EVER}") from None
    elif until is None:
        return 0
    elif _BACK.fullmatch(until.strip()):
        raise InputError(f"--until {until!r} is no moment; write --for {until.strip()}, or 2026-03-01T12:30:00Z")
    else:
        moment = _moment("--until", until.strip(), now)
    if moment <= now:
        raise InputError(f"--until {until!r} is over already; name a moment to come, or leave it out")
    if moment.year > _LAST_YEAR:
        raise InputError(f"{moment:%Y} is too late for the store; {_FOR_EVER}")
    return (moment - _EPOCH) // timedelta(microseconds=1) * 1000


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


def iso(nanoseconds: int) -> str:
    """A moment since the epoch as people write it, in UTC; empty for 0, which is none."""
    moment = datetime.fromtimestamp(nanoseconds // 10**9, UTC)
    return moment.isoformat().replace("+00:00", "Z") if nanoseconds else ""
