import pytest

from detectors.changes import Change
from detectors.credentials import Credentials
from detectors.learning import Settings
from detectors.site import site
from tests.detectors.build import SECOND, T0, act, flow, run, window
from tests.detectors.plant import EDGE, EWS, HISTORIAN, HMI, OFFICE, PLC, POLICY, REGISTRY, after

FTP = flow(HISTORIAN, OFFICE, "ftp", credentials="ftp_user", ts=11, frame=4)


def test_an_account_that_became_known_now():
    [alert] = after(Credentials, {}, {"flows": [FTP]})
    assert (alert.kind, alert.frames) == ("credentials.cleartext", (4,))
    assert "never did before" in alert.summary
    token = flow(EWS, PLC, "opcua", service="ActivateSession", identity_token="username", ts=11)
    assert after(Credentials, {}, {"opcua": [token | {"info": "user_name_seen"}]}) == []
    assert len(after(Credentials, {}, {"opcua": [token | {"info": "user_name_seen password_in_clear"}]})) == 1
    assert len(after(Credentials, {}, {"mqtt": [flow(EDGE, HISTORIAN, "mqtt", username_seen=1, ts=11)]})) == 1


def test_what_was_always_readable_or_answers_a_challenge_is_not_told_here():
    assert after(Credentials, {"flows": [FTP | {"ts": 1, "first_ts": 1}]}, {"flows": [FTP]}) == []
    assert after(Credentials, {}, {"flows": [FTP | {"credentials": "http_digest"}]}) == []


def test_accounts_that_vendors_ship():
    """One alert a server and protocol, whoever uses the account, each time it is used."""
    web = flow(OFFICE, PLC, "http", credentials="http_basic_default", ts=11, frame=7)
    both = [web, flow(EWS, PLC, "http", credentials="http_basic_default", ts=12, flow_id=2)]
    found = after(Credentials, {"flows": [web | {"ts": 1, "first_ts": 1}]}, {"flows": both})
    [alert] = [one for one in found if one.kind == "credentials.default"]
    assert (alert.severity, alert.count) == ("high", 3) and alert.evidence["clients"] == sorted([EWS, OFFICE])
    assert "that a vendor ships" in alert.summary
    odd = flow(EDGE, HISTORIAN, "mqtt", protocol="mqtt", kind="default_credentials", ts=11)
    assert [one.kind for one in after(Credentials, {}, {"anomalies": [odd, odd | {"kind": "second_connect"}]})] == [
        "credentials.default"
    ]
    token = flow(EWS, PLC, "opcua", service="ActivateSession", identity_token="username", ts=11)
    info = "user_name_seen password_in_clear password_default"
    assert {one.kind for one in after(Credentials, {}, {"opcua": [token | {"info": info}]})} == {
        "credentials.default",
        "credentials.cleartext",
    }


def shake(src, dst=REGISTRY, **more):
    return flow(src, dst, "tls", ts=11, **more)


def test_one_certificate_at_two_hosts():
    one, two = shake(HMI, client_cert_subject="CN=hmi"), shake(EWS, client_cert_subject="CN=hmi", flow_id=2)
    [alert] = after(Credentials, {}, {"tls": [one, two]})
    assert alert.kind == "credentials.shared" and alert.evidence["hosts"] == sorted([HMI, EWS])
    assert after(Credentials, {}, {"tls": [one, two | {"client_cert_subject": "CN=ews"}, one | {"flow_id": 3}]}) == []


@pytest.mark.parametrize(("days", "told"), [(91, True), (89, False)])
def test_certificates_older_than_the_site_allows(days, told):
    age = {"server_cert_sha256": "ab" * 32, "not_before": T0 - days * 86400 * SECOND}
    found = after(Credentials, {}, {"tls": [shake(EDGE, **age)]})
    assert [alert.kind for alert in found] == ["credentials.old_certificate"] * told
    assert after(Credentials, {}, {"tls": [shake(EDGE, server_cert_sha256="ab" * 32)]}) == []  # no date known


def privileged(*changes, **tables):
    """With the engineering station known as one."""
    one = Credentials(Credentials.settings_class(), site(POLICY, Settings(seconds=10.0), changes))
    learnt = window(flows=[flow(EWS, PLC, "ssh", ts=1), flow(HMI, PLC, "modbus", ts=2)],
                    behaviours=[act(HMI, PLC, "modbus", "read_coils", "read")])  # fmt: skip
    found = run(one, learnt, window(10, **tables))
    return [
        (alert.evidence["action"], alert.summary.split(" ")[0]) for alert in found if alert.first_ts > T0 + 10 * SECOND
    ]


def change(start, end, *hosts, **more):
    return Change("C1", T0 + start * SECOND, T0 + end * SECOND, hosts, **more)


def test_privileged_work_outside_every_approved_change():
    shell = {"flows": [flow(EWS, EDGE, "ssh", ts=12)]}
    assert privileged(**shell) == []  # no changes are known at all
    assert privileged(change(900, 990), **shell) == [("session", EWS)]
    assert privileged(change(0, 90), **shell) == privileged(change(0, 90, EDGE), **shell) == []
    assert privileged(change(0, 90, HMI), **shell) == [("session", EWS)]
    assert privileged(change(900, 990), flows=[flow(OFFICE, "10.9.9.6", "rdp", ts=12)]) == []  # no part of the plant
    put = {"flows": [flow(EWS, REGISTRY, "http", info="PUT a/m.onnx 201", ts=12)]}
    assert privileged(change(900, 990), **put) == [("deploy", EWS)]
    assert privileged(change(0, 90, actions=("session",)), **put) == [("deploy", EWS)]


def test_an_operator_writes_and_an_engineer_needs_a_change():
    writes = [act(who, PLC, "modbus", "write_single_register", "write", ts=12) for who in (HMI, EWS)]
    assert privileged(change(900, 990), behaviours=writes) == [("write", EWS)]
