"""Windows in, outputs, inputs and chained records out."""

from __future__ import annotations

import json
import random
from dataclasses import asdict
from typing import Any

import orjson
import pytest

from detectors.models import Model, Models
from detectors.outputs import chain
from detectors.outputs.observer import Observer, Seen
from detectors.window import Window
from tests.detectors.build import SECOND, T0, rows, window

EDGE, BROKER, SENSOR, HISTORIAN = "10.50.0.10", "10.20.0.10", "10.40.0.41", "10.20.0.5"
PUMP = Model("pump", hosts=(EDGE,), inputs=("plant/telemetry",), outputs=("plant/score",))


def publish(ts: float, topic: str, payload: Any, src: str = EDGE, flow: int = 1, **more: Any) -> dict[str, Any]:
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    ends = {"src_ip": src, "dst_ip": BROKER, "dst_port": 1883}
    return {
        "ts": ts,
        **ends,
        "packet_type": 3,
        "packet": "PUBLISH",
        "topic": topic,
        "payload": body,
        "flow_id": flow,
    } | more


def subscribe(ts: float, flow: int, *filters: str) -> dict[str, Any]:
    return {"ts": ts, "packet_type": 8, "packet": "SUBSCRIBE", "flow_id": flow, "filters": filters, "src_ip": HISTORIAN}


def watch(*messages: dict[str, Any], model: Model = PUMP, observer: Observer | None = None, at: float = 0) -> Seen:
    made = observer or Observer(Models([model]))
    made.learn(window(at, mqtt=messages))
    return made.seen


def test_an_output_is_read_with_what_it_names_and_what_came_before_it() -> None:
    fed = {"line": "a", "vibration": 2.5, "time": 1_700_000_000_500}
    said = {"model": "pump", "version": "1.4.0", "score": 0.25, "confidence": 0.9, "time": 1_700_000_001_000}
    seen = watch(publish(1, "plant/telemetry", fed, SENSOR, 2), publish(2, "plant/score", said), publish(3, "else", 1))
    (record,) = seen.records
    assert (record.seq, record.ts, record.model_id, record.model_version) == (1, T0 + 2 * SECOND, "pump", "1.4.0")
    assert (record.output, record.kind, record.confidence, record.quality) == ("0.25", "score", 0.9, "good")
    assert record.source_ts == 1_700_000_001 * SECOND
    inputs = orjson.dumps({"plant/telemetry#line": "a", "plant/telemetry#vibration": 2.5})
    import hashlib

    assert record.input_sha256 == hashlib.sha256(inputs).hexdigest()
    (reading,) = seen.inputs
    assert (reading.stream, reading.value, reading.kind) == ("plant/telemetry#vibration", 2.5, "input")
    (output,) = seen.outputs
    assert (output.value, output.confidence, output.frame, output.stream) == (0.25, 0.9, record.frame, "")
    assert record.hash == chain.hashed(record.prev_hash, asdict(record))


def test_legs_of_a_message_count_once_and_repetitions_every_time() -> None:
    once = {"score": 0.5}
    messages = []
    for second in range(5):  # the same payload each second, to the broker and on to two subscribers
        messages += [publish(second, "plant/score", once, flow=1), publish(second + 0.01, "plant/score", once, flow=2)]
        messages.append(publish(second + 0.02, "plant/score", once, flow=3))
    seen = watch(*messages)
    assert [record.ts for record in seen.records] == [T0 + second * SECOND for second in range(5)]


def test_a_leg_in_the_next_window_is_no_output() -> None:
    observer = Observer(Models([PUMP]))
    assert len(watch(publish(9.99, "plant/score", 1), observer=observer).records) == 1
    assert not watch(publish(10.01, "plant/score", 1, flow=2), observer=observer, at=10).records
    assert watch(publish(12, "plant/score", 1), observer=observer, at=10).records


def test_what_a_broker_had_kept_is_no_output() -> None:
    observer = Observer(Models([PUMP]))
    told = [subscribe(100, 7, "plant/#"), publish(101, "plant/score", 1, flow=7, retain=1)]
    assert not watch(*told, observer=observer, at=100).records
    assert observer.counters()["retained"] == 1
    assert watch(publish(111, "plant/score", 2, retain=1), observer=observer, at=110).records


def test_order_and_parts_change_nothing() -> None:
    draw = random.Random(1)
    messages = [
        publish(
            draw.random() * 10, draw.choice(["plant/score", "plant/telemetry"]), {"score": draw.random()}, flow=n % 3
        )
        for n in range(200)
    ] + [publish(5, "plant/score", {"score": n}) for n in range(5)]
    for number, message in enumerate(messages):
        message["frame"] = 1 + number // 2
    whole = watch(*messages)
    for _ in range(3):
        draw.shuffle(messages)
        observer = Observer(Models([PUMP]))
        cuts = sorted(draw.sample(range(len(messages)), 2))
        parts = [messages[: cuts[0]], messages[cuts[0] : cuts[1]], messages[cuts[1] :]]
        for at, part in enumerate(parts):
            observer.learn(Window({"mqtt": rows("mqtt", *part)}, T0, T0 + 10 * SECOND, at == 2))
        assert observer.seen == whole
    assert len(whole.records) > 50


def test_a_restored_observer_goes_on() -> None:
    first, whole = Observer(Models([PUMP])), Observer(Models([PUMP]))
    early = [publish(1, "plant/telemetry", {"a": 1}, SENSOR), publish(2, "plant/score", 1), subscribe(3, 9, "plant/#")]
    late = [
        publish(11, "plant/score", 1, flow=2),
        publish(12, "plant/score", 4),
        publish(13, "plant/score", 5, flow=9, retain=1),
    ]
    for observer in (first, whole):
        watch(*early, observer=observer)
    second = Observer(Models([PUMP]))
    second.restore(json.loads(json.dumps(first.snapshot())))
    assert watch(*late, observer=second, at=10) == watch(*late, observer=whole, at=10)
    assert second.counters() == whole.counters()
    assert json.dumps(second.snapshot()) == json.dumps(whole.snapshot())


@pytest.mark.parametrize(
    ("payload", "more", "quality", "output"),
    [
        (b"\xff\xfe\x00", {}, "unparsable", '"\ufffd\ufffd\\u0000"'),
        (b'{"score": 0.5, "no', {"payload_cut": 1}, "cut", '"{\\"score\\": 0.5, \\"no"'),
        (b'{"score": NaN}', {}, "not_finite", "NaN"),
        (b'{"score": 1e999}', {}, "not_finite", "Infinity"),
        (b'{"score": {"a": null}}', {}, "wrong_type", '{"score": {"a": null}}'),
        (b'{"score": "\\ud800"}', {}, "good", '"?"'),
        (b"[" * 4000, {}, "unparsable", None),
        (b"[" * 400 + b"1" + b"]" * 400, {}, "good", "1.0"),
        (b"", {}, "unparsable", '""'),
        (b"1" * 4000, {}, "not_finite", "Infinity"),
    ],
)
def test_what_is_no_output_is_stored_as_it_is(payload: bytes, more: dict[str, Any], quality: str, output: str) -> None:
    observer = Observer(Models([PUMP]))
    seen = watch(publish(1, "plant/score", payload, **more), observer=observer)
    (record,) = seen.records
    assert record.quality == quality
    assert output is None or record.output == output
    record.output.encode()
    assert (not observer.notes()) == (quality == "good")
    assert len(seen.outputs) == (quality in ("good", "not_finite"))


def test_a_window_without_models_is_not_even_opened() -> None:
    class Closed(dict[str, object]):
        def get(self, *_: object) -> object:
            raise AssertionError

    observer = Observer(Models())
    observer.learn(Window(Closed(), T0, T0 + SECOND))
    assert observer.seen == Seen()
    assert observer.counters() == {}
    assert observer.notes() == []


def test_more_messages_than_are_read_in_a_window(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("detectors.outputs.observer.MESSAGES", 10)
    observer = Observer(Models([PUMP]))
    messages = [publish(9 - n / 10, "plant/score", n) for n in range(25)]
    seen = watch(*messages, observer=observer)
    assert [record.output for record in seen.records] == [f"{float(n)}" for n in range(24, 14, -1)]
    assert observer.tally.counted["overflow"] == 15
    assert any("not read" in note for note in observer.notes())
