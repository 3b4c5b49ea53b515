"""What most commands begin with."""

from __future__ import annotations

from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from sensor import config
from sensor.errors import InputError
from sensor.program import user_of_system
from sensor.store import Reading, Store, open_reading, open_store
from sensor.store.server.place import is_server, without_password

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterator


_LONGEST_NOTE = 2000


def settings(arguments: Namespace) -> config.Config:
    return config.load(config.find(arguments.config))


def location(arguments: Namespace, loaded: config.Config) -> str:
    """`--store`, else the configuration's. The password of a server is not in it: it goes to the environment."""
    given = str(loaded.store.path if arguments.store is None else arguments.store)
    return without_password(given, loaded.store.password_file) if is_server(given) else given


def opened(arguments: Namespace, loaded: config.Config) -> Store:
    """The store, made or brought up to date, to write."""
    layout = loaded.layout()
    return open_store(location(arguments, loaded), loaded.store.database, loaded.sensor.name, layout)


@contextmanager
def reading(arguments: Namespace) -> Iterator[Reading]:
    loaded = settings(arguments)
    with closing(open_reading(location(arguments, loaded), loaded.store.database)) as store:
        yield store


def signature(arguments: Namespace) -> tuple[str, str]:
    """Who says something, and why: `--by` and `--note`."""
    if len(arguments.note) > _LONGEST_NOTE:
        raise InputError(f"--note must be at most {_LONGEST_NOTE} characters")
    who = user_of_system() if arguments.by is None else arguments.by.strip()
    if not who.isprintable() or not 0 < len(who) <= 128:
        raise InputError("--by must be 1 to 128 printable characters")
    return who, arguments.note
