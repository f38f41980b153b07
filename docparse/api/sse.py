"""Events as a stream (text/event-stream): numbered, so that a client that lost the line goes on where it was.

Between events comes a comment now and then, so that both sides notice a line that is dead. The stream ends when the
job is over, when the client goes, and when the service ends; a client then comes back by itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable

from docparse.api.answers import EventAnswer

MEDIA_TYPE = "text/event-stream"
RETRY = b"retry: 2000\n\n"
SIGN = b": still here\n\n"
LOOK = 0.5
"""Seconds between two looks at whether the service ends."""


def line(event: EventAnswer) -> bytes:
    """JSON has no line breaks of its own, so an event is one line of data."""
    return f"id: {event.number}\nevent: {event.event}\ndata: {event.model_dump_json(exclude_none=True)}\n\n".encode()


async def stream(
    events: AsyncIterator[EventAnswer],
    *,
    heartbeat: float,
    ending: Callable[[], bool],
) -> AsyncGenerator[bytes, None]:
    """What to send of ``events``."""
    waiting: asyncio.Task[EventAnswer | None] | None = None
    try:
        yield RETRY
        quiet = 0.0
        while not ending():
            if waiting is None:
                waiting = asyncio.ensure_future(_next(events))
            look = min(LOOK, heartbeat)
            done, _ = await asyncio.wait({waiting}, timeout=look)
            if not done:
                quiet += look
                if quiet >= heartbeat:
                    quiet = 0.0
                    yield SIGN
                continue
            event = waiting.result()
            if event is None:
                return
            waiting, quiet = None, 0.0
            yield line(event)
    finally:
        if waiting is not None:
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)


async def _next(events: AsyncIterator[EventAnswer]) -> EventAnswer | None:
    return await anext(events, None)
