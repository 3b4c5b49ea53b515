from detectors import address
from detectors.alert import Alert
from detectors.changes import Change, Changes
from detectors.correlate.events import Context

HOUR = 3600 * 10**9
NOON = 20_000 * 24 * HOUR + 12 * HOUR


def alert(src="10.0.9.9", ts=NOON, **evidence):
    return Alert("id", "x", "new_writer.write", "t", "high", 1.0, address.parse(src), address.parse("10.0.1.1"), "modbus", "s", 1, ts, ts,
                 evidence=evidence, techniques=("T0836",))  # fmt: skip


def test_an_alert_is_an_event_in_its_context():
    event = Context(Changes()).event(alert(target="holding 40001"))
    assert (event.event_id, event.src, event.dst, event.target) == ("id", "10.0.9.9", "10.0.1.1", "holding 40001")
    assert event.marks == {"source": "known", "ticket": "no", "shift": "in"} and event.techniques == ("T0836",)


def test_who_did_it():
    context = Context(
        Changes(),
        approved=("10.0.2.0/24",),
        first_seen={address.parse("10.0.9.9"): NOON - HOUR, address.parse("10.0.9.8"): 0},
    )
    assert [context.event(alert(src)).marks["source"] for src in ("10.0.2.7", "10.0.9.9", "10.0.9.8")] == [
        "approved",
        "new",
        "known",
    ]


def test_planned_work_and_hours():
    context = Context(Changes([Change("C", NOON - HOUR, NOON + HOUR, ("10.0.1.1",), ("write",))]), shift=(22, 6))
    assert context.event(alert()).marks == {"source": "known", "ticket": "yes", "shift": "out"}
    late = context.event(alert(ts=NOON + 11 * HOUR)).marks
    assert (late["ticket"], late["shift"]) == ("no", "in")


def test_a_verdict_of_an_artefact_is_kept_and_nonsense_is_not():
    assert Context(Changes()).event(alert(verdict="known_old")).marks["verdict"] == "known_old"
    assert "verdict" not in Context(Changes()).event(alert(verdict="lovely", target=3)).marks
