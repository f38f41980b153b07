"""Who may come in: by the name that the service is asked by, by the site that asks, by the key that is shown.

All of it before a byte of the body is read. A page that has its own name point at this machine (DNS rebinding) is
stopped by the name; a page that sends a form here on somebody's behalf, by its origin.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from docparse.api import problems
from docparse.api.auth import Gate
from docparse.api.config import ApiConfig
from docparse.api.login import Login
from docparse.api.metrics import Metrics
from docparse.errors import DocparseError, HostRefused, KeyRequired, OriginRefused

OPEN = frozenset({"/healthz", "/readyz", "/docs", "/openapi.json"})
"""For everybody: they say nothing about anybody."""
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class Door:
    def __init__(self, app: ASGIApp, *, config: ApiConfig, gate: Gate, metrics: Metrics) -> None:
        self.app = app
        self.gate = gate
        self.metrics = metrics
        self._hosts = frozenset(config.allowed_hosts())
        self._origins = frozenset(config.origins)
        self._open = OPEN | ({"/metrics"} if config.open_metrics else set())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        try:
            self._check_host(headers)
            if scope["method"] not in _SAFE:
                self._check_origin(headers)
            login: Login | None = scope["app"].state.desk.login
            if login is not None and (page := await login.answer(Request(scope, receive))) is not None:
                await page(scope, receive, send)
                return
            if scope["path"] not in self._open:
                scope["state"]["owner"] = self._owner(scope, headers, login)
        except KeyRequired as error:
            asks = None if login is None else login.asks(Request(scope), error)
            await (asks or self._refused(scope, error))(scope, receive, send)
            return
        except DocparseError as error:
            await self._refused(scope, error)(scope, receive, send)
            return
        except ClientDisconnect:
            return
        await self.app(scope, receive, send)

    def _owner(self, scope: Scope, headers: Headers, login: Login | None) -> str:
        shown = _shown(headers)
        if shown is None and login is not None and (key := login.key(Request(scope))) is not None:
            return self.gate.enter(key)
        return self.gate.owner(shown, address=(scope.get("client") or ("",))[0])

    def _refused(self, scope: Scope, error: DocparseError) -> Response:
        self.metrics.refused(error.code)
        scope["state"]["code"] = error.code
        return problems.answer(error, request_id=scope["state"].get("request_id", ""))

    def _check_host(self, headers: Headers) -> None:
        if "*" not in self._hosts and _name(headers.get("host", "")) not in self._hosts:
            raise HostRefused(
                "the service does not answer to this name.",
                hint="Whoever runs it can allow the name: --allow-hosts NAME.",
            )

    def _check_origin(self, headers: Headers) -> None:
        origin = headers.get("origin")
        if origin in self._origins:
            return
        if origin is None:
            # Programs send neither of the two; a browser that leaves the one out says at least how far it came.
            foreign = headers.get("sec-fetch-site", "none") in ("cross-site", "same-site")
        else:
            foreign = urlsplit(origin).netloc.lower() != headers.get("host", "").lower()
        if foreign:
            raise OriginRefused(
                "a page of another site may not ask here.",
                hint="Whoever runs the service can allow it: --cors-origins ORIGIN.",
            )


def _name(host: str) -> str:
    """The name in a Host header, without its port."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.rpartition(":")[0].lower() if ":" in host else host.lower()


def _shown(headers: Headers) -> str | None:
    kind, _, key = headers.get("authorization", "").strip().partition(" ")
    if kind.lower() == "bearer" and key.strip():
        return key.strip()
    return headers.get("x-api-key")
