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
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder}: is a file; name a directory with --dir")
    texts = {folder / DEFAULT_NAME: template()}
    if arguments.systemd:
        from sensor.service import unit

        texts = {folder / DEFAULT_NAME: template(unit.STORE), folder / unit.NAME: unit.text(unit.program())}
    for target in texts:
        if target.exists() and not arguments.force:
            raise InputError(f"{target}: is there already; --force overwrites it")
    for target, text in texts.items():
        try:
            folder.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
        except OSError as error:
            raise DriftspanError(f"{target}: cannot be written: {error.strerror}") from None
        sys.stdout.write(f"{target}\n")
    if arguments.systemd:
        for line in unit.advice(folder):
            sys.stderr.write(f"{line}\n")
    return 0
