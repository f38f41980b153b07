"""Worker processes that may die: one pipe each, no shared locks, killed when they are too slow.

A worker runs tasks of one kind of function, ``run(task, send)``, and sends messages while it does.
What this file is not: it knows nothing of documents. ``batch`` says what a task is, and what to do
when a worker was lost with one.
"""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import os
import pickle
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from typing import Any, Protocol, Self

from docparse.errors import EngineUnavailable
from docparse.machine import free_memory, memory_of

Send = Callable[[Any], None]
Run = Callable[[Any, Send], Any]

START_SECONDS = 60.0
"""Allowance for a new process to start and import; a slow disk is not the task's fault."""
GRACE_SECONDS = 2.0
"""Time for a worker that is told to end to remove the file it was writing."""
STILLBORN = 3
"""Workers in a row that end before they are ready; then it is not the tasks, and no worker will ever be."""
LIBRARY_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS")
"""Libraries start a thread for each core in every process, unless these variables tell them not to."""


@dataclass(frozen=True, slots=True)
class Message:
    """Something a running task sent, so many seconds ``ago``."""

    task: Any
    value: Any
    ago: float = 0.0


@dataclass(frozen=True, slots=True)
class Done:
    """A task ended with a result, so many seconds ``ago``."""

    task: Any
    result: Any
    ago: float = 0.0


@dataclass(frozen=True, slots=True)
class Lost:
    """A task's worker died or was killed. ``reason``: ``timeout``, or how the process ended."""

    task: Any
    reason: str


@dataclass(frozen=True, slots=True)
class Recycle:
    """When a worker is spent: it ends, and the next task gets a new one, because libraries lose memory for good.

    tasks   it has done so many; None: any number
    growth  bytes that it holds more than after its first task, once it has done ``at_least`` tasks. Where the system
            does not say what a process holds (not Linux), only tasks count
    """

    tasks: int | None = 1000
    growth: int | None = 1024**3
    at_least: int = 10

    @classmethod
    def fitting(cls, workers: int, *, reloads: bool = False) -> Recycle:
        """For so many workers on this machine: half of its memory may be lost at most. ``reloads``: a new worker has
        to load a model that takes long, so that no number of tasks is a reason."""
        free = free_memory()
        most = 1024**3
        tasks = None if reloads else cls().tasks
        return cls(tasks, most if free is None else min(most, max(free // (2 * max(workers, 1)), most // 8)))

    def spent(self, tasks: int, first: int | None, now: int | None) -> bool:
        """Of a worker that has done ``tasks``, and held ``first`` bytes after one of them, ``now`` after all."""
        if self.tasks is not None and tasks >= self.tasks:
            return True
        known = self.growth is not None and first is not None and now is not None and tasks >= self.at_least
        return known and now - first > self.growth  # type: ignore[operator]


@dataclass(slots=True)
class _Worker:
    process: Any
    pipe: Connection
    task: Any = None
    seconds: float = 0.0
    deadline: float = 0.0
    ready: bool = False
    done: int = 0
    held: int | None = None


class Processes(Protocol):
    """Who has tasks done: a ``Pool`` here, or others elsewhere that answer like it (``batch.ray_runner``).

    ahead  tasks that should wait for each worker, so that none waits for the next one to be found
    """

    @property
    def ahead(self) -> int: ...
    def submit(self, task: Any, *, first: bool = False, patience: float = 1.0) -> None: ...
    def withdraw(self, unwanted: Callable[[Any], bool]) -> list[Any]: ...
    def events(self) -> Iterator[Message | Done | Lost]: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, *_: object) -> None: ...


class Pool:
    """Up to ``size`` workers, started when there is work for them.

    ``seconds``: the longest silence of a running task; each message starts it anew. ``recycle``: when a worker is
    replaced although it is well; None: never. ``threads``: those that libraries may start in each worker, unless the
    user's environment says it; None: as many as they like.

    Raises ``EngineUnavailable`` where no worker starts.
    """

    ahead = 2

    def __init__(
        self, run: Run, size: int, *, seconds: float, recycle: Recycle | None = None, threads: int | None = None
    ) -> None:
        # Not fork: the parent may have threads, and its children must not share its open files.
        self._context = multiprocessing.get_context("spawn")
        self._run = run
        self._size = max(size, 1)
        self._seconds = seconds
        self._recycle = recycle
        self._threads = threads
        self._stillborn = 0
        self._workers: list[_Worker] = []
        self._waiting: deque[tuple[Any, float]] = deque()

    def submit(self, task: Any, *, first: bool = False, patience: float = 1.0) -> None:
        """Have ``task`` run, before all others that wait if it is to be ``first``.

        ``patience``: how many times as long as others it may be silent.
        """
        waiting = (task, self._seconds * patience)
        if first:
            self._waiting.appendleft(waiting)
        else:
            self._waiting.append(waiting)

    def withdraw(self, unwanted: Callable[[Any], bool]) -> list[Any]:
        """Take back the tasks that wait and are not wanted any more. Those that run go on."""
        return taken_out(self._waiting, unwanted)

    def events(self) -> Iterator[Message | Done | Lost]:
        """What happens, until all submitted tasks have ended. More may be submitted meanwhile."""
        while self._waiting or any(w.task is not None for w in self._workers):
            self._deal()
            busy = [w for w in self._workers if w.task is not None]
            soonest = min(w.deadline for w in busy) - time.monotonic()
            ready = wait([w.pipe for w in busy], timeout=max(soonest, 0.0))
            for worker in busy:
                event: Message | Done | Lost | None = None
                if worker.pipe in ready:
                    event = self._receive(worker)
                elif time.monotonic() > worker.deadline and not worker.pipe.poll():
                    # Asked again: it may have answered while we were busy with another one.
                    event = self._lose(worker, "timeout")
                if event is not None:
                    yield event

    def _deal(self) -> None:
        while self._waiting:
            free = next((w for w in self._workers if w.task is None), None)
            if free is None:
                if len(self._workers) >= self._size:
                    return
                free = self._start()
            free.task, free.seconds = self._waiting.popleft()
            free.deadline = max(free.deadline, time.monotonic() + free.seconds)
            with contextlib.suppress(OSError):  # it died while idle: its pipe will say so
                free.pipe.send(free.task)

    def _start(self) -> _Worker:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(
            target=_serve, args=(pickle.dumps(self._run), theirs, self._threads), daemon=True
        )
        with _no_interrupt():
            process.start()
        theirs.close()
        worker = _Worker(process, ours, deadline=time.monotonic() + self._seconds + START_SECONDS)
        self._workers.append(worker)
        return worker

    def _receive(self, worker: _Worker) -> Message | Done | Lost | None:
        try:
            kind, value = worker.pipe.recv()
        except (EOFError, OSError):
            worker.process.join(timeout=5)
            return self._lose(worker, _ending(worker.process.exitcode))
        if kind == "ready":  # its first task still has the time to start: more is imported when it is needed
            worker.ready, self._stillborn = True, 0
            return None
        worker.deadline = time.monotonic() + worker.seconds
        if kind == "message":
            return Message(worker.task, value)
        task, worker.task = worker.task, None
        worker.deadline = 0.0
        worker.done += 1
        self._look_after(worker)
        return Done(task, value)

    def _look_after(self, worker: _Worker) -> None:
        """A worker has done a task: end it if it is spent."""
        if self._recycle is None:
            return
        held = None if self._recycle.growth is None else memory_of(worker.process.pid)
        worker.held = worker.held if worker.done > 1 else held
        if self._recycle.spent(worker.done, worker.held, held):
            self._workers.remove(worker)
            worker.pipe.close()  # it ends by itself when nobody needs it any more
            worker.process.join(GRACE_SECONDS)
            _end([worker])

    def _lose(self, worker: _Worker, reason: str) -> Lost | None:
        self._workers.remove(worker)
        _end([worker])
        if worker.ready:
            return Lost(worker.task, reason)
        # It has not seen its task: that is not to blame.
        self._stillborn += 1
        if self._stillborn >= STILLBORN:
            raise EngineUnavailable(
                f"worker processes end before they have begun ({reason}).",
                hint="Is there enough memory? docparse doctor looks at the installation.",
            )
        self._waiting.appendleft((worker.task, worker.seconds))
        return None

    def close(self) -> None:
        """End all workers, whatever they are doing; what one is writing is removed, not left half done."""
        _end(self._workers)
        self._workers.clear()

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def taken_out(waiting: deque[tuple[Any, float]], unwanted: Callable[[Any], bool]) -> list[Any]:
    """Remove unwanted tasks from those that wait; the others keep their order."""
    items = list(waiting)
    out = [unwanted(task) for task, _ in items]
    waiting.clear()
    waiting.extend(item for item, gone in zip(items, out, strict=True) if not gone)
    return [task for (task, _), gone in zip(items, out, strict=True) if gone]


def _ending(code: int | None) -> str:
    if code is not None and code < 0:
        with contextlib.suppress(ValueError):
            return f"killed by {signal.Signals(-code).name}"
    return f"exit status {code}"


def _end(workers: list[_Worker]) -> None:
    """Ask them to end, and make them if they do not."""
    try:
        for worker in workers:
            worker.process.terminate()
        deadline = time.monotonic() + GRACE_SECONDS
        for worker in workers:
            worker.process.join(max(deadline - time.monotonic(), 0.0))
    finally:  # also if the user is in a hurry, and interrupts this
        for worker in workers:
            worker.process.kill()
            worker.process.join()
            worker.pipe.close()


@contextlib.contextmanager
def _no_interrupt() -> Iterator[None]:
    """Starts processes that Ctrl-C does not reach, not even before their first line of Python.

    Ctrl-C goes to all processes of a terminal; the parent decides what becomes of its workers.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    # The first process of all brings along a helper of multiprocessing's, and starting that unblocks
    # the signal for whoever comes next.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _leave(*_: object) -> None:
    """As a signal handler: unwind, so that whoever is writing a file removes it."""
    raise SystemExit(1)


def _follow_parent() -> None:
    """End with the parent, however it ended: nobody else would stop a task that hangs."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(GRACE_SECONDS)
    os._exit(1)


def _bound_libraries(threads: int) -> None:
    """Have libraries that are imported from now on start so many threads, unless the user's environment says it.

    Here and not where the worker is started: ``multiprocessing`` gives a child the environment of its parent, whose
    own libraries, and those of other workers, are not to be bound.
    """
    for name in LIBRARY_THREADS:
        os.environ.setdefault(name, str(threads))


def _serve(pickled: bytes, pipe: Connection, threads: int | None) -> None:
    """The life of a worker process. What it runs comes ``pickled``: that imports libraries, which look at the
    environment then."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # where _no_interrupt could do nothing
    signal.signal(signal.SIGTERM, _leave)
    threading.Thread(target=_follow_parent, daemon=True).start()
    logging.disable(logging.CRITICAL)
    with open(os.devnull, "w") as nothing:
        # C libraries write their complaints to file descriptor 2.
        os.dup2(nothing.fileno(), 2)
    status = 1
    try:
        if threads is not None:
            _bound_libraries(threads)
        run: Run = pickle.loads(pickled)  # noqa: S301  (from our parent)
        pipe.send(("ready", None))
        while True:
            task = pipe.recv()
            result = run(task, lambda value: pipe.send(("message", value)))
            pipe.send(("done", result))
    except EOFError:
        status = 0  # the parent needs us no more
    finally:
        # Not a return: threads of a library that still compute would keep the process.
        os._exit(status)
