"""`driftspan init`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from sensor.config import DEFAULT_NAME
from sensor.config_template import template
from sensor.errors import DriftspanError, InputError

if TYPE_CHECKING:
    from argparse import Namespace


def run(arguments: Namespace) -> int:
    folder = Path(arguments.dir)
    target = folder / DEFAULT_NAME
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder}: is a file; name a directory with --dir")
    if target.exists() and not arguments.force:
        raise InputError(f"{target}: is there already; --force overwrites it")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        target.write_text(template(), encoding="utf-8")
    except OSError as error:
        raise DriftspanError(f"{target}: cannot be written: {error.strerror}") from None
    sys.stdout.write(f"{target}\n")
    return 0
