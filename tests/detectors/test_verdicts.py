"""What a verdict makes of an alert, alone and in the pipeline."""

import json
from dataclasses import replace

import pytest

from detectors import address
from detectors.pipeline import Pipeline
from detectors.verdicts import Suppression, Verdict, Verdicts
from detectors.zones import Policy, Zone
from tests.detectors.build import SECOND, T0, act, flow, rows

POLICY = Policy([Zone("cell", 1, ("10.0.1.0/24",)), Zone("office", 4, ("10.0.9.0/24",), kind="it")])
OFFICE, PLC = "10.0.9.5", "10.0.1.10"


def crossing(at=0):
    return {"flows": rows("flows", flow(OFFICE, PLC, "modbus", ts=at, last_ts=at + 1))}, T0 + at * SECOND


def run(verdicts=None, *times):
    pipeline = Pipeline(POLICY, {}, verdicts=verdicts)
    alerts = {}
    for at in times or (0,):
        tables, start = crossing(at)
        alerts |= {a.kind: a for a in pipeline.observe(tables, start, start + 10 * SECOND, True)}
    return pipeline, alerts | {a.kind: a for a in pipeline.finish()}


@pytest.fixture(scope="module")
def alert():
    return run()[1]["boundary.it_ot"]


@pytest.mark.parametrize(
    ("action", "expiry", "last_seen", "status"),
    [
        ("learn", 0, 0, "learned"),
        ("learn", 100, 0, "learned"),
        ("learn", 99, 0, "open"),
        ("mute", 100, 0, "muted"),
        ("mute", 50, 0, "open"),
        ("close", 0, 99, "closed"),
        ("close", 0, 98, "open"),
        ("unlearn", 0, 0, "open"),
    ],
)
def test_what_a_verdict_makes_of_an_alert_last_seen_at_99(alert, action, expiry, last_seen, status):
    verdicts = Verdicts([Verdict(alert.alert_id, action, expiry, last_seen)])
    assert verdicts.judge(replace(alert, first_ts=1, last_ts=99)) == (status, "")
    other = replace(alert, alert_id="0" * 32, last_ts=99)
    assert verdicts.judge(other) == ("open", ""), "it is about one cause only"


def test_the_latest_counts(alert):
    given = [Verdict(alert.alert_id, action) for action in ("learn", "mute", "unlearn")]
    assert [Verdicts(given[: n + 1]).judge(alert)[0] for n in range(3)] == ["learned", "muted", "open"]


@pytest.mark.parametrize(
    ("fields", "covers"),
    [
        ({"kind": "boundary.it_ot"}, True),
        ({"kind": "boundary.it"}, False),
        ({"src": OFFICE}, True),
        ({"src": PLC}, False),
        ({"kind": "boundary.it_ot", "src": OFFICE, "dst": PLC}, True),
        ({"kind": "boundary.it_ot", "src": OFFICE, "dst": OFFICE}, False),
        ({"src": OFFICE, "until": T0 + 2 * SECOND}, True),
        ({"src": OFFICE, "until": T0 + SECOND}, False),
    ],
)
def test_suppression_needs_all_that_it_names(alert, fields, covers):
    ends = {name: address.parse(value) if name in ("src", "dst") else value for name, value in fields.items()}
    found = Verdicts(suppressions=[Suppression(**ends, note="why")]).judge(alert)
    assert found == (("muted", "why") if covers else ("open", ""))


def test_a_verdict_on_the_cause_goes_before_the_configuration(alert):
    verdicts = Verdicts([Verdict(alert.alert_id, "learn")], [Suppression(kind=alert.kind)])
    assert verdicts.judge(alert) == ("learned", "")
    assert verdicts.judge(replace(alert, alert_id="0" * 32)) == ("muted", "suppressed by the configuration")


def test_a_learned_cause_is_given_out_whole_but_not_counted_as_raised(alert):
    pipeline, found = run(Verdicts([Verdict(alert.alert_id, "learn")]))
    assert found["boundary.it_ot"] == replace(alert, status="learned")
    assert {a.status for kind, a in found.items() if kind != alert.kind} == {"open"}
    assert alert.kind not in pipeline.raised and pipeline.quiet == {"learned": 1}
    assert pipeline.counters()["alerts_learned"] == 1
    assert "alerts that were stored but are not shown: 1 learned" in pipeline.notes()


def test_one_closed_that_is_seen_again_is_raised(alert):
    closed = Verdicts([Verdict(alert.alert_id, "close", last_seen=alert.last_ts)])
    assert run(closed)[1][alert.kind].status == "closed"
    pipeline, found = run(closed, 0, 400)
    assert found[alert.kind].status == "open" and pipeline.raised[alert.kind] == 1


def test_a_learned_grave_alert_makes_nobody_suspect(alert):
    for action, quarantined in (("learn", False), ("mute", True), ("unlearn", True)):
        pipeline = Pipeline(POLICY, {}, verdicts=Verdicts([Verdict(alert.alert_id, action)]))
        tables = crossing()[0] | {"behaviours": rows("behaviours", act(OFFICE, PLC, "modbus", "write_x", "write"))}
        found = pipeline.observe(tables, T0, T0 + 10 * SECOND, True)
        assert [a.severity for a in found if a.alert_id == alert.alert_id] == ["high"]
        assert bool(pipeline.site.learning.quarantine) == quarantined, action


def test_goes_on_from_a_snapshot(alert):
    verdicts = Verdicts([Verdict(alert.alert_id, "mute")])
    before, _ = run(verdicts)
    after = Pipeline(POLICY, {}, verdicts=verdicts)
    after.restore(json.loads(json.dumps(before.snapshot())))
    tables, start = crossing(400)
    after.observe(tables, start, start + 10 * SECOND, True)
    assert after.quiet == {"muted": 1}
