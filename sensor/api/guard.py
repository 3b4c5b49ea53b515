"""Who asks, and whether they may: one dependency that every route declares.

    @app.post("/api/v1/…", dependencies=[needs(Permission.VERDICT)])
    def route(who: Annotated[Who, needs(Permission.VERDICT)]) -> …

A person shows the session's cookie, a program its token. A request with a cookie that changes something must also show
the session's CSRF token, in the header `X-CSRF-Token` or the form field `csrf_token`. Whoever is not logged in is sent
to the page /login, where a page was asked for, and one whose password must be changed to /password. What an open page
asks by itself it marks with `X-Automatic`: that keeps no session from ending.

(Annotations are no texts in this file: FastAPI reads those of `Need`, and finds names for texts in functions only.)
"""

import hmac
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote, urlsplit

from fastapi import Depends, HTTPException, Request

from sensor.access.roles import Permission
from sensor.access.who import Who

if TYPE_CHECKING:
    from sensor.access.desk import Desk

API = "/api/"
HEADER, FIELD = "X-CSRF-Token", "csrf_token"
AUTOMATIC = "X-Automatic"
_EVENTS = "text/event-stream"  # browsers ask for these again by themselves, with no header of ours
COOKIE, SECURE_COOKIE = "driftspan", "__Host-driftspan"
LOGIN, PASSWORD = "/login", "/password"
_SAFE = ("GET", "HEAD", "OPTIONS")
_MOST_FORM = 1 << 20  # bytes
_BEARER = "log in, or show a token: Authorization: Bearer TOKEN"


class Need:
    """The dependency itself; the route list is read for `permission`."""

    def __init__(self, permission: Permission) -> None:
        self.permission = permission

    async def __call__(self, request: Request) -> Who | None:
        who = identify(request)
        if self.permission == Permission.OPEN:
            return who
        if who is None:
            raise _unknown(request)
        if who.via == "session" and request.method not in _SAFE:
            await check_csrf(request, who)
        if who.must and self.permission != Permission.OWN:
            raise _first(request, who)
        if not who.may(self.permission):
            raise HTTPException(403, f"{who.name} ({who.role}) may not do this: it needs {self.permission!s}")
        return who


def needs(permission: Permission) -> Any:
    return Depends(Need(permission))


def permission_of(route: Any) -> Permission | None:
    """What a route declares; None: nothing, which a test refuses."""
    dependant = getattr(route, "dependant", None)
    calls = [part.call for part in dependant.dependencies] if dependant else []
    found = [call.permission for call in calls if isinstance(call, Need)]
    return found[0] if found else None


def desk_of(request: Request) -> "Desk":
    found: Desk = request.app.state.desk
    return found


def address(request: Request) -> str:
    return request.client.host if request.client else ""


def cookie_name(request: Request) -> str:
    return SECURE_COOKIE if request.url.scheme == "https" else COOKIE


def identify(request: Request, *, used: bool = True) -> Who | None:
    """Whom the request is from. A token that is shown counts, and no cookie beside it. `used`: somebody asks, and no
    page by itself."""
    shown = request.headers.get("authorization", "")
    kind, _, key = shown.partition(" ")
    if shown:
        return desk_of(request).tokens.who(key.strip()) if kind.lower() == "bearer" else None
    cookie = request.cookies.get(cookie_name(request), "")
    used = used and AUTOMATIC not in request.headers and request.headers.get("accept") != _EVENTS
    return desk_of(request).sessions.who(cookie, used=used) if cookie else None


async def check_csrf(request: Request, who: Who) -> None:
    check_origin(request)
    shown = request.headers.get(HEADER, "") or await _field(request)
    if not who.csrf or not hmac.compare_digest(shown.encode("utf-8", "replace"), who.csrf.encode()):
        raise HTTPException(403, f"the session's CSRF token is missing or wrong: send it as {HEADER}")


def check_origin(request: Request) -> None:
    """A browser says whose page sent a request that changes something."""
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != request.headers.get("host", ""):
        raise HTTPException(403, "this request comes from a page of another host")


async def _field(request: Request) -> str:
    if not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return ""
    if not request.headers.get("content-length", "").isdigit() or int(request.headers["content-length"]) > _MOST_FORM:
        return ""
    body = await request.body()
    return parse_qs(body.decode("utf-8", "replace")).get(FIELD, [""])[0]


def _is_page(request: Request) -> bool:
    return not request.url.path.startswith(API)


def _unknown(request: Request) -> HTTPException:
    if not _is_page(request):
        return HTTPException(401, _BEARER, {"WWW-Authenticate": "Bearer"})
    if request.method not in _SAFE:
        return _redirect(LOGIN)
    asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return _redirect(f"{LOGIN}?next={quote(asked, safe='/')}")


def _first(request: Request, who: Who) -> HTTPException:
    if _is_page(request):
        return _redirect(PASSWORD)
    return HTTPException(403, f"the {who.must} must be changed first: POST /api/v1/session/{who.must}")


def _redirect(where: str) -> HTTPException:
    return HTTPException(303, "log in first", {"Location": where})
