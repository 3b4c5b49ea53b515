"""Pages of logging in, of one's own account, and of those who run the console: users, tokens, access log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import Query, Response
from fastapi.responses import RedirectResponse

from sensor.access.roles import Permission, Role, Scope
from sensor.access.who import Who
from sensor.api.guard import needs

if TYPE_CHECKING:
    from fastapi import FastAPI

    from sensor.console.console import Console

Open = Annotated[Who | None, needs(Permission.OPEN)]


def add(app: FastAPI, console: Console) -> None:
    _signing(app, console)
    _managing(app, console)


def _signing(app: FastAPI, console: Console) -> None:
    @app.get("/login", include_in_schema=False)
    def login(who: Open, next: Annotated[str, Query(max_length=2000)] = "/") -> Response:  # noqa: A002
        """Whoever is logged in goes where they wanted to."""
        there = local(next)
        if who is not None and who.via == "session":
            return RedirectResponse("/password" if who.must else there, 303)
        return console.part("login.html", next=there, csrf="", oidc=bool(getattr(console.config, "oidc", None)))

    @app.get("/password", include_in_schema=False)
    def password(who: Annotated[Who, needs(Permission.OWN)]) -> Response:
        """Where one is sent whose password was for once."""
        return console.part("password.html", who=who, csrf=who.csrf)

    @app.get("/account", include_in_schema=False)
    def account(who: Annotated[Who, needs(Permission.OWN)]) -> Response:
        return console.page(who, "account")


def _managing(app: FastAPI, console: Console) -> None:
    @app.get("/users", include_in_schema=False)
    def users(who: Annotated[Who, needs(Permission.USERS_SEE)]) -> Response:
        return console.page(who, "users", roles=list(Role), may_change=who.may(Permission.USERS))

    @app.get("/tokens", include_in_schema=False)
    def tokens(who: Annotated[Who, needs(Permission.TOKENS)]) -> Response:
        return console.page(who, "tokens", scopes=list(Scope), may_make=True)

    @app.get("/access-log", include_in_schema=False)
    def access_log(who: Annotated[Who, needs(Permission.ACCESS_LOG)]) -> Response:
        return console.page(who, "access")


def local(there: str) -> str:
    """A path of this console; anything that leads elsewhere, as //host or a scheme would, is the first page."""
    ok = there.startswith("/") and not there.startswith(("//", "/\\")) and there.isprintable() and "\\" not in there
    return there if ok else "/"
