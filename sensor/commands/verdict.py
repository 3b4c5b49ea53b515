"""`driftspan learn`, `mute`, `close`, `unlearn`: what an analyst says of an alert, recorded and effective at once."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from sensor.alerts import checked_id
from sensor.case_name import LIVE, check_case
from sensor.commands.common import location, settings, signature
from sensor.output import chosen_format, show_rows
from sensor.when import deadline, iso

if TYPE_CHECKING:
    from argparse import Namespace


def run(arguments: Namespace) -> int:
    wanted = checked_id(arguments.id)
    expiry = deadline(getattr(arguments, "until", None), getattr(arguments, "duration", None))
    case = arguments.case if arguments.case in (None, LIVE) else check_case(arguments.case)
    who, note = signature(arguments)
    loaded = settings(arguments)
    where = location(arguments, loaded)

    from sensor import verdicts
    from sensor.commands.noted import noting
    from sensor.store import open_saying

    with (
        closing(open_saying(where, loaded.store.database, loaded.sensor.name, loaded.layout())) as store,
        noting(where, loaded, store) as noted,
    ):
        saying = verdicts.Saying(arguments.action, case, who, expiry, note)
        before, now = verdicts.change(store, wanted, saying)
        noted("verdict.say", *verdicts.told(saying, before, now), now["alert_id"])
    row = {name: now[name] for name in ("alert_id", "status", "title", "severity")}
    row |= {"case": now["scope"] or "all", "by": who, "until": iso(expiry), "note": note}
    show_rows([row], chosen_format(arguments.format))
    return 0
