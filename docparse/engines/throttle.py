"""How many requests a server is sent at a time: fewer where it says that it has too many, then slowly more.

Additive increase, multiplicative decrease, as TCP does it. For one event loop; no locks are needed there.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable

LONGEST_PAUSE = 120.0
"""Seconds. A server that wants more is asked again all the same."""
FIRST_PAUSE = 0.5


class Throttle:
    """``async with throttle: ...`` around each request. ``most``: requests at a time, at the very most.

    ``first_pause``: seconds to wait where a server that has too much to do does not say how long; doubled each
    time it says so again.
    """

    def __init__(
        self, most: int, *, first_pause: float = FIRST_PAUSE, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.active = 0
        self._most = most
        self._room = float(most)
        self._first_pause = first_pause
        self._clock = clock
        self._resume = 0.0
        self._refusals = 0
        self._changed = asyncio.Event()

    @property
    def limit(self) -> int:
        """Requests that may be under way now. May be read from any thread."""
        return max(1, int(self._room))

    async def __aenter__(self) -> None:
        while True:
            now = self._clock()
            if now >= self._resume and self.active < self.limit:
                self.active += 1
                return
            self._changed.clear()
            pause = self._resume - now if now < self._resume else None
            try:
                async with asyncio.timeout(pause):
                    await self._changed.wait()
            except TimeoutError:
                continue

    async def __aexit__(self, *_: object) -> None:
        self.active -= 1
        self._changed.set()

    def accepted(self) -> None:
        """A request was taken: one more may be under way after as many as there are now."""
        self._refusals = 0
        self._room = min(float(self._most), self._room + 1 / max(self._room, 1.0))
        self._changed.set()

    def refused(self, retry_after: float | None) -> None:
        """A request was not taken. ``retry_after``: seconds after which the server wants to be asked again.

        Requests that were sent together are refused together; they count once.
        """
        now = self._clock()
        again = now < self._resume
        if not again:
            self._room = max(1.0, self._room / 2)
            self._refusals += 1
        if retry_after is None:
            if again:
                return
            # A little chance, so that several clients do not come back together.
            retry_after = self._first_pause * 2 ** min(self._refusals - 1, 12) * random.uniform(0.75, 1.25)  # noqa: S311
        self._resume = max(self._resume, now + min(retry_after, LONGEST_PAUSE))
        self._changed.set()
