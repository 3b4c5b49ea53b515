"""The console with a certificate, and without one where it would be needed."""

from __future__ import annotations

import datetime as dt
import http.client
import ipaddress
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.sensor.api.conftest import Server, program
from tests.sensor.api.people import Person, first_password


def certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """Certificate, signed by itself, and key of 127.0.0.1."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject, now = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]), dt.datetime.now(dt.UTC)
    here = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1)).add_extension(here, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True).sign(key, hashes.SHA256())
    )  # fmt: skip
    of_certificate, of_key = folder / f"{name}.pem", folder / f"{name}.key"
    of_certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    of_key.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain))
    return of_certificate, of_key


def configured(folder: Path, *lines: str) -> None:
    (folder / "driftspan.toml").write_text("\n".join(("[console]", *lines)))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("tls")
    ours, key = certificate(folder, "console")
    configured(folder, f'certificate = "{ours}"', f'key = "{key}"')
    made = Server(folder, token="", trust=ssl.create_default_context(cafile=str(ours)))
    yield made
    assert made.end() == 0, made.said


def test_cookies_are_for_tls_alone_and_browsers_are_told_to_stay_with_it(server) -> None:
    password = first_password(server)
    early = Person(server, "admin", password)
    assert early.status == 200
    name, *attributes = early.headers["set-cookie"].split("; ")
    assert name.startswith("__Host-driftspan=")
    assert {"HttpOnly", "Secure", "SameSite=lax", "Path=/"} <= set(attributes)
    assert not any(each.lower().startswith("domain") for each in attributes), "or it would be no __Host- cookie"
    early.renew(password)
    assert early.cookie.startswith("__Host-driftspan=") and early.ask("GET", "/api/v1/alerts")[0] == 200
    for path in ("/login", "/api/v1/alerts", "/static/driftspan.css"):
        assert early.ask("GET", path)[1]["strict-transport-security"] == "max-age=31536000", path
    plain = Person(server)
    plain.cookie = early.cookie.removeprefix("__Host-")
    assert plain.ask("GET", "/api/v1/alerts")[0] == 401, "a cookie that could come without TLS is none"


def test_nothing_is_said_without_tls(server) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    connection.request("GET", "/login")
    with pytest.raises((http.client.HTTPException, ConnectionError)):
        connection.getresponse()
    connection.close()
    old = ssl.create_default_context()
    old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        old.maximum_version = ssl.TLSVersion.TLSv1_1
    connection = http.client.HTTPSConnection("127.0.0.1", server.port, timeout=20, context=old)
    with pytest.raises((ssl.SSLError, ConnectionError)):
        connection.request("GET", "/login")
    connection.close()


def test_other_machines_are_let_in_with_tls_alone(tmp_path) -> None:
    done = program(tmp_path, "serve", "--host", "0.0.0.0", "--port", "0")
    assert done.returncode == 2 and "passwords would pass there in clear" in done.stderr
    assert not (tmp_path / "driftspan-store").exists()


@pytest.mark.parametrize(
    ("which", "said"),
    [("missing", "there is no such file"), ("other", "do not belong together"), ("nonsense", "are no PEM")],
)
def test_a_certificate_that_cannot_be_used_is_said(tmp_path, which, said) -> None:
    ours, key = certificate(tmp_path, "console")
    if which == "missing":
        key.unlink()
    elif which == "other":
        key = certificate(tmp_path, "another")[1]
    else:
        ours.write_text("nonsense")
    configured(tmp_path, f'certificate = "{ours}"', f'key = "{key}"')
    done = program(tmp_path, "serve", "--port", "0")
    assert (done.returncode, said in done.stderr) == (2, True), done.stderr
    assert "Traceback" not in done.stderr
