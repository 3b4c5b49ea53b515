"""The program's own version, and who runs it."""

from __future__ import annotations

import os
import pwd
from functools import cache


@cache
def version() -> str:
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as installed

    try:
        return installed("driftspan")
    except PackageNotFoundError:
        return "(not installed)"


def user_of_system() -> str:
    """The user of the operating system, whatever the environment says."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"
