"""People at the real server: they log in, change passwords and show CSRF tokens as a browser does."""

from __future__ import annotations

import json
import re
from http.cookies import SimpleCookie
from typing import Any

from tests.sensor.api.conftest import Server

PASSWORD = "correct horse battery"


class Person:
    """`csrf`: as the server gave it; empty: none is sent."""

    def __init__(self, server: Server, name: str = "", password: str = "", code: str = "") -> None:
        self.server, self.cookie, self.csrf = server, "", ""
        self.told: Any = None
        if name:
            self.status, self.headers, self.told = self.ask(
                "POST", "/api/v1/session", {"name": name, "password": password, "code": code}
            )
            self.csrf = self.told.get("csrf", "") if isinstance(self.told, dict) else ""

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> tuple[int, dict[str, str], Any]:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        data = body if isinstance(body, str | bytes | None) else json.dumps(body)
        if body is not None:
            sent.setdefault("content-type", "application/json")
        if self.cookie:
            sent.setdefault("cookie", self.cookie)
        if self.csrf and method not in ("GET", "HEAD"):
            sent.setdefault("x-csrf-token", self.csrf)
        connection = self.server.connection()
        try:
            connection.request(method, path, data, sent)
            answer = connection.getresponse()
            got, raw = {name.lower(): value for name, value in answer.getheaders()}, answer.read()
        finally:
            connection.close()
        if "set-cookie" in got:
            [(name, morsel)] = SimpleCookie(got["set-cookie"]).items()
            self.cookie = f"{name}={morsel.value}" if morsel.value else ""
        self.csrf = got.get("x-csrf-token", self.csrf)
        try:
            return answer.status, got, json.loads(raw or b"null")
        except ValueError:
            return answer.status, got, raw

    def renew(self, old: str, new: str = PASSWORD) -> None:
        status, _, told = self.ask("POST", "/api/v1/session/password", {"old": old, "new": new})
        assert status == 204, told


def first_password(server: Server) -> str:
    """As the server said it when it began."""
    said = "".join(server.said)
    while (found := re.search(r"one-time password (\S+)", said)) is None:
        line = server.child.stderr.readline()
        assert line, server.said
        server.said.append(line)
        said += line
    return found[1]


def admin(server: Server) -> Person:
    """The first user, once the password is another."""
    made = Person(server, "admin", password := first_password(server))
    assert made.told["must"] == "password", made.told
    made.renew(password)
    return made


def member(by: Person, name: str, role: str) -> Person:
    """A user with this role, logged in."""
    status, _, told = by.ask("POST", "/api/v1/users", {"name": name, "role": role})
    assert status == 201, told
    made = Person(by.server, name, told["password"])
    made.renew(told["password"])
    return made
