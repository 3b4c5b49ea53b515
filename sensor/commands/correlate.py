"""`driftspan correlate`: joins drift with alerts over the store, of all its sensors."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from sensor.commands.common import location, settings
from sensor.output import chosen_format, show_rows
from sensor.service.log import say
from sensor.when import literal

if TYPE_CHECKING:
    from argparse import Namespace


def run(arguments: Namespace) -> int:
    loaded = settings(arguments)
    since = literal("--since", arguments.since) if arguments.since is not None else ""
    from sensor import fleet
    from sensor.store import open_saying

    with closing(
        open_saying(location(arguments, loaded), loaded.store.database, loaded.sensor.name, loaded.layout())
    ) as store:
        changed = fleet.correlate(store, loaded, arguments.case, since)
    if not changed:
        say("no drift is stored there, so there is nothing to explain")
    rows = [{"case": case, "incidents_changed": count} for case, count in sorted(changed.items())]
    show_rows(rows, chosen_format(arguments.format))
    return 0
