"""Who waits for news of a job is told at once, in this process; others look at the store now and then."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator


class Bell:
    """``ring`` from any thread; whoever ``listening`` in an event loop has its event set."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._listeners: dict[str, list[tuple[asyncio.AbstractEventLoop, asyncio.Event]]] = {}

    def ring(self, id: str) -> None:
        with self._lock:
            listeners = list(self._listeners.get(id, ()))
        for loop, event in listeners:
            with contextlib.suppress(RuntimeError):  # its loop has ended
                loop.call_soon_threadsafe(event.set)

    @contextlib.contextmanager
    def listening(self, id: str) -> Iterator[asyncio.Event]:
        me = (asyncio.get_running_loop(), asyncio.Event())
        with self._lock:
            self._listeners.setdefault(id, []).append(me)
        try:
            yield me[1]
        finally:
            with self._lock:
                self._listeners[id].remove(me)
                if not self._listeners[id]:
                    del self._listeners[id]


async def heard(event: asyncio.Event, seconds: float) -> None:
    """Wait for a ring, or for so long."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(max(seconds, 0.0)):
            await event.wait()
    event.clear()
