"""`driftspan learn`, `mute`, `close`, `unlearn`: what an analyst says of an alert, recorded and effective at once."""

from __future__ import annotations

import os
import pwd
from contextlib import closing
from typing import TYPE_CHECKING

from sensor.alerts import checked_id
from sensor.case_name import LIVE, check_case
from sensor.commands.common import location, settings
from sensor.errors import InputError
from sensor.output import chosen_format, show_rows
from sensor.when import deadline, iso

if TYPE_CHECKING:
    from argparse import Namespace

_LONGEST_NOTE = 2000


def run(arguments: Namespace) -> int:
    wanted = checked_id(arguments.id)
    expiry = deadline(getattr(arguments, "until", None), getattr(arguments, "duration", None))
    if len(arguments.note) > _LONGEST_NOTE:
        raise InputError(f"--note must be at most {_LONGEST_NOTE} characters")
    case = arguments.case if arguments.case in (None, LIVE) else check_case(arguments.case)
    who = _who() if arguments.by is None else arguments.by.strip()
    if not who.isprintable() or not 0 < len(who) <= 128:
        raise InputError("--by must be 1 to 128 printable characters")
    loaded = settings(arguments)
    where = location(arguments, loaded)

    from sensor import verdicts
    from sensor.store import open_saying

    with closing(open_saying(where, loaded.store.database, loaded.sensor.name)) as store:
        saying = verdicts.Saying(arguments.action, case, who, expiry, arguments.note)
        now = verdicts.say(store, wanted, saying)
    row = {name: now[name] for name in ("alert_id", "status", "title", "severity")}
    row |= {"case": now["scope"] or "all", "by": who, "until": iso(expiry), "note": arguments.note}
    show_rows([row], chosen_format(arguments.format))
    return 0


def _who() -> str:
    """The user of the operating system, whatever the environment says."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"
