"""How uvicorn is run: over HTTP/1.1 by h11, which bounds headers, and with the bounds on time that uvicorn lacks.

uvicorn bounds how long a connection is idle between two requests, but not how long a client takes to send the head of
one, nor how long it leaves an answer unread. What this file is not: it does not bound uploads; ``upload`` does, which
knows what is coming.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from docparse.api.desk import Desk

HEAD_BYTES = 32 * 1024
"""Of the first line and the headers of a request."""

OnSignal = Callable[[int], None]


def _nothing(*_: object) -> None:
    return None


class Connection(H11Protocol):
    """One connection. It is cut where the other side takes longer than these seconds."""

    head_seconds = 15.0
    """For the head of a request, from its first byte, or from when the connection was opened; and for the rest of a
    body that nobody wants any more."""
    stall_seconds = 60.0
    """For reading any of an answer that waits."""

    _head: asyncio.TimerHandle | None = None
    _stall: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        # asyncio does so itself where it made the socket; where it was given one, answers would wait 40 ms to be whole.
        line: socket.socket | None = transport.get_extra_info("socket")
        if line is not None and line.family in (socket.AF_INET, socket.AF_INET6):
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._head = self.loop.call_later(self.head_seconds, self._cut)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._watch(between=True)

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._stall is None:
            self._stall = self.loop.call_later(self.stall_seconds, self._cut)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        for timer in (self._head, self._stall):
            if timer is not None:
                timer.cancel()

    def _watch(self, *, between: bool = False) -> None:
        """Have the time counted while something is to come that a client could keep us waiting for.

        ``between``: two requests; an idle connection is uvicorn's to close, one on which the next has begun is ours.
        """
        theirs = self.conn.their_state
        answered = self.cycle is not None and self.cycle.response_complete
        waits = theirs is h11.IDLE or (theirs is h11.SEND_BODY and answered)
        if between and theirs is h11.IDLE:
            waits = bool(self.conn.trailing_data[0])
        if waits and self._head is None:
            self._head = self.loop.call_later(self.head_seconds, self._cut)
        elif not waits and self._head is not None:
            self._head.cancel()
            self._head = None

    def _cut(self) -> None:
        self._head = self._stall = None
        self.transport.abort()


class Server(uvicorn.Server):
    """uvicorn's server. Told to end, it has streams and waits end too, so that they do not keep it waiting.

    ``on_signal`` is told of each SIGINT and SIGTERM, in place of being killed by it when all has ended, as uvicorn
    by itself would have it. ``on_ready`` is called when requests are answered.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        desk: Desk,
        *,
        on_signal: OnSignal = _nothing,
        on_ready: Callable[[], None] = _nothing,
    ) -> None:
        super().__init__(config)
        self.desk = desk
        self._on_signal = on_signal
        self._on_ready = on_ready

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._on_ready()

    async def shutdown(self, sockets: Any = None) -> None:
        self.desk.ending.set()
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        if threading.current_thread() is not threading.main_thread():
            yield  # signals are the main thread's
            return
        with on_signals(self.handle_exit):
            yield

    def handle_exit(self, sig: int, frame: object) -> None:
        self.should_exit = True
        self._on_signal(sig)


@contextlib.contextmanager
def on_signals(handler: Callable[[int, Any], None]) -> Iterator[None]:
    """Have SIGINT and SIGTERM handled so, for a while. In the main thread."""
    before = {sig: signal.signal(sig, handler) for sig in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for sig, old in before.items():
            signal.signal(sig, old)


def make_server(
    app: Any,
    *,
    drain_seconds: float = 20.0,
    connections: int = 1000,
    on_signal: OnSignal = _nothing,
    on_ready: Callable[[], None] = _nothing,
) -> Server:
    """A server for ``create_app``'s app; ``run(sockets=[...])`` starts it. ``connections``: more at a time are
    answered 503."""
    config = uvicorn.Config(
        app,
        http=Connection,
        ws="none",
        loop="asyncio",
        lifespan="on",
        h11_max_incomplete_event_size=HEAD_BYTES,
        limit_concurrency=connections,
        timeout_keep_alive=10,
        timeout_graceful_shutdown=max(1, round(drain_seconds)),
        server_header=False,
        proxy_headers=False,
        access_log=False,
        log_config=None,
    )
    return Server(config, app.state.desk, on_signal=on_signal, on_ready=on_ready)
