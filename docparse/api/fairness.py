"""Whose page is next: classes of priority first, within one start-time fair queueing, clients before their jobs.

A pure data structure: no clock, no thread. Each client of a class takes turns with the others, and each job of a
client with its others, however many pages they bring: whoever comes new is served next, not after all that wait.
P. Goyal, H. Vin, H. Cheng, "Start-time fair queueing" (SIGCOMM 1996), with every page of the same length.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Hashable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")

PATIENCE = 16
"""Items of other classes that are served before one of a class that waits: urgent ones cannot stop the rest."""


class FairQueue(Generic[T]):
    """Items that wait. ``priority``: lower ones first. ``client`` and ``job``: who takes turns."""

    def __init__(self, *, patience: int = PATIENCE) -> None:
        self._patience = patience
        self._classes: dict[int, _Turns[T]] = {}
        self._passed: dict[int, int] = {}
        """Items that were served before each class that waits, since it was its turn."""

    def push(self, item: T, *, priority: int, client: Hashable, job: Hashable = None) -> None:
        self._classes.setdefault(priority, _Turns()).push((client, job), item)
        self._passed.setdefault(priority, 0)

    def pop(self) -> T:
        """The next item. Raises ``IndexError`` where none waits."""
        if not self._classes:
            raise IndexError("nothing waits")
        order = sorted(self._classes)
        late = [p for p in order if self._passed[p] >= self._patience]
        chosen = max(late, key=lambda p: self._passed[p]) if late else order[0]
        item = self._classes[chosen].pop()
        self._passed[chosen] = 0
        for priority in order:
            if priority != chosen:
                self._passed[priority] += 1
        self._forget_empty()
        return item

    def remove(self, wanted: Callable[[T], bool]) -> list[T]:
        """Take out all items that are ``wanted``; nobody's turn is lost by it."""
        found = [item for turns in self._classes.values() for item in turns.remove(wanted)]
        self._forget_empty()
        return found

    def _forget_empty(self) -> None:
        for priority in [p for p, turns in self._classes.items() if not len(turns)]:
            del self._classes[priority], self._passed[priority]

    def __len__(self) -> int:
        return sum(len(turns) for turns in self._classes.values())

    def __iter__(self) -> Iterator[T]:
        """All items, in no particular order."""
        for turns in self._classes.values():
            yield from turns


class _Turns(Generic[T]):
    """Keys that take turns. A path of one key has items below it; a longer one has keys that take turns below it."""

    def __init__(self) -> None:
        self._virtual = 0
        self._last: dict[Hashable, int] = {}
        """Tag at which a key that has nothing waiting would go on."""
        self._lines: dict[Hashable, deque[T] | _Turns[T]] = {}
        self._heap: list[tuple[int, int, Hashable]] = []
        self._count = 0
        self._size = 0

    def push(self, path: tuple[Hashable, ...], item: T) -> None:
        key, rest = path[0], path[1:]
        line = self._lines.get(key)
        if line is None:
            line = self._lines[key] = _Turns() if rest else deque()
            self._wait(key, max(self._virtual, self._last.pop(key, 0)))
        if isinstance(line, _Turns):
            line.push(rest, item)
        else:
            line.append(item)
        self._size += 1

    def pop(self) -> T:
        tag, _, key = heapq.heappop(self._heap)
        self._virtual = tag
        line = self._lines[key]
        item = line.pop() if isinstance(line, _Turns) else line.popleft()
        self._size -= 1
        if len(line):
            self._wait(key, tag + 1)
        else:
            del self._lines[key]
            self._last[key] = tag + 1
            if len(self._last) > 2 * len(self._lines) + 64:  # a tag that is over says nothing
                self._last = {key: tag for key, tag in self._last.items() if tag > self._virtual}
        return item

    def remove(self, wanted: Callable[[T], bool]) -> list[T]:
        found: list[T] = []
        for key, line in list(self._lines.items()):
            if isinstance(line, _Turns):
                gone = line.remove(wanted)
            else:
                gone = [item for item in line if wanted(item)]
                kept = [item for item in line if not wanted(item)]
                line.clear()
                line.extend(kept)
            found += gone
            if not len(line):
                del self._lines[key]
        self._size -= len(found)
        for tag, _, key in self._heap:
            if key not in self._lines:
                self._last[key] = tag
        self._heap = [entry for entry in self._heap if entry[2] in self._lines]
        heapq.heapify(self._heap)
        return found

    def _wait(self, key: Hashable, tag: int) -> None:
        self._count += 1  # of two with the same tag, whoever came first
        heapq.heappush(self._heap, (tag, self._count, key))

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[T]:
        for line in self._lines.values():
            yield from line
