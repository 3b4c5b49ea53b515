"""The application: routes, errors, headers. Every route declares the permission it needs; nothing here names another
host."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import FastAPI
from fastapi.responses import JSONResponse

from sensor.access.roles import Permission
from sensor.api import finds, lists, oidc, people, posting, session, states, work
from sensor.api.description import describe
from sensor.api.guard import needs
from sensor.api.headers import ALWAYS, Headers
from sensor.console.routes import mount
from sensor.errors import BAD_INPUT, DriftspanError

if TYPE_CHECKING:
    from starlette.requests import Request

    from sensor.access.desk import Desk
    from sensor.api.owner import Owner
    from sensor.config import Config


def make(owner: Owner, config: Config, desk: Desk) -> FastAPI:
    app = FastAPI(title="driftspan", docs_url=None, redoc_url=None, openapi_url=None)
    app.state.owner, app.state.config, app.state.desk = owner, config, desk
    app.router.redirect_slashes = False
    app.add_exception_handler(DriftspanError, _failed)
    app.add_exception_handler(Exception, _unexpected)
    app.add_middleware(Headers)
    app.include_router(session.router(config, desk))
    app.include_router(oidc.router(config, desk))
    app.include_router(people.router(owner, desk))
    app.include_router(posting.router(owner))
    app.include_router(lists.router(owner))
    app.include_router(finds.router(owner, config, desk))
    app.include_router(work.router(owner, config, desk))
    app.include_router(states.router(owner, config))

    @app.get("/api/v1/openapi.json", dependencies=[needs(Permission.SEE)], include_in_schema=False)
    def description() -> dict[str, Any]:
        return describe(app)

    mount(app, owner, config)
    return app


async def _failed(_: Request, error: Exception) -> JSONResponse:
    status = 400 if getattr(error, "status", 0) == BAD_INPUT else 503
    return JSONResponse({"detail": str(error)}, status)


async def _unexpected(_: Request, error: Exception) -> JSONResponse:
    """The server tells its own log where it comes from. This answer passes no middleware."""
    return JSONResponse({"detail": f"unexpected {type(error).__name__}"}, 500, headers=ALWAYS)
