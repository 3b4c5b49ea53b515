import pytest

from detectors.lateral import Lateral
from tests.detectors.build import act, flow
from tests.detectors.plant import EDGE, EWS, HMI, OFFICE, PLC, after, made

SHELL = flow(OFFICE, EDGE, "ssh", ts=11, last_ts=15, frame=7)
WRITE = act(EDGE, PLC, "modbus", "write_single_register", "write", ts=22, frame=9)


def of(kind, alerts):
    return [alert for alert in alerts if alert.kind == kind]


@pytest.mark.parametrize(
    ("src", "dst", "app", "severity"),
    [(OFFICE, EDGE, "ssh", "high"), (EWS, EDGE, "ssh", "low"), (HMI, EWS, "rdp", "medium"), (HMI, PLC, "opcua", "low"),
     (EWS, PLC, "telnet", "high")],
)  # fmt: skip
def test_a_first_session_weighs_what_policy_says_of_it(src, dst, app, severity):
    [alert] = after(Lateral, {}, {"flows": [flow(src, dst, app, ts=11, frame=7)]})
    assert (alert.kind, alert.severity, alert.frames) == ("lateral.new_admin_edge", severity, (7,))
    assert "for the first time" in alert.summary


def test_what_was_learnt_is_silent_and_so_is_the_office_among_itself():
    seen = {"flows": [flow(OFFICE, EDGE, "ssh")]}
    later = {"flows": [flow(OFFICE, EDGE, "ssh", ts=11), flow(OFFICE, "10.9.9.6", "ssh", ts=12)]}
    assert after(Lateral, seen, later) == []


def test_a_glance_at_the_port_is_no_session():
    tried = [
        flow(OFFICE, EDGE, "", service="ssh", state="rejected", ts=11),
        flow(OFFICE, EDGE, "", port=22, packets_out=3, ts=12),
        flow(OFFICE, EDGE, "ssh", packets_out=4, packets_in=3, ts=13),  # it heard the server's greeting, and left
    ]
    assert after(Lateral, {}, {"flows": tried}) == []


def test_a_path_across_zones_is_one_alert_with_its_hops():
    alerts = after(
        Lateral, {}, {"flows": [SHELL]}, {"behaviours": [WRITE], "flows": [flow(EDGE, PLC, "modbus", ts=22)]}
    )
    [chain] = of("lateral.chain", alerts)
    assert chain.severity == "critical" and chain.frames == (7, 9)
    assert chain.evidence["path"] == [OFFICE, EDGE, PLC] and chain.evidence["zones"] == ["office", "edge", "cell"]
    assert [hop.split("Z ")[1] for hop in chain.evidence["hops"]] == [
        f"{OFFICE} -> {EDGE} ssh, frame 7",
        f"{EDGE} -> {PLC} modbus write, frame 9",
    ]


def test_a_known_way_in_still_begins_the_path_of_a_new_write():
    alerts = after(Lateral, {"flows": [flow(OFFICE, EDGE, "ssh")]}, {"flows": [SHELL]}, {"behaviours": [WRITE]})
    assert [alert.kind for alert in alerts] == ["lateral.chain"]


def test_no_path_after_the_horizon_nor_where_one_host_does_it_all():
    late = after(
        made(Lateral, horizon=5.0),
        {},
        {"flows": [flow(OFFICE, EDGE, "ssh", ts=11)]},
        {},
        {"behaviours": [WRITE | {"ts": 32}]},
    )
    assert of("lateral.chain", late) == []
    own = {"flows": [flow(EWS, EDGE, "ssh", ts=11)], "behaviours": [act(EWS, PLC, "modbus", "write", "write", ts=12)]}
    assert of("lateral.chain", after(Lateral, {}, own)) == []


def test_many_new_hosts_are_a_fan_out():
    flows = [flow(OFFICE, f"10.0.2.{n}", "smb", ts=11 + n / 10, frame=n) for n in range(1, 8)]
    [alert] = of("lateral.fan_out", after(Lateral, {}, {"flows": flows}))
    assert alert.severity == "high" and alert.count == 7 and len(alert.evidence["hosts"]) == 7
    assert of("lateral.fan_out", after(Lateral, {}, {"flows": flows[:4]})) == []
    assert of("lateral.fan_out", after(Lateral, {"flows": flows}, {"flows": flows})) == []


def test_an_ignored_administrator_goes_anywhere():
    assert after(made(Lateral, ignore=[OFFICE]), {}, {"flows": [SHELL]}) == []
