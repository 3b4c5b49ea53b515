"""Each role at each route, from the application's own list of routes."""

from __future__ import annotations

import re
from argparse import Namespace
from collections.abc import Iterator

import pytest
from fastapi.routing import APIRoute

from sensor.access.roles import ROLES, SCOPES, Permission, Role, Scope, allowed
from sensor.api.description import every
from sensor.api.guard import permission_of
from tests.sensor.api.conftest import Server
from tests.sensor.api.people import Person, admin, member


def routes() -> list[APIRoute]:
    from sensor.access.desk import Desk  # noqa: F401  what `make` needs is installed
    from sensor.api.app import make
    from sensor.config import Config

    owner = Namespace(location="store", owns=True, query=lambda *_, **__: iter(()))
    app = make(owner, Config(), Namespace(tokens=None, sessions=None))
    found = list(every(app.routes))
    assert all(isinstance(route, APIRoute) for route in found), [r for r in found if not isinstance(r, APIRoute)]
    return found


def cases() -> list[tuple[str, str, Permission | None]]:
    return [
        (method, route.path, permission_of(route)) for route in routes() for method in sorted(route.methods - {"HEAD"})
    ]


ROUTES = cases()


def test_every_route_declares_a_permission() -> None:
    assert [route for route in ROUTES if route[2] is None] == []
    assert len(ROUTES) > 40
    assert {permission for _, _, permission in ROUTES} >= set(Permission) - {Permission.TUNE}


def test_only_what_must_be_is_open() -> None:
    opened = {path for _, path, permission in ROUTES if permission == Permission.OPEN}
    assert opened <= {
        "/api/v1/session",
        "/api/v1/session/oidc",
        "/api/v1/session/oidc/callback",
        "/login",
        "/static/{path:path}",
    }


def test_an_auditor_changes_nothing_and_a_viewer_sees() -> None:
    changing = {Permission.VERDICT, Permission.RUNBOOK, Permission.TUNE, Permission.MODELS, Permission.INTAKE,
                Permission.TOKENS, Permission.USERS}  # fmt: skip
    assert not changing & ROLES[Role.AUDITOR]
    assert Permission.ACCESS_LOG in ROLES[Role.AUDITOR] and Permission.ACCESS_LOG not in ROLES[Role.ENGINEER]
    assert ROLES[Role.VIEWER] & changing == {Permission.TOKENS}
    assert all(Permission.USERS not in scope and Permission.TOKENS not in scope for scope in SCOPES.values())
    assert not allowed(Role.VIEWER, Permission.VERDICT, [Scope.WORK])  # a scope gives nothing that the role has not
    assert not allowed(Role.ADMIN, Permission.VERDICT, [Scope.READ])


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Person]]:
    server = Server(tmp_path_factory.mktemp("roles"), token="")
    try:
        chief = admin(server)
        found = {role.value: member(chief, f"a-{role.value}", role.value) for role in Role}
        yield found | {"chief": chief}
    finally:
        assert server.end() == 0, server.said


def _filled(path: str) -> str:
    path = re.sub(r"\{identity\}|\{incident\}", "0" * 32, path)
    return re.sub(r"\{[^}]*\}", "x", path)


@pytest.mark.parametrize("role", list(Role))
def test_each_role_at_each_route(people, role) -> None:
    """What a role may not do is refused before anything else is looked at; what it may is not refused for that."""
    person, wrong = people[role.value], []
    for method, path, permission in ROUTES:
        if path == "/console/events" or (method, path) == ("DELETE", "/api/v1/session"):
            continue  # a stream that lasts; and the session is needed further on
        # What is sent makes no sense anywhere: no route may do something because of it.
        status, _, told = person.ask(method, _filled(path), None if method in ("GET", "DELETE") else {"nonsense": 1})
        refused = status == 403 and "it needs" in str(told)
        if refused == (permission in ROLES[role]) or status >= 500:
            wrong.append((method, path, str(permission), status, told))
    assert wrong == []


def test_nobody_gets_anything(people) -> None:
    nobody, wrong = Person(people["chief"].server), []
    for method, path, permission in ROUTES:
        if permission == Permission.OPEN:
            continue
        status, headers, told = nobody.ask(method, _filled(path))
        wanted = (401, None) if path.startswith("/api/") else (303, "/login")
        if (status, headers.get("location", "").partition("?")[0] or None) != wanted:
            wrong.append((method, path, status, told))
    assert wrong == []


def test_a_session_alone_changes_nothing(people) -> None:
    """What another site's page can make a browser send: the cookie, but no CSRF token of it."""
    chief, wrong = people["chief"], []
    token = chief.csrf
    try:
        for shown in ("", "x" * len(token), people["analyst"].csrf):
            chief.csrf = ""
            for method, path, permission in ROUTES:
                if method == "GET" or permission == Permission.OPEN:
                    continue
                extra = {"x-csrf-token": shown} if shown else {}
                status, _, told = chief.ask(method, _filled(path), "{}" if method != "DELETE" else None, **extra)
                if status != 403 or "CSRF" not in str(told):
                    wrong.append((method, path, status, told))
        chief.csrf = token
        status, _, told = chief.ask(
            "POST", "/api/v1/tokens", {"label": "x", "scopes": ["read"]}, origin="http://evil.example"
        )
        assert (status, told["detail"]) == (403, "this request comes from a page of another host")
    finally:
        chief.csrf = token
    assert wrong == []


def test_a_form_may_carry_the_token(people) -> None:
    chief, token = people["chief"], people["chief"].csrf
    try:
        chief.csrf = ""
        status, _, told = chief.ask(
            "DELETE", "/api/v1/session/others", f"csrf_token={token}", content_type="application/x-www-form-urlencoded"
        )
        assert status == 204, told
    finally:
        chief.csrf = token


def test_tokens_do_what_their_scopes_allow(people) -> None:
    chief, wrong = people["chief"], []
    for scope in Scope:
        status, _, told = chief.ask("POST", "/api/v1/tokens", {"label": scope.value, "scopes": [scope.value]})
        assert status == 201, told
        program = Person(chief.server)
        for method, path, permission in ROUTES:
            if permission == Permission.OPEN or path == "/console/events":
                continue
            status, _, answer = program.ask(method, _filled(path), None if method in ("GET", "DELETE") else {"nonsense": 1},
                                            authorization=f"Bearer {told['key']}")  # fmt: skip
            refused = status == 403 and "it needs" in str(answer)
            if refused == (permission in SCOPES[scope]) or status >= 500:
                wrong.append((scope, method, path, status, answer))
    assert wrong == []


def test_headers_are_on_every_answer(people) -> None:
    for path in ("/login", "/api/v1/health", "/api/v1/nothing", "/static/nothing", "/alerts"):
        _, headers, _ = people["chief"].ask("GET", path)
        policy = headers["content-security-policy"]
        assert "default-src 'self'" in policy and "unsafe" not in policy and "*" not in policy
        assert headers["x-content-type-options"] == "nosniff" and headers["x-frame-options"] == "DENY"
        assert headers["referrer-policy"] == "same-origin"
