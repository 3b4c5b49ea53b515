"""What a document says: the value, and model, version, time and confidence where it names them.

Keys are told by name, whatever their case and without `_` and `-`. Found first counts: a label or probabilities of
classes, a vector, a score, a predicted value; else a document with nothing but numbers besides what it names is that
number, or a vector of them in the order of their keys. `kind` of the model in the configuration overrides what the keys
say: with `classification` a number is the label's name and a list are probabilities of the classes 0, 1, ….
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from detectors.outputs.document import LEAVES, NOTHING, clean, follow, leaves, moment, number

KINDS = ("classification", "regression", "score", "vector")
_ROUNDED = 0.01  # what rounded probabilities may miss of 1
Value = float | str | tuple[float, ...] | dict[str, float]

_LABEL = ("label", "class", "classname", "predictedlabel", "predictedclass", "category", "classid")
_NAMES = ("labels", "classes", "classnames")
_CHANCES = ("probabilities", "probs", "classprobabilities", "proba", "predictproba", "confidences")
_VECTOR = ("vector", "embedding", "embeddings", "latent", "data")
_SCORE = ("anomalyscore", "outlierscore", "reconstructionerror", "score", "scores")
_VALUE = (
    "prediction", "predictions", "predicted", "value", "output", "outputs", "result", "ypred", "yhat", "y", "estimate",
    "forecast", "rul", "instances",
)  # fmt: skip
_CONFIDENCE = ("confidence", "probability", "certainty", "conf")
_VERSION = ("modelversion", "version")
_MODEL = ("modelid", "model", "modelname")
_TIME = ("time", "timestamp", "ts", "eventtime", "datetime", "@timestamp")
ABOUT = frozenset((
    *_CONFIDENCE, *_VERSION, *_MODEL, *_TIME, "id", "seq", "sequence", "requestid", "uuid", "unit", "units", "host",
    "device", "quality",
))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Answer:
    """`value` of None: no value of the wanted kind; the document is stored as it is."""

    value: Value | None
    kind: str
    confidence: float | None = None
    version: str = ""
    model: str = ""
    time: int = 0
    quality: str = "good"


@lru_cache(maxsize=4096)
def plain(key: str) -> str:
    return key.lower().replace("_", "").replace("-", "")


def read(document: Any, path: str = "", kind: str = "") -> Answer | None:
    """None: there is nothing at the path."""
    found = follow(document, path)
    if found is NOTHING:
        return None
    about = _about(document, path)
    value, told = _value(found, _last_key(path))
    told = kind or told
    value = _as(kind, value) if kind and value is not None else value
    confidence = number(about.get("confidence"))
    if isinstance(value, dict) and confidence is None:
        confidence = max(value.values(), default=None)
    if confidence is not None and not math.isfinite(confidence):
        confidence = None
    quality = "good" if value is not None else "wrong_type"
    if value is not None and not _finite(value):
        quality = "not_finite"
    model, version = about.get("model"), about.get("version")
    if isinstance(model, dict):
        version = version if version is not None else _pick(model, _VERSION)
        model = _pick(model, ("name", "id"))
    return Answer(value, told, confidence, _text(version), _text(model), moment(about.get("time")), quality)


def _about(document: Any, path: str) -> dict[str, Any]:
    """What the tables on the way to the value name; the innermost counts."""
    told: dict[str, Any] = {}
    ends = [0, *(i for i, c in enumerate(path) if c in ".["), len(path)]
    for end in ends:
        table = follow(document, path[:end])
        if isinstance(table, dict):
            for name, keys in (
                ("confidence", _CONFIDENCE),
                ("version", _VERSION),
                ("model", _MODEL),
                ("time", _TIME),
            ):
                found = _pick(table, keys)
                if found is not None:
                    told[name] = found
    return told


def _pick(table: dict[str, Any], keys: tuple[str, ...]) -> Any:
    """The first of the keys that stands in the table; equal ones (`Score`, `score`) in order of their spelling."""
    names = {plain(key): key for key in sorted(table, reverse=True)}
    return next((table[names[key]] for key in keys if key in names and table[names[key]] is not None), None)


def _last_key(path: str) -> str:
    return plain(path.rpartition(".")[2].partition("[")[0].rpartition("#")[2])


def _value(found: Any, key: str) -> tuple[Value | None, str]:
    """A value and its kind; the key says what a plain number or text is."""
    if isinstance(found, dict):
        return _of_table(found)
    if isinstance(found, list):
        return _of_list(found, key)
    told = None if key in _LABEL else number(found)
    if told is not None:
        return told, "score" if key in _SCORE else "regression"
    if isinstance(found, bool):
        return str(found).lower(), "classification"
    return (_text(found), "classification") if isinstance(found, str | int | float) else (None, "")


def _of_table(table: dict[str, Any]) -> tuple[Value | None, str]:
    chances = _pick(table, _CHANCES)
    if chances is not None:
        return _classes(chances, _pick(table, _NAMES)), "classification"
    label = _pick(table, _LABEL)
    if isinstance(label, str | int | float):
        return _text(label), "classification"
    for keys, key in ((_VECTOR, "vector"), (_SCORE, "score"), (_VALUE, "value")):
        found = _pick(table, keys)
        if found is not None:
            return _value(found, key)
    return _of_unnamed(table)


def _of_unnamed(table: dict[str, Any]) -> tuple[Value | None, str]:
    """Probabilities of named classes where the numbers say so, else what there is besides what names the output."""
    if _table_of_numbers(table) and abs(sum(table.values()) - 1) < _ROUNDED and min(table.values()) >= 0:
        return {clean(str(name)): float(value) for name, value in table.items()}, "classification"
    found = [(path, value) for path, value in leaves(table) if plain(path.rpartition(".")[2]) not in ABOUT]
    if len(found) == 1:
        return _value(found[0][1], _last_key(found[0][0]))
    values = [number(value) for _, value in sorted(found) if not isinstance(value, str)]
    kept = tuple(value for value in values if value is not None)
    return (kept, "vector") if found and len(kept) == len(found) <= LEAVES else (None, "")


def _table_of_numbers(table: dict[str, Any]) -> bool:
    return len(table) > 1 and all(isinstance(v, int | float) and not isinstance(v, bool) for v in table.values())


def _of_list(found: list[Any], key: str) -> tuple[Value | None, str]:
    while len(found) == 1 and isinstance(found[0], list):
        found = found[0]
    if len(found) == 1:
        return _value(found[0], key)
    if key in _CHANCES:
        return _classes(found, None), "classification"
    values = [number(part) for _, part in leaves(found)][: LEAVES + 1]
    kept = tuple(v for v in values if v is not None)
    return (kept, "vector") if kept and len(kept) == len(values) <= LEAVES else (None, "")


def _classes(chances: Any, names: Any) -> Value | None:
    if isinstance(chances, list):
        while len(chances) == 1 and isinstance(chances[0], list):
            chances = chances[0]
        named = isinstance(names, list) and len(names) == len(chances)
        chances = {_text(names[at]) if named else str(at): chance for at, chance in enumerate(chances)}
    if not isinstance(chances, dict) or not 0 < len(chances) <= LEAVES:
        return None
    told = {clean(str(name)): number(chance) for name, chance in chances.items()}
    kept = {name: chance for name, chance in told.items() if chance is not None}
    return kept if len(kept) == len(told) else None


def _as(kind: str, value: Value) -> Value | None:
    """The value as the model's kind has it; None: it is none of that kind."""
    parts = tuple(value[name] for name in sorted(value)) if isinstance(value, dict) else value
    if kind == "classification":
        if isinstance(value, tuple):
            return {str(at): chance for at, chance in enumerate(value)}
        return _text(value) if isinstance(value, float) else value
    if kind == "vector":
        return (parts,) if isinstance(parts, float) else parts if isinstance(parts, tuple) else None
    if isinstance(parts, str):
        return {"true": 1.0, "false": 0.0}.get(parts, number(parts))
    return parts if isinstance(parts, float) else parts[0] if len(parts) == 1 else None


def _finite(value: Value) -> bool:
    if isinstance(value, str):
        return True
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, tuple) else (value,)
    return all(map(math.isfinite, parts))


def _text(value: Any) -> str:
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        value = int(value)
    return clean(str(value)) if isinstance(value, str | int | float) else ""
