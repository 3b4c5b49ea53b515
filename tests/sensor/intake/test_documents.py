from __future__ import annotations

import json

import pytest

from detectors.arrived import HostOutput
from sensor.intake.documents import drift, inference, parsed
from tests.sensor.intake.test_times import NOON

AITF = {"aitf.drift.model_id": "m", "aitf.drift.type": "feature", "aitf.drift.score": 0.4, "aitf.drift.result": "alert"}
EVIDENTLY = {"metrics": [{"metric_name": "ValueDrift(column=flow,method=psi,threshold=0.1)", "value": 0.3}]}
NANNY = [{"chunk_key": "0", "chunk_end_date": "2026-03-01T12:00:00", "flow_value": 0.5, "flow_alert": True}]
PLAIN = {"model_id": "m", "kind": "output", "statistic": 3.5}
RECORD = {"model_id": "m", "ts": "2026-03-01T12:00:00Z", "output": 0.5}


def test_an_inference_record() -> None:
    document = RECORD | {"confidence": 1, "inputs": {"flow": 2, "mode": "auto", "ok": True, "gone": None},
                         "version": "1.4", "input_sha256": "AB"}  # fmt: skip
    assert inference(document, place="log:3") == HostOutput(
        NOON, "m", 0.5, 1.0, "1.4", "ab", {"flow": 2.0, "mode": "auto", "ok": "true"}, "log:3"
    )


@pytest.mark.parametrize(
    ("output", "meant"),
    [
        (1, 1.0),
        ("worn", "worn"),
        (True, "true"),
        ([1, 2.5], (1.0, 2.5)),
        ({"a": 0.25, "b": 0.75}, {"a": 0.25, "b": 0.75}),
    ],
)
def test_outputs_of_every_kind(output, meant) -> None:
    assert inference(RECORD | {"output": output}).value == meant


def test_a_record_is_the_same_wherever_it_stands() -> None:
    one, two = inference(RECORD, place="a:1"), inference(dict(reversed(RECORD.items())), place="b:9")
    assert one.record_id == two.record_id
    for other in (
        {"output": 0.6},
        {"ts": NOON + 1},
        {"model_id": "n"},
        {"input": 3},
        {"confidence": 0.5},
        {"version": 2},
    ):
        assert inference(RECORD | other).record_id != one.record_id


def test_a_model_named_elsewhere() -> None:
    document = {"time": NOON // 10**6, "prediction": [1], "input": 5}
    found = inference(document, "m")
    assert (found.model_id, found.ts, found.inputs) == ("m", NOON, {"": 5.0})


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ([], "is a table, not a list"),
        ({}, "names its model_id"),
        ({"model_id": "m"}, 'has a "ts"'),
        ({"model_id": "m", "ts": 1}, 'has an "output"'),
        (RECORD | {"ts": "soon"}, "'soon' is no moment"),
        (RECORD | {"output": [[1]]}, r"output\[0\] must be a number, not a list"),
        (RECORD | {"output": {"a": "b"}}, "output.a must be a number, not a text"),
        (RECORD | {"output": []}, "1 to 1024 numbers"),
        (RECORD | {"output": [0] * 1025}, "1 to 1024 numbers"),
        (RECORD | {"confidence": "high"}, "confidence must be a number, not a text"),
        (RECORD | {"inputs": {"a": [1]}}, "the input 'a' must be a number or a text, not a list"),
        (RECORD | {"inputs": dict.fromkeys(map(str, range(1025)), 1)}, "at most 1024 inputs"),
        (RECORD | {"model_id": {"a": 1}}, "model_id must be a text, not a table"),
        (RECORD | {"model_id": "m" * 257}, "longer than 256 characters"),
        (RECORD | {"output": "x" * 257}, "longer than 256 characters"),
    ],
)
def test_what_is_no_record(document, said) -> None:
    with pytest.raises(ValueError, match=said):
        inference(document)


@pytest.mark.parametrize("text", ["", "{", "NaN", "[" * 100_000, b"\xff", '{"a": Infinity}'])
def test_what_is_no_json(text) -> None:
    with pytest.raises(ValueError, match=r"is no JSON|nested"):
        parsed(text)


@pytest.mark.parametrize("moment", [{"ts": NOON}, {"time": "2026-03-01T12:00:00Z"}, {"endTimeUnixNano": str(NOON)}])
@pytest.mark.parametrize("document", [AITF, PLAIN])
def test_a_drift_report_with_its_own_time(document, moment) -> None:
    [found] = drift(document | moment, None)
    assert (found.ts, found.model_id, found.source) == (NOON, "m", "external")
    assert drift(document | moment, NOON + 5) == [found]


def test_a_report_that_names_no_model_is_wrapped_or_told() -> None:
    [found] = drift({"model_id": "m", "ts": NOON, "report": EVIDENTLY}, None)
    assert (found.ts, found.model_id, found.stream) == (NOON, "m", "flow")
    [nanny] = drift({"model_id": "m", "result": NANNY}, 5)
    assert (nanny.ts, nanny.model_id) == (NOON, "m")
    assert drift(NANNY, 5, "m")[0].ts == NOON
    with pytest.raises(ValueError, match="which model"):
        drift(EVIDENTLY, 5)


def test_a_window_of_evaluation_is_a_time() -> None:
    [found] = drift(AITF | {"aitf.drift.evaluation_window": "2026-03-01T11:00:00Z/2026-03-01T12:00:00Z"}, None)
    assert (found.ts, found.since) == (NOON, NOON - 3600 * 10**9)


def test_without_a_time_the_id_is_of_the_content() -> None:
    with pytest.raises(ValueError, match="names no time"):
        drift(PLAIN, None)
    [one], [two] = drift(PLAIN, NOON), drift(PLAIN, NOON + 99)
    assert (one.ts, two.ts) == (NOON, NOON + 99)
    assert one.drift_id == two.drift_id
    assert drift(PLAIN | {"statistic": 4}, NOON)[0].drift_id != one.drift_id


@pytest.mark.parametrize(
    "document",
    [None, 3, "x", [3], [[]], {}, {"metrics": 3}, {"metrics": [3]}, {"metrics": [{"result": {"drift_by_columns": {"a": 3}}}]},
     {"chunk_key": 3}, {"chunk_key": {}, "a": [1]}, {"kind": "x"}, AITF | {"aitf.drift.score": None},
     PLAIN | {"statistic": "x"}, PLAIN | {"since": {}}, PLAIN | {"model_id": "m" * 300}, PLAIN | {"p_value": []},
     PLAIN | {"since": "0001-01-01"}, {"attributes": [3]}, {"attributes": {"aitf.drift.x": 1}}, {"report": 3, "model_id": []}],
)  # fmt: skip
def test_what_is_no_drift_report(document) -> None:
    with pytest.raises(ValueError) as error:  # noqa: PT011  each says something else
        drift(document, NOON, "m")
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 400


def test_normal_is_no_alert() -> None:
    assert drift(AITF | {"aitf.drift.result": "normal"}, NOON) == []
    assert drift(json.loads('{"metrics": []}'), NOON, "m") == []
