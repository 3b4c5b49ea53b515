"""`/console/events`: server-sent events to open pages. They say that something is new; a page asks for it itself."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING, Any

import orjson
from fastapi import HTTPException, Request
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from sensor.access.roles import Permission
from sensor.api.guard import identify
from sensor.console.asked import Seer
from sensor.console.news import News, open_incidents
from sensor.errors import DriftspanError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from fastapi import FastAPI

    from sensor.access.who import Who
    from sensor.console.console import Console

LOOK_EVERY = 2.0  # seconds
CHECK_EVERY = 10.0  # seconds: a session that ended ends its events
MOST_LISTENERS = 32  # of the server's connections; the rest is for requests
_MOST_WAITING = 8  # events for a browser that does not read; more of them would say the same


class Events:
    """One look at the store for all listeners, and none where nobody listens."""

    def __init__(self, console: Console) -> None:
        self._news = News(console.owner)
        self._store = console.owner
        self._listeners: set[asyncio.Queue[bytes | None]] = set()
        self._looking: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def end(self) -> None:
        """The server ends: so do all streams, at once. From any thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._end)

    def _end(self) -> None:
        for queue in self._listeners:
            _put(queue, None)
        if self._looking is not None:
            self._looking.cancel()

    async def stream(self, still_in: Callable[[], bool]) -> AsyncIterator[bytes]:
        """`still_in`: whether whoever listens still may."""
        queue: asyncio.Queue[bytes | None] = asyncio.Queue(_MOST_WAITING)
        self._loop = asyncio.get_running_loop()
        self._listeners.add(queue)
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())
        try:
            yield b"retry: 3000\n\n" + await self._begin()
            checked = time.monotonic()
            while True:
                with contextlib.suppress(TimeoutError):
                    piece = await asyncio.wait_for(queue.get(), CHECK_EVERY)
                    if piece is None:
                        return
                    yield piece
                if time.monotonic() - checked >= CHECK_EVERY:
                    checked = time.monotonic()
                    if not await run_in_threadpool(still_in):
                        yield event("over", {})
                        return
                    yield b": still here\n\n"
        finally:
            self._listeners.discard(queue)

    async def _begin(self) -> bytes:
        try:
            return event("incidents", {"open": await run_in_threadpool(open_incidents, self._store)})
        except DriftspanError:
            return b""

    async def _look(self) -> None:
        while self._listeners:
            # A store that does not answer has no news; pages that ask it say why.
            with contextlib.suppress(DriftspanError):
                for kind, told in (await run_in_threadpool(self._news.look)).items():
                    for queue in self._listeners:
                        _put(queue, event(kind, told))
            await asyncio.sleep(LOOK_EVERY)

    @property
    def full(self) -> bool:
        return len(self._listeners) >= MOST_LISTENERS


def _put(queue: asyncio.Queue[bytes | None], piece: bytes | None) -> None:
    if queue.full():
        queue.get_nowait()
    queue.put_nowait(piece)


def event(kind: str, told: dict[str, Any]) -> bytes:
    return b"event: " + kind.encode() + b"\ndata: " + orjson.dumps(told) + b"\n\n"


def add(app: FastAPI, console: Console) -> None:
    events = Events(console)
    app.state.at_end = [*getattr(app.state, "at_end", ()), events.end]

    @app.get("/console/events", include_in_schema=False)
    async def listen(request: Request, who: Seer) -> StreamingResponse:
        """Until the browser goes, the session ends, or the server does."""
        if events.full:
            raise HTTPException(503, "too many pages listen already; load this one again to see what is new")
        return StreamingResponse(events.stream(_still_in(request, who)), media_type="text/event-stream")


def _still_in(request: Request, who: Who) -> Callable[[], bool]:
    def check() -> bool:
        now = identify(request, used=False)
        return now is not None and now.name == who.name and now.may(Permission.SEE)

    return check
