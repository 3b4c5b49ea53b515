"""Logging in through an identity provider: OpenID Connect's code flow with PKCE, the ID token verified here.

(OpenID Connect Core 1.0, sections 3.1.2 and 3.1.3; RFC 7636; discovery as in OpenID Connect Discovery 1.0, section 4.)
"""

from __future__ import annotations

import base64
import secrets
import ssl
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from hashlib import sha256
from http.client import HTTPException
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import orjson
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from sensor.access.roles import Role
from sensor.errors import DriftspanError, InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sensor.access.oidc_config import OidcSection

ALGORITHMS = ["RS256", "PS256", "ES256", "ES384", "EdDSA"]  # none that a client's secret could forge
MOST_UNDER_WAY = 1_000  # logins that were begun; the oldest is forgotten
LASTS = 600.0  # seconds that one may take
_KNOWN_FOR = 3600.0  # seconds that what the provider says of itself holds
_MOST_BYTES = 1 << 20
_SECONDS = 10.0  # for an answer of the provider
_LEEWAY = 60  # seconds that clocks may differ
_RANK = (Role.VIEWER, Role.AUDITOR, Role.ANALYST, Role.ENGINEER, Role.ADMIN)


class RefusedError(DriftspanError):
    """Somebody is not let in; the message is for them."""


@dataclass(frozen=True, slots=True)
class Begun:
    """A login under way: what must come back, and where the person wanted to go."""

    state: str
    nonce: str
    verifier: str
    redirect: str
    next: str
    at: float


@dataclass(frozen=True, slots=True)
class Proven:
    """Whom the provider vouches for. `subject`: theirs there, for good."""

    name: str
    subject: str
    role: Role


class Provider:
    """DriftspanError: it does not answer, or makes no sense."""

    def __init__(self, section: OidcSection, now: Callable[[], float] = time.time) -> None:
        self._section, self._now = section, now
        self._secret = _secret(section.secret_file)
        self._context = _context(section.authority_file)
        self._begun: dict[str, Begun] = {}
        self._facts: dict[str, Any] = {}
        self._keys: KeySet | None = None
        self._read = 0.0

    def begin(self, redirect: str, then: str) -> tuple[str, str]:
        """(key for a cookie, address of the provider's page)."""
        facts = self._discovered()
        key, made = secrets.token_urlsafe(32), Begun(
            secrets.token_urlsafe(24), secrets.token_urlsafe(24), secrets.token_urlsafe(48),
            self._section.redirect or redirect, then, self._now(),
        )  # fmt: skip
        while len(self._begun) >= MOST_UNDER_WAY:
            del self._begun[next(iter(self._begun))]
        self._begun[key] = made
        challenge = base64.urlsafe_b64encode(sha256(made.verifier.encode()).digest()).rstrip(b"=").decode()
        asked = {
            "response_type": "code", "client_id": self._section.client_id, "redirect_uri": made.redirect,
            "scope": self._section.scopes, "state": made.state, "nonce": made.nonce, "code_challenge": challenge,
            "code_challenge_method": "S256",
        }  # fmt: skip
        where = facts["authorization_endpoint"]
        return key, f"{where}{'&' if '?' in where else '?'}{urlencode(asked)}"

    def end(self, key: str, state: str, code: str) -> tuple[Proven, str]:
        """Who came back, and where they wanted to go. RefusedError says why somebody is not let in."""
        begun = self._begun.pop(key, None)
        if begun is None or self._now() - begun.at > LASTS or not secrets.compare_digest(begun.state, state):
            raise RefusedError("this login was not begun here, or is over; log in again")
        return self._proven(self._token(begun, code), begun.nonce), begun.next

    def _token(self, begun: Begun, code: str) -> str:
        form = {
            "grant_type": "authorization_code", "code": code, "redirect_uri": begun.redirect,
            "client_id": self._section.client_id, "code_verifier": begun.verifier,
        }  # fmt: skip
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        if self._secret:  # RFC 6749, 2.3.1
            pair = f"{quote(self._section.client_id, safe='')}:{quote(self._secret, safe='')}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        answer = self._get(self._discovered()["token_endpoint"], urlencode(form).encode(), headers)
        if not isinstance(answer.get("id_token"), str):
            raise DriftspanError("the identity provider gave no ID token")
        return str(answer["id_token"])

    def _proven(self, token: str, nonce: str) -> Proven:
        claims = self._verified(token)
        audience = claims.get("aud")
        several = isinstance(audience, list) and len(audience) > 1
        if claims.get("nonce") != nonce or (several and claims.get("azp") != self._section.client_id):
            raise RefusedError("the identity provider's answer is for another login")
        name = claims.get(self._section.name_claim)
        if not isinstance(name, str) or not isinstance(claims.get("sub"), str):
            raise RefusedError(f"the identity provider does not say {self._section.name_claim!r} of you")
        if self._section.name_claim == "email" and claims.get("email_verified") is not True:
            raise RefusedError("the identity provider has not verified your address")
        return Proven(name, claims["sub"], self._role(claims.get(self._section.claim)))

    def _verified(self, token: str) -> dict[str, Any]:
        registry = jwt.JWTClaimsRegistry(
            now=int(self._now()),
            leeway=_LEEWAY,
            iss={"essential": True, "value": self._section.issuer},
            aud={"essential": True, "value": self._section.client_id},
            exp={"essential": True},
            iat={"essential": True},
            sub={"essential": True},
        )
        try:
            found = jwt.decode(token, self._key_set(), algorithms=ALGORITHMS)
            registry.validate(found.claims)
        except (JoseError, ValueError) as error:
            # Keys change: what is not known is asked for anew at the next login.
            self._keys = None
            raise RefusedError(f"the identity provider's ID token does not hold: {error}") from None
        return dict(found.claims)

    def _role(self, values: object) -> Role:
        by_value = self._section.by_value()
        given = values if isinstance(values, list) else [values]
        roles = [by_value[value] for value in given if isinstance(value, str) and value in by_value]
        if roles:
            return max(roles, key=_RANK.index)
        if not self._section.role:
            raise RefusedError("you are known, but nothing here is open to you; ask for a role")
        return Role(self._section.role)

    def _key_set(self) -> KeySet:
        facts = self._discovered()
        if self._keys is None:
            try:
                self._keys = KeySet.import_key_set(self._get(facts["jwks_uri"]))  # type: ignore[arg-type]
            except (JoseError, ValueError, KeyError, TypeError):
                raise DriftspanError("the identity provider's keys cannot be read") from None
        return self._keys

    def _discovered(self) -> dict[str, Any]:
        if self._facts and self._now() - self._read < _KNOWN_FOR:
            return self._facts
        found = self._get(f"{self._section.issuer.rstrip('/')}/.well-known/openid-configuration")
        if found.get("issuer") != self._section.issuer:
            raise DriftspanError(f"the identity provider calls itself {str(found.get('issuer'))[:200]!r}")
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
            where = found.get(name)
            if not isinstance(where, str) or not where.startswith(("https://", "http://")):
                raise DriftspanError(f"the identity provider does not say its {name}")
            if self._section.issuer.startswith("https://") and not where.startswith("https://"):
                raise DriftspanError(f"the identity provider's {name} is not encrypted")
        self._facts, self._keys, self._read = found, None, self._now()
        return found

    def _get(self, url: str, data: bytes | None = None, headers: dict[str, str] | None = None) -> dict[str, Any]:
        request = urllib.request.Request(url, data, {"Accept": "application/json", **(headers or {})})  # noqa: S310  checked
        try:
            opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=self._context), _Stays())
            with opener.open(request, timeout=_SECONDS) as answer:
                found = orjson.loads(answer.read(_MOST_BYTES))
        except urllib.error.HTTPError as error:
            raise DriftspanError(f"the identity provider answers {error.code}") from None
        except (OSError, HTTPException, orjson.JSONDecodeError) as error:
            why = getattr(error, "reason", None) or type(error).__name__
            raise DriftspanError(f"the identity provider does not answer: {why}") from None
        if not isinstance(found, dict):
            raise DriftspanError("the identity provider's answer makes no sense")
        return found


class _Stays(urllib.request.HTTPRedirectHandler):
    """What is asked of the provider is asked of nobody else."""

    def redirect_request(self, *_: object) -> None:
        return None


def _secret(path: str) -> str:
    if not path:
        return ""
    from sensor.access.private import first_line

    return first_line(Path(path), "secret")


def _context(path: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=path or None)
    except OSError as error:
        raise InputError(f"{path}: the provider's authority cannot be read: {error.strerror or error}") from None
