"""What is wrong with a server is one sentence, with the right status and without the password."""

from __future__ import annotations

import datetime as dt
import ipaddress
import select
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.clickhouse.conftest import PCAPS, needed
from tests.clickhouse.engine import Engine, free_port

SECRET = "a-secret-word"


def refused(driftspan, *arguments, status: int = 2) -> str:
    said = driftspan.refused(*arguments, status=status)
    assert SECRET not in said
    return said


@pytest.mark.parametrize("scheme", ["clickhouse", "http"])
def test_nobody_is_there(driftspan, capture, scheme) -> None:
    nowhere = f"{scheme}://sensor:{SECRET}@127.0.0.1:{free_port()}/db"
    assert "cannot be reached" in refused(driftspan, "query", "SELECT 1", "--store", nowhere, status=1)
    assert "cannot be reached" in refused(driftspan, "replay", capture, "--store", nowhere, status=1)
    unknown = f"{scheme}://sensor:{SECRET}@nowhere.invalid/db"
    assert "cannot be reached" in refused(driftspan, "alerts", "--store", unknown, status=1)


def test_the_next_host_is_tried(driftspan, capture, engine, database) -> None:
    for scheme, port in (("clickhouse", engine.native), ("http", engine.http)):
        url = f"{scheme}://default@127.0.0.1:{free_port()},127.0.0.1:{port}/{database}"
        driftspan.rows("replay", capture, "--store", url)
        assert driftspan.rows("query", "SELECT count() AS n FROM modbus", "--store", url) == [{"n": 50}]


def test_a_database_that_is_not_there(driftspan, engine) -> None:
    for scheme in ("clickhouse", "http"):
        said = refused(driftspan, "query", "SELECT 1", "--store", engine.url("nothing", scheme=scheme))
        assert "has no database 'nothing'" in said


def test_what_a_user_may(driftspan, capture, engine, database, monkeypatch) -> None:
    driftspan.rows("replay", capture, "--store", engine.url(database))
    monkeypatch.setenv("DRIFTSPAN_STORE_PASSWORD", "asks")
    url = engine.url(database, "analyst")
    assert driftspan.rows("query", "SELECT count() AS n FROM modbus", "--store", url) == [{"n": 50}]
    assert "SETTINGS are not allowed" in refused(driftspan, "query", "SELECT 1 SETTINGS readonly = 0", "--store", url)
    said = refused(driftspan, "replay", capture, "--store", url)
    assert "user 'analyst' may only read" in said
    (driftspan.folder / "word").write_text("bound\n")
    (driftspan.folder / "word").chmod(0o644)
    (driftspan.folder / "driftspan.toml").write_text('[store]\npassword_file = "word"\n')
    monkeypatch.delenv("DRIFTSPAN_STORE_PASSWORD")
    assert "chmod 600" in refused(driftspan, "alerts", "--store", engine.url(database, "bound"))
    (driftspan.folder / "word").chmod(0o600)
    assert "readonly = 2" in refused(driftspan, "alerts", "--store", engine.url(database, "bound"))


def test_a_server_that_is_too_old(driftspan) -> None:
    """Debian's, by its own hello: 18.16.1, revision 54412, in UTC."""
    hello = b"\0\x0aClickHouse\x12\x10" + b"\x8c\xa9\x03" + b"\x03UTC\x03old\x01"
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer() -> None:
            with listening.accept()[0] as made:
                made.recv(4096)
                made.sendall(hello)
                made.recv(4096)

        threading.Thread(target=answer, daemon=True).start()
        url = f"clickhouse://default@127.0.0.1:{listening.getsockname()[1]}/db"
        assert "ClickHouse 18.16 is too old" in refused(driftspan, "query", "SELECT 1", "--store", url)


def test_what_answers_is_no_clickhouse(driftspan) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer() -> None:
            with listening.accept()[0] as made:
                made.recv(65536)
                made.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")

        threading.Thread(target=answer, daemon=True).start()
        url = f"http://default@127.0.0.1:{listening.getsockname()[1]}/db"
        assert "is no ClickHouse" in refused(driftspan, "query", "SELECT 1", "--store", url, status=1)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory) -> Path:
    """Of 127.0.0.1, by itself."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    now = dt.datetime.now(dt.UTC)
    alternative = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
        .not_valid_before(now).not_valid_after(now + dt.timedelta(days=1)).add_extension(alternative, critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    plain = serialization.NoEncryption()
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.fixture
def secured(certificate: Path) -> Iterator[object]:
    """Gives a port that speaks TLS in front of another."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    listening = []

    def before(port: int) -> int:
        made = socket.create_server(("127.0.0.1", 0))
        listening.append(made)
        threading.Thread(target=relay, args=(made, port, context), daemon=True).start()
        return int(made.getsockname()[1])

    yield before
    for made in listening:
        made.close()


def relay(listening: socket.socket, port: int, context: ssl.SSLContext) -> None:
    while True:
        try:
            plain, _ = listening.accept()
        except OSError:
            return
        threading.Thread(target=pass_on, args=(plain, port, context), daemon=True).start()


def pass_on(plain: socket.socket, port: int, context: ssl.SSLContext) -> None:
    try:
        client = context.wrap_socket(plain, server_side=True)
    except OSError:
        plain.close()
        return
    with client, socket.create_connection(("127.0.0.1", port)) as server:
        try:
            while True:
                ready = [client] if client.pending() else select.select([client, server], [], [])[0]
                for one in ready:
                    data = one.recv(1 << 16)
                    if not data:
                        return
                    (server if one is client else client).sendall(data)
        except OSError:
            return


def test_tls(driftspan, capture, engine, database, secured, certificate) -> None:
    for scheme, port in (("clickhouse", engine.native), ("https", engine.http)):
        where = f"{scheme}://default@127.0.0.1:{secured(port)}/{database}?secure=1"
        assert "certificate is not trusted" in refused(driftspan, "query", "SELECT 1", "--store", where)
        driftspan.rows("replay", capture, "--store", f"{where}&ca={certificate}")
        assert driftspan.rows("query", "SELECT count() AS n FROM modbus", "--store", f"{where}&verify=0") == [{"n": 50}]
        assert "no file" in refused(driftspan, "query", "SELECT 1", "--store", f"{where}&ca=nothing.pem")
    plain = engine.url(database, scheme="clickhouses")
    assert "no TLS is spoken there" in refused(driftspan, "query", "SELECT 1", "--store", plain)


@pytest.mark.parametrize("scheme", ["clickhouse", "http"])
def test_a_wrong_password(driftspan, tmp_path, scheme) -> None:
    """On a server of its own: it does not outlive this."""
    needed()
    engine = Engine(tmp_path / "own").start()
    try:
        port = engine.http if scheme == "http" else engine.native
        url = f"{scheme}://sensor:{SECRET}@127.0.0.1:{port}/db"
        assert "refuses user 'sensor'" in refused(driftspan, "replay", PCAPS / "demo.pcap", "--store", url)
    finally:
        engine.kill()
