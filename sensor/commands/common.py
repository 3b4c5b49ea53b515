"""What most commands begin with."""

from __future__ import annotations

from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from sensor import config
from sensor.store import Reading, open_reading

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterator


def settings(arguments: Namespace) -> config.Config:
    return config.load(config.find(arguments.config))


def location(arguments: Namespace, loaded: config.Config) -> str:
    """`--store`, else the configuration's."""
    return str(loaded.store.path if arguments.store is None else arguments.store)


@contextmanager
def reading(arguments: Namespace) -> Iterator[Reading]:
    loaded = settings(arguments)
    with closing(open_reading(location(arguments, loaded), loaded.store.database)) as store:
        yield store
