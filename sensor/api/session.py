"""Routes of logging in and out, and of one's own password, second factor and sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from sensor.access import totp
from sensor.access.roles import ROLES, Permission
from sensor.access.users import LOCAL
from sensor.access.who import Who
from sensor.api import guard
from sensor.api.guard import address, needs
from sensor.api.shapes import Failed, refusals

if TYPE_CHECKING:
    from sensor.access.desk import Desk
    from sensor.access.users import User
    from sensor.config import Config

Own = Annotated[Who, needs(Permission.OWN)]
_WRONG = "the name, the password or the code is wrong"
_LONGEST_AGE = 400 * 86_400  # seconds that a browser keeps a cookie (RFC 6265bis)


class Login(BaseModel):
    """`code`: of the second factor, where the user has one."""

    name: str = Field(max_length=128)
    password: str = Field(max_length=1024)
    code: str = Field(default="", max_length=16)


class Known(BaseModel):
    """Who is logged in. `csrf`: to be sent as X-CSRF-Token with what changes something. `must`: empty, or `password`
    where that must be changed before anything else."""

    name: str
    role: str
    via: str
    permissions: list[str]
    csrf: str
    must: str
    second_factor: bool
    local: bool


class Change(BaseModel):
    old: str = Field(max_length=1024)
    new: str = Field(max_length=1024)


class Proof(BaseModel):
    """`password`: one's own, again."""

    password: str = Field(max_length=1024)


class Enrolment(BaseModel):
    """`secret` comes from the answer that began it, `code` from the authenticator that has it now."""

    secret: str = Field(pattern="^[A-Z2-7]{16,64}$")
    code: str = Field(max_length=16)
    password: str = Field(max_length=1024)


class Secret(BaseModel):
    """Nothing of it is kept until a code proves that an authenticator has it. `svg`: the QR code of `uri`."""

    secret: str
    uri: str
    svg: str


class Sitting(BaseModel):
    id: str
    begun: float
    used: float
    address: str
    agent: str
    this: bool


def router(config: Config, desk: Desk) -> APIRouter:
    made = APIRouter(prefix="/api/v1/session", tags=["session"])
    _logins(made, desk)
    _own(made, desk)
    _factor(made, config, desk)
    return made


def _logins(made: APIRouter, desk: Desk) -> None:
    @made.post(
        "",
        response_model=Known,
        dependencies=[needs(Permission.OPEN)],
        responses={401: {"model": Failed}, 403: {"model": Failed}, 429: {"model": Failed}},
    )
    def log_in(request: Request, login: Login) -> Response:
        """A session, in a cookie. 401 with `X-Needs: code` where the second factor is asked for; 429 says in
        `Retry-After` when the next try may be made."""
        guard.check_origin(request)
        where = address(request)
        if wait := desk.throttle.wait(login.name, where):
            raise HTTPException(429, "too many tries; wait a little", {"Retry-After": str(int(wait) + 1)})
        user = desk.users.password_right(login.name, login.password)
        if user is not None and user.second_factor and not login.code:
            raise HTTPException(401, "the second factor is needed: send its code", {"X-Needs": "code"})
        if user is None or (user.second_factor and not desk.users.code_right(user.name, login.code)):
            _note_failure(desk, login.name, where)
            raise HTTPException(401, _WRONG)
        desk.throttle.succeeded(login.name, where)
        return welcome(desk, request, user)

    @made.get("", response_model=Known)
    def session(who: Own) -> Known:
        """Who is logged in, and the session's CSRF token."""
        return known(who, desk.users.get(who.name))

    @made.delete("", status_code=204)
    def log_out(request: Request, who: Own) -> Response:
        """Ends the session."""
        desk.sessions.end(request.cookies.get(guard.cookie_name(request), ""))
        desk.log.record(who, "session.end", address=address(request))
        answer = Response(status_code=204)
        answer.delete_cookie(guard.cookie_name(request), path="/")
        return answer


def _note_failure(desk: Desk, name: str, where: str) -> None:
    desk.throttle.failed(name, where)
    user = desk.users.find(name)
    if user is None:
        return  # whatever was typed as a name, perhaps a password, is not written down
    who = Who(user.name, user.role, "none")
    desk.log.record(who, "session.refused", target=user.name, address=where)


def welcome(desk: Desk, request: Request, user: User) -> JSONResponse:
    """A session for somebody who proved who they are."""
    key, csrf = desk.sessions.begin(user.name, address(request), request.headers.get("user-agent", ""))
    desk.users.logged_in(user.name)
    who = Who(user.name, user.role, "session", None, csrf, "password" if user.must_change else "")
    desk.log.record(who, "session.begin", address=address(request))
    answer = JSONResponse(known(who, user).model_dump())
    set_cookie(answer, request, key, desk.sessions.lifetimes.absolute)
    return answer


def set_cookie(answer: Response, request: Request, key: str, seconds: float) -> None:
    answer.set_cookie(
        guard.cookie_name(request),
        key,
        max_age=min(int(seconds), _LONGEST_AGE),
        path="/",
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="lax",
    )


def known(who: Who, user: User) -> Known:
    permissions = sorted(ROLES[who.role])
    return Known(
        name=who.name,
        role=who.role,
        via=who.via,
        permissions=[str(permission) for permission in permissions],
        csrf=who.csrf,
        must=who.must,
        second_factor=user.second_factor,
        local=user.origin == LOCAL,
    )


def _own(made: APIRouter, desk: Desk) -> None:
    @made.post("/password", status_code=204, responses=refusals(400) | {401: {"model": Failed}})
    def password(request: Request, who: Own, change: Change) -> Response:
        """Another password; every other session of the user ends."""
        prove(desk, request, who, change.old)
        desk.users.set_password(who.name, change.new)
        desk.log.record(who, "password.change", target=who.name, address=address(request))
        # The session goes on under another name: one that was stolen before is worth nothing.
        key, csrf = desk.sessions.begin(who.name, address(request), request.headers.get("user-agent", ""))
        answer = Response(status_code=204, headers={guard.HEADER: csrf})
        set_cookie(answer, request, key, desk.sessions.lifetimes.absolute)
        return answer

    @made.get("/all", response_model=list[Sitting])
    def sessions(request: Request, who: Own) -> list[Sitting]:
        """One's own sessions, the latest used first."""
        cookie = request.cookies.get(guard.cookie_name(request), "")
        found = desk.sessions.of(who.name)
        return [
            Sitting(
                id=s.id, begun=s.begun, used=s.used, address=s.address, agent=s.agent,
                this=desk.sessions.is_(cookie, s.id),
            )
            for s in found
        ]  # fmt: skip

    @made.delete("/others", status_code=204)
    def end_others(request: Request, who: Own) -> Response:
        """Ends all sessions of one's own but this one."""
        ended = desk.sessions.end_all(who.name, request.cookies.get(guard.cookie_name(request), ""))
        desk.log.record(who, "session.end_others", after={"ended": ended}, address=address(request))
        return Response(status_code=204)


def prove(desk: Desk, request: Request, who: Who, password: str) -> None:
    """Whoever sits at an open session is not always who began it."""
    where = address(request)
    if wait := desk.throttle.wait(who.name, where):
        raise HTTPException(429, "too many tries; wait a little", {"Retry-After": str(int(wait) + 1)})
    if desk.users.password_right(who.name, password) is None:
        _note_failure(desk, who.name, where)
        raise HTTPException(403, "the password is wrong")
    desk.throttle.succeeded(who.name, where)


def _factor(made: APIRouter, config: Config, desk: Desk) -> None:
    @made.post("/totp", response_model=Secret)
    def begin_factor(who: Own) -> Secret:
        """A secret for an authenticator; it counts once PUT has shown a code of it."""
        import segno

        key = totp.secret()
        uri = totp.uri(who.name, key, config.sensor.name)
        return Secret(secret=key, uri=uri, svg=segno.make(uri, error="m").svg_inline(scale=4, omitsize=True))

    @made.put("/totp", status_code=204, responses=refusals(400) | {403: {"model": Failed}})
    def set_factor(request: Request, who: Own, enrolment: Enrolment) -> Response:
        """From now on the authenticator's code is asked for at every login."""
        prove(desk, request, who, enrolment.password)
        period = totp.period_of(enrolment.secret, enrolment.code, desk.now(), 0)
        if not period:
            raise HTTPException(400, "the code is not that of the secret now; check the clock of both devices")
        before = desk.users.get(who.name).second_factor
        desk.users.set_totp(who.name, enrolment.secret, period)
        desk.log.record(
            who, "totp.set", {"totp": before}, {"totp": True}, target=who.name, address=address(request)
        )  # fmt: skip
        return Response(status_code=204)

    @made.post("/totp/remove", status_code=204, responses={403: {"model": Failed}})
    def remove_factor(request: Request, who: Own, proof: Proof) -> Response:
        """No second factor any more."""
        prove(desk, request, who, proof.password)
        desk.users.set_totp(who.name, "")
        desk.log.record(
            who, "totp.remove", {"totp": True}, {"totp": False}, target=who.name, address=address(request)
        )  # fmt: skip
        return Response(status_code=204)
