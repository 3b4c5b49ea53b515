import pytest

from detectors import address
from detectors.changes import Change
from detectors.learning import Settings
from detectors.new_writer import NewWriter
from detectors.zones import Policy, Zone
from tests.detectors.build import SECOND, T0, act, detector, run, window

PLC, HMI, ROGUE = "10.0.1.10", "10.0.1.20", "10.0.1.66"


def writes(who, at, **more):
    return act(
        who, PLC, "modbus", "write_single_register", "write", unit="1", ts=at, object="holding_register 3", **more
    )


def reads(at):
    return act(HMI, PLC, "modbus", "read_holding_registers", "read", unit="1", ts=at)


def poll(windows, start=0, extra=()):
    return [
        window(10 * n, behaviours=[reads(10 * n), writes(HMI, 10 * n + 1), *extra])
        for n in range(start, start + windows)
    ]


def test_what_an_approved_change_covers_is_a_note():
    change = Change("CHG-3", T0 + 100 * SECOND, T0 + 120 * SECOND, (ROGUE,))
    made = detector(NewWriter, changes=[change])
    [alert] = run(made, *poll(10), *poll(2, 10, [writes(ROGUE, 105, count=4, frame=77)]))
    assert alert.severity == "info" and alert.evidence["change"] == "CHG-3"


def test_a_newcomer_that_writes():
    [alert] = run(detector(NewWriter), *poll(10), *poll(2, 10, [writes(ROGUE, 105, count=4, frame=77)]))
    assert (alert.kind, alert.severity) == ("new_writer.write", "high")
    assert (alert.src_ip, alert.dst_ip) == (address.parse(ROGUE), address.parse(PLC))
    assert alert.count == 8 and alert.frames == (77,)
    assert alert.evidence["objects"] == ["holding_register 3"] and alert.evidence["learned_seconds"] == 70.0
    assert "T0848" in alert.techniques


def test_known_writers_are_silent():
    assert run(detector(NewWriter), *poll(40)) == []


def test_a_writer_of_the_learning_part_is_known():
    assert (
        run(detector(NewWriter), *poll(2, 0, [writes(ROGUE, 5)]), *poll(20, 2), *poll(1, 22, [writes(ROGUE, 225)]))
        == []
    )


def test_learning_ends_at_the_latest_after_its_seconds():
    """Every window brings a new writer, so it never gets quiet; after `seconds` they are reported."""
    busy = [window(10 * n, behaviours=[writes(f"10.0.1.{100 + n}", 10 * n)]) for n in range(8)]
    assert len(run(detector(NewWriter, learning=Settings(seconds=50.0)), *busy)) == 3


def test_a_known_writer_that_commands_for_the_first_time():
    command = act(HMI, PLC, "modbus", "restart_communications", "control", unit="1", ts=100)
    policy = Policy([Zone("cell", 1, ("10.0.1.0/24",))])
    [alert] = run(detector(NewWriter, policy), *poll(10), *poll(1, 10, [command]))
    assert (alert.kind, alert.severity) == ("new_writer.control", "critical")


def test_another_unit_behind_the_same_server_is_another_matter():
    other = act(HMI, PLC, "modbus", "write_single_register", "write", unit="9", ts=100)
    [alert] = run(detector(NewWriter), *poll(10), *poll(1, 10, [other]))
    assert alert.evidence["unit"] == "9"


def test_a_writer_from_the_office_is_critical():
    policy = Policy([Zone("cell", 1, ("10.0.1.0/24",)), Zone("office", 4, ("10.9.0.0/16",), kind="it")])
    [alert] = run(detector(NewWriter, policy), *poll(10), *poll(1, 10, [writes("10.9.0.7", 101)]))
    assert (alert.severity, alert.src_zone, alert.dst_zone) == ("critical", "office", "cell")


def test_ignored_clients():
    assert run(detector(NewWriter, ignore=[ROGUE]), *poll(10), *poll(1, 10, [writes(ROGUE, 105)])) == []


def test_silence_before_the_first_traffic_teaches_nothing():
    quiet = [window(10 * n) for n in range(30)]
    made = detector(NewWriter)
    assert run(made, *quiet, *poll(2, 30, [writes(ROGUE, 302)])) == []
    assert "still learning" in next(made.learning.notes())


def test_of_a_short_capture_only_who_came_late_is_new():
    late = [reads(21), writes(ROGUE, 22, count=3, frame=5), {**reads(22), "client_ip": ROGUE, "behaviour_id": 8}]
    made = detector(NewWriter)
    [alert] = run(made, *poll(2), *poll(2, 2, late))
    assert alert.src_ip == address.parse(ROGUE) and alert.count == 6 and alert.frames == (5,)
    assert alert.confidence < 0.4 and alert.evidence["while_learning"] is True
    assert len(list(made.learning.notes())) == 1


def test_who_was_there_from_the_beginning_may_begin_to_write_in_a_short_capture():
    begin = [{**reads(1), "client_ip": ROGUE, "behaviour_id": 8}]
    assert run(detector(NewWriter), *poll(2, 0, begin), *poll(2, 2, [writes(ROGUE, 22)])) == []


@pytest.mark.parametrize("windows", [1, 6])
def test_a_capture_too_short_says_so(windows):
    made = detector(NewWriter)
    run(made, *poll(windows))
    assert len(list(made.learning.notes())) == 1


def test_confidence_grows_with_the_time_learned():
    short, long = (
        run(detector(NewWriter, learning=Settings(quiet_windows=q)), *poll(60), *poll(1, 60, [writes(ROGUE, 605)]))
        for q in (2, 30)
    )
    assert short[0].confidence < long[0].confidence < 1
