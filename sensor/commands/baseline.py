"""`driftspan baseline`: what was learnt, in sentences."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import TYPE_CHECKING

from sensor import config
from sensor.case_name import LIVE
from sensor.commands.common import location
from sensor.errors import InputError
from sensor.output import chosen_format, show_rows
from sensor.places import spool_of

if TYPE_CHECKING:
    from argparse import Namespace


def run(arguments: Namespace) -> int:
    path = config.find(arguments.config)
    loaded = config.load(path)
    host = _host(arguments.host)
    config.check_detectors(loaded, path)
    from sensor import baseline
    from sensor.replay import pipeline_of

    pipeline = pipeline_of(loaded, LIVE)
    baseline.restore(_file(arguments, loaded), pipeline, loaded)
    rows = [
        known._asdict()
        for known in pipeline.knowledge()
        if host in ("", known.client, known.server) and arguments.kind in (None, known.kind)
    ]
    show_rows(rows, chosen_format(arguments.format))
    return 0


def _file(arguments: Namespace, loaded: config.Config) -> Path:
    if arguments.file is not None:
        return Path(arguments.file)
    saved = spool_of(location(arguments, loaded), loaded.store.spool) / "state"
    if not saved.exists():
        raise InputError(f"{saved}: no sensor has saved what it learnt there; name a file of --save-baseline")
    return saved


def _host(given: str | None) -> str:
    try:
        return str(ipaddress.ip_address(given)) if given else ""
    except ValueError:
        raise InputError(f"--host {given!r} is no IP address") from None
