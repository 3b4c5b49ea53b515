import pytest

from detectors import address
from detectors.cleartext import Cleartext
from detectors.zones import Conduit, Policy, Zone
from tests.detectors.build import act, detector, flow, kinds, run, window

PLC, HMI, HMI2, OFFICE = "10.0.1.10", "10.0.1.20", "10.0.1.21", "10.0.9.5"
ZONES = (Zone("cell", 1, ("10.0.1.0/24",)), Zone("office", 4, ("10.0.9.0/24",), kind="it"))


def test_one_alert_a_server_and_protocol_with_its_clients():
    [alert] = run(
        detector(Cleartext),
        window(flows=[flow(HMI, PLC, "modbus", frame=7), flow(HMI2, PLC, "modbus", frame=9)]),
        window(10, flows=[flow(HMI, PLC, "modbus", ts=12, flow_id=77)]),
    )
    assert alert.kind == "cleartext.protocol"
    assert (alert.src_ip, alert.dst_ip) == (address.parse(HMI), address.parse(PLC))
    assert alert.evidence["clients"] == [HMI, HMI2]
    assert (alert.count, alert.frames, alert.capture) == (3, (7, 9), "a.pcap")
    assert alert.severity == "low"
    assert "T1692.001" in alert.techniques and alert.attack_version == "ATT&CK for ICS v19"


def test_a_session_that_leaves_its_zone_weighs_more():
    made = detector(Cleartext, Policy(ZONES))
    [alert] = run(
        made, window(flows=[flow(HMI, PLC, "modbus")]), window(10, flows=[flow(OFFICE, PLC, "modbus", ts=11)])
    )
    assert alert.severity == "medium"


def test_a_conduit_that_demands_encryption_weighs_most():
    policy = Policy(ZONES, (Conduit("office", "cell", ("modbus",), encrypted=True),))
    [alert] = run(detector(Cleartext, policy), window(flows=[flow(OFFICE, PLC, "modbus")]))
    assert (alert.severity, alert.evidence["conduit_requires_encryption"]) == ("high", True)


@pytest.mark.parametrize(
    "quiet",
    [
        flow(HMI, PLC, "mqtt", encrypted=1),
        flow(HMI, PLC, "tls"),
        flow(HMI, PLC, "ssh"),
        flow(HMI, PLC, "modbus", state="rejected"),
        flow(HMI, PLC, "", service="modbus"),
        flow(OFFICE, "93.184.216.34", "http"),
        flow(HMI, PLC, "opcua"),
    ],
)
def test_silent(quiet):
    assert kinds(detector(Cleartext), window(flows=[quiet])) == []


def test_ignored_protocols_are_silent():
    assert kinds(detector(Cleartext, ignore=["modbus"]), window(flows=[flow(HMI, PLC, "modbus")])) == []


def test_credentials_are_high_and_named_by_kind_only():
    [alert] = run(detector(Cleartext), window(flows=[flow(HMI, PLC, "ftp", credentials="ftp_user")]))
    assert (alert.kind, alert.severity) == ("cleartext.credentials", "high")
    assert alert.evidence["credentials"] == ["ftp_user"]


def test_an_answer_to_a_challenge_is_no_readable_password():
    given = flow(HMI, PLC, "http", credentials="http_digest")
    assert kinds(detector(Cleartext), window(flows=[given])) == ["cleartext.login"]


def test_what_may_be_sealed_is_not_called_clear():
    assert kinds(detector(Cleartext), window(flows=[flow(HMI, PLC, "s7comm_plus")])) == []
    assert kinds(detector(Cleartext), window(flows=[flow(HMI, PLC, "s7comm", encrypted=0)])) == ["cleartext.protocol"]


def test_http_to_a_device_is_a_login_in_the_clear():
    made = detector(Cleartext, Policy(ZONES))
    assert kinds(made, window(flows=[flow(OFFICE, PLC, "http")])) == ["cleartext.login"]


def test_mqtt_password():
    given = flow(HMI, PLC, packet_type=1, username_seen=1, password_seen=1, port=1883)
    [alert] = run(detector(Cleartext), window(mqtt=[given]))
    assert (alert.kind, alert.protocol) == ("cleartext.credentials", "mqtt")
    assert alert.evidence["credentials"] == ["mqtt_password"]


def opcua(service, policy="None", mode="none", token=""):
    return flow(HMI, PLC, port=4840, service=service, security_policy=policy, security_mode=mode, identity_token=token)


def test_discovery_on_a_none_channel_is_as_the_standard_wants_it():
    found = [opcua("GetEndpoints"), opcua("FindServers"), opcua("OpenSecureChannel"), opcua("")]
    assert kinds(detector(Cleartext), window(opcua=[{**row, "app": ""} for row in found])) == []


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (opcua("Read"), ["cleartext.opcua_none"]),
        (opcua("ActivateSession", token="username"), ["cleartext.credentials", "cleartext.opcua_none"]),
        ({**opcua("ActivateSession", token="username"), "info": "password_encrypted"}, ["cleartext.opcua_none"]),
        (opcua("Read", "Basic256Sha256", "sign"), ["cleartext.opcua_signed"]),
        (opcua("Read", "Basic128Rsa15", "sign_and_encrypt"), ["cleartext.opcua_weak"]),
        (opcua("ActivateSession", "Basic256Sha256", "sign_and_encrypt", "username"), []),
    ],
)
def test_opcua_policies(row, expected):
    assert kinds(detector(Cleartext), window(opcua=[row])) == expected


@pytest.mark.parametrize(
    ("number", "cipher", "fires"),
    [
        (0x0301, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", True),
        (0x0302, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", True),
        (0x0303, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", False),
        (0x0304, "TLS_AES_128_GCM_SHA256", False),
        (0x0303, "TLS_RSA_WITH_NULL_SHA256", True),
        (0x0303, "TLS_RSA_WITH_RC4_128_SHA", True),
        (0x0303, "TLS_RSA_WITH_3DES_EDE_CBC_SHA", True),
        (0xFEFF, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", True),
        (0xFEFD, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", False),
        (0, "", False),
        (0x0300, "", False),  # an offer that nobody took up
    ],
)
def test_tls(number, cipher, fires):
    row = flow(HMI, PLC, port=443, version="v", version_number=number, cipher=cipher)
    assert kinds(detector(Cleartext), window(tls=[row])) == (["cleartext.tls"] if fires else [])


def test_a_stricter_site_asks_for_more():
    row = flow(HMI, PLC, port=443, version="TLSv1.2", version_number=0x0303, cipher="x")
    assert kinds(detector(Cleartext, min_tls="1.3"), window(tls=[row])) == ["cleartext.tls"]
    with pytest.raises(ValueError, match="min_tls"):
        detector(Cleartext, min_tls="2")


def test_a_conduit_says_which_version_is_good_enough():
    """In place of the site's: a stricter one, or, for what cannot be renewed, a milder one."""

    def told(version, src=OFFICE, **conduit):
        made = detector(Cleartext, Policy(ZONES, (Conduit("office", "cell", ("any",), **conduit),)))
        return run(made, window(tls=[flow(src, PLC, port=443, version="v", version_number=version, cipher="x")]))

    [alert] = told(0x0303, tls="1.3")
    assert (alert.kind, alert.severity, alert.evidence["conduit_demands"]) == ("cleartext.tls", "high", ["1.3"])
    assert alert.summary.endswith("; between these zones TLS 1.3 is the least")
    assert "conduit_requires_encryption" not in alert.evidence
    assert told(0x0304, tls="1.3") == [] and told(0x0301, tls="1.0") == [] and told(0x0303) == []
    assert [one.severity for one in told(0x0301, encrypted=True)] == ["medium"], "it is encrypted, though badly"
    within = told(0x0303, src=HMI, tls="1.3")
    assert within == [] and [a.kind for a in told(0x0302, src=HMI, tls="1.3")] == ["cleartext.tls"]


def test_what_is_readable_and_between_which_zones():
    acts = [
        act(HMI, PLC, "modbus", "read_coils", "read"),
        act(OFFICE, PLC, "modbus", "write_single_coil", "write", ts=1),
    ]
    flows = [flow(HMI, PLC, "modbus"), flow(OFFICE, PLC, "modbus", ts=1)]
    [alert] = run(detector(Cleartext, Policy(ZONES)), window(flows=flows, behaviours=acts))
    assert alert.evidence["data"] == ["readings asked for", "set points"]
    assert alert.evidence["conduits"] == ["office -> cell"]
