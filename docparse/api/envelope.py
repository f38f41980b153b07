"""Around every request: its id, its line in the log, its time, headers that make the answer harmless, and an answer
where the program fails.

The outermost layer. Where an answer goes out before the request has come in as a whole (it was refused), the rest
is read for a moment and thrown away, so that the client sees the answer and not a broken line.
"""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
import time

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from docparse.api import problems
from docparse.api.headers import SECURITY
from docparse.api.logs import note
from docparse.api.metrics import Metrics
from docparse.errors import DocparseError

_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")
LINGER_SECONDS = 2.0
LINGER_BYTES = 64 * 1024**2
QUIET = frozenset({"/healthz", "/readyz", "/metrics"})
"""Routes that are asked every few seconds: their lines are for debugging."""


class Envelope:
    def __init__(self, app: ASGIApp, *, metrics: Metrics) -> None:
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1003})
            return
        headers = Headers(scope=scope)
        said = headers.get("x-request-id", "")
        request_id = said if _ID.fullmatch(said) else secrets.token_hex(12)
        scope.setdefault("state", {})["request_id"] = request_id
        exchange = _Exchange(receive, send, headers, request_id)
        begun = time.perf_counter()
        self.metrics.in_hand.inc()
        error: Exception | None = None
        try:
            await self.app(scope, exchange.receive, exchange.send)
        except Exception as problem:
            error = problem
            if exchange.status is None:
                fault = DocparseError("the service failed.", hint=f"Tell whoever runs it: request {request_id}.")
                await problems.answer(fault, request_id=request_id)(scope, exchange.receive, exchange.send)
            else:
                raise  # in the middle of an answer: the server cuts the line, so that nobody takes it for whole
        finally:
            self.metrics.in_hand.dec()
            self._tell(scope, exchange, time.perf_counter() - begun, error)

    def _tell(self, scope: Scope, exchange: _Exchange, seconds: float, error: Exception | None) -> None:
        route = getattr(scope.get("route"), "path", None) or "unmatched"
        status = exchange.status or 499  # nobody was there any more
        self.metrics.answered(scope["method"], route, status, seconds)
        note(
            "request",
            level=logging.ERROR if error else logging.DEBUG if route in QUIET else logging.INFO,
            error=error,
            request_id=exchange.request_id,
            method=scope["method"] if scope["method"].isalpha() else "other",
            route=route,
            status=status,
            seconds=round(seconds, 4),
            received=exchange.came,
            sent=exchange.sent,
            client=(scope.get("client") or ("",))[0],
            owner=scope["state"].get("owner", ""),
            job=scope.get("path_params", {}).get("id", "") if route != "unmatched" else "",
            code=scope["state"].get("code", ""),
        )


class _Exchange:
    """What goes in and out of one request."""

    def __init__(self, receive: Receive, send: Send, headers: Headers, request_id: str) -> None:
        self._receive = receive
        self._send = send
        self.request_id = request_id
        self.status: int | None = None
        self.came = self.sent = 0
        self._expects = "100-continue" in headers.get("expect", "").lower()
        length = headers.get("content-length", "0")
        self._whole = length == "0" and "transfer-encoding" not in headers

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request":
            self.came += len(message.get("body", b""))
            self._whole = self._whole or not message.get("more_body", False)
        else:
            self._whole = True
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            for name, value in SECURITY.items():
                headers.setdefault(name, value)
            headers["X-Request-ID"] = self.request_id
            if not self._whole:
                headers["Connection"] = "close"
        elif message["type"] == "http.response.body":
            self.sent += len(message.get("body", b""))
            if not message.get("more_body", False) and not self._whole:
                await self._send({**message, "more_body": True})
                await self._linger()
                message = {"type": "http.response.body", "body": b"", "more_body": False}
        await self._send(message)

    async def _linger(self) -> None:
        if self._expects and not self.came:
            return  # nothing is on its way
        try:
            async with asyncio.timeout(LINGER_SECONDS):
                while not self._whole and self.came < LINGER_BYTES:
                    await self.receive()
        except TimeoutError:
            pass
