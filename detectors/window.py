"""One window as detectors see it: columns as numpy arrays, taken from Arrow on first use.

pyarrow is only the adapter. Texts of low cardinality stay codes into a list of categories, so that a
condition is decided once a category and not once a row. An absent or empty table has no rows and
answers every column with an empty array; a column that a table with rows lacks is an error, since a
detector that silently reads nothing is blind without anybody knowing.
"""

from __future__ import annotations

from functools import cached_property, lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

T = TypeVar("T")
Array = npt.NDArray[Any]
TABLES = ("modbus", "dnp3", "opcua", "mqtt", "tls", "flows", "sightings", "tag_values", "files", "anomalies",
          "behaviours", "mirror")  # fmt: skip
_NO_ROWS = np.zeros(0, dtype=np.uint64)


class Table:
    """A table of the window. `source`: anything with `__arrow_c_stream__`, or None."""

    def __init__(self, source: object | None = None) -> None:
        self._source = source
        self._chunks: dict[str, Any] = {}
        self._numbers: dict[str, Array] = {}
        self._addresses: dict[str, Array] = {}
        self._codes: dict[str, tuple[Array, list[str]]] = {}
        self._texts: dict[str, Callable[[int], str]] = {}

    @cached_property
    def arrow(self) -> Any:
        """The table as pyarrow has it; None: no table."""
        if self._source is None:
            return None
        import pyarrow as pa  # type: ignore[import-untyped, unused-ignore]

        if isinstance(self._source, pa.Table):
            return self._source
        if isinstance(self._source, pa.RecordBatch):
            return pa.Table.from_batches([self._source])
        # `pa.table` would look whether it is one of pandas', and import pandas for it, a third of a second.
        return pa.RecordBatchReader.from_stream(self._source).read_all()

    @cached_property
    def rows(self) -> int:
        return 0 if self.arrow is None else int(self.arrow.num_rows)

    def __len__(self) -> int:
        return self.rows

    @property
    def folded(self) -> tuple[Table, Array]:
        """A table with a row a message, and where the rows of each begin in this, with the end: where many rows share
        one, less work."""
        return self, np.arange(len(self) + 1, dtype=np.int32)

    def has(self, name: str) -> bool:
        return self.arrow is not None and self.arrow.schema.get_field_index(name) >= 0

    def column(self, name: str) -> Any:
        """A column as one array of pyarrow; only of a table with rows."""
        if name not in self._chunks:
            column = self.arrow.column(name)
            if column.num_chunks == 1:
                self._chunks[name] = column.chunk(0)
            else:
                self._chunks[name] = column.unify_dictionaries().combine_chunks()
        return self._chunks[name]

    def valid(self, name: str) -> Array:
        """Where the column has a value."""
        if not self.rows:
            return _NO_ROWS.astype(bool)
        array = self.column(name)
        bitmap = array.buffers()[0]
        return np.ones(len(array), dtype=bool) if bitmap is None else _bits(bitmap, array)

    def numbers(self, name: str) -> Array:
        """Numbers, flags (0 or 1) or times (nanoseconds since the epoch); 0 where there is none."""
        found = self._numbers.get(name)
        if found is None:
            found = self._numbers[name] = self._read_numbers(name)
        return found

    def _read_numbers(self, name: str) -> Array:
        if not self.rows:
            return _NO_ROWS
        array = self.column(name)
        flags = _dtypes()[array.type.id] is bool
        values = _bits(array.buffers()[1], array).astype(np.uint8) if flags else plain(array)
        return values if not array.null_count else np.where(self.valid(name), values, 0)

    def addresses(self, name: str) -> Array:
        """Addresses as rows of 16 bytes; zeros where there is none."""
        found = self._addresses.get(name)
        if found is None:
            found = self._addresses[name] = self._read_addresses(name)
        return found

    def _read_addresses(self, name: str) -> Array:
        if not self.rows:
            return np.zeros((0, 16), dtype=np.uint8)
        array = self.column(name)
        flat = np.frombuffer(array.buffers()[1], dtype=np.uint8)[16 * array.offset : 16 * (array.offset + len(array))]
        rows = flat.reshape(-1, 16)
        return rows if not array.null_count else np.where(self.valid(name)[:, None], rows, 0).astype(np.uint8)

    def codes(self, name: str) -> tuple[Array, list[str]]:
        """Codes and the categories they index. A plain text column is encoded first."""
        found = self._codes.get(name)
        if found is None:
            found = self._codes[name] = self._read_codes(name)
        return found

    def _read_codes(self, name: str) -> tuple[Array, list[str]]:
        if not self.rows:
            return _NO_ROWS.astype(np.int32), []
        array = self.column(name)
        if not hasattr(array, "dictionary"):
            array = array.dictionary_encode()
        categories = [text or "" for text in array.dictionary.to_pylist()]
        indices = array.indices
        codes = np.frombuffer(indices.buffers()[1], dtype=_dtypes()[indices.type.id])
        codes = codes[indices.offset : indices.offset + len(indices)]
        if array.null_count:
            categories.append("")
            codes = np.where(self.valid(name), codes, len(categories) - 1)
        return codes, categories

    def where(self, name: str, accept: Callable[[str], bool] | Iterable[str]) -> Array:
        """The rows whose text is accepted, or is one of those named; each category is asked once."""
        codes, categories = self.codes(name)
        if not callable(accept):
            accept = frozenset(accept).__contains__
        chosen = np.fromiter(map(accept, categories), dtype=bool, count=len(categories))
        return chosen[codes] if len(categories) else np.zeros(len(codes), dtype=bool)

    def stable(self, name: str) -> Array:
        """A 32-bit number for each text, the same in every window and run."""
        codes, categories = self.codes(name)
        numbers = np.fromiter(map(number, categories), dtype=">u4", count=len(categories))
        return numbers[codes] if len(categories) else np.zeros(len(codes), dtype=">u4")

    def text(self, name: str, row: int) -> str:
        """One text. For a row that was chosen, not for a walk over all of them."""
        return (self._texts.get(name) or self.reader(name))(row)

    @cached_property
    def capture(self) -> Callable[[int], str]:
        """The capture that a row's frames are numbered in; empty where the table does not say."""
        return self.reader("capture") if self.has("capture") else lambda _: ""

    def reader(self, name: str) -> Callable[[int], str]:
        """`text` of one column, where many rows are read."""
        found = self._texts.get(name)
        if found is None:
            found = self._texts[name] = self._read_texts(name)
        return found

    def _read_texts(self, name: str) -> Callable[[int], str]:
        array = self.column(name)
        if hasattr(array, "dictionary"):
            codes, categories = self.codes(name)
            return lambda row: categories[int(codes[row])]
        if str(array.type) != "string" or array.null_count:
            return lambda row: array[row].as_py() or ""
        # pyarrow makes an object for the cell before it makes the text; the offsets lead straight to it.
        _, offsets, data = array.buffers()
        edges = np.frombuffer(offsets, dtype=np.int32)[array.offset :]
        octets = memoryview(data or b"")
        return lambda row: str(octets[edges[row] : edges[row + 1]], "utf-8")

    def ip(self, name: str, row: int) -> bytes:
        return bytes(self.addresses(name)[row].tobytes())

    def keys(self, *columns: Array) -> Array:
        """Rows as fixed-size byte strings, equal exactly where all columns are equal: food for `np.unique`."""
        parts = [_octets(column) for column in columns]
        packed = np.ascontiguousarray(np.concatenate(parts, axis=1))
        return packed.view(f"S{packed.shape[1]}").reshape(-1)


def groups(keys: Array) -> tuple[Array, Array, int]:
    """The row each distinct key is first seen at, each row's group, and the number of groups."""
    _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
    return first, inverse, len(first)


def _octets(column: Array) -> Array:
    """A column as rows of bytes."""
    if column.ndim == 2:
        return column
    column = np.ascontiguousarray(column)
    return column.view(np.uint8).reshape(len(column), column.dtype.itemsize)


def plain(array: Any) -> Array:
    """Numbers of an array of pyarrow as they lie in memory; what stands where there is none is not said."""
    dtype = _dtypes()[array.type.id]
    values: Array = np.frombuffer(array.buffers()[1] or b"", dtype=dtype)[array.offset : array.offset + len(array)]
    return values


def _bits(buffer: object, array: Any) -> Array:
    bits = np.unpackbits(np.frombuffer(buffer, dtype=np.uint8), bitorder="little")  # type: ignore[call-overload]
    chosen: Array = bits[array.offset : array.offset + len(array)].astype(bool)
    return chosen


@lru_cache(maxsize=1)
def _dtypes() -> dict[int, Any]:
    """How Arrow's types lie in memory, by type id; anything else is no column of numbers."""
    import pyarrow as pa

    plain = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float32", "float64")
    known: dict[int, Any] = {getattr(pa, name)().id: np.dtype(name) for name in plain}
    return known | {pa.bool_().id: bool, pa.timestamp("ns").id: np.dtype(np.int64)}


@lru_cache(maxsize=1 << 15)
def number(text: str) -> int:
    """The number that `Table.stable` gives a text."""
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=4).digest(), "big")


_EMPTY = Table()


class Window:
    """A slice of packet time, `start <= ts < end` in nanoseconds, or a part of one.

    A window too large for one piece comes in parts; only the part with `last` ends it. Detectors gather
    from every part and judge at the last, so the cut never shows in what they say.
    """

    def __init__(self, tables: Mapping[str, object], start: int, end: int, last: bool = True) -> None:
        self._sources = tables
        self._tables: dict[str, Table] = {}
        self._derived: dict[Callable[[Window], Any], Any] = {}
        self.start = start
        self.end = end
        self.last = last

    def __getitem__(self, name: str) -> Table:
        found = self._tables.get(name)
        if found is None:
            found = self._tables[name] = self._table(name)
        return found

    def _table(self, name: str) -> Table:
        source = self._sources.get(name)
        if source is not None:
            return Table(source)
        if name == "tag_values" and "tag_changes" in self._sources:
            from detectors.tag_values import TagValues

            return TagValues(self["tag_changes"])
        return _EMPTY

    @property
    def silent(self) -> bool:
        """Whether interfaces were listened to and no packet came. A capture has no such windows."""
        only = not (self._sources.keys() - {"mirror"}) and len(self["mirror"]) > 0
        return only and not self["mirror"].numbers("packets").any()

    def derive(self, view: Callable[[Window], T]) -> T:
        """A view of the window, worked out once however many detectors ask for it."""
        if view not in self._derived:
            self._derived[view] = view(self)
        found: T = self._derived[view]
        return found
