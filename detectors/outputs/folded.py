"""Documents of which the packet path tells only what changed: JSON in HTTP bodies, Sparkplug metrics, long payloads.

A document is put together from what its path's messages said last. A message in which nothing at all changed is not
seen, and a value that a later document leaves out stays: JSON answers mostly bring a time or an id that changes, and
Sparkplug reports by exception itself.
"""

from __future__ import annotations

import re
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import numpy as np

from detectors import address
from detectors.outputs.carried import Carried
from detectors.outputs.selectors import covers

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from detectors.outputs.carried import Wanted
    from detectors.window import Table, Window

DOCUMENTS = 1024  # put together at a time; the one that changed longest ago leaves
LEAVES = 4096  # of one
_STEP = re.compile(r"\[(\d+)\]|([^.\[]+)|\.")
_BAD = "bad"
Leaves = dict[str, Any]


class Folded:
    """Reads `tag_values` of HTTP and Sparkplug."""

    def __init__(self, wanted: Iterable[Wanted]) -> None:
        self._wanted = [w for w in wanted if w.selector.protocol in ("http", "sparkplug")]
        self._sources = {"http": "http", "sparkplug": "mqtt"}
        self._named = {self._sources[w.selector.protocol] for w in self._wanted}

    def read(self, window: Window) -> Iterator[Carried]:
        table = window["tag_values"] if self._wanted else None
        if table is None or not table.rows:
            return
        rows = np.flatnonzero(table.where("source", self._named) & table.where("tag", lambda tag: bool(self._of(tag))))
        messages: dict[tuple[Any, ...], tuple[int, tuple[Wanted, ...], Leaves]] = {}
        columns = [table.numbers(name) for name in ("ts", "frame", "flow_id")]
        codes, tags = table.codes("tag")
        for row in rows.tolist():
            src, dst = table.ip("src_ip", row), table.ip("dst_ip", row)
            for name, leaf, wanted in self._of(tags[codes[row]]):
                here = tuple(w for w in wanted if w.selector.protocol == "sparkplug" or w.at(src, dst))
                if here:
                    key = (*(int(column[row]) for column in columns), name)
                    message = messages.setdefault(key, (row, here, {}))
                    message[2][leaf] = value_of(table, row)
        for (ts, frame, flow, name), (row, here, leaves) in messages.items():
            yield self._carried(table, row, (ts, frame, flow), name, here, leaves)

    def _of(self, tag: str) -> list[tuple[str, str, tuple[Wanted, ...]]]:
        """What a tag is a leaf of: name of the document, path in it, and who wants that."""
        name, _, leaf = tag.partition("#")
        found = []
        http = tuple(w for w in self._wanted if w.selector.protocol == "http" and covers(w.selector.name, name))
        if http:
            found.append((name, leaf, http))
        if leaf != "command":
            for wanted in self._wanted:
                selector = wanted.selector
                if selector.protocol == "sparkplug" and tag.endswith(f"/{selector.path}"):
                    node = tag[: -len(selector.path) - 1]
                    if covers(selector.name, node):
                        found.append((node, selector.path, (wanted,)))
        return found

    def _carried(
        self, table: Table, row: int, place: tuple[int, int, int], name: str, wanted: tuple[Wanted, ...], leaves: Leaves
    ) -> Carried:
        captures, names = table.codes("capture")
        src, dst = table.ip("src_ip", row), table.ip("dst_ip", row)
        ts, frame, flow = place
        tag = f"{name}@{address.text(dst)}" if wanted[0].selector.protocol == "http" else name
        digest = blake2b(repr(sorted(leaves.items(), key=str)).encode("utf-8", "replace"), digest_size=8).digest()
        capture = names[captures[row]]
        return Carried(ts, capture, frame, tag, digest, flow, src, dst, None, wanted, leaves=leaves)


def value_of(table: Table, row: int) -> Any:
    """A row of `tag_values` as JSON had it."""
    if table.valid("value")[row]:
        return float(table.numbers("value")[row])
    text = table.text("text", row)
    return None if text == "null" and table.text("quality", row).startswith(_BAD) else text


class Documents:
    """What was said last under each path of a server."""

    def __init__(self) -> None:
        self._held: dict[str, Leaves] = {}
        self.evicted = 0

    def holds(self, tag: str) -> bool:
        return tag in self._held

    def merged(self, tag: str, leaves: Leaves) -> Any:
        held = self._held.pop(tag, {})
        for path, value in leaves.items():
            if path in held or len(held) < LEAVES:
                held[path] = value
            else:
                self.evicted += 1
        self._held[tag] = held
        if len(self._held) > DOCUMENTS:
            del self._held[next(iter(self._held))]
            self.evicted += 1
        return nested(held)

    def snapshot(self) -> dict[str, Any]:
        return {"held": [[tag, leaves] for tag, leaves in self._held.items()], "evicted": self.evicted}

    def restore(self, state: dict[str, Any]) -> None:
        self._held = {tag: dict(leaves) for tag, leaves in state["held"]}
        self.evicted = state["evicted"]


def nested(leaves: Leaves) -> Any:
    """The document whose leaves these are; `""` is the path of a lone value."""
    if "" in leaves:
        return leaves[""]
    root: dict[Any, Any] = {}
    for path, value in sorted(leaves.items()):
        steps = [int(index) if index else key for index, key in _STEP.findall(path) if index or key]
        table = root
        for step in steps[:-1]:
            deeper = table.setdefault(step, {})
            table = deeper if isinstance(deeper, dict) else table
        table[steps[-1] if steps else path] = value
    return _listed(root)


def _listed(table: Any) -> Any:
    """Tables whose keys are places become lists."""
    if not isinstance(table, dict):
        return table
    if table and all(isinstance(key, int) for key in table):
        return [_listed(table[at]) for at in sorted(table)]
    return {str(key): _listed(value) for key, value in table.items()}
