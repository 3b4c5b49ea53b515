import pytest

from detectors import address
from detectors.base import parse_settings
from detectors.changes import Change
from detectors.commands import Commands
from detectors.learning import Settings
from detectors.site import site
from detectors.zones import Policy
from tests.detectors.build import SECOND, T0, act, detector, kinds, run, window

HMI, ROGUE, ENGINEER, RTU, PLC = "10.30.0.10", "10.30.0.77", "10.30.0.20", "10.40.0.21", "10.40.0.11"
UNIT = "1>10"


def dnp3(client, operation, access="control", what="", **more):
    return act(
        client, RTU, "dnp3", operation, access, unit=more.pop("unit", UNIT), object=more.pop("object", what), **more
    )


def modbus(client, operation, access="write", what="holding_register 50", **more):
    return act(
        client, PLC, "modbus", operation, access, unit=more.pop("unit", "1"), object=more.pop("object", what), **more
    )


def value(client, register, written, **more):
    return {
        "src_ip": client,
        "dst_ip": PLC,
        "unit_id": 1,
        "function_code": 6,
        "address": register,
        "values": [written],
        **more,
    }


NORMAL = [
    dnp3(HMI, "read", "read", "60:1"),
    dnp3(HMI, "select", object="41:3[0]", ts=1),
    dnp3(HMI, "operate", object="41:3[0]", ts=2),
    modbus(HMI, "read_holding_registers", "read", "holding_register 0-99"),
    modbus(HMI, "write_single_register"),
    modbus(HMI, "write_single_register", object="holding_register 60"),
]
VALUES = [value(HMI, 50, 100 + n % 2 * 100, ts=n / 10) for n in range(8)]


def taught(changes=(), **settings):
    """A detector that learnt one window of normal life."""
    made = Commands(parse_settings(Commands, settings), site(Policy(), Settings(), changes))
    made.learning.begin()
    assert run(made, window(behaviours=NORMAL, modbus=VALUES), window(10)) == []
    made.learning.end()
    return made


def after(made, *acts, at=20, **tables):
    given = [{**a, "ts": at + a.get("ts", 1)} for a in acts]
    return run(made, window(at, behaviours=given, **tables), window(at + 10), window(at + 20))


def of(kind, alerts):
    return next(a for a in alerts if a.kind == f"commands.{kind}")


@pytest.mark.parametrize(
    ("did", "kind"),
    [
        (dnp3(ROGUE, "cold_restart"), "restart"),
        (dnp3(ROGUE, "warm_restart"), "restart"),
        (modbus(ROGUE, "diagnostics", "control", ""), "restart"),
        (dnp3(ROGUE, "stop_application"), "stop"),
        (dnp3(ROGUE, "activate_config"), "mode_change"),
        (act(ROGUE, PLC, "opcua", "Call", "control", object="ns=2;s=Pump.Stop"), "stop"),
        (act(ROGUE, PLC, "opcua", "Call", "control", object="i=12886"), "mode_change"),
        (act(ROGUE, PLC, "opcua", "Call", "control", object="i=11588"), "file_transfer"),
        (dnp3(ROGUE, "disable_unsolicited", object="60:2 60:3"), "disable_unsolicited"),
        (dnp3(ROGUE, "open_file", "write", "70:3 /fw/rtu.bin"), "file_transfer"),
        (modbus(ROGUE, "write_file_record", object="file_record 4"), "file_transfer"),
        (modbus(ROGUE, "write_single_coil", object="coil 0", unit="0", answered=0), "broadcast_write"),
        (dnp3(ROGUE, "operate", object="12:1[0]", unit="1>65535", answered=0), "broadcast_write"),
        (dnp3(ROGUE, "direct_operate", object="12:1[0]"), "direct_operate"),
    ],
)
def test_a_newcomer(did, kind):
    alert = of(kind, after(taught(), did))
    assert alert.severity == "high" and "never a client" in alert.summary
    assert alert.evidence["newcomer"] is True and alert.frames


@pytest.mark.parametrize("operation", ["cold_restart", "stop_application", "save_configuration"])
def test_a_known_master_is_reported_milder(operation):
    [alert] = after(taught(), dnp3(HMI, operation))
    assert alert.severity == "medium" and alert.evidence["newcomer"] is False


def test_an_approved_change_makes_it_a_note():
    change = Change("CHG-7", T0, T0 + 100 * SECOND, (ROGUE,))
    found = after(taught([change]), dnp3(ROGUE, "cold_restart"))
    assert {a.severity for a in found} == {"info"} and "CHG-7" in of("restart", found).summary


def test_a_named_engineering_station_is_known():
    assert of("restart", after(taught(engineering=[ENGINEER]), dnp3(ENGINEER, "cold_restart"))).severity == "medium"


def test_ignored():
    assert after(taught(ignore=[ROGUE]), dnp3(ROGUE, "cold_restart")) == []


def test_a_known_master_that_starts():
    start = [dnp3(HMI, "disable_unsolicited", object="60:2"), dnp3(HMI, "enable_unsolicited", object="60:2", ts=2)]
    assert after(taught(), *start) == []


def test_a_known_master_that_disables_for_good():
    [alert] = after(taught(), dnp3(HMI, "disable_unsolicited", object="60:2"))
    assert (alert.kind, alert.severity) == ("commands.disable_unsolicited", "medium")


def test_repeated_restarts_are_one_alert_that_counts():
    made = taught()
    parts = [window(20 + 10 * n, behaviours=[dnp3(HMI, "cold_restart", ts=21 + 10 * n)]) for n in range(4)]
    [alert] = run(made, *parts)
    assert alert.count == 4


def test_files_that_are_always_fetched():
    made = Commands(parse_settings(Commands, {}), site(Policy(), Settings()))
    made.learning.begin()
    fetched = modbus(HMI, "read_file_record", "read", "file_record 4")
    run(made, window(behaviours=[*NORMAL, fetched]), window(10))
    made.learning.end()
    assert after(made, modbus(HMI, "read_file_record", "read", "file_record 5")) == []


def test_direct_operate_where_nobody_selects():
    made = Commands(parse_settings(Commands, {}), site(Policy(), Settings()))
    made.learning.begin()
    run(made, window(behaviours=[dnp3(HMI, "direct_operate", object="12:1[0]")]), window(10))
    made.learning.end()
    assert after(made, dnp3(HMI, "direct_operate", object="12:1[1]")) == []


def test_select_may_be_required():
    made = detector(Commands, select_required=True)
    assert kinds(made, window(behaviours=[dnp3(HMI, "direct_operate", object="12:1[0]")])) == [
        "commands.direct_operate"
    ]


def test_brute_force():
    points = [modbus(ROGUE, "write_single_coil", object=f"coil {n}", count=12) for n in range(16)]
    alert = of("brute_force", after(taught(), *points))
    assert alert.count == 192 and alert.evidence["in_period"] == 192 and "16 points 192 times" in alert.summary


def test_one_point_that_is_written_each_second_is_no_brute_force():
    assert not [a for a in after(taught(), modbus(HMI, "write_single_register", count=60)) if "brute" in a.kind]
    assert of("brute_force", after(taught(), modbus(HMI, "write_single_register", count=300))).severity == "medium"


def test_writing_as_often_as_learnt_is_no_brute_force():
    made = Commands(parse_settings(Commands, {}), site(Policy(), Settings()))
    made.learning.begin()
    cyclic = [modbus(HMI, "write_single_register", count=100)]
    run(made, window(behaviours=cyclic), window(10))
    made.learning.end()
    assert after(made, *cyclic) == []


def test_a_new_function_of_a_known_client():
    [alert] = after(taught(), modbus(HMI, "write_multiple_registers", object="holding_register 50-55"))
    assert (alert.kind, alert.severity) == ("commands.new_function", "medium")
    [alert] = after(taught(), modbus(HMI, "read_coils", "read", object="coil 1"))
    assert (alert.kind, alert.severity) == ("commands.new_function", "low")


def test_a_new_address_of_a_known_writer():
    assert after(taught(), modbus(HMI, "write_single_register", object="holding_register 55")) == []
    [alert] = after(taught(), modbus(HMI, "write_single_register", object="holding_register 70"))
    assert (alert.kind, alert.severity) == ("commands.range", "medium")
    assert alert.evidence["learnt_addresses"] == [50, 60]


def test_a_value_outside_of_what_was_written():
    assert after(taught(), modbus=[value(HMI, 50, 150, ts=21)]) == []
    [alert] = after(taught(), modbus=[value(HMI, 50, 999, ts=21)])
    assert (alert.kind, alert.severity) == ("commands.range", "low") and alert.evidence["learnt_values"] == [100, 200]


def test_a_few_values_are_no_range():
    made = Commands(parse_settings(Commands, {}), site(Policy(), Settings()))
    made.learning.begin()
    run(made, window(behaviours=NORMAL, modbus=VALUES[:7]), window(10))
    made.learning.end()
    assert after(made, modbus=[value(HMI, 50, 999, ts=21)]) == []


def test_what_a_suspect_wrote_is_not_learnt():
    made = Commands(parse_settings(Commands, {}), site(Policy(), Settings()))
    made.learning.begin()
    made.learning.suspect([address.parse(HMI)])
    run(made, window(behaviours=NORMAL, modbus=VALUES), window(10))
    made.learning.end()
    assert after(made, modbus=[value(HMI, 50, 999, ts=21)]) == []  # nothing learnt, so nothing to be outside of


def test_unanswered_commands():
    tries = [modbus(HMI, "write_single_register", count=5, answered=0)]
    alert = of("unanswered", after(taught(), *tries))
    assert alert.evidence["unanswered"] == 5 and alert.severity == "medium"


def test_a_tap_of_one_direction_sees_no_answers():
    made = Commands(parse_settings(Commands, {}), site(Policy(), Settings()))
    made.learning.begin()
    run(made, window(behaviours=[{**a, "answered": 0} for a in NORMAL]), window(10))
    made.learning.end()
    assert after(made, modbus(HMI, "write_single_register", count=5, answered=0)) == []


def test_a_second_master():
    alert = of("two_masters", after(taught(), dnp3(ROGUE, "read", "read", "60:1", unit="3>10")))
    assert alert.severity == "medium" and alert.evidence["others"] == [HMI]


def test_a_second_writer_of_a_register_is_a_note():
    assert of("two_masters", after(taught(), modbus(ENGINEER, "write_single_register"))).severity == "low"


def test_writes_outside_of_changes():
    change = Change("CHG-1", T0 + 20 * SECOND, T0 + 30 * SECOND, (ENGINEER,))
    made = taught([change])
    write = modbus(ENGINEER, "write_single_register", object="holding_register 80")
    assert "commands.outside_window" not in [a.kind for a in after(made, write)]
    assert "commands.outside_window" in [a.kind for a in after(made, write, at=60)]
    assert after(taught([change]), modbus(HMI, "write_single_register"), at=60) == []


def test_what_was_written_before_there_was_a_calendar_is_usual():
    late = taught()
    made = taught([Change("CHG-1", T0 + 20 * SECOND, T0 + 30 * SECOND, (ENGINEER,))])
    made.restore(late.snapshot())
    made.site.restore(late.site.snapshot())
    assert after(made, modbus(HMI, "write_single_register"), at=60) == []


def test_without_anything_learnt_only_names_speak():
    found = kinds(
        detector(Commands),
        window(behaviours=[*NORMAL, dnp3(ROGUE, "cold_restart", ts=3), dnp3(ROGUE, "read", "read", "60:2")]),
    )
    assert found == ["commands.restart"]
