"""A connection of either kind, to a server that is new enough."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sensor.errors import InputError
from sensor.store.server.place import Place, parse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sensor.store.server.native import NativeSession

LEAST = (24, 8)  # ClickHouse: what the tables and settings need; tests run on 26.7


def located(location: str, database: str) -> tuple[Place, str]:
    """The place and the database there: the address's own goes before the configuration's."""
    place = parse(location)
    return place, place.database or database


def session(place: Place, settings: Mapping[str, object]) -> NativeSession:
    """StoreError or InputError says why not."""
    try:
        from sensor.store.server.native import NativeSession
    except ModuleNotFoundError as error:
        raise InputError(
            f"a store on a server needs {error.name}, which is not installed: pip install 'driftspan[server]'"
        ) from None
    made = NativeSession(place, settings)
    if made.version < LEAST:
        made.close()
        found, wanted = (".".join(map(str, version)) for version in (made.version, LEAST))
        raise InputError(
            f"{place}: ClickHouse {found} is too old for the tables of this program; it needs {wanted} or newer"
        )
    return made


def readonly(made: NativeSession) -> int:
    """0: may write; 1: may not even choose settings; 2: may choose settings."""
    return made.number("SELECT value FROM system.settings WHERE name = 'readonly'")


def check_writing(made: NativeSession, place: Place) -> None:
    if readonly(made):
        raise InputError(f"{place}: user {place.user!r} may only read; name one that may write")


def check_database(made: NativeSession, place: Place, database: str) -> None:
    """InputError where it is not there, or not to be seen."""
    if not made.number(f"SELECT count() FROM system.databases WHERE name = '{database}'"):
        raise InputError(
            f"{place}: this server has no database {database!r}; check [store] database and the address, or write one "
            "with 'driftspan replay'"
        )
