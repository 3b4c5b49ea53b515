"""Logging in through an identity provider that the test runs: discovery, code flow with PKCE, signed ID tokens."""

from __future__ import annotations

import base64
import http.client
import json
import threading
import time
from collections.abc import Iterator
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OctKey, RSAKey

from sensor.access.oidc import Provider, RefusedError
from sensor.access.oidc_config import OidcSection
from sensor.api.oidc import local
from tests.sensor.api.conftest import Server, configure
from tests.sensor.api.people import Person, first_password

CLIENT, SECRET = "console", "s3cret/with+signs"


class Issuer(ThreadingHTTPServer):
    """An identity provider: it lets anybody in as `claims` says, and keeps to the protocol."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.key: Any = RSAKey.generate_key(2048, {"kid": "one"})
        self.algorithm = "RS256"
        self.claims: dict[str, Any] = {}
        self.facts: dict[str, Any] = {}
        self.codes: dict[str, dict[str, str]] = {}
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def discovery(self) -> dict[str, Any]:
        names = {"authorization_endpoint": "/authorize", "token_endpoint": "/token", "jwks_uri": "/keys"}
        return {"issuer": self.url} | {name: self.url + path for name, path in names.items()} | self.facts

    def token(self, asked: dict[str, str]) -> str:
        now = int(time.time())
        claims = {"iss": self.url, "aud": CLIENT, "sub": "subject-1", "iat": now, "exp": now + 60, "nonce": asked["nonce"],
                  "preferred_username": "ann", "groups": ["soc"]} | self.claims  # fmt: skip
        return jwt.encode({"alg": self.algorithm, "kid": "one"}, {k: v for k, v in claims.items() if v is not None}, self.key,
                          algorithms=[self.algorithm])  # fmt: skip


class _Handler(BaseHTTPRequestHandler):
    server: Issuer

    def do_GET(self) -> None:
        path, query = urlsplit(self.path).path, {k: v[0] for k, v in parse_qs(urlsplit(self.path).query).items()}
        if path == "/.well-known/openid-configuration":
            self._json(self.server.discovery())
        elif path == "/keys":
            self._json(KeySet([self.server.key]).as_dict(private=False))
        elif path == "/authorize":
            assert (query["response_type"], query["client_id"], query["code_challenge_method"]) == (
                "code",
                CLIENT,
                "S256",
            )
            code = f"code{len(self.server.codes)}"
            self.server.codes[code] = query
            self.send_response(302)
            self.send_header("Location", f"{query['redirect_uri']}?code={code}&state={query['state']}")
            self.end_headers()
        else:
            self.send_error(404)

    def do_POST(self) -> None:
        form = {k: v[0] for k, v in parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode()).items()}
        asked = self.server.codes.pop(form.get("code", ""), None)
        shown = base64.b64decode(self.headers.get("Authorization", "Basic ").partition(" ")[2]).decode()
        challenge = (
            base64.urlsafe_b64encode(sha256(form.get("code_verifier", "").encode()).digest()).rstrip(b"=").decode()
        )
        right = asked and challenge == asked["code_challenge"] and form["redirect_uri"] == asked["redirect_uri"]
        if not right or shown != f"{CLIENT}:s3cret%2Fwith%2Bsigns" or form["grant_type"] != "authorization_code":
            self.send_error(400)
            return
        self._json({"access_token": "a", "token_type": "Bearer", "id_token": self.server.token(asked)})

    def _json(self, told: object) -> None:
        data = json.dumps(told).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    made = Issuer()
    yield made
    made.shutdown()
    made.server_close()


@pytest.fixture
def provider(issuer, tmp_path) -> Provider:
    secret = tmp_path / "secret"
    secret.write_text(SECRET + "\n")
    secret.chmod(0o600)
    return Provider(OidcSection(issuer.url, CLIENT, str(secret), roles=("soc = analyst", "boss = admin")))


def walk(provider: Provider) -> tuple[str, dict[str, str]]:
    """To the provider's page and back: the cookie's key, and what the address says."""
    key, where = provider.begin("http://127.0.0.1:1/back", "/incidents")
    parts = urlsplit(where)
    connection = http.client.HTTPConnection(parts.netloc, timeout=30)
    connection.request("GET", f"{parts.path}?{parts.query}")
    back = connection.getresponse().headers["Location"]
    connection.close()
    return key, {name: value[0] for name, value in parse_qs(urlsplit(back).query).items()}


def test_somebody_comes_back_as_whom_the_provider_vouches_for(provider, issuer) -> None:
    key, back = walk(provider)
    proven, then = provider.end(key, back["state"], back["code"])
    assert (proven.name, proven.subject, proven.role.value, then) == ("ann", "subject-1", "analyst", "/incidents")
    with pytest.raises(RefusedError, match="not begun here"):
        provider.end(key, back["state"], back["code"])  # once
    issuer.claims = {"groups": ["boss", "soc"]}
    key, back = walk(provider)
    assert provider.end(key, back["state"], back["code"])[0].role.value == "admin"


@pytest.mark.parametrize(
    ("claims", "said"),
    [
        ({"iss": "http://127.0.0.1:1"}, "does not hold"),
        ({"aud": "another"}, "does not hold"),
        ({"aud": [CLIENT, "another"]}, "another login"),
        ({"exp": 1_700_000_000}, "does not hold"),
        ({"exp": None}, "does not hold"),
        ({"iat": int(time.time()) + 3600}, "does not hold"),
        ({"nonce": "of another login"}, "another login"),
        ({"nonce": None}, "another login"),
        ({"sub": None}, "does not hold"),
        ({"preferred_username": None}, "does not say"),
        ({"groups": ["guests"]}, "nothing here is open to you"),
        ({"groups": None}, "nothing here is open to you"),
    ],
)
def test_a_token_that_is_not_for_this_login_lets_nobody_in(provider, issuer, claims, said) -> None:
    issuer.claims = claims
    key, back = walk(provider)
    with pytest.raises(RefusedError, match=said):
        provider.end(key, back["state"], back["code"])


def test_a_token_that_others_signed_lets_nobody_in(provider, issuer) -> None:
    key, back = walk(provider)
    provider.end(key, back["state"], back["code"])  # the keys are known now
    for other, algorithm in (
        (RSAKey.generate_key(2048, {"kid": "one"}), "RS256"),
        (OctKey.import_key(SECRET * 3, {"kid": "one"}), "HS256"),
    ):
        true, issuer.key, issuer.algorithm = issuer.key, other, algorithm
        key, back = walk(provider)
        provider._keys = KeySet([true])
        with pytest.raises(RefusedError, match="does not hold"):
            provider.end(key, back["state"], back["code"])
        issuer.key, issuer.algorithm = true, "RS256"
    issuer.key, issuer.algorithm = (
        ECKey.generate_key("P-256", {"kid": "one"}),
        "ES256",
    )  # keys were changed: asked for anew
    key, back = walk(provider)
    assert provider.end(key, back["state"], back["code"])[0].name == "ann"


def test_state_and_time_count(provider) -> None:
    key, back = walk(provider)
    with pytest.raises(RefusedError, match="not begun here"):
        provider.end(key, "x" + back["state"], back["code"])
    with pytest.raises(RefusedError, match="not begun here"):
        provider.end("", back["state"], back["code"])
    key, back = walk(provider)
    late = provider._now() + 601
    provider._now = lambda: late
    with pytest.raises(RefusedError, match="is over"):
        provider.end(key, back["state"], back["code"])


@pytest.mark.parametrize(
    "then", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:x", "", "/a\nb"]
)
def test_nobody_is_sent_elsewhere(then) -> None:
    assert local(then) == "/"


def test_a_person_logs_in_at_the_console(issuer, tmp_path) -> None:
    secret = tmp_path / "secret"
    secret.write_text(SECRET)
    secret.chmod(0o600)
    configure(
        tmp_path,
        f"[oidc]\nissuer = '{issuer.url}'\nclient_id = '{CLIENT}'\nsecret_file = '{secret}'\nroles = ['soc = analyst']\n",
    )
    server = Server(tmp_path, token="")
    try:
        first_password(server)
        person = Person(server)
        status, headers, _ = person.ask("GET", "/api/v1/session/oidc?next=/incidents")
        assert status == 303
        parts = urlsplit(headers["location"])
        connection = http.client.HTTPConnection(parts.netloc, timeout=30)
        connection.request("GET", f"{parts.path}?{parts.query}")
        back = urlsplit(connection.getresponse().headers["Location"])
        connection.close()
        status, headers, told = Person(server).ask("GET", f"{back.path}?{back.query}")
        assert status == 403 and "not begun here" in told["detail"]  # a link that was sent to somebody else
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        connection.request("GET", f"{back.path}?{back.query}", headers={"Cookie": person.cookie})
        answer = connection.getresponse()
        assert (answer.status, answer.headers["Location"]) == (303, "/incidents")
        cookie = next(value for value in answer.headers.get_all("Set-Cookie") if value.startswith("driftspan="))
        connection.close()
        assert "HttpOnly" in cookie and "SameSite=lax" in cookie
        person.cookie = cookie.partition(";")[0]
        status, _, told = person.ask("GET", "/api/v1/session")
        assert (told["name"], told["role"], told["local"], told["must"]) == ("ann", "analyst", False, "")
        person.csrf = told["csrf"]
        assert person.ask("POST", "/api/v1/session/password", {"old": "", "new": "whatever it is now"})[0] == 403
        assert person.ask("GET", "/api/v1/users")[0] == 403
    finally:
        assert server.end() == 0, server.said
