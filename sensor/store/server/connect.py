"""A connection of either kind, to a server that is new enough."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sensor.errors import InputError
from sensor.store.server.place import Place, parse

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping
    from typing import Protocol

    from sensor.store import case_store

    class Session(case_store.Session, Protocol):
        """Over either protocol. `more`: settings of one question."""

        version: tuple[int, int]

        def use(self, database: str) -> None: ...
        def pieces(self, sql: str, fmt: str, more: Mapping[str, object] | None = None) -> Generator[bytes]: ...


LEAST = (24, 8)  # ClickHouse: what the tables and settings need; tests run on 26.7


def located(location: str, database: str) -> tuple[Place, str]:
    """The place and the database there: the address's own goes before the configuration's."""
    place = parse(location)
    return place, place.database or database


def session(place: Place, settings: Mapping[str, object]) -> Session:
    """StoreError or InputError says why not."""
    if place.ca and not Path(place.ca).is_file():
        raise InputError(f"{place}: there is no file {place.ca!r}, which ca= of the address names")
    made = _over_http(place, settings) if place.http else _native(place, settings)
    if made.version < LEAST:
        made.close()
        found, wanted = (".".join(map(str, version)) for version in (made.version, LEAST))
        raise InputError(
            f"{place}: ClickHouse {found} is too old for the tables of this program; it needs {wanted} or newer"
        )
    return made


def _native(place: Place, settings: Mapping[str, object]) -> Session:
    try:
        from sensor.store.server.native import NativeSession
    except ModuleNotFoundError as error:
        raise InputError(
            f"a store on a server needs {error.name}, which is not installed: pip install 'driftspan[server]', or name"
            " its HTTP port with http://"
        ) from None
    return NativeSession(place, settings)


def _over_http(place: Place, settings: Mapping[str, object]) -> Session:
    from sensor.store.server.over_http import HttpSession

    return HttpSession(place, settings)


def readonly(made: Session) -> int:
    """0: may write; 1: may not even choose settings; 2: may choose settings."""
    return made.number("SELECT value FROM system.settings WHERE name = 'readonly'")


def check_writing(made: Session, place: Place) -> None:
    if readonly(made):
        raise InputError(f"{place}: user {place.user!r} may only read; name one that may write")


def check_database(made: Session, place: Place, database: str) -> None:
    """InputError where it is not there, or not to be seen."""
    if not made.number(f"SELECT count() FROM system.databases WHERE name = '{database}'"):
        raise InputError(
            f"{place}: this server has no database {database!r}; check [store] database and the address, or write one "
            "with 'driftspan replay'"
        )
