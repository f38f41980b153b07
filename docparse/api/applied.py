"""Pages with their corrections on them, kept in memory for whoever asks next: of a large table that takes seconds.

What this file is not: it is no store. What is kept here is of this process, and can be made anew at any time.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from docparse.corrections import Corrected
from docparse.document import Page

MOST_BYTES = 64 * 1024**2
"""Of all that is kept, as it is estimated."""
PART_BYTES = 500
"""Of a block, a cell or an item in memory (50,000 cells of a table: 445 each)."""
PARSED = 8
"""Times as large as its JSON is a correction in memory, with all that it replaced."""
LOCKS = 16


@dataclass(frozen=True, slots=True)
class Applied:
    """Corrections as they were applied: of which revision, to which page as it was read in which attempt; ``size``:
    bytes of their JSON."""

    revision: int
    attempt: int
    read: Page
    done: Corrected
    size: int

    @property
    def bytes(self) -> int:
        parts = sum(1 + len(block.cells) + len(block.items) for block in self.read.blocks)
        return PART_BYTES * parts + PARSED * self.size


class AppliedPages:
    """The latest revision of pages, as many as go into ``most`` bytes; those asked for least lately go first."""

    def __init__(self, *, most: int = MOST_BYTES) -> None:
        self._most = most
        self._pages: OrderedDict[tuple[str, int], Applied] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()
        # Whoever asks for a page that is being made waits for it; other pages rarely wait.
        self._making = [threading.Lock() for _ in range(LOCKS)]

    def get(self, job: str, read: Page, revision: int, make: Callable[[], Applied]) -> Applied:
        """Of ``read`` at ``revision``; made where it is not kept. ``make`` may find a later revision."""
        key = job, read.number
        with self._making[hash(key) % LOCKS]:
            with self._lock:
                found = self._pages.get(key)
                if found is not None:
                    self._pages.move_to_end(key)
            # By its value: a page that was read again may have the number of the attempt before it has the blocks.
            if found is None or found.revision != revision or found.read != read:
                found = make()
                self.put(job, found)
            return found

    def put(self, job: str, applied: Applied) -> None:
        key, size = (job, applied.read.number), applied.bytes
        with self._lock:
            self._drop(key)
            if size > self._most:
                return
            self._pages[key] = applied
            self._bytes += size
            while self._bytes > self._most:
                self._drop(next(iter(self._pages)))

    def forget(self, job: str) -> None:
        """The job is removed: nothing of it is kept."""
        with self._lock:
            for key in [key for key in self._pages if key[0] == job]:
                self._drop(key)

    def _drop(self, key: tuple[str, int]) -> None:
        if (old := self._pages.pop(key, None)) is not None:
            self._bytes -= old.bytes
