"""What runs on the machines of a Ray cluster: who hands out tasks, and who has them done.

    Feed     one, beside the driver: the bundles of tasks that wait, in the order in which they are to be read, and what
             readers have told of them
    bundles  a Ray Data source: takes them from the feed, one by one, as readers come free
    Reader   many, each with a CPU or a GPU: has each task done by a process of its own, as ``workers`` does on one
             machine, so that a hostile file kills that process and neither the reader nor its neighbours

Ray Data says who has what done, and where; what comes of it goes through the feed. Ray runs a task again whose machine
was lost, and takes it that it answers the same then, which no reader can. So its answers say nothing. Nor is a
bundle that was begun left to Ray, which would try for ever: it is told as lost, and ``ray_runner`` knows what of it
was done. What this file is not: it decides nothing about files; ``conversion`` does, on the driver.
"""

from __future__ import annotations

import asyncio
import os
import pickle
import socket
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from docparse import __version__
from docparse.errors import DocparseError, OutputError, SettingsError
from docparse.reading import Alive, Runner
from docparse.workers import Done, Lost, Message, Pool, Recycle

PACE = 0.5
"""Seconds between two tellings of what happens within a file, and between two askings for it."""

Told = tuple[int, str, Any, float]
"""Of which task of the bundle, from 0; ``message``, ``done`` or ``lost``; with what; and how many seconds before it was
told. ``took``: the seconds that the task took a reader which had everything loaded; said before ``done``. Of the whole
bundle, and of no task: ``gone``, it was begun by a reader that was lost, and ``refused``."""
News = list[tuple[int, float, bytes]]
"""The number of a bundle, when it was told by this machine's clock (``time.monotonic``), and the pickled ``Told``."""


class Feed:
    """The bundles that wait, by number from 0, and the news of those in hand; an actor on the machine of the driver.

    Calls may overtake each other on their way to it: Ray keeps no order among calls of an actor like this.
    """

    def __init__(self) -> None:
        self._bundles: dict[int, bytes] = {}
        self._over: set[int] = set()
        self._over_below = 0
        self._begun: set[int] = set()
        self._readers: list[Any] = []
        self._news: News = []
        self._closed = False
        self._changed = asyncio.Event()
        self._one_is_over = asyncio.Event()

    async def put(self, bundles: Mapping[int, bytes], over: tuple[int, ...]) -> None:
        """More bundles; and those that are over."""
        self._bundles |= bundles
        for number in over:
            self._bundles.pop(number, None)
            self._begun.discard(number)
            self._over.add(number)
        while self._over_below in self._over:
            self._over.remove(self._over_below)
            self._over_below += 1
        self._changed.set()

    async def close(self) -> list[Any]:
        """There will be no more. The readers that there are."""
        self._closed = True
        self._changed.set()
        return self._readers

    async def take(self, number: int) -> bytes | None:
        """The bundle, as soon as it is there; nothing in it if it is over. None: there will be no more."""
        while number not in self._bundles:
            if self._is_over(number):
                return b""
            if self._closed:
                return None
            self._changed.clear()
            await self._changed.wait()
        return self._bundles[number]

    def _is_over(self, number: int) -> bool:
        return number < self._over_below or number in self._over

    # ------------------------------------------------------------------------ told by readers

    async def join(self, reader: Any) -> None:
        self._readers.append(reader)

    async def begin(self, number: int) -> bool:
        """A reader turns to a bundle. False: another one did, and was lost with it."""
        first = number not in self._begun and not self._is_over(number)
        self._begun.add(number)
        return first

    async def tell(self, number: int, told: bytes, over: bool) -> None:
        """``over``: the bundle is."""
        self._news.append((number, time.monotonic(), told))
        if over:
            self._one_is_over.set()

    async def news(self) -> News:
        """What was told since this was asked last: as soon as a bundle is over, and after ``PACE`` seconds anyway."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._one_is_over.wait(), PACE)
        self._one_is_over.clear()
        news, self._news = self._news, []
        return news


def bundles(_: Any, feed: Any) -> Iterator[Any]:
    """All bundles of the feed, each a table of one row, so that each goes to a reader by itself."""
    import pyarrow
    import ray

    number = 0
    while (bundle := ray.get(feed.take.remote(number))) is not None:
        yield pyarrow.table({"number": [number], "bundle": [bundle]})
        number += 1


@dataclass(frozen=True, slots=True)
class Setup:
    """What a reader has to agree on with the driver.

    cwd        the driver's folder, for relative paths
    path       where it looks for modules: a job may be of a class that is not ours
    probe      a file in the folder of results that every machine must see; None: that folder is no local one
    seconds    the longest time for one page
    threads    those that libraries may start
    neighbours readers on one machine, itself among them: they share its memory
    reloads    its process loads a model, and is not replaced after a number of tasks
    """

    version: str
    cwd: str
    path: tuple[str, ...]
    probe: str | None
    seconds: float
    threads: int = 1
    neighbours: int = 1
    reloads: bool = False

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
    """Has bundles done, one task at a time. Ray makes it on a machine of the cluster, and again if that is lost."""

    def __init__(self, feed: Any, setup: Setup) -> None:
        import ray

        with suppress(OSError):  # then there is no relative path, or it is said of the file
            os.chdir(setup.cwd)
        sys.path += [place for place in setup.path if place not in sys.path]
        self._feed = feed
        self._refusal = setup.refusal()
        # A new process runs the file that its parent is: that is Ray's here, 60 MB that it does not need.
        vars(sys.modules["__main__"]).pop("__file__", None)
        recycle = Recycle.fitting(setup.neighbours, reloads=setup.reloads)
        self._pool = Pool(Runner(), 1, seconds=setup.seconds, recycle=recycle, threads=setup.threads)
        self._warm = False
        feed.join.remote(ray.get_runtime_context().current_actor)

    def __call__(self, table: Any) -> Iterator[Any]:
        import pyarrow
        import ray

        for row in table.to_pylist():
            number = row["number"]
            if row["bundle"]:
                with Line(self._feed, number) as line:
                    if self._refusal is not None:
                        line.note(0, "refused", self._refusal)
                    elif ray.get(self._feed.begin.remote(number)):
                        self._read(pickle.loads(row["bundle"]), line)  # noqa: S301  (from our own driver)
                    else:
                        line.note(0, "gone", "its reader on the cluster was lost")
            yield pyarrow.table({"number": [number]})

    def _read(self, bundle: list[tuple[Any, float]], line: Line) -> None:
        places = {}
        for place, (task, patience) in enumerate(bundle):
            places[task] = place
            self._pool.submit(task, patience=patience)
        began = time.monotonic()
        for event in self._pool.events():
            place = places[event.task]
            match event:
                case Message(_, Alive()):
                    pass
                case Message(_, value):
                    line.note(place, "message", value)
                case Done(_, result):
                    now = time.monotonic()
                    if self._warm:
                        line.note(place, "took", now - began)
                    line.note(place, "done", result)
                    self._warm, began = True, now
                case Lost(_, reason):
                    line.note(place, "lost", reason)
                    self._warm, began = False, time.monotonic()
            if not isinstance(event, Message) and place < len(bundle) - 1:
                line.tell()  # if this reader is lost now, it is the next task that is to blame


class Line:
    """From a reader to the feed: what happens to the tasks of a bundle, every ``PACE`` seconds and at its end."""

    def __init__(self, feed: Any, number: int) -> None:
        self._feed = feed
        self._number = number
        self._noted: list[Told] = []
        self._sent: Any = None
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._clock = threading.Thread(target=self._now_and_then, daemon=True)

    def __enter__(self) -> Line:
        self._clock.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._clock.join()
        self.tell(over=True)

    def note(self, place: int, kind: str, value: Any) -> None:
        with self._lock:
            self._noted.append((place, kind, value, time.monotonic()))

    def tell(self, *, over: bool = False) -> None:
        """Tell what was noted; at once."""
        import ray

        with self._lock:
            if self._sent is not None:  # so that nothing overtakes it, and nothing piles up
                ray.get(self._sent)
            now = time.monotonic()
            told = [(place, kind, value, now - at) for place, kind, value, at in self._noted]
            self._sent = self._feed.tell.remote(self._number, pickle.dumps(told), over)
            self._noted.clear()

    def _now_and_then(self) -> None:
        """A page may take minutes, in which nobody comes by to tell what was before it."""
        while not self._over.wait(PACE):
            if self._noted:
                self.tell()
