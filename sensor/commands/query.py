"""`driftspan query SQL`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from sensor.commands.common import reading
from sensor.output import chosen_format, show_query
from sensor.store.guard import check_reading

if TYPE_CHECKING:
    from argparse import Namespace


def run(arguments: Namespace) -> int:
    sql = check_reading(sys.stdin.read() if arguments.sql == "-" else arguments.sql)
    with reading(arguments) as store:
        show_query(store, sql, chosen_format(arguments.format))
    return 0
