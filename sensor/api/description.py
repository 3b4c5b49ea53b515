"""The OpenAPI description: what FastAPI knows of the routes, and how to show who asks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from sensor.access.roles import Permission
from sensor.api.guard import API, COOKIE, HEADER, permission_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from fastapi import FastAPI
    from starlette.routing import BaseRoute

_TEXT = (
    "What the sensor found, what is said of it, and records from outside. Programs show a token (`Authorization: "
    f"Bearer TOKEN`). With a session's cookie, requests that change something also show its CSRF token in `{HEADER}`."
)
_SCHEMES = {
    "token": {"type": "http", "scheme": "bearer"},
    "session": {"type": "apiKey", "in": "cookie", "name": COOKIE},
}


def every(routes: Iterable[BaseRoute]) -> Iterator[BaseRoute]:
    """Those of included routers as well, which FastAPI keeps as they are from 0.160 on."""
    for route in routes:
        inner = getattr(route, "original_router", None)
        if inner is None:
            yield route
        else:
            yield from every(inner.routes)


def describe(app: FastAPI) -> dict[str, Any]:
    if app.openapi_schema is None:
        known = [route for route in every(app.routes) if isinstance(route, APIRoute)]
        routes = [route for route in known if route.path.startswith(API)]
        found = get_openapi(title="driftspan", version="1", description=_TEXT, routes=routes)
        found.setdefault("components", {})["securitySchemes"] = _SCHEMES
        for route in routes:
            permission = permission_of(route)
            if permission is not None and route.include_in_schema:
                for method in route.methods or ():
                    _mark(found["paths"][route.path_format][method.lower()], permission)
        app.openapi_schema = found
    return app.openapi_schema


def _mark(operation: dict[str, Any], permission: Permission) -> None:
    operation["x-permission"] = permission.value
    if permission != Permission.OPEN:
        operation["security"] = [{name: []} for name in _SCHEMES]
        refused = {"application/json": {"schema": {"$ref": "#/components/schemas/Failed"}}}
        said = {"401": "Nobody is logged in, and no token that holds is shown", "403": "The role or scope is too small"}
        for status, text in said.items():
            operation["responses"].setdefault(status, {"description": text, "content": refused})
