"""Secrets that systemd hands to a service (systemd.exec(5), LoadCredential)."""

from __future__ import annotations

import os
from pathlib import Path

NONE = "-"  # what the unit says where there is none


def credential(name: str) -> str:
    """The first line of a credential; empty: there is none."""
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    if not folder:
        return ""
    try:
        found = (Path(folder) / name).read_text(errors="replace").strip().partition("\n")[0]
    except OSError:
        return ""
    return "" if found == NONE else found
