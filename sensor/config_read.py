"""Reading TOML values into dataclasses, with errors that name file, line and mend."""

from __future__ import annotations

import dataclasses
import difflib
import types
import typing
from datetime import UTC, datetime
from typing import Any, TypeVar

from sensor.errors import ConfigError
from sensor.toml_lines import Path, key_lines, line_of

if typing.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

T = TypeVar("T")
_NAMES = {str: "a text", int: "a whole number", float: "a number", bool: "true or false", dict: "a table"}
MOST_BYTES = 4 << 20  # of a configuration; that of a large site has a few thousand lines
_MOST_DOTS = 32  # in the key of a line: what is nested deeper costs a parser of TOML its time
_MOST_NAMED = 80  # characters of a name in a sentence
_TIME = "a time, as in 2026-03-01T22:00:00Z"


def unknown(what: str, name: object, known: Iterable[str]) -> str:
    """The sentence for a name that does not exist, with the one that was probably meant."""
    known, name = list(known), name if len(str(name)) <= _MOST_NAMED else f"{str(name)[:_MOST_NAMED]}…"
    near = difflib.get_close_matches(str(name), known, n=1)
    if near:
        return f"there is no {what} {name!r}; did you mean {near[0]!r}?"
    return f"there is no {what} {name!r}; there {'are' if known else 'is none'} {', '.join(known)}".rstrip()


def check_size(text: str, name: str) -> None:
    """ConfigError for what would keep the parser busy and is no configuration."""
    if len(text) > MOST_BYTES:
        raise ConfigError(f"{name}: is larger than {MOST_BYTES >> 20} MiB, which no configuration is")
    for number, line in enumerate(text.splitlines(), 1):
        if line.partition("=")[0].count(".") > _MOST_DOTS and not line.lstrip().startswith("#"):
            raise ConfigError(f"{name}:{number}: the key is nested too deeply for a configuration; flatten it")


class Reader:
    """Knows the file, so that every error can name its line."""

    def __init__(self, name: str, text: str) -> None:
        self._name = name
        self._lines = key_lines(text)

    def error(self, path: Path, message: str) -> ConfigError:
        line = line_of(self._lines, path)
        return ConfigError(f"{self._name}:{line}: {message}" if line else f"{self._name}: {message}")

    def mapping(self, path: Path, data: object, known: tuple[str, ...] | None) -> dict[str, object]:
        """The table at the path; `known` None: any key may stand in it."""
        label = _label(path)
        if not isinstance(data, dict):
            raise self.error(path, f"{label} must be a table, as in [{'.'.join(map(str, path))}]")
        for key in data:
            if known is not None and key not in known:
                raise self.error((*path, key), unknown(f"key in {label}", key, known))
        return data

    def section(self, name: str, data: Mapping[str, object], kind: type[T]) -> T:
        return self._fill((name,), data.get(name, {}), kind, {})

    def entries(
        self, name: str, data: Mapping[str, object], kind: type[T], renamed: Mapping[str, str] | None = None
    ) -> tuple[T, ...]:
        """Every `[[name]]`. `renamed`: keys of the file that are other fields of the dataclass."""
        tables = data.get(name, [])
        if not isinstance(tables, list):
            raise self.error((name,), f"write [[{name}]] with two brackets: there may be several")
        return tuple(self._fill((name, i), table, kind, renamed or {}) for i, table in enumerate(tables))

    def _fill(self, path: Path, data: object, kind: type[T], renamed: Mapping[str, str]) -> T:
        hints = typing.get_type_hints(kind)
        by_field = {new: old for old, new in renamed.items()}
        fields = dataclasses.fields(typing.cast("Any", kind))
        keys = {by_field.get(f.name, f.name): f for f in fields}
        table = self.mapping(path, data, tuple(keys))
        values = {keys[key].name: self._value((*path, key), hints[keys[key].name], v) for key, v in table.items()}
        for key, f in keys.items():
            missing = f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING
            if missing and f.name not in values and not _empty(hints[f.name]):
                raise self.error(path, f"{_label(path)} lacks {key!r}; add a line '{key} = …'")
            if missing and f.name not in values:
                values[f.name] = ()
        return kind(**values)

    def _value(self, path: Path, wanted: Any, value: object) -> object:
        if isinstance(wanted, types.UnionType):
            plain = next(a for a in wanted.__args__ if a is str)
            return value if isinstance(value, plain) else self._value(path, wanted.__args__[0], value)
        origin = typing.get_origin(wanted)
        if origin is tuple:
            if not isinstance(value, list):
                raise self.error(path, f"{path[-1]!r} must be a list, as in {path[-1]} = [{value!r}]")
            return tuple(self._value(path, typing.get_args(wanted)[0], item) for item in value)
        if origin is not None:  # Mapping[str, ...]
            table = self.mapping(path, value, None)
            kind = typing.get_args(wanted)[1]
            return {key: self._value((*path, key), kind, item) for key, item in table.items()}
        if wanted is datetime:
            return self._time(path, value)
        if wanted is float and isinstance(value, int) and not isinstance(value, bool):
            return float(value)
        if not isinstance(value, wanted) or (isinstance(value, bool) and wanted is not bool):
            raise self.error(path, f"{path[-1]!r} must be {_NAMES[wanted]}, not {value!r}")
        return value

    def _time(self, path: Path, value: object) -> datetime:
        """TOML has times of its own; a text is as good. Without an offset it is UTC."""
        try:
            time = value if isinstance(value, datetime) else datetime.fromisoformat(value)  # type: ignore[arg-type]
        except (TypeError, ValueError):
            raise self.error(path, f"{path[-1]!r} must be {_TIME}, not {str(value)!r}") from None
        return time if time.tzinfo else time.replace(tzinfo=UTC)


def _empty(hint: Any) -> bool:
    """Lists may be left out: an empty one says the same."""
    return typing.get_origin(hint) is tuple


def _label(path: Path) -> str:
    if len(path) > 1 and isinstance(path[1], int):
        return f"[[{path[0]}]] number {path[1] + 1}"
    return f"[{'.'.join(map(str, path))}]"
