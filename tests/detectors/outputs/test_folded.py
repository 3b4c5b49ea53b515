"""Documents of which only changes are told: HTTP bodies, Sparkplug, payloads longer than what is kept."""

from __future__ import annotations

import json
from typing import Any

from detectors.models import Model, Models
from detectors.outputs.folded import nested
from detectors.outputs.observer import Observer
from tests.detectors.build import SECOND, T0, window
from tests.detectors.outputs.test_observer import publish

EDGE, CLIENT = "10.50.0.10", "10.30.0.10"


def told(
    ts: float, tag: str, value: float | str | None, frame: int, source: str = "http", **more: Any
) -> dict[str, Any]:
    ends = {"src_ip": CLIENT, "dst_ip": EDGE, "dst_port": 8000, "flow_id": 1}
    said = {"text": value} if isinstance(value, str) else {"value": value}
    return {"ts": ts, "frame": frame, "source": source, "tag": tag, "quality": "good", **ends, **said} | more


def seen(model: Model, *tags: dict[str, Any], **more: Any) -> Any:
    observer = Observer(Models([model]))
    observer.learn(window(0, tag_values=[{"text": "", "value": None} | tag for tag in tags], **more))
    return observer.seen


def test_responses_are_put_together_from_what_changed() -> None:
    model = Model("m", hosts=(EDGE,), outputs=("/v1/predict",), inputs=("POST /v1/predict#rows",))
    result = seen(
        model,
        told(1, "POST /v1/predict#rows[0]", 4.0, 1),
        told(1, "POST /v1/predict#rows[1]", 5.0, 1),
        told(2, "/v1/predict#label", "ok", 2),
        told(2, "/v1/predict#confidence", 0.9, 2),
        told(2, "/v1/predict#model_version", "1.2", 2),
        told(3, "/v1/predict#confidence", 0.8, 3),
        told(4, "/v1/other#label", "no", 4),
        told(5, "/v1/predict#label", "no", 5, dst_ip="10.50.0.99", src_ip="10.50.0.98"),
    )
    assert [(r.ts, r.output, r.confidence, r.model_version, r.tag) for r in result.records] == [
        (T0 + 2 * SECOND, '"ok"', 0.9, "1.2", f"/v1/predict@{EDGE}"),
        (T0 + 3 * SECOND, '"ok"', 0.8, "1.2", f"/v1/predict@{EDGE}"),
    ]
    tag = f"POST /v1/predict@{EDGE}#rows"
    assert [(r.stream, r.value) for r in result.inputs] == [(f"{tag}[0]", 4.0), (f"{tag}[1]", 5.0)]
    assert all(record.input_sha256 for record in result.records)


def test_a_path_in_a_response_of_one_server() -> None:
    model = Model("m", outputs=(f"/v1/+/predict#predictions[0][1]@{EDGE}",))
    tags = [told(1, f"/v1/a/predict#predictions[0][{at}]", at / 4, 1) for at in range(3)]
    [record] = seen(model, *tags, told(1, "/v1/a/predict#predictions[0][1]", 9.0, 2, dst_ip="10.9.9.9")).records
    assert (record.output, record.kind) == ("0.25", "regression")


def test_sparkplug_metrics() -> None:
    model = Model("m", outputs=("spBv1.0/g/+/node/pump#Wear/Score",))
    result = seen(
        model,
        told(1, "g/node/pump/Wear/Score", 0.5, 1, "mqtt"),
        told(1.1, "g/node/pump/Wear/Score", 0.5, 2, "mqtt", flow_id=2),  # the broker passes it on
        told(2, "g/node/pump/Wear/Score", 0.75, 3, "mqtt"),
        told(3, "g/node/pump/Wear/Score#command", 0.1, 4, "mqtt"),
        told(3, "g/node/pump/Wear", 0.1, 5, "mqtt"),
        told(3, "g/other/pump/Wear/Score", 0.1, 6, "mqtt"),
    )
    assert [record.output for record in result.records] == ["0.5", "0.75"]
    assert {record.tag for record in result.records} == {"g/node/pump#Wear/Score"}


def test_a_payload_longer_than_what_is_kept_is_put_together() -> None:
    whole = {"embedding": [n / 8 for n in range(900)], "time": 1_700_000_000}
    payload = json.dumps(whole).encode()[:4096]
    tags = [told(1, f"emb#embedding[{at}]", value, 7, "mqtt") for at, value in enumerate(whole["embedding"])]  # type: ignore[arg-type]
    tags.append(told(2, "emb#embedding[3]", 99.0, 8, "mqtt"))
    messages = [publish(ts, "emb", payload, frame=frame, payload_cut=1) for ts, frame in ((1, 7), (2, 8), (3, 9))]
    result = seen(Model("m", outputs=("emb",)), *tags, mqtt=messages)
    vectors = [json.loads(record.output) for record in result.records]
    assert [len(vector) for vector in vectors] == [900, 900, 900]
    assert vectors[0] == whole["embedding"]
    assert vectors[1][3] == vectors[2][3] == 99.0
    assert {record.quality for record in result.records} == {"good"}


def test_nested() -> None:
    assert nested({"a.b[0].c": 1, "a.b[1].c": 2, "d": "x"}) == {"a": {"b": [{"c": 1}, {"c": 2}]}, "d": "x"}
    assert nested({"[0]": 1, "[1]": 2}) == [1, 2]
    assert nested({"": 5}) == 5
    assert nested({"a": 1, "a.b": 2, "a.b.c": 3}) is not None
