"""`[ledger]`: whether what is stored is committed to, with which key, and where signed heads go."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sensor.errors import InputError

if TYPE_CHECKING:
    from sensor.config_read import Reader

_DAY = 86_400


@dataclass(frozen=True, slots=True)
class LedgerSection:
    """`path`: directory of the log; empty: the store's name with `-ledger`, of a server one in `driftspan-ledger`.
    `key`: file of its private key, PEM; empty: in that directory. `interval`: seconds between two signed heads of a
    stream that grows. `heads`: files and syslog receivers that they go to; `ca`, `certificate`, `certificate_key`: of
    TLS, PEM."""

    enabled: bool = True
    path: str = ""
    key: str = ""
    interval: float = 60.0
    heads: tuple[str, ...] = ()
    ca: str = ""
    certificate: str = ""
    certificate_key: str = ""


def folder_of(store: str, section: LedgerSection, database: str) -> Path:
    """Of each store its own. `database`: the configuration's."""
    if section.path:
        return Path(section.path)
    if "://" in store:
        from sensor.store.server.connect import located

        place, named = located(store, database)
        host, port = place.hosts[0]
        return Path("driftspan-ledger") / f"{host.replace(':', '.')}-{port}-{named}"
    path = Path(store).absolute()
    return path.with_name(f"{path.name}-ledger")


def check_ledger(reader: Reader, section: LedgerSection) -> None:
    if not 1 <= section.interval <= _DAY:  # NaN is not
        raise reader.error(("ledger", "interval"), f"interval must be between 1 and {_DAY} seconds")
    if bool(section.certificate) != bool(section.certificate_key):
        raise reader.error(("ledger", "certificate"), "certificate and certificate_key are needed together")
    if not section.heads:
        return
    from sensor.export.ways.syslog import target

    for place in section.heads:
        try:
            if "://" in place:
                target(place)
        except InputError as error:
            raise reader.error(("ledger", "heads"), str(error)) from None
        if not place:
            raise reader.error(("ledger", "heads"), "heads names an empty place; write a file, or udp:// tcp:// tls://")
