"""`driftspan serve`: the API over a store, until SIGTERM."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import closing
from typing import TYPE_CHECKING

from sensor import config
from sensor.case_name import LIVE
from sensor.commands.common import location
from sensor.errors import DriftspanError
from sensor.textwidth import safe

if TYPE_CHECKING:
    from argparse import Namespace

    from sensor.api.owner import Owner
    from sensor.intake.follow import Follower


def run(arguments: Namespace) -> int:
    loaded = config.load(config.find(arguments.config))
    try:
        from sensor.api import app, serving
    except ModuleNotFoundError as error:
        raise DriftspanError(
            f"'driftspan serve' needs {error.name}, which is not installed: pip install 'driftspan[console]'"
        ) from None
    from sensor.api.owner import Owner

    token = serving.token(loaded.console)
    host = loaded.console.host if arguments.host is None else arguments.host
    port = loaded.console.port if arguments.port is None else arguments.port
    with closing(serving.listen(host, port)) as listening, closing(Owner(location(arguments, loaded), loaded)) as owner:
        where, bound = listening.getsockname()[:2]
        if not serving.is_local(where):
            _say(f"{where} is no address of this machine alone: without TLS in front, tokens pass there in clear")
        # While a sensor runs, it follows the files and joins what comes itself.
        follower = _follower(owner, loaded) if owner.owns else None
        try:
            shown = f"[{where}]" if ":" in where else where
            serving.serve(
                app.make(owner, loaded, token), listening, lambda: _say(f"listening on http://{shown}:{bound}")
            )
        finally:
            if follower is not None:
                follower.end()
    if follower is not None and follower.error is not None:
        raise follower.error
    return 0


def _follower(owner: Owner, loaded: config.Config) -> Follower:
    """Files into the store, and drift that came, by file or by request, joined with alerts: once a window."""
    from sensor import fleet
    from sensor.intake.follow import Follower

    def join() -> None:
        if not owner.news.is_set():
            return
        owner.news.clear()
        try:
            changed = sum(fleet.correlate(owner, loaded).values())
        except DriftspanError:
            owner.news.set()  # it is tried again
            raise
        if changed:
            _say(f"{changed} incidents are new or say more")

    made = Follower(
        loaded,
        lambda batch: owner.keep(LIVE, batch),
        _say,
        join,
        lambda _: os.kill(os.getpid(), signal.SIGTERM),
    )
    made.start()
    return made


def _say(text: str) -> None:
    sys.stderr.write(f"driftspan: {safe(text)}\n")
    sys.stderr.flush()
