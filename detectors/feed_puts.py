"""Files that one host puts on another."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from detectors.sessions import capture_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from detectors.window import Window


class Put(NamedTuple):
    """Something a client put on a server; `path` as the carrier has it."""

    ts: int
    client: bytes
    server: bytes
    carrier: str
    path: str
    size: int
    frame: int
    capture: str


def puts(window: Window) -> Iterator[Put]:
    table = window["files"]
    for row in np.flatnonzero(table.numbers("upload")).tolist() if len(table) else ():
        yield Put(
            int(table.numbers("ts")[row]), table.ip("src_ip", row), table.ip("dst_ip", row), table.text("carrier", row),
            table.text("path", row), int(table.numbers("size")[row]), int(table.numbers("frame")[row]),
            capture_of(table, row),
        )  # fmt: skip
