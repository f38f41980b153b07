"""How many short files a reader is given at a time, where handing out a task costs as much as reading some of them.

A bundle is to take a reader ``AIM`` seconds, by what the files before it took. Towards the end bundles become smaller,
so that all readers end together. What this file is not: it hands nothing out; ``ray_runner`` does.
"""

from __future__ import annotations

import math
import os
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from statistics import fmean
from typing import Any

AIM = 1.5
"""Seconds that a bundle is to take: fifty times what a task costs, and short beside a run."""
LEAST = 0.2
"""Seconds that it takes even then, when few are left: seven times what a task costs, and no reader waits long."""
MOST = 32
"""Files in a bundle, however short they are."""
LOOKED_AT = 64
"""Files of which it is remembered how long they took."""
SHARES = 2
"""What waits is enough for so many bundles of each reader."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A task that nobody was given yet. ``alone``: it goes to a reader by itself."""

    task: Any
    patience: float
    alone: bool


def size_of(task: Any) -> int:
    """Bytes of the task's file; 0 where it cannot be seen, which its reader will say."""
    if task.job.far is not None:
        return task.job.far.size or 0
    try:
        return os.stat(task.job.path).st_size
    except OSError:
        return 0


class Bundles:
    """Bundles for so many readers. ``size_of``: bytes of a task's file."""

    def __init__(self, readers: int, *, size_of: Callable[[Any], int] = size_of) -> None:
        self._readers = readers
        self._size_of = size_of
        self._took: deque[tuple[float, int]] = deque(maxlen=LOOKED_AT)

    def took(self, task: Any, seconds: float) -> None:
        """A file was read by a reader that had read others before, and loads nothing any more."""
        self._took.append((seconds, self._size_of(task)))

    def seconds(self, size: int) -> float:
        """A guess at what a file of so many bytes takes: half of what all take, and half by its bytes, since pages may
        be scans. Infinite as long as nothing is known."""
        if not self._took:
            return math.inf
        mean, bytes_ = fmean(seconds for seconds, _ in self._took), fmean(size for _, size in self._took)
        return mean * (0.5 + 0.5 * (size / bytes_ if bytes_ else 1.0))

    @property
    def usual(self) -> int:
        """Files in a bundle while there are many left."""
        return self._files(AIM)

    def _files(self, seconds: float) -> int:
        """So many of the usual size take so long; at least one."""
        mean = fmean(took for took, _ in self._took) if self._took else math.inf
        return max(int(min(seconds / mean, MOST)), 1) if mean > 0 else MOST

    def next(self, waiting: deque[Waiting]) -> list[Waiting]:
        """Take the next bundle from the front of what waits; there is something."""
        most = min(MOST, max(len(waiting) // (SHARES * self._readers), self._files(LEAST)))
        bundle = [waiting.popleft()]
        if bundle[0].alone or most == 1:
            return bundle
        seconds = self.seconds(self._size_of(bundle[0].task))
        while waiting and not waiting[0].alone and len(bundle) < most:
            seconds += self.seconds(self._size_of(waiting[0].task))
            if seconds > AIM:
                break
            bundle.append(waiting.popleft())
        return bundle
