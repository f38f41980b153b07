"""Somebody waits for a job: until it is over, the time is up, it turns out to be long, or nobody is there any more."""

from __future__ import annotations

import asyncio
import re

from starlette.requests import ClientDisconnect, Request

from docparse.api.desk import Desk
from docparse.api.job import Job

LOOK = 0.5
"""Seconds between two looks at how long the document is, and whether the service ends."""


async def waited(request: Request, desk: Desk, job: Job, *, owner: str, seconds: float) -> Job:
    """The job when it is over, or as it is when it was waited for long enough. Raises ``ClientDisconnect``."""
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    gone = asyncio.ensure_future(_gone(request))
    try:
        while not job.over:
            left = until - loop.time()
            if left <= 0 or desk.ending.is_set() or (job.num_pages or 0) > desk.config.sync_pages:
                break
            wait = asyncio.ensure_future(desk.service.wait(job.id, owner=owner, seconds=min(left, LOOK)))
            try:
                await asyncio.wait({wait, gone}, return_when=asyncio.FIRST_COMPLETED)
                if gone.done():
                    raise ClientDisconnect
                job = await wait
            finally:
                wait.cancel()
        return job
    finally:
        gone.cancel()


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


_WAIT = re.compile(r"wait\s*=\s*\"?([0-9]{1,6})\"?")


def preferred(header: str | None, *, most: float) -> float:
    """Seconds to wait by a Prefer header (RFC 7240): ``respond-async``, ``wait=5``; 0 for not at all."""
    seconds = most
    for part in (header or "").lower().replace(";", ",").split(","):
        if part.strip() == "respond-async":
            return 0.0
        if match := _WAIT.fullmatch(part.strip()):
            seconds = min(most, float(match[1]))
    return seconds
