"""Changes of values, a row each, made of `tag_changes`, which has a row a message and lists of its changes.

The packet path folds them because a message brings many: time, ends and packet of all of them are the same.
Nothing is unfolded before a detector asks for a column.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from detectors.window import Array, Table

if TYPE_CHECKING:
    from collections.abc import Callable

_LISTS = {"tag": "tags", "value": "values"}
_COLUMNS = ("tag", "value", "text")
_FOLDED = ("tags", "values", "texts")


class TagValues(Table):
    """The columns of a change: `tag value text`, and what its message has, as often as it has changes."""

    def __init__(self, folded: Table) -> None:
        super().__init__()
        self._folded = folded

    @cached_property
    def rows(self) -> int:
        return int(self._counts.sum())

    @property
    def folded(self) -> tuple[Table, Array]:
        """The table of messages, and where the changes of each begin."""
        return self._folded, np.concatenate(([0], np.cumsum(self._counts, dtype=np.int32))).astype(np.int32)

    @cached_property
    def arrow(self) -> Any:
        """As pyarrow has it. For tests and tools: it makes every column."""
        if not self._folded.rows:
            return None
        import pyarrow as pa  # type: ignore[import-untyped, unused-ignore]

        owners = pa.array(self._owners)
        whole = self._folded.arrow
        names = [name for name in whole.column_names if self.has(name) and name != "quality"]
        taken = {name: whole.column(name).take(owners) for name in (*names, "quality")}
        own = {name: self.column(name) for name in _COLUMNS}
        return pa.table({name: (taken | own)[name] for name in (*names, *_COLUMNS, "quality")})

    def has(self, name: str) -> bool:
        if not self._folded.rows:
            return False
        return name in _COLUMNS or (name not in _FOLDED and self._folded.has(name))

    @cached_property
    def _counts(self) -> Array:
        """Changes of each message."""
        return _lengths(self._folded.column("tags")) if self._folded.rows else np.zeros(0, dtype=np.int64)

    @cached_property
    def _owners(self) -> Array:
        """The message of each change."""
        return np.repeat(np.arange(len(self._counts)), self._counts)

    def column(self, name: str) -> Any:
        if name not in self._chunks:
            self._chunks[name] = self._texts_of_all() if name == "text" else _items(self._folded.column(_LISTS[name]))
        return self._chunks[name]

    def _texts_of_all(self) -> Any:
        """A message without a single text has an empty list of them."""
        import pyarrow as pa

        texts = self._folded.column("texts")
        items = _items(texts)
        lengths = np.zeros(self.rows, dtype=np.int32)
        lengths[np.repeat(_lengths(texts) > 0, self._counts)] = np.diff(_offsets(items))
        offsets = np.concatenate(([0], np.cumsum(lengths, dtype=np.int32))).astype(np.int32)
        data = items.buffers()[2]
        if data is not None and len(items):
            data = data.slice(int(_offsets(items)[0]))
        return pa.Array.from_buffers(pa.string(), self.rows, [None, pa.py_buffer(offsets), data or pa.py_buffer(b"")])

    def valid(self, name: str) -> Array:
        return super().valid(name) if name in _COLUMNS else np.repeat(self._folded.valid(name), self._counts)

    def _read_numbers(self, name: str) -> Array:
        if name in _COLUMNS:
            return super()._read_numbers(name)
        return np.repeat(self._folded.numbers(name), self._counts)

    def _read_addresses(self, name: str) -> Array:
        return np.repeat(self._folded.addresses(name), self._counts, axis=0)

    def _read_codes(self, name: str) -> tuple[Array, list[str]]:
        if name in _COLUMNS:
            return super()._read_codes(name)
        codes, categories = self._folded.codes(name)
        return np.repeat(codes, self._counts), categories

    def _read_texts(self, name: str) -> Callable[[int], str]:
        if name in _COLUMNS:
            return super()._read_texts(name)
        owners, folded = self._owners, self._folded
        return lambda row: folded.text(name, int(owners[row]))


def _offsets(array: Any) -> Array:
    """Where each text of an array begins, and where the last one ends."""
    return np.frombuffer(array.buffers()[1], dtype=np.int32)[array.offset : array.offset + len(array) + 1]


def _items(lists: Any) -> Any:
    """All items, one after the other. Without lists that are null they lie like that, and pyarrow need not be asked."""
    if lists.null_count or not len(lists):
        return lists.flatten()
    edges = np.frombuffer(lists.buffers()[1], dtype=np.int32)[lists.offset : lists.offset + len(lists) + 1]
    return lists.values.slice(int(edges[0]), int(edges[-1] - edges[0]))


def _lengths(lists: Any) -> Array:
    return np.diff(np.frombuffer(lists.buffers()[1], dtype=np.int32)[lists.offset : lists.offset + len(lists) + 1])
