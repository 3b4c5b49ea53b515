"""Mounts the console's pages on the API's app."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import HTTPException, Response
from fastapi.responses import FileResponse

from sensor.access.roles import Permission
from sensor.api.guard import needs
from sensor.console import alerts, audits, events, health, hunt, incidents, models, overview, people, plant, saved
from sensor.console.console import STATIC, Console

if TYPE_CHECKING:
    from fastapi import FastAPI

    from sensor.api.owner import Owner
    from sensor.config import Config

_MEDIA = {
    ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml", ".woff2": "font/woff2",
    ".json": "application/json", ".txt": "text/plain",
}  # fmt: skip


def mount(app: FastAPI, owner: Owner, config: Config) -> None:
    console = Console(owner, config)
    _static(app)
    for part in (overview, incidents, alerts, plant, models, hunt, audits, health, saved, people, events):
        part.add(app, console)


def _static(app: FastAPI) -> None:
    @app.get("/static/{path:path}", include_in_schema=False, dependencies=[needs(Permission.OPEN)])
    def static(path: str) -> Response:
        """A file of ours: read again only when it changed, so that an upgrade is seen at once."""
        file = (STATIC / path).resolve()
        if not file.is_relative_to(STATIC) or file.suffix not in _MEDIA or not file.is_file():
            raise HTTPException(404, "there is no such file")
        return FileResponse(file, media_type=_MEDIA[file.suffix], headers={"Cache-Control": "no-cache"})
