"""One JSON document → records. ValueError, one sentence, for what it cannot be read as."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Any

import orjson

from detectors.alert import alert_id
from detectors.arrived import HostOutput
from detectors.drift.external import from_any
from sensor.intake.times import nanoseconds

if TYPE_CHECKING:
    from collections.abc import Mapping

    from detectors.drift.rows import DriftAlert

LONGEST_TEXT = 256  # characters of a name, a label, a version
MOST_VALUES = 1024  # of an output that is a vector, or inputs of one record
_MOMENTS = ("ts", "time", "timestamp", "@timestamp")
_SPAN_MOMENTS = ("end_time_unix_nano", "endTimeUnixNano", "time_unix_nano", "timeUnixNano")
_WRAPPED = ("report", "result", "document")
_OUTPUTS = ("output", "outputs", "prediction")
_VERSIONS = ("version", "model_version")


class UnreadableError(ValueError):
    """A document that is not what it should be, in one sentence."""


def parsed(data: bytes | str) -> Any:
    """JSON as orjson reads it: NaN and what is not UTF-8 are refused."""
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise UnreadableError(f"is no JSON: {str(error).partition(': line')[0]}") from None
    except RecursionError:
        raise UnreadableError("is nested too deeply") from None


def drift(document: Any, received: int | None, model_id: str = "") -> list[DriftAlert]:
    """`received`: the moment of a document that names none; None refuses it. `model_id`: of one that names no model."""
    inner, model_id = _unwrapped(document, model_id)
    own = _own_moment(document) or _own_moment(inner)
    moment = received if own is None else own
    if moment is None:
        raise UnreadableError('the drift report names no time; add "ts", as in "ts": "2026-03-01T12:30:00Z"')
    try:
        found = from_any(inner, moment, model_id)
    except (TypeError, KeyError, AttributeError, IndexError, OverflowError, RecursionError):
        raise UnreadableError("the drift report is in no form that is known") from None
    for row in found:
        _check_drift(row)
    if own is None:
        # Of the same content the same id, whenever it comes: `from_any` puts the moment into it.
        content = orjson.dumps(document, option=orjson.OPT_SORT_KEYS)
        found = [
            dataclasses.replace(row, drift_id=alert_id("drift", model_id, content, at)) if row.ts == moment else row
            for at, row in enumerate(found)
        ]
    return found


def _unwrapped(document: Any, model_id: str) -> tuple[Any, str]:
    """The report inside an envelope, and the model that the envelope names."""
    if not isinstance(document, dict):
        return document, model_id
    inside = next((document[name] for name in _WRAPPED if isinstance(document.get(name), dict | list)), None)
    named = document.get("model_id")
    if inside is None or "kind" in document:
        return document, model_id
    if named is not None and not isinstance(named, str):
        raise UnreadableError(f"model_id must be a text, not {_kind(named)}")
    return inside, named or model_id


def _own_moment(document: Any) -> int | None:
    """When the report says that it was made."""
    if isinstance(document, list) and len(document) == 1:
        document = document[0]
    if not isinstance(document, dict):
        return None
    attributes = document.get("attributes")
    window = (attributes if isinstance(attributes, dict) else document).get("aitf.drift.evaluation_window")
    for name in (*_MOMENTS, *_SPAN_MOMENTS):
        if document.get(name) not in (None, ""):
            return nanoseconds(document[name])
    if isinstance(window, str) and "/" in window:
        try:
            return nanoseconds(window.split("/")[-1])
        except ValueError:
            return None
    return None


def _check_drift(row: DriftAlert) -> None:
    for name in ("model_id", "kind", "detector", "stream"):
        if len(getattr(row, name)) > LONGEST_TEXT:
            raise UnreadableError(f"{name} is longer than {LONGEST_TEXT} characters")
    if not all(0 < moment < 2**63 for moment in (row.ts, row.since, row.since_low, row.since_high)):
        raise UnreadableError("a date is not between 1970 and 2262")


def inference(document: Any, model_id: str = "", place: str = "") -> HostOutput:
    """A record of a host's log. `model_id`: of one that names none; `place`: where it stands, for people."""
    if not isinstance(document, dict):
        raise UnreadableError(f"an inference record is a table, not {_kind(document)}")
    model = _text(document, ("model_id",)) or model_id
    if not model:
        raise UnreadableError("an inference record names its model_id")
    moment = next((document[name] for name in _MOMENTS if document.get(name) not in (None, "")), None)
    if moment is None:
        raise UnreadableError('an inference record has a "ts", as in "ts": "2026-03-01T12:30:00.250Z"')
    output = next((name for name in _OUTPUTS if document.get(name) is not None), None)
    if output is None:
        raise UnreadableError('an inference record has an "output": a number, a label, a list or a table of numbers')
    confidence = document.get("confidence")
    return HostOutput(
        ts=nanoseconds(moment),
        model_id=model,
        value=_value(output, document[output]),
        confidence=None if confidence is None else _number("confidence", confidence),
        model_version=_text(document, _VERSIONS),
        input_sha256=_text(document, ("input_sha256",)).lower(),
        inputs=_inputs(document),
        place=place,
    )


def _value(name: str, value: Any) -> float | str | tuple[float, ...] | Mapping[str, float]:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _short(name, value)
    if isinstance(value, list | dict):
        if not 0 < len(value) <= MOST_VALUES:
            raise UnreadableError(f"{name} must have 1 to {MOST_VALUES} numbers, not {len(value)}")
        if isinstance(value, list):
            return tuple(_number(f"{name}[{at}]", part) for at, part in enumerate(value))
        return {_short(name, label): _number(f"{name}.{label}", part) for label, part in value.items()}
    return _number(name, value)


def _inputs(document: Mapping[str, Any]) -> dict[str, float | str]:
    given = document.get("inputs")
    if given is None:
        given = document.get("input")
    if given is None:
        return {}
    if not isinstance(given, dict):
        given = {"": given}
    if len(given) > MOST_VALUES:
        raise UnreadableError(f"an inference record has at most {MOST_VALUES} inputs, not {len(given)}")
    found: dict[str, float | str] = {}
    for name, value in given.items():
        if isinstance(value, list | dict):
            raise UnreadableError(f"the input {name!r} must be a number or a text, not {_kind(value)}")
        if value is None:
            continue
        made = _value(f"the input {name!r}", value)
        found[_short("the name of an input", name)] = made if isinstance(made, str) else float(made)  # type: ignore[arg-type]
    return found


def _number(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise UnreadableError(f"{name} must be a number, not {_kind(value)}")
    return float(value)


def _text(document: Mapping[str, Any], names: tuple[str, ...]) -> str:
    for name in names:
        value = document.get(name)
        if value is None:
            continue
        if isinstance(value, bool | list | dict):
            raise UnreadableError(f"{name} must be a text, not {_kind(value)}")
        return _short(name, str(value))
    return ""


def _short(name: str, text: str) -> str:
    if len(text) > LONGEST_TEXT:
        raise UnreadableError(f"{name} is longer than {LONGEST_TEXT} characters")
    return text


def _kind(value: Any) -> str:
    known = {dict: "a table", list: "a list", str: "a text", bool: "true or false", type(None): "nothing"}
    return known.get(type(value), "a number")
