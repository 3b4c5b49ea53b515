"""What `driftspan doctor` finds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """`state`: ok, note (something optional is missing) or bad (mend it first)."""

    check: str
    state: str
    found: str
    advice: str = ""
