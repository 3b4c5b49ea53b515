"""`driftspan serve`: the API over a store, until SIGTERM."""

from __future__ import annotations

import sys
from contextlib import closing
from typing import TYPE_CHECKING

from sensor import config
from sensor.commands.common import location
from sensor.errors import DriftspanError
from sensor.textwidth import safe

if TYPE_CHECKING:
    from argparse import Namespace


def run(arguments: Namespace) -> int:
    loaded = config.load(config.find(arguments.config))
    try:
        from sensor.api import app, serving
    except ModuleNotFoundError as error:
        raise DriftspanError(
            f"'driftspan serve' needs {error.name}, which is not installed: pip install 'driftspan[console]'"
        ) from None
    from sensor import fleet
    from sensor.api.owner import Owner
    from sensor.api.passes import Passes

    token = serving.token(loaded.console)
    host = loaded.console.host if arguments.host is None else arguments.host
    port = loaded.console.port if arguments.port is None else arguments.port
    with closing(serving.listen(host, port)) as listening, closing(Owner(location(arguments, loaded), loaded)) as owner:
        where, bound = listening.getsockname()[:2]
        if not serving.is_local(where):
            _say(f"{where} is no address of this machine alone: without TLS in front, tokens pass there in clear")
        passes = Passes(owner, loaded, lambda: sum(fleet.correlate(owner, loaded).values()), _say)
        passes.start()
        try:
            shown = f"[{where}]" if ":" in where else where
            serving.serve(
                app.make(owner, loaded, token), listening, lambda: _say(f"listening on http://{shown}:{bound}")
            )
        finally:
            passes.end()
    return 0


def _say(text: str) -> None:
    sys.stderr.write(f"driftspan: {safe(text)}\n")
    sys.stderr.flush()
