import pytest

from detectors.parser_anomaly import ParserAnomaly
from tests.detectors.build import act, detector, flow, kinds, run, window

A, B = "10.0.1.66", "10.0.1.10"


def odd(kind, count, at=0.0, first=1):
    return [
        {
            **flow(A, B, port=502),
            "protocol": "modbus",
            "kind": kind,
            "detail": f"length at {n}",
            "ts": at,
            "flow_id": 5,
            "frame": n,
        }
        for n in range(first, first + count)
    ]


def test_a_burst_is_one_alert():
    [alert] = run(detector(ParserAnomaly), window(anomalies=odd("malformed", 40) + odd("crc", 3, first=90)))
    assert (alert.kind, alert.count) == ("parser_anomaly.malformed", 43)
    assert alert.evidence["oddities"] == {"crc": 3, "malformed": 40}
    assert alert.evidence["details"] == ["crc: length at 90", "malformed: length at 1"]
    assert alert.frames == (1, 90) and alert.protocol == "modbus"


def test_a_burst_over_several_windows():
    parts = [window(10 * n, anomalies=odd("malformed", 2, 10 * n, first=10 * n + 1)) for n in range(3)]
    [alert] = run(detector(ParserAnomaly), *parts)
    assert alert.count == 6


def test_it_goes_on_as_the_same_alert():
    parts = [window(10 * n, anomalies=odd("malformed", 6, 10 * n, first=10 * n + 1)) for n in range(5)]
    [alert] = run(detector(ParserAnomaly), *parts)
    assert alert.count == 30


def test_now_and_then_is_no_burst():
    parts = [window(100 * n, anomalies=odd("malformed", 4, 100 * n)) for n in range(9)]
    assert kinds(detector(ParserAnomaly), *parts) == []


@pytest.mark.parametrize("kind", ["gap", "resynchronised", "truncated", "pending_full"])
def test_the_sensors_own_losses_are_no_alert(kind):
    assert kinds(detector(ParserAnomaly), window(anomalies=odd(kind, 99))) == []


def test_losses_lower_the_confidence():
    [sure] = run(detector(ParserAnomaly), window(anomalies=odd("malformed", 9)))
    [unsure] = run(detector(ParserAnomaly), window(anomalies=odd("malformed", 9) + odd("gap", 1)))
    assert unsure.confidence < sure.confidence and unsure.evidence["bytes_missing"] is True


@pytest.mark.parametrize(
    ("kind", "alert"),
    [
        ("overlap_conflict", "parser_anomaly.evasion"),
        ("fragment_overlap", "parser_anomaly.evasion"),
        ("unsolicited_response", "parser_anomaly.unsolicited"),
        ("a_kind_of_next_year", "parser_anomaly.malformed"),
    ],
)
def test_kinds(kind, alert):
    assert kinds(detector(ParserAnomaly), window(anomalies=odd(kind, 20))) == [alert]


def test_ignored_kinds():
    assert kinds(detector(ParserAnomaly, ignore=["crc"]), window(anomalies=odd("crc", 20))) == []


def test_long_details_are_cut():
    rows = [{**row, "detail": "x" * 10_000} for row in odd("malformed", 9)]
    [alert] = run(detector(ParserAnomaly), window(anomalies=rows))
    assert len(alert.evidence["details"][0]) < 300


def test_every_oddity_of_the_packet_path_is_judged():
    from detectors.parser_anomaly import _ELSEWHERE, _KIND, _LOSS
    from parsers import _native

    told = {kind for kind, _ in _native.anomaly_kinds()}
    assert told <= set(_KIND) | _LOSS | _ELSEWHERE, "an oddity that nobody decided about counts as malformed"


def test_one_stream_that_can_be_read_two_ways_is_enough():
    assert kinds(detector(ParserAnomaly), window(anomalies=odd("ambiguous_stream", 1))) == ["parser_anomaly.evasion"]
    assert kinds(detector(ParserAnomaly), window(anomalies=odd("overlap_conflict", 1))) == []


def test_reserved_codes_and_foreign_protocols_are_notes():
    rows = odd("unknown_code", 6) + odd("unexpected_protocol", 1, first=90)
    found = {alert.kind: alert.severity for alert in run(detector(ParserAnomaly), window(anomalies=rows))}
    assert found == {"parser_anomaly.reserved_code": "low", "parser_anomaly.wrong_port": "low"}


def test_a_second_answer_is_left_to_spoofing():
    extra = odd("unsolicited_response", 20)
    asked = act(A, B, "modbus", "read_coils", "read", count=20, answered=20)
    [alone] = run(detector(ParserAnomaly), window(anomalies=extra))
    [beside] = run(detector(ParserAnomaly), window(anomalies=extra, behaviours=[asked]))
    assert (alone.severity, beside.severity) == ("medium", "low")
