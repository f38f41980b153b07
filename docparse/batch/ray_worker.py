"""What runs on the machines of a Ray cluster: who hands out tasks, and who has them done.

    Feed     one, beside the driver: the tasks that wait, in the order in which they are to be read
    tasks    a Ray Data source: takes them from the feed, one by one, as readers come free
    Reader   many, each with a CPU or a GPU: has each task done by a process of its own, as ``workers`` does on one
             machine, so that a hostile file kills that process and neither the reader nor its neighbours

Ray runs a task again whose machine was lost, and takes it that it says the same then: a task therefore answers once,
at its end, and ``Feed.take`` gives the same for the same number. A task that was begun is not tried by Ray, which
would try for ever: it is told as lost, and ``conversion`` tries it as often as any other. What this file is not: it
decides nothing about files; ``conversion`` does, on the driver.
"""

from __future__ import annotations

import asyncio
import os
import pickle
import socket
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from docparse import __version__
from docparse.errors import DocparseError, OutputError, SettingsError
from docparse.reading import Alive, Runner
from docparse.workers import Done, Lost, Message, Pool

Told = tuple[str, Any, float]
"""``message``, ``done``, ``lost`` or ``refused``; with what; and how many seconds before the end of the task."""


class Feed:
    """The tasks that wait, by number from 0; an actor. Of those that are over only their count is kept."""

    def __init__(self) -> None:
        self._tasks: dict[int, bytes] = {}
        self._begun: set[int] = set()
        self._end = 0
        self._closed = False
        self._changed = asyncio.Event()

    async def put(self, tasks: Mapping[int, bytes], over: tuple[int, ...]) -> None:
        """More tasks; and those that are over."""
        self._tasks |= tasks
        self._end = max([self._end, *(number + 1 for number in tasks)])
        for number in over:
            self._tasks.pop(number, None)
            self._begun.discard(number)
        self._changed.set()

    async def close(self) -> None:
        self._closed = True
        self._changed.set()

    async def take(self, number: int) -> bytes | None:
        """The task, as soon as it is there; nothing in it if it is over. None: there will be no more."""
        while number >= self._end:
            if self._closed:
                return None
            self._changed.clear()
            await self._changed.wait()
        return self._tasks.get(number, b"")

    async def begin(self, number: int) -> bool:
        """A reader turns to a task. False: another one did, and was lost with it."""
        first = number not in self._begun
        self._begun.add(number)
        return first


def tasks(_: Any, feed: Any) -> Iterator[Any]:
    """All tasks of the feed, each a table of one row, so that each goes to a reader by itself."""
    import pyarrow
    import ray

    number = 0
    while (task := ray.get(feed.take.remote(number))) is not None:
        yield pyarrow.table({"number": [number], "task": [task]})
        number += 1


@dataclass(frozen=True, slots=True)
class Setup:
    """What a reader has to agree on with the driver.

    cwd     the driver's folder, for relative paths
    path    where it looks for modules: a job may be of a class that is not ours
    probe   a file in the folder of results that every machine must see; None: that folder is no local one
    seconds the longest time for one page
    """

    version: str
    cwd: str
    path: tuple[str, ...]
    probe: str | None
    seconds: float

    def refusal(self) -> DocparseError | None:
        """Why this machine cannot take part. Looks at its folders."""
        host = socket.gethostname()
        if self.version != __version__:
            return SettingsError(
                f"the machine {host} of the cluster has docparse {__version__}, this one has {self.version}.",
                hint="Install the same one everywhere.",
            )
        if self.probe is not None and not os.path.exists(self.probe):
            return OutputError(
                f"the machine {host} of the cluster does not see this folder.",
                file=os.path.dirname(self.probe),
                hint="Files and results must lie where every machine finds them by the same name.",
            )
        return None


class Reader:
    """Has tasks done, one at a time. Ray makes it on a machine of the cluster, and again if that is lost."""

    def __init__(self, feed: Any, setup: Setup) -> None:
        with suppress(OSError):  # then there is no relative path, or it is said of the file
            os.chdir(setup.cwd)
        sys.path += [place for place in setup.path if place not in sys.path]
        self._feed = feed
        self._refusal = setup.refusal()
        # A new process runs the file that its parent is: that is Ray's here, 60 MB that it does not need.
        vars(sys.modules["__main__"]).pop("__file__", None)
        self._pool = Pool(Runner(), 1, seconds=setup.seconds)

    def __call__(self, table: Any) -> Iterator[Any]:
        import pyarrow

        for row in table.to_pylist():
            if row["task"]:
                told = self._told(row["number"], row["task"])
                yield pyarrow.table({"number": [row["number"]], "told": [pickle.dumps(told)]})

    def _told(self, number: int, data: bytes) -> list[Told]:
        import ray

        if self._refusal is not None:
            return [("refused", self._refusal, 0.0)]
        if not ray.get(self._feed.begin.remote(number)):
            return [("lost", "its reader on the cluster was lost", 0.0)]
        task, patience = pickle.loads(data)  # noqa: S301  (from our own driver)
        told: list[tuple[str, Any, float]] = []
        self._pool.submit(task, patience=patience)
        for event in self._pool.events():
            now = time.monotonic()
            match event:
                case Message(_, Alive()):
                    pass
                case Message(_, value):
                    told.append(("message", value, now))
                case Done(_, result):
                    told.append(("done", result, now))
                case Lost(_, reason):
                    told.append(("lost", reason, now))
        end = time.monotonic()
        return [(kind, value, end - at) for kind, value, at in told]
