"""The bytes of a record, the same from what is written and from what is stored.

    name=length:text\\n     a column, columns by name; the length is of the text in bytes

A column that holds what the store puts there where nothing is said (nothing, zero, `::`) is left out, so that columns
which later versions add change no hash. Times are nanoseconds since the epoch, floating-point numbers their bits as a
whole number, addresses 32 hexadecimal digits, arrays `length:text` of each element. The store makes the same bytes in
SQL: checking a million records moves hashes only, and bytes that are no UTF-8 are seen as they are.
"""

from __future__ import annotations

import re
import socket
import struct
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

_WRAPPED = re.compile(r"(?:LowCardinality|Nullable)\((.*)\)")
_ZERO = "0"


class Kind(NamedTuple):
    """`text`: of a value of JSON; `sql`: of a column, `{}`; `default`: what is left out, None: nothing is."""

    text: Callable[[Any], str]
    sql: str
    default: str | None


def _whole(value: Any) -> str:
    return str(int(value))


def _time(value: Any) -> str:
    """Of decimal seconds, as rows are written with, or of a date, as they are shown."""
    whole, _, fraction = str(value).partition(".")
    if not whole.lstrip("-").isdecimal():
        moment = datetime.fromisoformat(whole)
        whole = str(int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()))
    return str(int(whole) * 10**9 + int(f"{fraction:0<9}"[:9]))


def _single(value: Any) -> str:
    try:
        return str(struct.unpack("<I", struct.pack("<f", value))[0])
    except OverflowError:
        return str(struct.unpack("<I", struct.pack("<f", float("inf") if value > 0 else float("-inf")))[0])


def _double(value: Any) -> str:
    return str(struct.unpack("<Q", struct.pack("<d", value))[0])


def _address(value: Any) -> str:
    text = str(value)
    return socket.inet_pton(socket.AF_INET6, text if ":" in text else f"::ffff:{text}").hex()


def _bits(count: int) -> Kind:
    return Kind(_single if count == 32 else _double, f"toString(reinterpretAsUInt{count}({{}}))", _ZERO)


_KINDS = (
    ("String", Kind(str, "toString({})", "")),
    (r"Enum.*", Kind(str, "toString({})", None)),
    (r"DateTime64\(9.*", Kind(_time, "toString(toUnixTimestamp64Nano({}))", _ZERO)),
    ("IPv6", Kind(_address, "lower(hex({}))", _ZERO * 32)),
    ("Float32", _bits(32)),
    ("Float64", _bits(64)),
    ("Bool", Kind(_whole, "toString(toUInt8({}))", _ZERO)),
    (r"U?Int\d+", Kind(_whole, "toString({})", _ZERO)),
)


def kind_of(named: str) -> Kind:
    """Of a type of ClickHouse; ValueError for one that no stream has."""
    while found := _WRAPPED.fullmatch(named):
        named = found[1]
    for pattern, kind in _KINDS:
        if re.fullmatch(pattern, named):
            return kind
    if not named.startswith("Array("):
        raise ValueError(f"a column of the type {named} cannot be committed to")
    inner = kind_of(named[6:-1])
    each = inner.sql.format("x")
    joined = f"arrayStringConcat(arrayMap(x -> concat(toString(length({each})), ':', {each}), {{}}))"
    return Kind(lambda values: "".join(map(_counted, map(inner.text, values))), joined, "")


def _counted(text: str) -> str:
    return f"{len(text.encode())}:{text}"


class Encoder:
    """`columns`: name and ClickHouse's type of each."""

    def __init__(self, columns: Iterable[tuple[str, str]]) -> None:
        self._columns = [(name, kind_of(named), "Nullable(" in named) for name, named in sorted(columns)]

    def texts(self, row: Mapping[str, Any]) -> dict[str, str]:
        """What a row says, by column, as it is hashed."""
        found = {}
        for name, kind, nullable in self._columns:
            value = row.get(name)
            if value is None:
                continue
            text = kind.text(value)
            if nullable or text != kind.default:
                found[name] = text
        return found

    def bytes(self, row: Mapping[str, Any]) -> bytes:
        return encoded(self.texts(row))

    def sql(self) -> str:
        """The same bytes, made by the store."""
        names, texts, defaults = [], [], []
        for name, kind, nullable in self._columns:
            text = kind.sql.format(f"`{name}`")
            names.append(f"'{name}='")
            texts.append(f"ifNull({text}, '')" if nullable else text)
            # No number is an empty text, and no name of an enumeration: nothing else is left out there.
            defaults.append("''" if nullable or kind.default is None else f"'{kind.default}'")
        each = "if(t = d, '', concat(n, toString(length(t)), ':', t, '\\n'))"
        columns = ", ".join(f"[{', '.join(each)}]" for each in (names, texts, defaults))
        return f"arrayStringConcat(arrayMap((n, t, d) -> {each}, {columns}))"

    def text_sql(self, wanted: str) -> str:
        """What `texts` has of a column, nothing where it leaves it out."""
        [(name, kind, nullable)] = [column for column in self._columns if column[0] == wanted]
        text = kind.sql.format(f"`{name}`")
        if nullable:
            return f"ifNull({text}, '')"
        return text if kind.default is None else f"if({text} = '{kind.default}', '', {text})"

    def texts_sql(self) -> str:
        """A column `texts`: pairs of name and text of all columns, `there` whether each is part of the record."""
        pairs = []
        for name, kind, nullable in self._columns:
            text = kind.sql.format(f"`{name}`")
            there = f"isNotNull({text})" if nullable else "1" if kind.default is None else f"{text} != '{kind.default}'"
            pairs.append(f"('{name}', ifNull({text}, ''), toUInt8({there}))")
        return f"arrayMap(t -> [t.1, t.2], arrayFilter(t -> t.3, [{', '.join(pairs)}]))"


def encoded(texts: Mapping[str, str]) -> bytes:
    """The bytes of a record whose columns are these texts."""
    parts = []
    for name in sorted(texts):
        text = texts[name].encode()
        parts.append(b"%b=%d:%b\n" % (name.encode(), len(text), text))
    return b"".join(parts)


def digest(texts: Mapping[str, str]) -> str:
    return sha256(encoded(texts)).hexdigest()
