"""A payload as a JSON document, and ways in it."""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterator

LEAVES = 4096  # of one document
DEPTH = 32
WORD = 256  # bytes of a payload without JSON that may be a label
SECRETS = ("password", "passwd", "token", "secret", "apikey", "api_key", "authorization")
_ISO = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?)\d*(?:Z|([+-])(\d\d):?(\d\d)?)?)?$", re.IGNORECASE
)
_LAST = 1 << 63  # nanoseconds that a time may be


class Nothing:
    """There is no value at that place."""


NOTHING = Nothing()


def parse(payload: bytes, cut: bool = False) -> tuple[Any, str]:
    """The document and its quality: `good`; `cut` or `unparsable` with the payload as text. A payload that is a single
    word is a text (`ON`); `NaN` and `Infinity`, which JSON does not know and many write, are numbers."""
    try:
        return orjson.loads(payload), "good"
    except orjson.JSONDecodeError:
        pass
    words = payload.decode("utf-8", "replace")
    try:
        return json.loads(words), "good"
    except (ValueError, RecursionError):
        pass
    if cut:
        return words, "cut"
    word = len(payload) <= WORD and words.isprintable() and words.strip() and words.lstrip()[:1] not in "{["
    return words, "good" if word and "\ufffd" not in words else "unparsable"


def follow(document: Any, path: str) -> Any:
    """What stands at a path `a.b[0]`, or NOTHING. A key may have dots itself: the longest that exists is taken."""
    if not path:
        return document
    if path.startswith("["):
        index, _, rest = path[1:].partition("]")
        if not isinstance(document, list) or not index.isdigit() or int(index) >= len(document):
            return NOTHING
        return follow(document[int(index)], rest.removeprefix("."))
    if not isinstance(document, dict):
        return NOTHING
    for end in (i for i in range(len(path), 0, -1) if i == len(path) or path[i] in ".["):
        if path[:end] in document:
            found = follow(document[path[:end]], path[end:].removeprefix("."))
            if found is not NOTHING:
                return found
    return NOTHING


def leaves(document: Any, path: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Every number, text and truth with its path, at most DEPTH deep."""
    if depth > DEPTH:
        return
    if isinstance(document, dict):
        for key, value in document.items():
            yield from leaves(value, f"{path}.{key}" if path else str(key), depth + 1)
    elif isinstance(document, list):
        for at, value in enumerate(document):
            yield from leaves(value, f"{path}[{at}]", depth + 1)
    elif document is not None:
        yield path, document


def number(value: Any) -> float | None:
    """A number, also one in a text; None: it is none. Too large a whole number is infinite."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except ValueError:
        return None
    except OverflowError:
        return math.inf if isinstance(value, int) and value > 0 else -math.inf


def clean(text: str) -> str:
    """Without half surrogate pairs, which no UTF-8 can hold."""
    return text.encode("utf-8", "replace").decode()


def text(value: Any, payload: Any = b"") -> str:
    """A value as JSON, keys sorted; what is nested too deeply for that, as the text it came as."""
    try:
        return clean(json.dumps(value, sort_keys=True, ensure_ascii=False))
    except RecursionError:
        raw = payload.decode("utf-8", "replace") if isinstance(payload, bytes) else str(payload)[:LEAVES]
        return json.dumps(raw, ensure_ascii=False)


def secret(path: str) -> bool:
    """Whether the last key of a path names a secret: its value is not kept."""
    last = path.rpartition(".")[2].lower()
    return any(name in last for name in SECRETS)


def moment(value: Any) -> int:
    """A time as programs write it, in nanoseconds since the epoch: ISO 8601, or a number of seconds, milli-, micro- or
    nanoseconds, told by its size. 0: it is none."""
    if isinstance(value, str):
        written = _ISO.match(value.strip())
        if written:
            return _iso(*written.groups())
        value = number(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value <= 0:
        return 0
    scale = next((s for limit, s in ((1e11, 10**9), (1e14, 10**6), (1e17, 10**3)) if value < limit), 1)
    told = value * scale if isinstance(value, int) else round(value * scale)
    return told if told < _LAST else 0


def _iso(date: str, clock: str, sign: str | None, hours: str | None, minutes: str | None) -> int:
    """Without an offset it is UTC."""
    if not "1970" <= date[:4] <= "2261":
        return 0  # would not fit, and wrap
    import numpy as np  # the configuration is read without it

    try:
        told = int(np.datetime64(f"{date}T{clock or '00:00'}", "ns").astype(np.int64))
    except ValueError:
        return 0
    ahead = (int(hours or 0) * 60 + int(minutes or 0)) * 60 * 10**9
    told += ahead if sign == "-" else -ahead
    return told if 0 < told < _LAST else 0
