"""The program: configuration, the store, the loop over captures, and what people see of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sensor.forensics.case import Case

__all__ = ["Case"]


def __getattr__(name: str) -> object:
    """For notebooks: `from sensor import Case`. Nothing is imported before it is asked for."""
    if name == "Case":
        from sensor.forensics.case import Case

        return Case
    raise AttributeError(f"module 'sensor' has no attribute {name!r}")
