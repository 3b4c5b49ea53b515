"""`driftspan status`: how the sensor that runs is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from sensor.commands.common import location, settings
from sensor.errors import FAILED
from sensor.keeper.client import keeper_of
from sensor.output import chosen_format, show_rows
from sensor.when import iso

if TYPE_CHECKING:
    from argparse import Namespace


def run(arguments: Namespace) -> int:
    loaded = settings(arguments)
    where = location(arguments, loaded)
    keeper = keeper_of(where)
    try:
        found = orjson.loads((Path(loaded.store.spool or f"{where.rstrip('/')}-spool") / "status.json").read_bytes())
    except (FileNotFoundError, orjson.JSONDecodeError):
        found = {}
    if keeper is None or not found or not Path(f"/proc/{found['pid']}").exists():
        show_rows([{"state": "not running", "store": where}], chosen_format(arguments.format))
        return FAILED
    kept = keeper.status()
    interfaces = found["interfaces"]
    row = {
        "state": "failing" if kept["failing"] else "running",
        "pid": found["pid"],
        "since": iso(found["since"]),
        "packet_time": iso(found["packet_time"]),
        "interfaces": ", ".join(each["name"] for each in interfaces),
        "packets": sum(each["packets"] for each in interfaces),
        "dropped": sum(each["dropped"] for each in interfaces),
        "learning": found["learning"],
        "alerts": found["alerts"],
        "spool_waiting_bytes": kept["waiting_bytes"],
        "spool_rows_lost": found["spool_rows_lost"],
        "evidence_slices": found["evidence"].get("evidence.slices", 0),
        "evidence_failed": found["evidence"].get("evidence.failed", 0),
        "keeper_restarts": found["keeper_restarts"],
        "store": where,
        "problem": kept["failing"],
    }
    show_rows([row], chosen_format(arguments.format))
    return 0
