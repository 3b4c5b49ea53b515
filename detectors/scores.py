"""Names under which models publish what they say, and what a model is called after them."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_SAYS = frozenset((
    "score", "scores", "probability", "probabilities", "prob", "proba", "anomaly",
    "anomalyscore", "confidence", "label", "prediction", "predictions", "predicted", "pred",
    "class", "inference", "likelihood", "logit", "logits", "rul",
))  # fmt: skip
_PLAIN = frozenset(
    ("value", "v", "val", "y", "output", "result")
)  # names that say nothing themselves: what stands above does
_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_PLACES = re.compile(r"\[[^\]]*\]")
_LEVELS = re.compile(r"[/.]")


@lru_cache(maxsize=65536)
def is_score(tag: str) -> bool:
    """Whether the last level of a tag (`topic#path`, node id) is called like what a model says."""
    levels = [level for level in _LEVELS.split(_named(tag)) if level]
    while len(levels) > 1 and levels[-1].lower() in _PLAIN:
        levels.pop()
    return bool(levels) and _is_word(levels[-1])


def _is_word(level: str) -> bool:
    words = [word.lower() for word in _WORDS.findall(level)]
    return bool(_SAYS & set(words)) or "".join(words) in _SAYS


def _named(tag: str) -> str:
    """`topic#path` as one path; a node id without its name space."""
    topic, mark, path = tag.partition("#")
    if mark:
        return f"{topic}/{_PLACES.sub('', path)}"
    return tag.partition(";s=")[2] or tag.removeprefix("s=")


def called(outputs: Iterable[str], host: str) -> str:
    """A name for the model that says these: what stands in front of the score."""
    for tag in outputs:
        levels = [level for level in _LEVELS.split(_named(tag)) if level]
        while levels and (_is_word(levels[-1]) or levels[-1].lower() in _PLAIN):
            levels.pop()
        if levels:
            return levels[-1][:100]
    return f"model-on-{host}"


def snippet(name: str, host: str, inputs: Iterable[str], outputs: Iterable[str]) -> str:
    """A `[[model]]` for the configuration."""
    lists = (("hosts", [host]), ("inputs", list(inputs)), ("outputs", list(outputs)))
    lines = [f"{key} = [{', '.join(map(_quoted, values))}]" for key, values in lists]
    return "\n".join(["[[model]]", f"id = {_quoted(name)}", *lines])


def _quoted(text: str) -> str:
    """A basic string of TOML, which is one of JSON but for one character."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
