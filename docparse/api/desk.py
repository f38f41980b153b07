"""What all routes share: the service, the limits on what is done at a time, and who asks."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import Counter
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import Depends, Request

from docparse.api.auth import Gate
from docparse.api.config import ApiConfig
from docparse.api.login import Login
from docparse.api.logs import note
from docparse.api.metrics import Metrics
from docparse.api.ports import Service
from docparse.errors import DocparseError, JobNotFound, KeyRequired, TooManyAtOnce


@dataclass(slots=True)
class Desk:
    """Of one app. ``ending`` is set when the service is told to end: streams and waits end then, and are taken up
    again by their clients."""

    service: Service
    config: ApiConfig
    metrics: Metrics = field(default_factory=Metrics)
    ending: threading.Event = field(default_factory=threading.Event)
    gate: Gate = field(init=False)
    login: Login | None = None
    """Where there are pages for people."""
    _uploads: Counter[str] = field(default_factory=Counter)
    _streams: Counter[str] = field(default_factory=Counter)
    _chores: set[asyncio.Task[Any]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.gate = Gate(self.config.keys, self.config.rate)

    @contextmanager
    def upload(self, owner: str) -> Iterator[None]:
        """While a file comes in. Raises ``TooManyAtOnce``."""
        if self._uploads[owner] >= self.config.owner_uploads or self._uploads.total() >= self.config.uploads:
            raise TooManyAtOnce("too many files are being sent at once.", hint="Send one after the other.")
        with _counted(self._uploads, owner), self.metrics.uploads.track_inprogress():
            yield

    def check_streams(self, owner: str) -> None:
        """Before ``stream``. Raises ``TooManyAtOnce``."""
        if self._streams[owner] >= self.config.owner_streams:
            raise TooManyAtOnce("too many streams of events are open.", hint="Close one first.")

    @contextmanager
    def stream(self, owner: str) -> Iterator[None]:
        """While events are sent."""
        with _counted(self._streams, owner), self.metrics.streams.track_inprogress():
            yield

    def chore(self, work: Coroutine[Any, Any, Any]) -> None:
        """Have something done that nobody waits for. A job that is gone already needs no removing."""
        task = asyncio.ensure_future(_done(work))
        self._chores.add(task)
        task.add_done_callback(self._chores.discard)

    async def finish(self) -> None:
        """Until all chores are done."""
        await asyncio.gather(*self._chores, return_exceptions=True)


async def _done(work: Coroutine[Any, Any, Any]) -> None:
    try:
        await work
    except JobNotFound:
        pass
    except DocparseError as error:
        note("chore", level=logging.WARNING, error=error, code=error.code)


@contextmanager
def _counted(counter: Counter[str], name: str) -> Iterator[None]:
    counter[name] += 1
    try:
        yield
    finally:
        counter[name] -= 1
        if not counter[name]:
            del counter[name]


async def _desk(request: Request) -> Desk:
    desk: Desk = request.app.state.desk
    return desk


async def _owner(request: Request) -> str:
    """Who asks, as the door found out. A route that it does not guard has no owner, and no answer."""
    owner: str | None = request.scope["state"].get("owner")
    if owner is None:
        raise KeyRequired("this service wants an API key.")
    return owner


# Coroutines, though they wait for nothing: others would be called in a thread each.
AtDesk = Annotated[Desk, Depends(_desk)]
Owner = Annotated[str, Depends(_owner)]
