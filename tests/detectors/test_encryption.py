import pytest

from detectors.encryption import Encryption
from tests.detectors.build import SECOND, T0, flow
from tests.detectors.plant import EDGE, EWS, HISTORIAN, HMI, PLC, REGISTRY, after

NEW, OLD = {"version_number": 0x0304, "cipher": "X"}, {"version_number": 0x0301, "cipher": "X"}


def shake(at, **more):
    return flow(EDGE, REGISTRY, "tls", ts=at, frame=int(at), **more)


def test_an_older_version_than_ever():
    [alert] = after(Encryption, {"tls": [shake(1, **NEW)]}, {"tls": [shake(11, **OLD)]})
    assert (alert.kind, alert.severity, alert.frames) == ("encryption.downgrade", "high", (11,))
    assert (alert.evidence["weakest_before"], alert.evidence["now"]) == ("TLS 1.3", "TLS 1.0")


def test_what_was_as_weak_before_an_offer_and_a_first_meeting_are_silent():
    assert after(Encryption, {"tls": [shake(1, **NEW), shake(2, **OLD)]}, {"tls": [shake(11, **OLD)]}) == []
    assert after(Encryption, {"tls": [shake(1, **NEW)]}, {"tls": [shake(11, **OLD | {"cipher": ""})]}) == []
    assert after(Encryption, {}, {"tls": [shake(11, **OLD)]}) == []


def test_in_the_clear_what_always_was_encrypted():
    secured = flow(EDGE, HISTORIAN, "tls", service="mqtts", encrypted=1)
    clear = flow(EDGE, HISTORIAN, "mqtt", service="mqtt", encrypted=0, ts=11)
    [alert] = after(Encryption, {"flows": [secured]}, {"flows": [clear]})
    assert alert.kind == "encryption.downgrade" and "in the clear" in alert.summary
    assert after(Encryption, {"flows": [secured]}, {"flows": [flow(EDGE, HISTORIAN, "ftp", encrypted=0, ts=11)]}) == []


def test_opc_ua_with_less_protection():
    def call(mode, at, service="Read"):
        return flow(HMI, PLC, "opcua", service=service, security_mode=mode, ts=at)

    learnt = {"opcua": [call("sign_and_encrypt", 1), call("none", 2, "GetEndpoints")]}
    [alert] = after(Encryption, learnt, {"opcua": [call("none", 11)]})
    assert alert.evidence["weakest_before"] == "signed and encrypted"
    assert after(Encryption, learnt, {"opcua": [call("none", 11, "GetEndpoints")]}) == []


def cert(at, sha="ab", **more):
    return shake(at, server_cert_sha256=sha * 32, issuer="CN=plant", server_cert_subject="CN=r", **more)


@pytest.mark.parametrize(
    ("given", "told"),
    [({"not_after": T0}, ("encryption.certificate", "medium")), ({"self_signed": 1}, ("encryption.certificate", "low")),
     ({"not_after": T0 + 900 * SECOND}, None), ({}, None)],
)  # fmt: skip
def test_certificates_that_prove_nothing(given, told):
    found = [(alert.kind, alert.severity) for alert in after(Encryption, {}, {"tls": [cert(11, **given)]})]
    assert found == ([told] if told else [])


def test_another_certificate_than_before():
    def then(**more):
        return [(a.kind, a.severity) for a in after(Encryption, {"tls": [cert(1)]}, {"tls": [cert(11, **more)]})]

    assert then() == []
    assert then(sha="cd") == [("encryption.changed_certificate", "low")]  # renewed by the same authority
    assert then(sha="cd", dst_port=444) == []
    other = {"tls": [cert(11, "cd") | {"issuer": "CN=x", "src_ip": EWS}]}
    [alert] = after(Encryption, {"tls": [cert(1)]}, other)
    assert alert.severity == "medium" and alert.evidence["sha256_before"] == "ab" * 32
