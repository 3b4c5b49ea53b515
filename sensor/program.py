"""The program's own version."""

from __future__ import annotations

from functools import cache


@cache
def version() -> str:
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as installed

    try:
        return installed("driftspan")
    except PackageNotFoundError:
        return "(not installed)"
