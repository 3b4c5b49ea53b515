"""Routes of logging in through an identity provider."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, HTTPException, Query, Request, Response
from fastapi.responses import RedirectResponse

from sensor.access.oidc import Provider, RefusedError
from sensor.access.roles import Permission
from sensor.access.users import OIDC
from sensor.access.who import Who
from sensor.api import session
from sensor.api.guard import address, needs
from sensor.api.shapes import Failed, refusals
from sensor.errors import InputError

if TYPE_CHECKING:
    from sensor.access.desk import Desk
    from sensor.access.oidc import Proven
    from sensor.access.users import User
    from sensor.config import Config

COOKIE = "driftspan-oidc"
BACK = "/api/v1/session/oidc/callback"
_LASTS = 600  # seconds
_OPEN = [needs(Permission.OPEN)]


def router(config: Config, desk: Desk) -> APIRouter:
    """Without a provider in the configuration it has no routes."""
    made = APIRouter(tags=["session"])
    if not config.oidc:
        return made
    provider = Provider(config.oidc)

    @made.get(
        "/api/v1/session/oidc",
        dependencies=_OPEN,
        status_code=303,
        response_class=RedirectResponse,
        responses=refusals(503),
    )
    def begin(request: Request, then: Annotated[str, Query(alias="next", max_length=2000)] = "/") -> Response:
        """To the provider's page."""
        key, where = provider.begin(f"{request.url.scheme}://{request.headers.get('host', '')}{BACK}", local(then))
        answer = RedirectResponse(where, 303)
        secure = request.url.scheme == "https"
        answer.set_cookie(COOKIE, key, max_age=_LASTS, path=BACK, secure=secure, httponly=True, samesite="lax")
        return answer

    @made.get(
        BACK, dependencies=_OPEN, status_code=303, response_class=RedirectResponse,
        responses=refusals(503) | {403: {"model": Failed}},
    )  # fmt: skip
    def back(
        request: Request, state: Annotated[str, Query(max_length=500)] = "",
        code: Annotated[str, Query(max_length=4000)] = "", error: Annotated[str, Query(max_length=500)] = "",
    ) -> Response:  # fmt: skip
        """From the provider's page, with a code that this console turns into who it is."""
        if error or not code:
            raise HTTPException(403, "the identity provider let nobody in")
        try:
            proven, then = provider.end(request.cookies.get(COOKIE, ""), state, code)
            user = _user(desk, request, proven)
        except RefusedError as refused:
            raise HTTPException(403, str(refused)) from None
        answer = session.welcome(desk, request, user)
        answer.status_code, answer.body = 303, b""
        answer.headers["Location"], answer.headers["Content-Length"] = then, "0"
        answer.delete_cookie(COOKIE, path=BACK)
        return answer

    return made


def local(then: str) -> str:
    """Where somebody wanted to go, if it is here."""
    parts = urlsplit(then)
    here = then.startswith("/") and not then.startswith(("//", "/\\")) and not parts.scheme and not parts.netloc
    return then if here and then.isprintable() else "/"


def _user(desk: Desk, request: Request, proven: Proven) -> User:
    """The user of this name: new, or the one that this subject had before, with the role that it has there now."""
    origin = f"{OIDC}:{proven.subject}"
    with desk.database.change():
        before = desk.users.find(proven.name)
        if before is None:
            try:
                user = desk.users.add(proven.name, proven.role, "", origin=origin)
            except InputError as error:
                raise RefusedError(str(error)) from None
        elif before.origin != origin:
            raise RefusedError(f"there is another user {proven.name!r} here")
        elif before.disabled:
            raise RefusedError(f"the user {proven.name!r} is disabled here")
        else:
            if before.role != proven.role:
                desk.users.set_role(proven.name, proven.role)
            user = desk.users.get(proven.name)
        if before is None or before.role != user.role:
            was = {"role": before.role.value} if before else None
            who = Who(user.name, user.role, "provider")
            now = {"role": user.role.value, "origin": OIDC}
            desk.log.record(who, "users.provided", was, now, target=user.name, address=address(request))
    return user
