"""What feeds a model: who provides it, in the clear or not, and whether it arrives as it was sent."""

from __future__ import annotations

import json

import pytest

from detectors import address
from detectors.behaviours import Behaviours
from detectors.changes import Change
from detectors.feed_legs import difference
from detectors.feeds import Feeds
from detectors.feeds_of import name_of, touches
from detectors.learning import Settings
from detectors.models import DataSource, Model
from detectors.zones import Policy, Zone
from tests.detectors.build import SECOND, T0, act, detector, kinds, run, window

SENSOR, BROKER, EDGE, GUEST, HISTORIAN, GATEWAY = (
    "10.40.0.41", "10.20.0.10", "10.50.0.10", "10.30.0.77", "10.20.0.5", "10.40.0.31",
)  # fmt: skip
NODE = "ns=2;s=Line1.Vibration"
WEAR = Model("wear", (EDGE,), inputs=("plant/line1/telemetry", "u1/input_register/0-3"), outputs=("plant/score",))
SOURCES = (
    DataSource("vibration", (SENSOR,), ("plant/+/telemetry",), ("wear",)),
    DataSource("gateway", (GATEWAY,), (NODE,), ("wear",)),
    DataSource("rows", (HISTORIAN,), ("/telemetry.csv",), ("wear",)),
)
POLICY = Policy((Zone("office", 4, ("10.10.0.0/24",), kind="it"), Zone("cell", 1, ("10.40.0.0/24",))))


def made(learnt=True, **more):
    return detector(Feeds, POLICY, Settings(seconds=0.0 if learnt else 300.0), models=[WEAR], sources=SOURCES, **more)


def publish(client, topic="plant/line1/telemetry", operation="publish", **more):
    return act(client, BROKER, "mqtt", operation, "report", unit=client, object=topic, **more)


def poll(at=0):
    """OT traffic that is of no feed: so that time counts."""
    return act("10.30.0.10", "10.40.0.11", "modbus", "read_coils", "read", unit="9", object="coil 0-7", ts=at)


def of(alerts, kind):
    return [alert for alert in alerts if alert.kind == kind]


def test_a_publisher_that_is_no_source():
    alerts = run(made(), window(behaviours=[publish(SENSOR, ts=1), publish(GUEST, ts=2, count=7)]))
    [alert] = of(alerts, "feeds.new_source")
    assert (alert.severity, alert.src_ip, alert.dst_ip, alert.count) == (
        "high",
        *map(address.parse, (GUEST, BROKER)),
        7,
    )
    assert (
        "10.30.0.77 publishes plant/line1/telemetry, which feeds model wear; its sources are 10.40.0.41"
        in alert.summary
    )
    assert alert.evidence["feed"] == "vibration" and alert.evidence["models"] == ["wear"]


def test_it_is_counted_in_later_windows():
    again = [window(10.0 * n, behaviours=[publish(GUEST, ts=10.0 * n + 1, count=5)]) for n in range(4)]
    [alert] = of(run(made(), *again), "feeds.new_source")
    assert alert.count == 20 and alert.last_ts == T0 + 31 * SECOND


def test_who_writes_a_node_and_who_serves_it():
    read = act(EDGE, "10.40.0.99", "opcua", "CreateMonitoredItems", "read", object=f"{NODE}+4", ts=1)
    write = act(GUEST, GATEWAY, "opcua", "Write", "write", object=NODE, ts=2)
    right = act(EDGE, GATEWAY, "opcua", "Read", "read", object=NODE, ts=3)
    operator = act("10.30.0.20", "10.40.0.99", "opcua", "Read", "read", object=NODE, ts=4)  # reads, but runs no model
    alerts = of(run(made(), window(behaviours=[read, write, right, operator])), "feeds.new_source")
    assert {address.text(a.src_ip): a.summary.split(",")[0] for a in alerts} == {
        EDGE: f"10.40.0.99 serves {NODE}+4", GUEST: f"10.30.0.77 writes {NODE}",
    }  # fmt: skip


def test_a_feed_without_sources_learns_them():
    def read(server, at):
        return act(EDGE, server, "modbus", "read_input_registers", "read", unit="1", object="input_register 2-9", ts=at)

    first = [window(0, behaviours=[poll(), read("10.40.0.11", 1)]), window(10, behaviours=[poll(10)])]
    later = [*first, window(20, behaviours=[poll(20), read("10.40.0.12", 21)])]
    assert of(run(made(), *first), "feeds.new_source") == [], "the first one is whom others are compared with"
    [alert] = of(run(made(), *later), "feeds.new_source")
    assert "10.40.0.12 serves input_register 2-9" in alert.summary and alert.severity == "medium"
    held = made()
    held.learning.begin()
    assert of(run(held, *later), "feeds.new_source") == []


def test_another_broker_hands_the_model_its_input():
    def deliver(broker, at):
        return publish(EDGE, operation="deliver", ts=at) | {"server_ip": broker}

    windows = [
        window(0, behaviours=[poll(), deliver(BROKER, 1)]),
        window(10, behaviours=[poll(10), deliver("10.20.0.66", 11)]),
    ]
    [alert] = of(run(made(), *windows), "feeds.new_source")
    assert "10.20.0.66 hands plant/line1/telemetry to 10.50.0.10" in alert.summary


def put(client, at=1, **more):
    plain = {
        "src_ip": client,
        "dst_ip": HISTORIAN,
        "path": "10.20.0.5/ingest",
        "carrier": "http",
        "size": 4000,
        "upload": 1,
        "ts": at,
    }
    return plain | more


def test_data_is_put_into_the_store_that_a_model_is_trained_from():
    windows = [
        window(0, behaviours=[poll()]),
        window(10, files=[put("10.10.0.24", 11), put(GUEST, 12), put(EDGE, 13, dst_ip=BROKER)]),
    ]
    found = of(run(made(), *windows), "feeds.new_source")
    assert {address.text(a.src_ip): a.severity for a in found} == {"10.10.0.24": "high", GUEST: "medium"}
    assert (
        "put 4000 bytes of data on 10.20.0.5 by http, as it never did; model wear learns from there (rows)"
        in found[0].summary
    )
    planned = Change("C-1", T0, T0 + 60 * SECOND, ("10.10.0.24",), ("write",))
    [alert] = of(
        run(made(changes=[planned]), windows[0], window(10, files=[put("10.10.0.24", 11)])), "feeds.new_source"
    )
    assert (alert.severity, alert.evidence["change"]) == ("info", "C-1")
    learns = made(learnt=False)
    assert of(run(learns, *windows), "feeds.new_source") == []


def test_a_feed_in_the_clear_is_said_once_for_each():
    connect = {"src_ip": SENSOR, "dst_ip": BROKER, "dst_port": 1883, "packet": "CONNECT", "username_seen": 0}
    windows = [
        window(0, mqtt=[connect], behaviours=[publish(SENSOR, ts=1), publish(EDGE, operation="deliver", ts=2), publish(HISTORIAN, operation="deliver", ts=3)]),
        window(10, behaviours=[publish(SENSOR, "plant/line2/telemetry", ts=11)]),
    ]  # fmt: skip
    [alert] = of(run(made(), *windows), "feeds.open")
    assert alert.severity == "low" and alert.evidence["lacks"] == ["without authentication", "without encryption"]
    assert (alert.evidence["sources"], alert.evidence["readers"]) == ([SENSOR], sorted([EDGE, HISTORIAN]))
    named = window(0, mqtt=[connect | {"username_seen": 1}], behaviours=[publish(SENSOR, ts=1)])
    [alert] = of(run(made(), named), "feeds.open")
    assert alert.evidence["lacks"] == ["without encryption"]


def leg(client, at, value, topic="plant/line1/telemetry", said=None, **more):
    plain = {"src_ip": client, "dst_ip": BROKER, "dst_port": 1883, "packet": "PUBLISH", "topic": topic, "ts": at}
    return plain | {"payload": json.dumps({"vibration": value, "time": said or round(at)}).encode()} | more


ROLES = [publish(SENSOR, ts=0), publish(EDGE, operation="deliver", ts=0), publish(HISTORIAN, operation="deliver", ts=0)]


def legs(*rows, more=(), feeds=None):
    feeds = feeds or made()
    return of(
        run(
            feeds,
            window(-10, behaviours=[poll(-10)]),
            window(0, mqtt=rows, behaviours=[*ROLES, *more]),
            window(10),
            window(20),
        ),
        "feeds.altered",
    )


def hop(at, sent, got, reader=EDGE):
    return [leg(SENSOR, at, sent), leg(reader, at + 0.01, got)]


def test_values_that_change_between_source_and_reader():
    rows = [row for n in range(4) for row in hop(n, 2.0 + n, 3.0 + n)]
    [alert] = legs(*rows)
    assert (alert.severity, alert.count) == ("critical", 4)
    assert (alert.src_ip, alert.dst_ip) == (address.parse(BROKER), address.parse(EDGE))
    assert "vibration: 2.0 sent, 3.0 received" in alert.summary and "between source and broker" in alert.summary
    assert alert.evidence["sources"] == [SENSOR] and len(alert.frames) == 8


def test_where_it_happens_is_told_by_the_other_readers():
    rows = [row for n in range(3) for row in (*hop(n, 2.0 + n, 9.0 + n), leg(HISTORIAN, n + 0.02, 2.0 + n))]
    [alert] = legs(*rows)
    assert alert.evidence["where"] == ["between broker and reader"] and alert.evidence["readers"] == [EDGE]


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ([r for n in range(4) for r in hop(n, n, n)], "all is as it was sent"),
        ([leg(SENSOR, n, n) for n in range(4)], "no reader was seen"),
        ([leg(EDGE, n, n) for n in range(4)], "no source was seen"),
        ([r for n in range(4) for r in hop(n, n, n)[n % 2 :]], "packets were lost"),
        ([*hop(0, 1, 1), *hop(1, 2, 3), *hop(2, 3, 3)], "one may be chance"),
        ([r for n in range(4) for r in hop(n, n, n)] + [leg(EDGE, n, 77, retain=1) for n in range(4)], "sent long ago"),
        ([leg(SENSOR, n, n) for n in range(4)] + [leg(EDGE, n + 6, n, said=n) for n in range(4)], "a slow broker"),
        (
            [leg(SENSOR, n, n) for n in range(4)] + [leg(EDGE, 4 - n / 9, n, said=n) for n in range(1, 4)],
            "out of order",
        ),
    ],
)
def test_what_is_no_change(rows, why):
    assert legs(*rows) == [], why


def test_a_client_that_sends_and_gets_the_same_topic_is_not_judged():
    rows = [row for n in range(4) for row in hop(n, 2.0 + n, 3.0 + n)]
    assert legs(*rows, more=[publish(EDGE, ts=1)]) == []


def test_a_broker_that_always_rewrites_is_learnt():
    rows = [row for n in range(4) for row in hop(n, 2.0 + n, 3.0 + n)]
    feeds = made(learnt=False)
    assert legs(*rows, feeds=feeds) == []
    feeds.learning.end()
    later = [row | {"ts": row["ts"] + 40} for row in rows]
    assert of(run(feeds, window(40, mqtt=later, behaviours=ROLES), window(50), window(60)), "feeds.altered") == []


def test_what_a_model_says_is_watched_as_well_and_other_topics_are_not():
    roles = [publish(EDGE, "plant/score", ts=0), publish(HISTORIAN, "plant/score", "deliver", ts=0)]
    rows = [
        r for n in range(3) for r in (leg(EDGE, n, n, "plant/score"), leg(HISTORIAN, n + 0.01, n + 9, "plant/score"))
    ]
    [alert] = legs(*rows, more=roles)
    assert alert.evidence["topic"] == "plant/score"
    other = [publish(SENSOR, "x/y", ts=0), publish(EDGE, "x/y", "deliver", ts=0)]
    assert legs(*(row | {"topic": "x/y"} for row in rows), more=other) == []


def test_without_models_and_sources_nothing_is_looked_at():
    feeds = detector(Feeds, POLICY, Settings(seconds=0.0))
    assert kinds(feeds, window(mqtt=hop(1, 1, 2), behaviours=ROLES, files=[put("10.10.0.24")])) == []
    assert feeds.sizes()["seen"] == 0


def test_names_of_feeds():
    assert name_of("plant/line1/telemetry#vibration").name == name_of("mqtt:plant/line1/telemetry").name
    metric = name_of("spBv1.0/plant/+/edge1/pump#Wear")
    assert (metric.protocol, metric.name) == ("mqtt", "spBv1.0/plant/+/edge1/pump")
    registers = window(
        behaviours=[act(EDGE, GATEWAY, "modbus", "x", "read", unit="3", object="holding_register 98-100")]
    )
    b = Behaviours(registers).row(0)
    assert touches(name_of("u3/40101-40102:float32"), b) and touches(name_of(f"u3/holding_register/90-99@{GATEWAY}"), b)
    for other in (
        "u3/holding_register/101",
        "u3/input_register/98",
        "u4/holding_register/98",
        f"u3/40101@{SENSOR}",
        "10/analog_input/3",
    ):
        assert not touches(name_of(other), b), other


def test_differences_of_payloads():
    assert difference(b'{"a": {"b": 1}, "c": [1, 2]}', b'{"a": {"b": 2}, "c": [1, 2], "d": null}') == [
        ("a.b", "1", "2"), ("d", "absent", "null"),
    ]  # fmt: skip
    assert difference(b"on", b"\xff") == [("payload", "on", "\ufffd")]
    assert difference(b"[" * 100_000, b"1")[0][0] == "payload"
