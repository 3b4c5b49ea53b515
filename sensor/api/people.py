"""Routes about users, tokens and the access log."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, HTTPException, Query, Request, Response
from pydantic import BaseModel, Field

from sensor.access import passwords
from sensor.access.roles import Permission, Role, Scope
from sensor.access.who import Who
from sensor.api.guard import address, needs
from sensor.api.lists import as_list
from sensor.api.shapes import Limit, Text, Time, refusals
from sensor.store.literal import quote
from sensor.when import literal

if TYPE_CHECKING:
    from sensor.access.desk import Desk
    from sensor.access.tokens import Token
    from sensor.access.users import User
    from sensor.api.owner import Owner

Admin = Annotated[Who, needs(Permission.USERS)]
Maker = Annotated[Who, needs(Permission.TOKENS)]
_DAY = 86_400.0
_MOST_DAYS = 3650
_LOG = "ts, seq, who, role, via, address, what, target, before, after, run, hash"


class Person(BaseModel):
    """Times: seconds since the epoch, 0: never."""

    name: str
    role: Role
    must_change: bool
    second_factor: bool
    origin: str
    disabled: bool
    made: float
    last_login: float


class NewPerson(BaseModel):
    name: str = Field(min_length=1, max_length=64)
    role: Role


class Once(BaseModel):
    """`password`: for the first login only; it is not shown again."""

    user: Person
    password: str


class Changed(BaseModel):
    """What is left out stays. `totp` false: the second factor is taken away."""

    role: Role | None = None
    disabled: bool | None = None
    totp: bool | None = None


class Program(BaseModel):
    """A token as it is listed. Times: seconds since the epoch, 0: never."""

    id: str
    user: str
    label: str
    scopes: list[Scope]
    made: float
    expires: float
    used: float


class NewToken(BaseModel):
    """`days` 0: it lasts until it is removed."""

    label: str = Field(min_length=1, max_length=100)
    scopes: list[Scope] = Field(min_length=1, max_length=len(Scope))
    days: float = Field(default=90, ge=0, le=_MOST_DAYS)


class Key(BaseModel):
    """`key`: what a program shows; it is not shown again."""

    token: Program
    key: str


def router(owner: Owner, desk: Desk) -> APIRouter:
    made = APIRouter(prefix="/api/v1", tags=["people"])
    _users(made, desk)
    _changes(made, desk)
    _tokens(made, desk)
    _log(made, owner, desk)
    return made


def _users(made: APIRouter, desk: Desk) -> None:
    @made.get("/users", response_model=list[Person], dependencies=[needs(Permission.USERS_SEE)])
    def users() -> list[Person]:
        return [_person(user) for user in desk.users.all()]

    @made.post("/users", response_model=Once, status_code=201, responses=refusals(400))
    def add_user(request: Request, who: Admin, new: NewPerson) -> Once:
        """A user, and a password for the first login."""
        password = passwords.made_up()
        with desk.database.change():
            user = desk.users.add(new.name, new.role, password, once=True)
            desk.log.record(who, "users.add", None, _told(user), target=user.name, address=address(request))
        return Once(user=_person(user), password=password)

    @made.delete("/users/{name}", status_code=204, responses=refusals(400))
    def remove_user(request: Request, who: Admin, name: str) -> Response:
        """With sessions and tokens."""
        with desk.database.change():
            before = desk.users.get(name)
            desk.users.remove(name)
            desk.log.record(who, "users.remove", _told(before), target=name, address=address(request))
        return Response(status_code=204)


def _changes(made: APIRouter, desk: Desk) -> None:
    @made.patch("/users/{name}", response_model=Person, responses=refusals(400))
    def change_user(request: Request, who: Admin, name: str, changed: Changed) -> Person:
        if changed.totp:
            raise HTTPException(400, "a second factor is set up by its user")
        with desk.database.change():
            before = desk.users.get(name)
            if changed.role is not None:
                desk.users.set_role(name, changed.role)
            if changed.disabled is not None:
                desk.users.set_disabled(name, disabled=changed.disabled)
            if changed.totp is False:
                desk.users.set_totp(name, "")
            after = desk.users.get(name)
            told = _told(before), _told(after)
            desk.log.record(who, "users.change", *told, target=name, address=address(request))
        return _person(after)

    @made.post("/users/{name}/password", response_model=Once, responses=refusals(400))
    def reset_password(request: Request, who: Admin, name: str) -> Once:
        """Another password for one login; every session of the user ends."""
        password = passwords.made_up()
        with desk.database.change():
            desk.users.set_password(name, password, once=True)
            desk.log.record(who, "password.reset", target=name, address=address(request))
        return Once(user=_person(desk.users.get(name)), password=password)


def _tokens(made: APIRouter, desk: Desk) -> None:
    @made.get("/tokens", response_model=list[Program])
    def tokens(who: Annotated[Who, needs(Permission.SEE)]) -> list[Program]:
        """One's own; of those who may see users, everybody's."""
        found = desk.tokens.of(None if who.may(Permission.USERS_SEE) else who.name)
        return [_program(token) for token in found]

    @made.post("/tokens", response_model=Key, status_code=201, responses=refusals(400))
    def make_token(request: Request, who: Maker, new: NewToken) -> Key:
        """A token of one's own: it may what its scopes and its user's role allow, both."""
        with desk.database.change():
            token, key = desk.tokens.make(who.name, new.label, new.scopes, new.days * _DAY)
            told = {"label": token.label, "scopes": list(token.scopes), "expires": token.expires}
            desk.log.record(who, "tokens.add", None, told, target=token.id, address=address(request))
        return Key(token=_program(token), key=key)

    @made.delete("/tokens/{identity}", status_code=204, responses=refusals(400))
    def remove_token(request: Request, who: Maker, identity: str) -> Response:
        with desk.database.change():
            token = desk.tokens.get(identity)
            if token.user != who.name and not who.may(Permission.USERS):
                raise HTTPException(403, "this token is another's")
            desk.tokens.remove(identity)
            told = {"label": token.label, "user": token.user, "scopes": list(token.scopes)}
            desk.log.record(who, "tokens.remove", told, target=identity, address=address(request))
        return Response(status_code=204)


def _log(made: APIRouter, owner: Owner, desk: Desk) -> None:
    @made.get(
        "/access-log",
        response_model=list[dict[str, Any]],
        responses=refusals(400, 503),
        dependencies=[needs(Permission.ACCESS_LOG)],
    )
    def access_log(
        since: Time = None, until: Time = None, user: Text = None, what: Text = None, limit: Limit = 200,
        offset: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
    ) -> Response:  # fmt: skip
        """Who did what, the latest first. `what`: the start of it, as in `users.`"""
        desk.log.deliver(owner, wait=True)
        wanted = [f"who = {quote(user)}"] if user is not None else []
        wanted += [f"startsWith(what, {quote(what)})"] if what is not None else []
        wanted += [f"ts >= {literal('since', since)}"] if since is not None else []
        wanted += [f"ts < {literal('until', until)}"] if until is not None else []
        where = f" WHERE {' AND '.join(wanted)}" if wanted else ""
        sql = f"SELECT {_LOG} FROM access_log{where} ORDER BY ts DESC, seq DESC LIMIT {limit} OFFSET {offset}"
        return Response(as_list(b"".join(owner.query(sql, "JSONEachRow"))), media_type="application/json")


def _person(user: User) -> Person:
    return Person(**asdict(user))


def _told(user: User) -> dict[str, object]:
    names = ("role", "must_change", "second_factor", "origin", "disabled")
    return {name: getattr(user, name) for name in names}


def _program(token: Token) -> Program:
    return Program(**(asdict(token) | {"scopes": list(token.scopes)}))
