"""The grammar of what a model's entry may name."""

from __future__ import annotations

from typing import Any

import pytest

from detectors import address
from detectors.outputs.selectors import Selector, covers, parse


@pytest.mark.parametrize(
    ("text", "protocol", "name", "more"),
    [
        ("plant/line1/score", "mqtt", "plant/line1/score", {}),
        ("plant/+/score", "mqtt", "plant/+/score", {}),
        ("plant/#", "mqtt", "plant/#", {}),
        ("#", "mqtt", "#", {}),
        ("plant/##result.score", "mqtt", "plant/#", {"path": "result.score"}),
        ("plant/line1#scores[0]", "mqtt", "plant/line1", {"path": "scores[0]"}),
        ("mqtt:/plant/x", "mqtt", "/plant/x", {}),
        ("mqtt:u1/holding_register/1", "mqtt", "u1/holding_register/1", {}),
        ("1/temperature", "mqtt", "1/temperature", {}),
        ("spBv1.0/g/+/n/d#Wear/Score", "sparkplug", "g/n/d", {"path": "Wear/Score"}),
        ("spBv1.0/g/NDATA/n#Wear", "sparkplug", "g/n", {"path": "Wear"}),
        ("spBv1.0/g/NDATA/n", "mqtt", "spBv1.0/g/NDATA/n", {}),
        ("ns=2;s=PumpWear.Score", "opcua", "ns=2;s=PumpWear.Score", {}),
        ("ns=2;s=a@b@10.0.0.5", "opcua", "ns=2;s=a@b", {"server": address.prefix("10.0.0.5")}),
        ("ns=2;s=a@b", "opcua", "ns=2;s=a@b", {}),
        ("i=2258", "opcua", "i=2258", {}),
        ("ns=0;i=2258", "opcua", "i=2258", {}),
        ("u1/holding_register/100", "modbus", "u1/holding_register/", {"first": 100, "last": 100}),
        ("u1/coil/0-7@10.0.0.0/24", "modbus", "u1/coil/", {"last": 7, "server": address.prefix("10.0.0.0/24")}),
        ("u7/40001", "modbus", "u7/holding_register/", {}),
        ("u7/40101-40102:float32", "modbus", "u7/holding_register/", {"first": 100, "last": 101, "encoding": "f"}),
        ("u7/400101:int16", "modbus", "u7/holding_register/", {"first": 100, "last": 100, "encoding": "h"}),
        ("u7/30001", "modbus", "u7/input_register/", {}),
        ("u7/00003", "modbus", "u7/coil/", {"first": 2, "last": 2}),
        ("u1/input_register/4:float64.swapped", "modbus", "u1/input_register/",
         {"first": 4, "last": 7, "encoding": "d", "swapped": True}),
        ("10/analog_input/3-5", "dnp3", "10/analog_input/", {"first": 3, "last": 5}),
        ("/v1/predict", "http", "/v1/predict", {}),
        ("POST /v1/+/predict#rows[0]", "http", "POST /v1/+/predict", {"path": "rows[0]"}),
        ("/v1/predict#score@10.0.0.1", "http", "/v1/predict", {"path": "score", "server": address.prefix("10.0.0.1")}),
    ],
)  # fmt: skip
def test_what_may_be_named(text: str, protocol: str, name: str, more: dict[str, Any]) -> None:
    assert parse(text) == Selector(text, protocol, name, **more)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "selects nothing"),
        ("plant/a+/x", "no MQTT topic filter"),
        ("plant/#/x", "no MQTT topic filter"),
        ("plant/x#", "must name a value"),
        ("plant/x#.a", "must name a value"),
        ("spBv1.0/g/+#m", "GROUP"),
        ("u1/holding/1", "tables are coil"),
        ("u1/x", "write mqtt: in front"),
        ("u256/coil/1", "tables are"),
        ("u1/coil/70000", "tables are"),
        ("u1/50001", "tables are"),
        ("u1/40000", "tables are"),
        ("u1/holding_register/9-3", "tables are"),
        ("u1/holding_register/1:float16", "no type 'float16'"),
        ("u1/coil/1:int16", "no type"),
        ("u1/holding_register/1-3:float32", "no whole number of float32"),
        ("u1/holding_register/65535:float32", "beyond the last address"),
        ("u1/holding_register/0-9999", "more than"),
        ("1/analog_inptu/1", "types are binary_input"),
        ("70000/analog_input/1", "no DNP3 points"),
        ("10/analog_input/5-3", "must grow"),
        ("opcua:ns=2", "no OPC UA node id"),
        ("http:predict", "no HTTP path"),
        ("/predict#", "must name a value"),
    ],
)
def test_what_may_not(text: str, words: str) -> None:
    with pytest.raises(ValueError, match="(?s)" + words) as refused:
        parse(text)
    assert repr(text) in str(refused.value) or not text


@pytest.mark.parametrize(
    ("pattern", "topic", "matches"),
    [
        ("a/+", "a/b", True), ("a/+", "a/b/c", False), ("a/#", "a/b/c", True), ("a/#", "a", True), ("#", "a/b", True),
        ("#", "$SYS/x", False), ("+/x", "$SYS/x", False), ("$SYS/#", "$SYS/x", True), ("a/+/c", "a//c", True),
        ("a/b", "a/b/", False), ("+", "", True),
    ],
)  # fmt: skip
def test_filters(pattern: str, topic: str, matches: bool) -> None:
    assert covers(pattern, topic) is matches
