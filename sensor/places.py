"""What lies beside a store, or where the store is on a server, in the directory that the program is started in."""

from __future__ import annotations

from pathlib import Path

from sensor.store.server.place import is_server

_HERE = "driftspan"


def spool_of(store: str, spool: str = "") -> Path:
    """`spool`: what the configuration says of it; empty: the store's name with `-spool`."""
    return Path(spool or f"{_HERE if is_server(store) else store.rstrip('/')}-spool")


def socket_of(store: str, spool: str = "") -> Path:
    """Of a keeper: beside an embedded store, whose directory is the engine's own; else beside the spool, since several
    keepers deliver to one server."""
    path = (spool_of(store, spool) if is_server(store) else Path(store)).absolute()
    return path.with_name(f"{path.name}.sock")
