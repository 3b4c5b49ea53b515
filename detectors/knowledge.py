"""What was learnt, for people: one sentence a poll and a value, and what was kept out and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from detectors import address
from detectors.statistics import words

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from detectors.learning import Learning
    from detectors.statistics.rhythm import Rhythms
    from detectors.statistics.series import Series

_DIGITS = 3  # of a jitter


class Known(NamedTuple):
    """`kind`: `poll`, `value` or `quarantined`. Addresses are texts; `server` is empty where it is not known."""

    kind: str
    client: str
    server: str
    protocol: str
    what: str
    learnt: str


class Range(NamedTuple):
    """What a tag was between, as one client hears it of one server. `step`: the greatest between two values."""

    client: str
    server: str
    source: str
    tag: str
    low: float
    high: float
    step: float
    values: int


def of_polls(rhythms: Rhythms, pairs: Mapping[int, tuple[bytes, bytes, str]]) -> Iterator[Known]:
    """Behaviours that keep a period. `pairs`: client, server and protocol by number of the conversation."""
    store = rhythms.store
    rows = np.arange(len(rhythms))
    for row in np.flatnonzero(rhythms.regular(rows) & store["named"]).tolist():
        ends = pairs.get(int(store["pair"][row]))
        if ends is None:
            continue
        period, jitter = float(store["period"][row]), float(rhythms.jitter(np.array([row]))[0])
        told = f"every {words.span(period)} ± {jitter:.{_DIGITS}g} s, {int(store['gaps'][row])} times; "
        told += f"the longest gap was {words.span(float(store['longest'][row]))}"
        what = store["text"][row].decode("utf-8", "replace")
        yield Known("poll", address.text(ends[0]), address.text(ends[1]), ends[2], what, told)


def ranges(series: Series) -> Iterator[Range]:
    store = series.store
    for row in range(len(series)):
        count = int(store["values"][row])
        if not count:
            continue
        low, high, step = (float(store[name][row]) for name in ("low", "high", "step"))
        client, server = (address.text(store[name][row].tobytes()) for name in ("client", "server"))
        name, source = (store[field][row].decode("utf-8", "replace") for field in ("name", "source"))
        yield Range(client, server, source, name, low, high, step, count)


def of_values(series: Series) -> Iterator[Known]:
    """Tags, each as one client hears it of one server."""
    for one in ranges(series):
        told = f"{one.low:.6g} to {one.high:.6g}, in steps of {one.step:.6g} at most; {one.values} values"
        yield Known("value", one.client, one.server, one.source, one.tag, told)


def of_quarantine(learning: Learning) -> Iterator[Known]:
    """What was not learnt, because a grave alert pointed at the host that brought it."""
    for entry in learning.quarantine:
        host = address.text(bytes.fromhex(entry["host"]))
        what = entry["what"] or "something new"
        yield Known(
            "quarantined", host, "", "", what, f"not learnt by {entry['detector']}: a grave alert points at {host}"
        )
