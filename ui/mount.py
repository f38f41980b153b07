"""The viewer at ``/`` of the service's app.

    app = create_app(service, config)
    mount(app, temp=folder)

Gradio takes seconds to import: a thread does so when the service is up, and until then the page says that it starts.
Only what the page needs is passed on to Gradio (``PASSED``); its other routes do not exist here.
"""

from __future__ import annotations

import asyncio
import html
import logging
import re
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from docparse.api import problems
from docparse.api.login import Login
from docparse.api.session import Sessions
from docparse.api.upload import SHORT_JSON, stream
from docparse.errors import RequestError, RequestTooLarge
from docparse.ui import routes, strings
from docparse.ui.files import StaticFiles
from docparse.ui.login import login_page
from docparse.ui.page import rewritten
from docparse.ui.uploads import Uploads

if TYPE_CHECKING:
    from fastapi import FastAPI

    from docparse.api.desk import Desk
    from docparse.api.ports import EngineState

log = logging.getLogger(__name__)

STATIC = "/viewer/static/"
PASSED = {
    "GET": re.compile(
        r"/|/config/?|/theme\.css|/favicon\.ico|/(assets|static)/.+"
        r"|/gradio_api/(theme\.css|startup-events)"
    ),
    "POST": re.compile(r"/gradio_api/run/\w+"),
}
"""Addresses of Gradio's that there are."""
UPLOAD, PROGRESS = "/gradio_api/upload", "/gradio_api/upload_progress"
"""Those that are answered here in its place."""
HEAD = "\n".join(
    (
        f'<link rel="stylesheet" href="{STATIC}frame.css">',
        f'<link rel="stylesheet" href="{STATIC}viewer.css">',
        f'<script type="module" src="{STATIC}frame.js"></script>',
        f'<script type="module" src="{STATIC}viewer.js"></script>',
    )
)


def mount(app: FastAPI, *, temp: Path, secret: bytes) -> Viewer:
    """``temp``: a folder for Gradio; it is made, for its owner only. ``secret``: what sessions are signed with."""
    desk: Desk = app.state.desk
    desk.login = Login(desk.gate, Sessions(desk.config.keys, secret), desk.config, login_page)
    viewer = Viewer(desk, temp)
    app.include_router(routes.router)
    app.router.routes.append(viewer)
    before = app.router.lifespan_context

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[object]:
        async with before(app) as state, viewer.running():
            yield state

    app.router.lifespan_context = lifespan  # type: ignore[assignment]
    return viewer


class Viewer(BaseRoute):
    """The page and what belongs to it, as a route."""

    path = "/ (viewer)"
    """What the log calls it."""

    def __init__(self, desk: Desk, temp: Path) -> None:
        self._desk = desk
        self._temp = temp
        self.uploads = Uploads(desk, temp)
        self._files = StaticFiles(Path(__file__).parent / "static")
        self._frame: ASGIApp | None = None
        self._failed = False
        self._awaiting: list[Callable[[], object]] = []

    def when_ready(self, then: Callable[[], object]) -> None:
        """Have ``then`` called, in a thread, once the page is there."""
        if self._frame is None:
            self._awaiting.append(then)
        else:
            threading.Thread(target=then, daemon=True).start()

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        if scope["type"] != "http":
            return Match.NONE, {}
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        path = scope["path"]
        known = (path.startswith(STATIC) or path == PROGRESS) if method == "GET" else path == UPLOAD
        if known or (method in PASSED and PASSED[method].fullmatch(path)):
            return Match.FULL, {"endpoint": self, "route": self}
        return Match.NONE, {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"].startswith(STATIC):
            await self._files.answer(scope, scope["path"].removeprefix(STATIC))(scope, receive, send)
        elif scope["path"] == UPLOAD:
            await (await self.uploads.receive(Request(scope, receive)))(scope, receive, send)
        elif scope["path"] == PROGRESS:
            await self.uploads.progress(Request(scope))(scope, receive, send)
        elif self._frame is None:
            await self._not_yet()(scope, receive, send)
        elif scope["path"] == "/":
            await (await self._page(scope))(scope, receive, send)
        elif scope["method"] == "POST":
            await self._run(self._frame, Request(scope, receive), send)
        else:
            await self._frame(scope, receive, _kept(scope["path"], send))

    async def _run(self, frame: ASGIApp, request: Request, send: Send) -> None:
        """Gradio would take a body of any length into memory, for as long as it comes."""
        try:
            pieces = stream(request, self._desk.config, most=SHORT_JSON, error=RequestTooLarge)
            body = b"".join([piece async for piece in pieces])
        except RequestError as error:
            answer = problems.answer(error, request_id=request.scope["state"].get("request_id", ""))
            await answer(request.scope, request.receive, send)
            return
        except ClientDisconnect:
            return
        told = False

        async def receive() -> Message:
            nonlocal told
            if told:
                return await request.receive()
            told = True
            return {"type": "http.request", "body": body, "more_body": False}

        await frame(request.scope, receive, send)

    async def _page(self, scope: Scope) -> Response:
        # What is asked for is the workbench's business: Gradio takes parameters of its own from there.
        theirs = await _answer(self._frame, {**scope, "method": "GET", "query_string": b""})
        page, policy = rewritten(theirs, title=strings.TITLE, head=HEAD, no_script=strings.NO_SCRIPT)
        return HTMLResponse(page, headers={"Content-Security-Policy": policy, "Cache-Control": "no-store"})

    def _not_yet(self) -> Response:
        if self._failed:
            return HTMLResponse(_sentence(strings.NO_VIEWER), 500)
        return HTMLResponse(_sentence(strings.STARTING), 503, {"Refresh": "1", "Retry-After": "1"})

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            loading = asyncio.create_task(self._load(stack))
            try:
                yield
            finally:
                await asyncio.gather(loading, return_exceptions=True)
                await self.uploads.sweep(older=0.0)

    async def _load(self, stack: AsyncExitStack) -> None:
        try:
            inner = await asyncio.to_thread(
                _gradio, self._desk, self.uploads, self._temp, await self._desk.service.engines()
            )
            await stack.enter_async_context(inner.router.lifespan_context(inner))
        except Exception as error:
            # The service itself works without a page.
            self._failed = True
            log.exception("the viewer cannot be had: %s", error)
            return
        self._frame = inner
        for then in self._awaiting:
            await asyncio.to_thread(then)


def _gradio(desk: Desk, uploads: Uploads, temp: Path, engines: list[EngineState]) -> FastAPI:
    from docparse.settings import prepare_gradio

    temp.mkdir(mode=0o700, parents=True, exist_ok=True)
    prepare_gradio(temp)
    import gradio
    from fastapi import FastAPI
    from starlette.middleware import Middleware
    from starlette.middleware.cors import CORSMiddleware

    from docparse.ui.app import build, theme

    # With CORS of our own, which allows nobody, Gradio does not add its own, which allows some.
    inner = FastAPI(openapi_url=None, middleware=[Middleware(CORSMiddleware)])
    gradio.mount_gradio_app(
        inner,
        build(desk, uploads, engines),
        path="/",
        theme=theme(),
        ssr_mode=False,
        footer_links=[],
        run_history=False,
        enable_monitoring=False,
        max_file_size=desk.config.upload_bytes,
    )
    return inner


def _kept(path: str, send: Send) -> Send:
    """Have browsers keep Gradio's files, a megabyte of them: their names change with their content."""
    if not path.startswith("/assets/"):
        return send

    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] == 200:
            MutableHeaders(scope=message)["Cache-Control"] = "private, max-age=31536000, immutable"
        await send(message)

    return sent


async def _answer(app: ASGIApp | None, scope: Scope) -> str:
    """The body of the answer of ``app``, which is not compressed."""
    assert app is not None
    body = b""
    asked = {**scope, "headers": [(name, value) for name, value in scope["headers"] if name != b"accept-encoding"]}

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        nonlocal body
        body += message.get("body", b"")

    await app(asked, receive, send)
    return body.decode()


def _sentence(text: str) -> str:
    return f"<!doctype html><html lang=en><title>{strings.TITLE}</title><p>{html.escape(text)}</p></html>"
