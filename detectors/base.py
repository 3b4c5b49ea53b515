"""What a detector is: windows in, alerts out. No I/O, no clock, no thread; time comes with the rows."""

from __future__ import annotations

import dataclasses
import types
import typing
from abc import ABC, abstractmethod
from typing import Any, ClassVar

from detectors import address
from detectors.book import Book

if typing.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from detectors import catalogue
    from detectors.alert import Alert
    from detectors.knowledge import Known
    from detectors.site import Site
    from detectors.window import Window

SECOND = 10**9


class Address(str):
    """A host in the settings, as people write it: 10.1.0.11. That it is one is checked as they are read."""

    __slots__ = ()


class Detector(ABC):
    """Gathers from every part of a window, judges at its end.

    `name` is its section under `[detectors]`, `kinds` are the alerts of the catalogue it can raise, `reads`
    the tables it needs. `settings_class` is a frozen dataclass whose every field has a default.
    """

    name: ClassVar[str]
    kinds: ClassVar[tuple[str, ...]]
    reads: ClassVar[tuple[str, ...]]
    settings_class: ClassVar[type]
    anomaly: ClassVar[bool] = False  # judges by what is usual, within the budget of false alarms; else by exact rules
    watches_silence: ClassVar[bool] = False  # sees windows without a packet too, which only interfaces have
    entries: ClassVar[tuple[catalogue.Entry, ...]] = ()  # of the catalogue, for a detector of another package

    def __init__(self, settings: Any, site: Site) -> None:
        self.settings = settings
        self.site = site
        self.places = site.places
        self.learning = site.learning
        self.book = Book(self.name)
        self.overflow = 0  # what was left out because a structure was full

    @property
    def ignored(self) -> frozenset[bytes]:
        """The hosts of the setting `ignore`, 16 bytes each, for detectors that have it."""
        return frozenset(map(address.parse, self.settings.ignore))

    def observe(self, window: Window) -> list[Alert]:
        self.gather(window)
        if not window.last:
            return []
        self.judge(window)
        return self.book.due(window.end)

    def finish(self) -> list[Alert]:
        """The capture is over: alerts whose last state was not yet given out."""
        return self.book.rest()

    @abstractmethod
    def gather(self, window: Window) -> None:
        """Takes what it needs from a part of a window. The order of rows and parts must not matter."""

    def judge(self, window: Window) -> None:  # noqa: B027  most detectors judge row by row
        """The window is whole."""

    def notes(self) -> list[str]:
        """What an analyst should know about this run: where the detector was blind or still learning."""
        return []

    def knowledge(self) -> Iterable[Known]:
        """What was learnt, in sentences; nothing for detectors that keep it as numbers alone."""
        return ()

    def sizes(self) -> dict[str, int]:
        """Entries held, by structure: each has a limit."""
        return {"causes": len(self.book)}

    def counters(self) -> dict[str, int]:
        """`sizes`, and what reaching a limit cost."""
        return self.sizes() | {
            "evicted": self.book.evicted,
            "grouped": self.book.grouped,
            "overflow": self.overflow,
        }

    def snapshot(self) -> dict[str, Any]:
        """The whole state as JSON can carry it."""
        return {"book": self.book.snapshot()}

    def restore(self, state: dict[str, Any]) -> None:
        self.book.restore(state["book"])


def parse_settings(detector: type[Detector], given: Mapping[str, object]) -> Any:
    """The settings of `[detectors.NAME]`. ValueError for an unknown key, a wrong type or a negative number."""
    where = f"[detectors.{detector.name}]"
    types_ = typing.get_type_hints(detector.settings_class)
    fields = {f.name for f in dataclasses.fields(detector.settings_class)}
    values: dict[str, object] = {}
    for key, value in given.items():
        if key == "enabled":
            continue
        if key not in fields:
            raise ValueError(f"{where}: there is no setting {key!r}; there are {', '.join(sorted(fields))}")
        values[key] = _converted(f"{where} {key}", types_[key], value)
    return detector.settings_class(**values)


def _converted(where: str, wanted: Any, value: object) -> object:
    if isinstance(wanted, types.GenericAlias) and wanted.__origin__ is tuple:
        if not isinstance(value, list | tuple):
            raise ValueError(f"{where}: a list is expected, not {value!r}")
        return tuple(_converted(where, wanted.__args__[0], item) for item in value)
    if wanted is Address and isinstance(value, str):
        try:
            address.parse(value)
        except ValueError:
            raise ValueError(f"{where}: {value!r} is no address of a host, such as 10.1.0.11") from None
        return Address(value)
    if wanted is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if not isinstance(value, wanted) or (isinstance(value, bool) and wanted is not bool):
        name = "a host's address" if wanted is Address else wanted.__name__
        raise ValueError(f"{where}: {name} is expected, not {value!r}")
    if isinstance(value, int | float) and value < 0:
        raise ValueError(f"{where}: {value!r} is negative")
    return value
