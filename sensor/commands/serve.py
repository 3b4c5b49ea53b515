"""`driftspan serve`: console and API over a store, until SIGTERM."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from contextlib import closing
from typing import TYPE_CHECKING

from sensor import config
from sensor.case_name import LIVE
from sensor.commands.common import location
from sensor.errors import DriftspanError, StoreError
from sensor.service.log import configure, say
from sensor.store.server.place import is_server

if TYPE_CHECKING:
    from argparse import Namespace

    from sensor.access.desk import Desk
    from sensor.api.owner import Owner
    from sensor.intake.follow import Follower

_KEEPER = 60.0  # seconds in which a sensor's keeper answers
_KEPT = "{}: the process that keeps this store does not answer"


def run(arguments: Namespace) -> int:
    loaded = config.load(config.find(arguments.config))
    try:
        from sensor.api import app, serving
    except ModuleNotFoundError as error:
        raise DriftspanError(
            f"'driftspan serve' needs {error.name}, which is not installed: pip install 'driftspan[console]'"
        ) from None
    from sensor.access.desk import Deliverer, Desk
    from sensor.api.owner import Owner
    from sensor.export.running import Held, exporting

    store = location(arguments, loaded)
    configure(loaded.log)
    token = serving.token(loaded.console)
    tls = serving.tls(loaded.console)
    host = loaded.console.host if arguments.host is None else arguments.host
    port = loaded.console.port if arguments.port is None else arguments.port
    if arguments.with_sensor:
        threading.Thread(target=_end_with_sensor, daemon=True).start()
        _await_keeper(store)
    with (
        closing(serving.listen(host, port, loaded.console)) as listening,
        closing(Owner(store, loaded)) as owner,
        closing(Desk(store, loaded, token)) as desk,
    ):
        if arguments.with_sensor and owner.owns:
            raise StoreError(_KEPT.format(store))
        # While a sensor runs, it follows the files and joins what comes itself.
        follower = _follower(owner, loaded) if owner.owns else None
        deliverer = Deliverer(desk, owner, say)
        deliverer.start()
        entries = loaded.export if owner.owns else ()  # a sensor that runs exports itself
        try:
            made = app.make(owner, loaded, desk)
            with exporting(entries, store, lambda: Held(owner), say):
                serving.serve(made, listening, lambda: _say_ready(desk, serving.shown(listening, loaded.console)), tls)
        finally:
            if follower is not None:
                follower.end()
            deliverer.end()
    if follower is not None and follower.error is not None:
        raise follower.error
    return 0


def _await_keeper(store: str) -> None:
    """Beside a sensor the store is its keeper's, also while one that died is begun again: whoever opened it meanwhile
    would keep the next one out."""
    from sensor.keeper.client import keeper_of

    end = time.monotonic() + _KEEPER
    while keeper_of(store) is None:
        if time.monotonic() > end:
            raise StoreError(_KEPT.format(store))
        time.sleep(0.2)


def _end_with_sensor() -> None:
    while os.read(sys.stdin.fileno(), 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def _say_ready(desk: Desk, where: str) -> None:
    say(f"listening on {where}")
    if password := desk.first_password():
        say(f"log in as 'admin' with the one-time password {password} which is to be changed then")


def _follower(owner: Owner, loaded: config.Config) -> Follower:
    """Files into the store, and drift that came, by file or by request, joined with alerts: once a window."""
    from sensor import fleet
    from sensor.intake.follow import Follower

    others = fleet.News(owner) if is_server(owner.location) else None  # many sensors write there, and none sees all

    def join() -> None:
        if not owner.news.is_set() and not (others is not None and others.there(time.monotonic())):
            return
        owner.news.clear()
        try:
            changed = sum(fleet.correlate(owner, loaded).values())
        except DriftspanError:
            owner.news.set()  # it is tried again
            raise
        if changed:
            say(f"{changed} incidents are new or say more")

    made = Follower(
        loaded,
        lambda batch: owner.keep(LIVE, batch),
        say,
        join,
        lambda _: os.kill(os.getpid(), signal.SIGTERM),
    )
    made.start()
    return made
