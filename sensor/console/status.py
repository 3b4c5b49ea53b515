"""How the sensor that runs is, from what it tells beside its store."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from sensor.places import socket_of, spool_of

if TYPE_CHECKING:
    from sensor.config import Config


def live_status(location: str, config: Config) -> dict[str, Any] | None:
    """None: no sensor runs on this store, or not on this machine."""
    path = spool_of(location, config.store.spool) / "status.json"
    try:
        found: dict[str, Any] = orjson.loads(path.read_bytes())
        return found if Path(f"/proc/{int(found['pid'])}").exists() else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def keeper_status(location: str, config: Config) -> dict[str, Any] | None:
    """What waits for the store; None: no keeper has it."""
    from sensor.errors import DriftspanError
    from sensor.keeper.client import keeper_of

    spool = config.store.spool
    if not socket_of(location, spool).exists():
        return None
    try:
        keeper = keeper_of(location, spool)
        return None if keeper is None else keeper.status()
    except DriftspanError as error:
        return {"failing": str(error), "waiting_files": 0, "waiting_bytes": 0, "delivered_rows": 0}
