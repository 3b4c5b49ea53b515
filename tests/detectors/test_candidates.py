"""Hosts that may be models nobody named, and models of which nothing is seen."""

from __future__ import annotations

import json
import tomllib

import pytest

from detectors import address
from detectors.candidates import Candidates
from detectors.learning import Settings
from detectors.models import Model
from detectors.scores import called, is_score, snippet
from tests.detectors.build import SECOND, act, detector, run, window

EDGE, BROKER, PLC, HMI = "10.50.0.10", "10.20.0.10", "10.40.0.11", "10.30.0.10"


def mqtt(client, topic, operation):
    return act(client, BROKER, "mqtt", operation, "report", unit="c", object=topic)


READS = [
    mqtt(EDGE, "plant/telemetry", "deliver"),
    act(EDGE, PLC, "modbus", "read_holding_registers", "read", unit="1", object="holding_register 0-9"),
]
SAYS = mqtt(EDGE, "plant/wear/score", "publish")


def score(at, client=EDGE, tag="plant/wear/score#value", source="mqtt", server=BROKER):
    return {
        "src_ip": client,
        "dst_ip": server,
        "source": source,
        "tag": tag,
        "value": 0.5,
        "ts": at,
        "frame": int(at) + 1,
    }


def candidates(*windows, models=(), **settings):
    made = detector(Candidates, models=models, learning=Settings(seconds=300.0), **settings)
    return [alert for alert in run(made, *windows) if alert.kind == "models.candidate"]


def scores(count=6, **more):
    return [score(n, **more) for n in range(count)]


def test_a_host_that_reads_the_process_and_publishes_a_score():
    [alert] = candidates(window(behaviours=[*READS, SAYS], tag_values=scores()))
    assert (alert.severity, alert.src_ip) == ("info", address.parse(EDGE))
    assert alert.evidence["inputs"] == ["plant/telemetry", f"u1/holding_register/0-9@{PLC}"]
    assert alert.evidence["outputs"] == ["plant/wear/score#value"] and "may be a model" in alert.summary
    [model] = tomllib.loads(alert.evidence["configuration"])["model"]
    assert model == {
        "id": "wear", "hosts": [EDGE], "inputs": ["plant/telemetry", f"u1/holding_register/0-9@{PLC}"], "outputs": ["plant/wear/score#value"],
    }  # fmt: skip


def test_it_is_proposed_once_and_gathers_what_it_reads():
    first = window(behaviours=[*READS, SAYS], tag_values=scores())
    later = [
        window(10.0 * n, behaviours=[mqtt(EDGE, f"plant/{n}", "deliver")], tag_values=[score(10.0 * n)]) for n in (1, 2)
    ]
    [alert] = candidates(first, *later)
    assert {"plant/1", "plant/2"} <= set(alert.evidence["inputs"]) and alert.count == 8


def test_a_server_of_opc_ua_whose_scores_others_read():
    reads = act(EDGE, "10.40.0.31", "opcua", "CreateMonitoredItems", "read", object="ns=2;s=Line1.Vibration+4")
    node = {"client": HMI, "tag": "ns=2;s=PumpWear.Score", "source": "opcua", "server": EDGE}
    value = score(11, EDGE, "ns=2;s=Line1.Flow", "opcua", "10.40.0.31")
    [alert] = candidates(
        window(behaviours=[reads], tag_values=scores(**node)), window(10, tag_values=[value, score(12, **node)])
    )
    assert alert.src_ip == address.parse(EDGE) and alert.evidence["suggested_id"] == "PumpWear"
    assert alert.evidence["inputs"] == ["ns=2;s=Line1.Flow@10.40.0.31", "ns=2;s=Line1.Vibration@10.40.0.31"]


@pytest.mark.parametrize(
    ("behaviours", "values", "more"),
    [
        ([*READS, SAYS], scores(4), {}),
        ([SAYS], scores(), {}),
        ([*READS], scores(), {}),
        ([mqtt(EDGE, "plant/wear/score", "deliver"), *READS], scores(), {}),
        ([*READS, SAYS], scores(tag="plant/wear/score#time"), {}),
        ([*READS, SAYS], scores(), {"models": [Model("wear", (EDGE,))]}),
        ([*READS, SAYS], scores(), {"ignore": (EDGE,)}),
        ([SAYS, mqtt(EDGE, "plant/wear/score", "deliver")], scores(), {}),
    ],
    ids=["too few", "reads nothing", "publishes nothing", "is given the score", "is no score", "is known", "is ignored", "reads itself"],
)  # fmt: skip
def test_who_is_no_candidate(behaviours, values, more):
    assert candidates(window(behaviours=behaviours, tag_values=values), **more) == []


@pytest.mark.parametrize("tag", [
    "a/b#score", "a/score#value", "a/score", "a#result.probability", "a#predictions[0].score", "ns=2;s=PumpWear.Score", "ns=2;s=Pump.AnomalyScore",
    "a#anomaly_score", "x/label", "spBv1.0/g/n/d#Wear/Prediction", "a#RUL",
])  # fmt: skip
def test_names_of_scores(tag):
    assert is_score(tag)


@pytest.mark.parametrize(
    "tag",
    [
        "a/score#time",
        "a/score#version",
        "a/b#vibration",
        "u1/holding_register/3",
        "a#value",
        "ns=2;s=Line1.Flow",
        "i=2259",
        "",
        "#",
        "a/classification#scorer",
    ],
)
def test_names_that_are_none(tag):
    assert not is_score(tag)


def test_what_a_candidate_is_called():
    assert called(["plant/pump-wear/score#value"], "h") == "pump-wear" and called(["ns=2;s=Wear.Score"], "h") == "Wear"
    assert called(["score"], "10.0.0.1") == "model-on-10.0.0.1"
    hostile = 'a"\\\n\x7f\x1b]]\u2028'
    assert tomllib.loads(snippet(hostile, "h", [hostile], []))["model"][0]["inputs"] == [hostile]


WEAR = Model("wear", (EDGE,), inputs=("plant/telemetry", "plant/other"))


def unseen(*windows, seconds=60.0, hold=False):
    made = detector(Candidates, models=[WEAR], learning=Settings(seconds=seconds))
    if hold:
        made.learning.begin()
    return [alert for alert in run(made, *windows) if alert.kind == "models.inputs_unseen"]


def quiet(count=8, **more):
    poll = act(HMI, PLC, "modbus", "read_coils", "read", object="coil 0-7")
    return [window(10.0 * n, behaviours=[poll | {"ts": 10.0 * n}], **more) for n in range(count)]


def message(topic, at):
    plain = {"src_ip": EDGE, "dst_ip": BROKER, "dst_port": 1883, "packet_type": 3, "packet": "PUBLISH", "topic": topic}
    return plain | {"payload": json.dumps({"v": at}).encode(), "ts": at}


def test_a_model_whose_inputs_never_appear_is_said_once_after_one_learning_period():
    assert unseen(*quiet(5)) == []
    [alert] = unseen(*quiet(30))
    assert (alert.severity, alert.count, alert.src_ip) == ("low", 1, address.parse(EDGE))
    assert alert.evidence["inputs"] == ["plant/other", "plant/telemetry"] and alert.evidence["watched_seconds"] == 60
    assert "none of the inputs of model wear" in alert.summary
    assert alert.last_ts - alert.first_ts < 61 * SECOND


def test_one_input_that_appears_is_enough_and_learning_from_a_capture_says_nothing():
    seen = [window(0, mqtt=[message("plant/telemetry", 1)], behaviours=[]), *quiet(20)[1:]]
    assert unseen(*seen) == []
    assert len(unseen(window(0, mqtt=[message("plant/telemetry2", 1)]), *quiet(20)[1:])) == 1
    assert unseen(*quiet(30), hold=True) == []
    assert unseen(*[window(10.0 * n) for n in range(20)]) == [], (
        "no OT traffic at all: the sensor is deaf, not the model"
    )
