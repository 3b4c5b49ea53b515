"""What documents of common model servers and edge programs say."""

from __future__ import annotations

from typing import Any

import pytest

from detectors.outputs.answer import read
from detectors.outputs.document import follow, leaves, moment, parse


@pytest.mark.parametrize(
    ("document", "value", "kind"),
    [
        (0.73, 0.73, "regression"),
        ("ON", "ON", "classification"),
        (True, "true", "classification"),
        ({"score": 0.2}, 0.2, "score"),
        ({"Anomaly-Score": "0.2"}, 0.2, "score"),
        ({"prediction": 17}, 17.0, "regression"),
        ({"prediction": "bearing fault"}, "bearing fault", "classification"),
        ({"label": "ok", "confidence": 0.9}, "ok", "classification"),
        ({"class": 3, "score": 0.9}, "3", "classification"),
        ({"probabilities": {"ok": 0.9, "bad": 0.1}}, {"ok": 0.9, "bad": 0.1}, "classification"),
        ({"classes": ["ok", "bad"], "probs": [0.9, 0.1]}, {"ok": 0.9, "bad": 0.1}, "classification"),
        ({"probabilities": [[0.2, 0.8]]}, {"0": 0.2, "1": 0.8}, "classification"),
        ({"ok": 0.75, "bad": 0.25}, {"ok": 0.75, "bad": 0.25}, "classification"),
        ({"embedding": [1, 2, 3]}, (1.0, 2.0, 3.0), "vector"),
        ({"predictions": [[0.1, 0.9]]}, (0.1, 0.9), "vector"),  # TensorFlow Serving
        ({"predictions": [[4.2]]}, 4.2, "regression"),
        (  # KServe v2
            {"model_name": "m", "model_version": "2", "outputs": [
                {"name": "p", "shape": [1, 2], "datatype": "FP32", "data": [0.1, 0.9]}]},
            (0.1, 0.9), "vector",
        ),
        ({"wear": 0.4, "time": 1_700_000_000}, 0.4, "regression"),
        ({"b": 2, "a": 1, "time": 5, "id": 9}, (1.0, 2.0), "vector"),
        ({"a": 1, "b": "x"}, None, ""),
        ({}, None, ""),
        (None, None, ""),
        ({"score": None}, None, ""),
        ([], None, ""),
        (["a", 1], None, ""),
        ({"score": 10**400}, float("inf"), "score"),
    ],
)  # fmt: skip
def test_keys_tell_what_it_is(document: Any, value: Any, kind: str) -> None:
    said = read(document)
    assert said is not None
    assert (said.value, said.kind) == (value, kind)


@pytest.mark.parametrize(
    ("document", "kind", "value"),
    [
        ({"output": 2}, "classification", "2"),
        ({"output": [0.2, 0.8]}, "classification", {"0": 0.2, "1": 0.8}),
        ({"output": "0.5"}, "regression", 0.5),
        ({"label": "high"}, "regression", None),
        ({"value": True}, "score", 1.0),
        ({"value": 0.5}, "vector", (0.5,)),
        ({"b": 0.25, "a": 0.75}, "vector", (0.75, 0.25)),
        ({"value": [1, 2]}, "score", None),
    ],
)
def test_the_configured_kind_decides(document: Any, kind: str, value: Any) -> None:
    said = read(document, kind=kind)
    assert said is not None
    assert (said.value, said.kind, said.quality) == (value, kind, "good" if value is not None else "wrong_type")


def test_what_a_document_names() -> None:
    document = {
        "model": {"name": "pump", "version": 3}, "timestamp": "2026-03-01T12:00:00.5Z",
        "result": {"score": 0.5, "confidence": 0.75, "other": [1]},
    }  # fmt: skip
    said = read(document, "result.score")
    assert said is not None
    assert (said.value, said.model, said.version, said.confidence) == (0.5, "pump", "3", 0.75)
    assert said.time == 1_772_366_400_500_000_000
    assert read(document, "result.nothing") is None
    assert read(document, "result.other[1]") is None
    assert read({"probs": {"a": 0.3, "b": 0.7}}).confidence == 0.7  # type: ignore[union-attr]


def test_paths() -> None:
    document = {"a": {"b.c": [{"d": 1}]}, "x.y": 2}
    assert follow(document, "a.b.c[0].d") == 1
    assert follow(document, "x.y") == 2
    assert dict(leaves(document)) == {"a.b.c[0].d": 1, "x.y": 2}


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("2026-01-01T00:00:00Z", 1_767_225_600), ("2026-01-01T02:00:00+02:00", 1_767_225_600),
        ("2026-01-01 00:00", 1_767_225_600), ("2026-01-01", 1_767_225_600), (1_767_225_600, 1_767_225_600),
        (1_767_225_600_000, 1_767_225_600), (1_767_225_600_000_000, 1_767_225_600), ("1767225600", 1_767_225_600),
        ("9999-01-01", 0), ("1969-12-31", 0), ("yesterday", 0), (True, 0), (-5, 0), (float("nan"), 0), (None, 0),
        ("2026-02-30", 0),
    ],
)  # fmt: skip
def test_times(written: Any, seconds: int) -> None:
    assert moment(written) == seconds * 10**9


def test_payloads() -> None:
    assert parse(b'{"a": 1}') == ({"a": 1}, "good")
    assert parse(b"closed") == ("closed", "good")
    assert parse(b'{"a": 1', cut=True)[1] == "cut"
    assert parse(b'{"a": 1')[1] == parse(b"\x00\x01")[1] == parse(b"")[1] == "unparsable"
