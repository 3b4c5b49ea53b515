"""Ways out, each with a real receiver: sockets, TLS with certificates on both sides, an HTTP server."""

from __future__ import annotations

import contextlib
import datetime as dt
import hmac
import http.server
import ipaddress
import re
import socket
import ssl
import threading
from hashlib import sha256
from pathlib import Path
from typing import ClassVar

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from sensor.errors import InputError
from sensor.export.formats import encoded
from sensor.export.job import VARIABLE, secret
from sensor.export.ways import AwayError, Message
from sensor.export.ways.file import Lines
from sensor.export.ways.syslog import Syslog, Target, Trust, target
from sensor.export.ways.webhook import DELIVERY, SIGNATURE, TIMESTAMP, Webhook
from tests.sensor.export.records import RECORDS

MESSAGES = [Message(one, encoded("cef", one)) for one in RECORDS.values()]
HEADER = re.compile(
    rb"<(\d{1,3})>1 (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z) ([!-~]{1,255}) driftspan (\d{1,128}) (alert|incident|drift) - (.*)",
    re.DOTALL,
)


class Receiver:
    """Takes connections until it is closed, one after another, and keeps what came by each."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.context = context
        self.streams: list[bytes] = []
        self.subjects: list[object] = []
        self._last: object = None
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        while True:
            made, peer = self._listening.accept()
            if peer == self._last:
                made.close()
                return
            with contextlib.suppress(OSError):
                if self.context is not None:
                    made = self.context.wrap_socket(made, server_side=True)
                    self.subjects.append(made.getpeercert())
                self.streams.append(b"")
                while data := made.recv(65536):
                    self.streams[-1] += data
            made.close()

    def close(self) -> None:
        """After all that connected before: by a connection of its own, which is the last."""
        if self._thread.is_alive():
            with socket.socket() as last:
                last.bind(("127.0.0.1", 0))
                self._last = last.getsockname()
                last.connect(("127.0.0.1", self.port))
                self._thread.join(10)
        self._listening.close()


@pytest.fixture
def receiver():
    made: list[Receiver] = []

    def begin(context: ssl.SSLContext | None = None) -> Receiver:
        made.append(Receiver(context))
        return made[-1]

    yield begin
    for one in made:
        one.close()


def frames(stream: bytes) -> list[bytes]:
    """By the letter of RFC 6587, 3.4.1."""
    found = []
    while stream:
        length, _, stream = stream.partition(b" ")
        assert length.isdigit() and not length.startswith(b"0")
        found.append(stream[: int(length)])
        assert len(found[-1]) == int(length)
        stream = stream[int(length) :]
    return found


def check(found: list[bytes]) -> None:
    assert len(found) == len(MESSAGES)
    severities = {"info": 6, "low": 5, "medium": 4, "high": 3, "critical": 2}
    for data, message in zip(found, MESSAGES, strict=True):
        head = HEADER.fullmatch(data)
        assert head is not None, data
        assert divmod(int(head[1]), 8) == (13, severities[message.record.severity])
        assert head[5].decode() == message.record.what
        assert head[6] == message.data
        assert b"\n" not in data


def test_syslog_over_tcp_counts_octets(receiver) -> None:
    there = receiver()
    way = Syslog(Target("tcp", "127.0.0.1", there.port), Trust())
    assert way.send(MESSAGES[:2]) == []
    assert way.send(MESSAGES[2:]) == []
    way.close()
    there.close()
    (stream,) = there.streams
    check(frames(stream))


def test_syslog_over_udp_is_a_datagram_each() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as there:
        there.bind(("127.0.0.1", 0))
        there.settimeout(5)
        way = Syslog(Target("udp", "127.0.0.1", there.getsockname()[1]), Trust())
        assert way.longest < 65_507
        way.send(MESSAGES)
        check([there.recv(65536) for _ in MESSAGES])
        way.close()


def test_nobody_listens() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        for scheme in ("tcp", "udp"):
            with pytest.raises(AwayError, match=f"{scheme}://127.0.0.1:{port}: Connection refused"):
                Syslog(Target(scheme, "127.0.0.1", port), Trust()).send(MESSAGES)


def test_a_connection_that_the_receiver_closed_is_made_anew(receiver) -> None:
    there = receiver()
    way = Syslog(Target("tcp", "127.0.0.1", there.port), Trust())
    way.send(MESSAGES[:1])
    assert way._socket is not None
    way._socket.shutdown(socket.SHUT_WR)  # the receiver sees an end, and closes its side
    assert way._socket.recv(1) == b""
    way.send(MESSAGES[1:2])
    way.close()
    there.close()
    assert [len(frames(stream)) for stream in there.streams] == [1, 1]


@pytest.fixture(scope="module")
def certificates(tmp_path_factory) -> Path:
    """An authority, and a certificate of it for 127.0.0.1 and one for a client."""
    folder = tmp_path_factory.mktemp("certificates")
    now = dt.datetime.now(dt.UTC)
    keys = {name: ec.generate_private_key(ec.SECP256R1()) for name in ("ca", "server", "client", "other")}
    authority = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "ca")])
    for name, key in keys.items():
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        itself = name in ("ca", "other")
        made = (
            x509.CertificateBuilder().subject_name(subject).issuer_name(subject if itself else authority).public_key(key.public_key())
            .serial_number(x509.random_serial_number()).not_valid_before(now - dt.timedelta(hours=1)).not_valid_after(now + dt.timedelta(hours=1))
            .add_extension(x509.BasicConstraints(ca=itself, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key((key if itself else keys["ca"]).public_key()), critical=False)
            .sign(key if itself else keys["ca"], hashes.SHA256())
        )  # fmt: skip
        (folder / f"{name}.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
        (folder / f"{name}.key").write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
    return folder


def server_context(folder: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem", folder / "server.key")
    context.load_verify_locations(folder / "ca.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    return context


def test_syslog_over_tls_with_certificates_on_both_sides(receiver, certificates) -> None:
    there = receiver(server_context(certificates))
    ours = Trust(*(str(certificates / name) for name in ("ca.pem", "client.pem", "client.key")))
    way = Syslog(Target("tls", "127.0.0.1", there.port), ours)
    way.send(MESSAGES)
    way.close()
    there.close()
    check(frames(there.streams[0]))
    assert dict(x[0] for x in there.subjects[0]["subject"])["commonName"] == "client"


def test_a_certificate_of_somebody_else_is_not_trusted(receiver, certificates) -> None:
    there = receiver(server_context(certificates))
    way = Syslog(Target("tls", "127.0.0.1", there.port), Trust(str(certificates / "other.pem")))
    with pytest.raises(AwayError, match="its certificate is not trusted"):
        way.send(MESSAGES)
    there.close()
    assert not any(there.streams)


def test_certificates_that_cannot_be_used(certificates, tmp_path) -> None:
    (tmp_path / "no.pem").write_text("no certificate")
    for trust in (
        Trust(ca=str(tmp_path / "no.pem")),
        Trust(ca="none.pem"),
        Trust(certificate=str(certificates / "client.pem"), key=str(certificates / "server.key")),
    ):
        with pytest.raises(InputError):
            Syslog(Target("tls", "127.0.0.1", 1), trust)


@pytest.mark.parametrize(
    "url", ["udp://", "tcp://host:99999", "http://host", "tls://user@host", "tcp://host/path", "host:514", ""]
)
def test_what_is_no_receiver(url) -> None:
    with pytest.raises(InputError, match="no syslog receiver"):
        target(url)
    assert target("tls://[::1]") == Target("tls", "::1", 6514)


class Hook(http.server.BaseHTTPRequestHandler):
    """Checks signatures as a receiver would."""

    protocol_version = "HTTP/1.1"
    answers: ClassVar[list[int]]
    got: ClassVar[list[tuple[str, bytes]]]
    secret: ClassVar[bytes]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        wanted = hmac.new(self.secret, self.headers[TIMESTAMP].encode() + b"." + body, sha256).hexdigest()
        status = self.answers.pop(0) if self.answers else 204
        if not hmac.compare_digest(self.headers[SIGNATURE], f"sha256={wanted}"):
            status = 401
        if status < 300:
            self.got.append((self.headers[DELIVERY], body))
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "http://127.0.0.1:1/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_) -> None:
        pass


@pytest.fixture
def hook():
    class Own(Hook):
        answers: ClassVar[list[int]] = []
        got: ClassVar[list[tuple[str, bytes]]] = []
        secret = b"0123456789abcdef"

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Own)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield Own, f"http://127.0.0.1:{server.server_address[1]}/hook?x=1"
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_webhook_gets_signed_records(hook) -> None:
    server, url = hook
    messages = [Message(one, encoded("ocsf", one)) for one in RECORDS.values()]
    way = Webhook(url, server.secret, Trust())
    assert way.send(messages) == []
    way.close()
    assert server.got == [(m.record.id, m.data) for m in messages]


def test_what_a_webhook_answers(hook) -> None:
    server, url = hook
    way = Webhook(url, server.secret, Trust())
    server.answers += [204, 422, 204]
    assert way.send(MESSAGES[:3]) == [MESSAGES[1]]
    for status in (302, 401, 429, 500, 503):
        server.answers.append(status)
        with pytest.raises(AwayError, match=f"it answered {status}") as raised:
            way.send(MESSAGES[:1])
        assert "hook" not in str(raised.value)  # the path may be a secret
    way.close()
    stranger = Webhook(url, b"another secret!!", Trust())
    with pytest.raises(AwayError, match="it answered 401"):
        stranger.send(MESSAGES[:1])
    stranger.close()
    assert len(server.got) == 2


def test_where_a_secret_comes_from(tmp_path, monkeypatch) -> None:
    path = tmp_path / "secret"
    path.write_text("0123456789abcdef\n")
    with pytest.raises(InputError, match="chmod 600"):
        secret(str(path))
    path.chmod(0o600)
    assert secret(str(path)) == b"0123456789abcdef"
    monkeypatch.setenv(VARIABLE, "short")
    with pytest.raises(InputError, match="at least 16") as raised:
        secret("")
    assert "'short'" not in str(raised.value)
    monkeypatch.setenv(VARIABLE, "fedcba9876543210")
    assert secret("") == b"fedcba9876543210"


def test_a_file_that_was_rotated_or_cut_off(tmp_path) -> None:
    path = tmp_path / "alerts.log"
    path.write_bytes(b"half a li")
    way = Lines(str(path), append=True)
    way.send(MESSAGES[:1])
    path.rename(tmp_path / "alerts.log.1")
    way.send(MESSAGES[1:2])
    way.close()
    assert (tmp_path / "alerts.log.1").read_bytes() == b"half a li\n" + MESSAGES[0].data + b"\n"
    assert path.read_bytes() == MESSAGES[1].data + b"\n"
