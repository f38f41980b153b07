"""How a person comes in: by a page that asks for a key, once. The door answers so itself, before any route.

``/login`` takes the form, ``/logout`` ends the session; ``/`` without a session is the page that asks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from docparse.api.auth import Gate, Key
from docparse.api.config import ApiConfig
from docparse.api.problems import status_of
from docparse.api.session import COOKIE, Sessions, set_cookie
from docparse.api.upload import stream
from docparse.errors import DocparseError, RequestTooLarge

LOGIN, LOGOUT, START = "/login", "/logout", "/"
_LONGEST = 4096
"""Bytes of the form."""

Page = Callable[[str, str], tuple[str, str]]
"""Of where to go on and what was wrong: HTML, and its Content-Security-Policy."""


@dataclass(frozen=True, slots=True)
class Login:
    gate: Gate
    sessions: Sessions
    config: ApiConfig
    page: Page

    def key(self, request: Request) -> Key | None:
        """Whose session it is."""
        return self.sessions.key(request.cookies.get(COOKIE, ""))

    async def answer(self, request: Request) -> Response | None:
        """What needs no owner; None for all else. Raises ``RequestError`` and ``ClientDisconnect``."""
        way = request.method, request.url.path
        if way == ("POST", LOGIN):
            return await self._come_in(request)
        if way == ("POST", LOGOUT):
            return _sent_on(START, set_cookie("", secure=_secure(request)))
        if way == ("GET", LOGIN):
            return _sent_on(START)
        return None

    def asks(self, request: Request, error: DocparseError) -> Response | None:
        """The page that asks for a key, for a person who has none yet."""
        if request.url.path != START or request.method not in ("GET", "HEAD"):
            return None
        # A program is told what it is told everywhere.
        if "text/html" not in request.headers.get("accept", ""):
            return None
        query = request.url.query
        return self._page(f"{START}?{query}" if query else START, "", status_of(error.code))

    async def _come_in(self, request: Request) -> Response:
        pieces = [piece async for piece in stream(request, self.config, most=_LONGEST, error=RequestTooLarge)]
        fields = parse_qs(b"".join(pieces).decode("utf-8", "replace"), max_num_fields=8)
        onward = _inside(fields.get("next", [START])[0])
        address = request.client.host if request.client else ""
        try:
            key = self.gate.key(fields.get("key", [""])[0].strip(), address=address)
            self.gate.enter(key)
        except DocparseError as error:
            return self._page(onward, f"{error.message} {error.hint or ''}".strip(), status_of(error.code))
        if not self.gate.keys:
            return _sent_on(onward)
        return _sent_on(onward, set_cookie(self.sessions.issued(key), secure=_secure(request)))

    def _page(self, onward: str, wrong: str, status: int) -> Response:
        html, policy = self.page(onward, wrong)
        # With no-referrer, as everywhere else, a browser would not say where its form comes from.
        return HTMLResponse(html, status, {"Content-Security-Policy": policy, "Referrer-Policy": "same-origin"})


def _inside(address: str) -> str:
    """``address`` where it is the viewer's own, else its start: nobody is sent on to elsewhere."""
    own = address == START or (address.startswith("/?") and address.isascii() and address.isprintable())
    return address if own else START


def _secure(request: Request) -> bool:
    """Whether the browser has come over TLS: a proxy in front ends it, so that only the origin says so."""
    return request.headers.get("origin", "").startswith("https://")


def _sent_on(address: str, cookie: str | None = None) -> Response:
    answer = RedirectResponse(address, 303)
    if cookie is not None:
        answer.headers["Set-Cookie"] = cookie
    return answer
