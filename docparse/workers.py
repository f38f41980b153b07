"""Worker processes that may die: one pipe each, no shared locks, killed when they are too slow.

A worker runs tasks of one kind of function, ``run(task, send)``, and sends messages while it does. One that can do
several tasks side by side (``Abreast``) takes them as they come.
What this file is not: it knows nothing of documents. ``batch`` says what a task is, and what to do
when a worker was lost with one. What a worker does is in ``worker_process``.
"""

from __future__ import annotations

import contextlib
import itertools
import multiprocessing
import pickle
import signal
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from typing import Any, Protocol, Self

from docparse.errors import EngineUnavailable
from docparse.machine import free_memory, memory_of
from docparse.worker_process import GRACE_SECONDS, Abreast, Run, serve

START_SECONDS = 60.0
"""Allowance for a new process to start and import; a slow disk is not the task's fault."""
STILLBORN = 3
"""Workers in a row that end before they are ready; then it is not the tasks, and no worker will ever be."""


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
    """A task's worker died or was killed. ``reason``: ``timeout``, or how the process ended. ``alone``: no other task
    was with it, so that it is to blame."""

    task: Any
    reason: str
    alone: bool = True


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


@dataclass(frozen=True, slots=True)
class Waiting:
    """A task that waits for a worker. ``seconds``: how long that may be silent; ``alone``: it takes no other
    meanwhile."""

    task: Any
    seconds: float
    alone: bool = False


@dataclass(slots=True)
class _Worker:
    """``tasks``: those in hand, by their keys. ``spent``: it gets no more."""

    process: Any
    pipe: Connection
    tasks: dict[int, Waiting] = field(default_factory=dict)
    deadline: float = 0.0
    ready: bool = False
    spent: bool = False
    done: int = 0
    held: int | None = None

    @property
    def seconds(self) -> float:
        return max((waiting.seconds for waiting in self.tasks.values()), default=0.0)

    def takes(self, waiting: Waiting, at_once: int) -> bool:
        if not self.tasks:
            return not self.spent
        crowded = waiting.alone or len(self.tasks) >= at_once or any(other.alone for other in self.tasks.values())
        return not (crowded or self.spent)


class Processes(Protocol):
    """Who has tasks done: a ``Pool`` here, or others elsewhere that answer like it (``batch.ray_runner``).

    ahead  tasks that should wait for each worker, so that none waits for the next one to be found
    """

    @property
    def ahead(self) -> int: ...
    def submit(self, task: Any, *, first: bool = False, patience: float = 1.0, alone: bool = False) -> None: ...
    def withdraw(self, unwanted: Callable[[Any], bool]) -> list[Any]: ...
    def events(self) -> Iterator[Message | Done | Lost]: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, *_: object) -> None: ...


class Pool:
    """Up to ``size`` workers, started when there is work for them.

    ``seconds``: the longest silence of a running task; each message starts it anew. ``recycle``: when a worker is
    replaced although it is well; None: never. ``threads``: those that libraries may start in each worker, unless the
    user's environment says it; None: as many as they like. ``at_once``: tasks that a worker has in hand; more than one
    needs ``run`` to be ``Abreast``.

    Raises ``EngineUnavailable`` where no worker starts.
    """

    def __init__(
        self,
        run: Run | Abreast,
        size: int,
        *,
        seconds: float,
        recycle: Recycle | None = None,
        threads: int | None = None,
        at_once: int = 1,
    ) -> None:
        # Not fork: the parent may have threads, and its children must not share its open files.
        self._context = multiprocessing.get_context("spawn")
        self._run = run
        self._size = max(size, 1)
        self._seconds = seconds
        self._recycle = recycle
        self._threads = threads
        self._at_once = max(at_once, 1)
        self._stillborn = 0
        self._workers: list[_Worker] = []
        self._waiting: deque[Waiting] = deque()
        self._keys = itertools.count()

    @property
    def ahead(self) -> int:
        return self._at_once + 1

    def submit(self, task: Any, *, first: bool = False, patience: float = 1.0, alone: bool = False) -> None:
        """Have ``task`` run, before all others that wait if it is to be ``first``.

        ``patience``: how many times as long as others it may be silent. ``alone``: no other is with it then.
        """
        waiting = Waiting(task, self._seconds * patience, alone)
        if first:
            self._waiting.appendleft(waiting)
        else:
            self._waiting.append(waiting)

    def withdraw(self, unwanted: Callable[[Any], bool]) -> list[Any]:
        """Take back the tasks that wait and are not wanted any more. Those that run go on."""
        return taken_out(self._waiting, unwanted)

    def events(self) -> Iterator[Message | Done | Lost]:
        """What happens, until all submitted tasks have ended. More may be submitted meanwhile."""
        while self._waiting or any(w.tasks for w in self._workers):
            self._deal()
            busy = [w for w in self._workers if w.tasks]
            soonest = min(w.deadline for w in busy) - time.monotonic()
            ready = wait([w.pipe for w in busy], timeout=max(soonest, 0.0))
            for worker in busy:
                if worker.pipe in ready:
                    yield from self._receive(worker)
                elif time.monotonic() > worker.deadline and not worker.pipe.poll():
                    # Asked again: it may have answered while we were busy with another one.
                    yield from self._lose(worker, "timeout")

    def _deal(self) -> None:
        while self._waiting:
            # Whoever has least to do: a new worker, if there may be one, before one that has something in hand.
            free = min(
                (w for w in self._workers if w.takes(self._waiting[0], self._at_once)),
                key=lambda w: len(w.tasks),
                default=None,
            )
            if (free is None or free.tasks) and len(self._workers) < self._size:
                free = self._start()
            if free is None:
                return
            key, waiting = next(self._keys), self._waiting.popleft()
            if not free.tasks:
                free.deadline = max(free.deadline, time.monotonic() + waiting.seconds)
            free.tasks[key] = waiting
            with contextlib.suppress(OSError):  # it died while idle: its pipe will say so
                free.pipe.send((key, waiting.task))

    def _start(self) -> _Worker:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(
            target=serve, args=(pickle.dumps(self._run), theirs, self._threads), daemon=True
        )
        with _no_interrupt():
            process.start()
        theirs.close()
        worker = _Worker(process, ours, deadline=time.monotonic() + self._seconds + START_SECONDS)
        self._workers.append(worker)
        return worker

    def _receive(self, worker: _Worker) -> Iterator[Message | Done | Lost]:
        try:
            kind, key, value = worker.pipe.recv()
        except (EOFError, OSError):
            worker.process.join(timeout=5)
            yield from self._lose(worker, _ending(worker.process.exitcode))
            return
        if kind == "ready":  # its first task still has the time to start: more is imported when it is needed
            worker.ready, self._stillborn = True, 0
            return
        if kind == "message":
            worker.deadline = time.monotonic() + worker.seconds
            yield Message(worker.tasks[key].task, value)
            return
        waiting = worker.tasks.pop(key)
        worker.deadline = time.monotonic() + worker.seconds if worker.tasks else 0.0
        worker.done += 1
        self._look_after(worker)
        yield Done(waiting.task, value)

    def _look_after(self, worker: _Worker) -> None:
        """A worker has done a task: end it if it is spent."""
        if self._recycle is not None and not worker.spent:
            held = None if self._recycle.growth is None else memory_of(worker.process.pid)
            worker.held = worker.held if worker.done > 1 else held
            worker.spent = self._recycle.spent(worker.done, worker.held, held)
        if worker.spent and not worker.tasks:
            self._workers.remove(worker)
            worker.pipe.close()  # it ends by itself when nobody needs it any more
            worker.process.join(GRACE_SECONDS)
            _end([worker])

    def _lose(self, worker: _Worker, reason: str) -> Iterator[Lost]:
        self._workers.remove(worker)
        _end([worker])
        lost = list(worker.tasks.values())
        if worker.ready:
            for waiting in lost:
                yield Lost(waiting.task, reason, alone=len(lost) == 1)
            return
        # It has not seen its tasks: they are not to blame.
        self._stillborn += 1
        if self._stillborn >= STILLBORN:
            raise EngineUnavailable(
                f"worker processes end before they have begun ({reason}).",
                hint="Is there enough memory? docparse doctor looks at the installation.",
            )
        self._waiting.extendleft(reversed(lost))

    def close(self) -> None:
        """End all workers, whatever they are doing; what one is writing is removed, not left half done."""
        _end(self._workers)
        self._workers.clear()

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def taken_out(waiting: deque[Waiting], unwanted: Callable[[Any], bool]) -> list[Any]:
    """Remove unwanted tasks from those that wait; the others keep their order."""
    items = list(waiting)
    out = [unwanted(item.task) for item in items]
    waiting.clear()
    waiting.extend(item for item, gone in zip(items, out, strict=True) if not gone)
    return [item.task for item, gone in zip(items, out, strict=True) if gone]


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
