"""Drift found by other tools, as rows like ours: AITF attributes, Evidently's and NannyML's JSON, plain JSON.

Each adapter takes the parsed document and gives the drifts in it that are alerts; what is not drifted gives none.
ValueError, one sentence naming the field, for a document that is not what it says it is. Formats as published:
AITF `aitf.drift.*` semantic conventions; Evidently `Report.as_dict()` to 0.6 and `Snapshot.dict()` from 0.7 on;
NannyML `Result.to_df(multilevel=False)` as JSON, by records or by columns, from 0.8 on.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

import numpy as np

from detectors.drift.rows import DriftAlert, drift_id

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

AITF_KINDS = {
    "data_distribution": "input", "feature": "input", "embedding": "input", "concept": "relation",
    "performance": "output", "calibration": "confidence", "prediction": "output", "label": "class_mix",
}  # fmt: skip
AITF_RESULTS = ("normal", "warning", "alert", "critical")
_VALUE_DRIFT = re.compile(
    r"ValueDrift\(column=(?P<column>.*?)(?:,method=(?P<method>.*?))?(?:,threshold=(?P<threshold>[^,]*))?\)$"
)
_NANNY = re.compile(r"(?P<name>.+)_alert$")
_CHUNK = ("chunk_key", "chunk_index", "chunk_start_index", "chunk_end_index", "chunk_start_date", "chunk_end_date")
ALERTS = 10_000  # of one document


def from_any(document: Any, received: int, model_id: str = "") -> list[DriftAlert]:
    """Recognises the format. `received`: nanoseconds since the epoch; the time of what names no other. `model_id`: of
    documents that name no model (Evidently, NannyML)."""
    if isinstance(document, list):
        first = _table(document[0], "a drift alert") if document else {}
        if "chunk_key" in first or "chunk_index" in first:
            return from_nannyml(document, received, model_id)
        return [alert for one in document[:ALERTS] for alert in from_any(one, received, model_id)]
    document = _table(document, "a drift alert")
    attributes = document.get("attributes") or document
    if isinstance(attributes, dict) and any(str(key).startswith("aitf.drift.") for key in attributes):
        return from_aitf(attributes, received)
    if isinstance(document.get("metrics"), list):
        return from_evidently(document, received, model_id)
    if "chunk_key" in document or "chunk_index" in document:
        return from_nannyml(document, received, model_id)
    return [from_plain(document, received, model_id)]


def from_aitf(attributes: Mapping[str, Any], received: int) -> list[DriftAlert]:
    """One span or event with `aitf.drift.*` attributes, as a flat table."""
    table = _table(attributes, "aitf: what holds the attributes")
    given = {k.removeprefix("aitf.drift."): v for k, v in table.items() if str(k).startswith("aitf.drift.")}
    for name in ("model_id", "type", "score", "result"):
        if name not in given:
            raise ValueError(f"aitf.drift.{name} is missing; it is required")
    if given["type"] not in AITF_KINDS:
        raise ValueError(f"aitf.drift.type {given['type']!r} is unknown; there are {', '.join(AITF_KINDS)}")
    if given["result"] not in AITF_RESULTS:
        raise ValueError(f"aitf.drift.result {given['result']!r} is unknown; there are {', '.join(AITF_RESULTS)}")
    if given["result"] == "normal":
        return []
    window = str(given.get("evaluation_window", ""))
    low, high = _window(window, received)
    kind = AITF_KINDS[given["type"]]
    stream = str(given.get("feature_name") or given.get("metric_name") or given["type"])
    return [
        _alert(
            str(given["model_id"]), kind, str(given.get("detection_method", "external")), stream,
            _number(given["score"], "aitf.drift.score"), _number(given.get("threshold", 0.0), "aitf.drift.threshold"),
            _maybe(given.get("p_value"), "aitf.drift.p_value"), str(given.get("baseline_metric", "")),
            str(given.get("current_metric", "")), window, (low, high), received,
        )
    ]  # fmt: skip


def from_evidently(document: Mapping[str, Any], received: int, model_id: str) -> list[DriftAlert]:
    """A report of either API. A score that is a p-value drifts below its threshold, a distance above."""
    metrics = _table(document, "evidently: a report").get("metrics")
    if not isinstance(metrics, list):
        raise ValueError("evidently: there is no list 'metrics'")  # noqa: TRY004  the document is wrong, not the call
    if not model_id:
        raise ValueError("evidently: a report does not say which model it is about; name it")
    alerts: dict[str, DriftAlert] = {}
    for metric in metrics[:ALERTS]:
        for column, method, score, threshold, drifted in _evidently(_table(metric, "evidently: an entry of 'metrics'")):
            if not drifted:
                continue
            kind = "output" if column in ("prediction", "target") else "input"
            p_value = score if "p_value" in method else None
            row = (model_id, kind, method or "evidently", column, score, threshold, p_value, "", f"{score:.4g}")
            alert = _alert(*row, str(document.get("timestamp", "")), (received, received), received)
            alerts[alert.drift_id] = alert
    return list(alerts.values())


def _evidently(metric: Mapping[str, Any]) -> Iterator[tuple[str, str, float, float, bool]]:
    """Column, method, score, threshold, drifted."""
    result = metric.get("result")
    if isinstance(result, dict):
        columns = result.get("drift_by_columns")
        if isinstance(columns, dict):
            for name, one in columns.items():
                yield _evidently_column(str(name), one)
        elif "drift_detected" in result and "column_name" in result:
            yield _evidently_column(str(result["column_name"]), result)
        return
    found = _VALUE_DRIFT.match(str(metric.get("metric_name") or metric.get("metric_id") or ""))
    if found is None:
        return
    config = metric.get("config") or {}
    method = found["method"] or str(config.get("method", ""))
    limit = found["threshold"] or config.get("threshold")
    score = _number(metric.get("value"), f"evidently: the value of {found['column']}")
    if limit is None:
        raise ValueError(f"evidently: {found['column']} has no threshold, so it cannot be told whether it drifted")
    threshold = _number(limit, f"evidently: the threshold of {found['column']}")
    yield found["column"], method, score, threshold, score < threshold if "p_value" in method else score >= threshold


def _evidently_column(name: str, one: Any) -> tuple[str, str, float, float, bool]:
    if not isinstance(one, dict) or "drift_detected" not in one:
        raise ValueError(f"evidently: column {name!r} has no 'drift_detected'")
    score = _number(one.get("drift_score", 0.0), f"evidently: drift_score of {name}")
    threshold = _number(one.get("stattest_threshold") or 0.0, f"evidently: stattest_threshold of {name}")
    return name, str(one.get("stattest_name", "")), score, threshold, bool(one["drift_detected"])


def from_nannyml(document: Any, received: int, model_id: str) -> list[DriftAlert]:
    """Chunks that alert; only those of the analysis period where periods are named."""
    if not model_id:
        raise ValueError("nannyml: a result does not say which model it is about; name it")
    alerts = []
    for chunk in _chunks(document)[:ALERTS]:
        if chunk.get("chunk_period", chunk.get("period", "analysis")) == "reference":
            continue
        start, end = (_instant(chunk.get(f"chunk_{edge}_date"), received) for edge in ("start", "end"))
        for column, alarmed in sorted(chunk.items()):
            found = _NANNY.match(column)
            if found is None or not alarmed or column in _CHUNK:
                continue
            name = found["name"]
            value = _number(chunk.get(f"{name}_value"), f"nannyml: {name}_value")
            upper, lower = (_maybe(chunk.get(f"{name}_{edge}_threshold"), name) for edge in ("upper", "lower"))
            crossed = lower if lower is not None and value < lower else upper
            window = f"{chunk.get('chunk_start_date', '')} to {chunk.get('chunk_end_date', '')}"
            kind = "output" if name.startswith(("y_pred", "prediction")) else "input"
            limits = " to ".join("unbounded" if edge is None else f"{edge:.4g}" for edge in (lower, upper))
            alerts.append(
                _alert(
                    model_id, kind, "nannyml", name, value, crossed or 0.0, None, limits, f"{value:.4g}", window,
                    (start, end), end,
                )
            )  # fmt: skip
    return alerts


def _chunks(document: Any) -> list[dict[str, Any]]:
    if isinstance(document, list):
        if not all(isinstance(chunk, dict) for chunk in document):
            raise ValueError("nannyml: a result by records is a list of tables")
        return document
    if not isinstance(document, dict) or not all(isinstance(column, dict | list) for column in document.values()):
        raise ValueError("nannyml: a result is a list of records or a table of columns")
    columns = {name: list(c.values()) if isinstance(c, dict) else c for name, c in document.items()}
    if len({len(column) for column in columns.values()}) != 1:
        raise ValueError("nannyml: the columns are not of one length")
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def from_plain(document: Mapping[str, Any], received: int, model_id: str = "") -> DriftAlert:
    """An object with the columns of the table `drift`; `model_id`, `kind` and `statistic` are required."""
    model = str(document.get("model_id") or model_id)
    if not model:
        raise ValueError("a drift alert names its model_id")
    for name in ("kind", "statistic"):
        if name not in document:
            raise ValueError(f"a drift alert of {model} has no {name!r}")
    since = _instant(document.get("since"), received)
    return _alert(
        model, str(document["kind"]), str(document.get("detector", "external")), str(document.get("stream", "")),
        _number(document["statistic"], "statistic"), _number(document.get("threshold", 0.0), "threshold"),
        _maybe(document.get("p_value"), "p_value"), str(document.get("baseline", "")),
        str(document.get("current", "")), str(document.get("window", "")), (since, received), received,
    )  # fmt: skip


def _alert(
    model: str, kind: str, detector: str, stream: str, statistic: float, threshold: float, p_value: float | None,
    baseline: str, current: str, window: str, span: tuple[int, int], at: int,
) -> DriftAlert:  # fmt: skip
    low, high = min(span), max(span)
    told = f"{stream or kind} of {model} drifted, says {detector}: {statistic:.4g} against {threshold:.4g}"
    return DriftAlert(
        drift_id=drift_id(model, stream, f"{kind}/{detector}", at), ts=at, model_id=model, kind=kind, detector=detector,
        statistic=statistic, threshold=threshold, p_value=p_value, baseline=baseline, current=current, window=window,
        source="external", stream=stream, since=low, since_low=low, since_high=high, summary=told,
    )  # fmt: skip


def _table(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{where} is a table, not {type(value).__name__}")  # noqa: TRY004  the document is wrong
    return value


def _number(value: Any, where: str) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise ValueError(f"{where}: a number is expected, not {value!r}") from None
    if not math.isfinite(number):
        raise ValueError(f"{where}: a number is expected, not {value!r}")
    return number


def _maybe(value: Any, where: str) -> float | None:
    return None if value is None or value != value else _number(value, where)  # noqa: PLR0124  NaN is none


def _window(text: str, received: int) -> tuple[int, int]:
    """`start/end` as AITF writes it; one instant, or nothing that is understood, is the time of receipt."""
    parts: Sequence[str] = text.split("/")
    try:
        return _instant(parts[0], received), _instant(parts[-1], received)
    except ValueError:
        return received, received


def _instant(value: Any, otherwise: int) -> int:
    """ISO 8601 (UTC unless an offset is given), or milliseconds since the epoch as pandas writes dates."""
    if value is None or value == "":
        return otherwise
    if isinstance(value, int | float) and not isinstance(value, bool):
        return round(_number(value, "a date") * 1_000_000)
    found = re.fullmatch(r"(\d{4}-\d\d-\d\d(?:[T ][\d:.]+)?)(?:Z|([+-])(\d\d):?(\d\d))?", str(value).strip())
    if found is None:
        raise ValueError(f"{value!r} is no date as ISO 8601 writes it")
    shift = 0
    if found[2]:
        shift = (int(found[3]) * 60 + int(found[4])) * 60 * (1 if found[2] == "+" else -1)
    try:
        return int(np.datetime64(found[1].replace(" ", "T"), "ns").astype(np.int64)) - shift * 10**9
    except ValueError:
        raise ValueError(f"{value!r} is no date") from None
