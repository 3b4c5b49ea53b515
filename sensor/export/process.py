"""Exports and rules beside a sensor: a child process, `python -m sensor.export.process`, begun again when it dies.

It asks the keeper for everything and talks to other machines, which the process that dissects may not. It ends with the
sensor, whose end of a pipe is its stdin.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sensor import config
from sensor.api.process import BesideProcess, running
from sensor.errors import DriftspanError
from sensor.export.running import Exports, exporting, of_keeper
from sensor.service.log import configure, say
from sensor.sigma.beside import Watch, watching

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sensor.config import Config
    from sensor.starter import Beginner


def check(loaded: Config, where: str) -> None:
    """InputError for exports and rules that cannot work."""
    opened = of_keeper(where, loaded.store.database)
    Exports(loaded.export, where, opened, say).close()
    if loaded.sigma.enabled:
        Watch(loaded, opened, say)


@contextmanager
def exports_beside(
    where: str, path: Path | None, loaded: Config, say: Callable[[str], None], beginner: Beginner
) -> Iterator[None]:
    """As long as something else is done; nothing where none are wanted."""
    if not loaded.export and not loaded.sigma.enabled:
        yield
        return
    with running(BesideProcess("the process of exports", ("sensor.export.process",), where, path, say, beginner)):
        yield


def main() -> int:
    parser = argparse.ArgumentParser(prog="driftspan exports")
    parser.add_argument("--store", required=True)
    parser.add_argument("--config")
    given = parser.parse_args()
    over = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: over.set())
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        loaded = config.load(Path(given.config) if given.config else None)
        configure(loaded.log, "driftspan exports")
        opened = of_keeper(given.store, loaded.store.database)
        threading.Thread(target=_end_with_sensor, args=(over,), daemon=True).start()
        with watching(loaded, opened, say), exporting(loaded.export, given.store, opened, say):
            over.wait()
    except DriftspanError as error:
        say(str(error), "error")
        return error.status
    return 0


def _end_with_sensor(over: threading.Event) -> None:
    while os.read(sys.stdin.fileno(), 4096):
        pass
    over.set()


if __name__ == "__main__":
    sys.exit(main())
