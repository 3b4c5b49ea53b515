"""Headers of every answer, set in one place: what a browser may do with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

STATIC = "/static/"
POLICY = "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"
ALWAYS = {
    "content-security-policy": POLICY,
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
_YEAR = 31_536_000  # seconds


class Headers:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = _with(message["headers"], scope)
            await send(message)

        await self._app(scope, receive, marked)


def _with(headers: list[tuple[bytes, bytes]], scope: Scope) -> list[tuple[bytes, bytes]]:
    wanted = dict(ALWAYS)
    if not scope["path"].startswith(STATIC):
        wanted["cache-control"] = "no-store"
    if scope["scheme"] == "https":
        wanted["strict-transport-security"] = f"max-age={_YEAR}"
    there = {name.lower() for name, _ in headers}
    more = [(name.encode(), value.encode()) for name, value in wanted.items() if name.encode() not in there]
    return [*headers, *more]
