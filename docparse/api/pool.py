"""A pool of processes that read pages, each asked by a thread of its own, served fairly.

What is quick (a page that is drawn for somebody who looks at it) does not wait behind pages that are read: it has a
process of its own, which is started when all others are busy for the first time.

A process that dies or takes too long over a question is replaced, and the question asked once more in a fresh one,
when its turn comes again; the second time it fails. Nothing else is lost with it. A process that is long at
something which was cancelled is not waited for. What this file is not: it knows questions and answers, not what is in
them.
"""

from __future__ import annotations

import contextlib
import pickle
import tempfile
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import Popen
from typing import Any

from docparse import child
from docparse.api.fairness import FairQueue
from docparse.api.page_worker import OPEN_FILES, Setup
from docparse.errors import CorruptSource, DocparseError, EngineError, EngineTimeout, SourceTimeout

START_SECONDS = 60.0
"""Allowance for a new process to start and import; a slow disk is not the page's fault."""
TRIES = 2
ANSWERS = 2000
"""Answers after which a process makes room for a fresh one: what libraries leave behind is gone with it."""
MOST_JSON = 128 * 1024**2
"""Bytes of an answer: a page of a quarter of a million words."""

LOOK_SECONDS = 5.0
"""Between two looks at whether anybody still wants the answer. A process that is killed takes a second, and all that
it has loaded, so that an answer that will soon be there is waited for."""
QUICK_PATIENCE = 0.25
"""Share of a page's time that something quick may take."""

Answer = dict[str, Any]
"""What a process says; where bytes came beside it, they are its ``bytes``."""


class _Lost(Exception):
    """A process that was asked is no more. ``late``: it took too long."""

    def __init__(self, reason: str, *, late: bool) -> None:
        super().__init__(reason)
        self.late = late


@dataclass(eq=False, slots=True)
class Ask:
    """A question, and who asks it.

    file   what it is about: processes keep some open
    name   of the file, and ``page``: what an error says
    check  makes sense of the answer, in the thread of the process; what it raises is the process's fault
    failed makes of an error what the future gives; None: the future fails with it
    patience  how many times as long as others it may take
    quick  is there in milliseconds, and does not wait behind what is not; one that is not there has one try
    most_bytes  that may come beside the answer
    """

    head: dict[str, Any]
    file: str
    name: str
    check: Callable[[Answer], Any]
    priority: int = 1
    client: str = ""
    job: str = ""
    page: int | None = None
    cancelled: Callable[[], bool] = lambda: False
    failed: Callable[[DocparseError], Any] | None = None
    patience: float = 1.0
    quick: bool = False
    most_bytes: int = 0
    future: Future[Any] = field(default_factory=Future)
    tries: int = 0


class PagePool:
    """``size`` processes, and one for what is quick. ``seconds``: the longest time for a question."""

    def __init__(self, size: int, setup: Setup, *, seconds: float) -> None:
        self._setup = pickle.dumps(setup)
        self._seconds = seconds
        self._changed = threading.Condition()
        self._waiting: FairQueue[Ask] = FairQueue()
        self._quick: FairQueue[Ask] = FairQueue()
        self._hurry = False
        """Whether something quick has ever had to wait."""
        self._closed = False
        self._counts = {"answers": 0, "lost": 0}
        readers = [_Slot(self, number) for number in range(max(size, 1))]
        self._slots = [*readers, _Slot(self, len(readers), quick=True)]
        self._idle: list[_Slot] = []
        """The one that has been idle for longest comes first."""
        for slot in self._slots:
            slot.thread.start()

    def submit(self, ask: Ask) -> Future[Any]:
        """Have it asked in its turn. The future fails with ``DocparseError``, or is cancelled."""
        with self._changed:
            if self._closed:
                ask.future.cancel()
            else:
                self._push(ask)
                self._deal()
                if self._quick and not self._hurry:
                    self._hurry = True
                    self._changed.notify_all()
        return ask.future

    def load(self) -> Mapping[str, float]:
        with self._changed:
            readers = [slot for slot in self._slots if not slot.quick]
            busy = sum(slot.ask is not None for slot in readers)
            alive = sum(slot.process is not None for slot in readers)
            pids = [process.pid for slot in self._slots if (process := slot.process) is not None]
            waiting, counts = len(self._waiting), dict(self._counts)
        return {
            "pages_waiting": waiting,
            "pages_in_hand": busy,
            "workers": len(readers),
            "workers_alive": alive,
            "worker_restarts": sum(max(slot.starts - 1, 0) for slot in self._slots),
            "workers_lost": counts["lost"],
            "worker_memory_bytes": sum(map(resident, pids)),
        }

    def close(self, *, drain: float = 0.0) -> None:
        """Cancel what waits; what is asked may take ``drain`` seconds more, and is then cancelled too."""
        with self._changed:
            self._closed = True
            waiting = [*self._waiting.remove(lambda _: True), *self._quick.remove(lambda _: True)]
            self._changed.notify_all()
        for ask in waiting:
            ask.future.cancel()
        with self._changed:
            self._changed.wait_for(lambda: all(slot.ask is None for slot in self._slots), drain)
        for slot in self._slots:
            slot.kill()
        for slot in self._slots:
            slot.thread.join()

    # ------------------------------------------------------------------------ whose turn it is; ``_changed`` is held

    def _push(self, ask: Ask) -> None:
        queue = self._quick if ask.quick else self._waiting
        queue.push(ask, priority=ask.priority, client=ask.client, job=ask.job)

    def _deal(self) -> None:
        """Give idle processes something to do: one that has the file open, where there is one.

        Pages come first for those that read them: who only looks cannot keep others from being served.
        """
        self._give(self._waiting, [slot for slot in self._idle if not slot.quick])
        self._give(self._quick, list(self._idle))

    def _give(self, queue: FairQueue[Ask], idle: list[_Slot]) -> None:
        while idle and queue:
            ask = queue.pop()
            if ask.tries == 0 and (ask.cancelled() or not ask.future.set_running_or_notify_cancel()):
                ask.future.cancel()
                continue
            slot = next((slot for slot in idle if ask.file in slot.files), idle[0])
            idle.remove(slot)
            self._idle.remove(slot)
            slot.ask = ask
            self._changed.notify_all()

    # ------------------------------------------------------------------------ called by the threads of processes

    def next(self, slot: _Slot) -> Ask | None:
        """Wait for something to do. None at the end."""
        with self._changed:
            self._idle.append(slot)
            self._deal()
            self._changed.wait_for(lambda: slot.ask is not None or self._closed)
            return slot.ask

    def done(self, slot: _Slot, outcome: Any) -> None:
        """``outcome``: an answer, or why there is none."""
        with self._changed:
            ask, slot.ask = slot.ask, None
            assert ask is not None
            self._counts["answers"] += 1
            self._changed.notify_all()
            if isinstance(outcome, _Lost):
                self._counts["lost"] += 1
                ask.tries += 1
                if self._closed or ask.cancelled():
                    outcome = CancelledError()
                elif ask.tries < TRIES and not (ask.quick and outcome.late):
                    self._push(ask)
                    self._deal()
                    return
                else:
                    outcome = _stopped(ask, outcome)
        if isinstance(outcome, DocparseError) and ask.failed is not None:
            outcome = ask.failed(outcome)
        if isinstance(outcome, BaseException):
            ask.future.set_exception(outcome)
        else:
            ask.future.set_result(outcome)

    def wait_for_hurry(self) -> None:
        """Until something quick has to wait, or the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._hurry or self._closed)

    @property
    def setup(self) -> bytes:
        return self._setup

    @property
    def seconds(self) -> float:
        return self._seconds

    @property
    def closed(self) -> bool:
        return self._closed


class _Slot:
    """A process and the thread that asks it."""

    def __init__(self, pool: PagePool, number: int, *, quick: bool = False) -> None:
        self.quick = quick
        self.starts = 0
        self.ask: Ask | None = None
        self.files: OrderedDict[str, None] = OrderedDict()
        """Those that the process has open, as far as we know."""
        self.process: Popen[bytes] | None = None
        self._pool = pool
        self._scratch: tempfile.TemporaryDirectory[str] | None = None
        self._answers = 0
        self._killing = threading.Lock()
        self.thread = threading.Thread(target=self._run, name=f"docparse-pages-{number}", daemon=True)

    def _run(self) -> None:
        if self.quick:
            self._pool.wait_for_hurry()
        with contextlib.suppress(Exception):  # the first question will find out, and say it
            self._start()
        while (ask := self._pool.next(self)) is not None:
            outcome: Any
            try:
                outcome = self._asked(ask)
            except _Lost as error:
                outcome = error
            except DocparseError as error:
                outcome = error
            except Exception as error:  # noqa: BLE001 -- a fault of ours is not the pool's end
                self._end()
                outcome = EngineError(f"the page could not be read ({type(error).__name__}: {error}).", file=ask.name)
            self._pool.done(self, outcome)
            if self.process is None and not self._pool.closed:
                with contextlib.suppress(Exception):  # so that nobody waits for it
                    self._start()
        self._end()

    def kill(self) -> None:
        """From another thread: the question that is asked ends at once."""
        with self._killing:
            if self.process is not None:
                child.kill_all(self.process)

    def _asked(self, ask: Ask) -> Any:
        if self.process is None or self.process.poll() is not None or self._answers >= ANSWERS:
            self._end()
            self._start()
        self.files[ask.file] = None
        self.files.move_to_end(ask.file)
        if len(self.files) > OPEN_FILES:
            self.files.popitem(last=False)
        answer = self._say(ask.head, b"", self._pool.seconds * ask.patience, ask.most_bytes)
        self._answers += 1
        if "error" in answer:
            with self._sense():
                error = child.revived(answer["error"])
            error.file, error.page = error.file or ask.name, error.page or ask.page
            raise error
        with self._sense():
            return ask.check(answer)

    @contextlib.contextmanager
    def _sense(self) -> Any:
        """What a process says is not to be trusted, not even to be of the right type."""
        try:
            yield
        except (LookupError, TypeError, ValueError, ArithmeticError, RecursionError, DocparseError) as error:
            self._end()
            raise _Lost("it gave no sensible answer", late=False) from error

    def _start(self) -> None:
        scratch = tempfile.TemporaryDirectory(prefix="docparse-")
        with self._killing:
            if self._pool.closed:
                scratch.cleanup()
                raise _Lost("the pool is closed", late=False)
            self._scratch = scratch
            self.process = child.start("docparse.api.page_worker", scratch.name)
        self._answers = 0
        self.starts += 1
        answer = self._say({}, self._pool.setup, START_SECONDS)
        if "error" in answer:
            self._end()
            raise child.revived(answer["error"])

    def _say(self, head: dict[str, Any], blob: bytes, seconds: float, most_bytes: int = 0) -> Answer:
        process = self.process
        assert process is not None
        assert process.stdin is not None
        assert process.stdout is not None
        ask, late, over = self.ask, threading.Event(), threading.Event()

        def watch() -> None:
            end = time.monotonic() + seconds
            while not over.wait(max(min(LOOK_SECONDS, end - time.monotonic()), 0)):
                if time.monotonic() >= end:
                    late.set()
                elif ask is None or not ask.cancelled():
                    continue
                child.kill_all(process)
                return

        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        try:
            child.send(process.stdin, head, blob)
            reply = child.receive(process.stdout, most_bytes, most_json=MOST_JSON)
        except (OSError, ValueError, RecursionError):
            reply = None
        finally:
            over.set()
        if reply is None:
            how = self._end()
            raise _Lost(f"it took longer than {seconds:g} s" if late.is_set() else how, late=late.is_set())
        answer, beside = reply
        return {**answer, "bytes": beside} if most_bytes else answer

    def _end(self) -> str:
        with self._killing:
            process, self.process = self.process, None
        self.files.clear()
        if process is not None and process.stdin is not None:
            with contextlib.suppress(OSError):
                process.stdin.close()  # a sound one ends by itself
        how = "it was not running" if process is None else child.end(process)
        if self._scratch is not None:
            self._scratch.cleanup()
            self._scratch = None
        return how


def _stopped(ask: Ask, lost: _Lost) -> DocparseError:
    """What to call it when a process stopped on a page, or while it opened the file."""
    unread = ask.page is None or ask.quick
    if lost.late:
        kind: type[DocparseError] = SourceTimeout if unread else EngineTimeout
        return kind(f"{lost}.", file=ask.name, page=ask.page)
    kind = CorruptSource if unread else EngineError
    what = "file" if ask.page is None else "page"
    return kind(f"the {what} made its reader stop ({lost}).", file=ask.name, page=ask.page)


def resident(pid: int) -> int:
    """Bytes of memory that a process has; 0 where the system does not say."""
    try:
        pages = Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]
    except (OSError, IndexError):
        return 0
    return int(pages) * 4096
