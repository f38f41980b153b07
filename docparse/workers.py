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
import signal
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any

Send = Callable[[Any], None]
Run = Callable[[Any, Send], Any]

START_SECONDS = 60.0
"""Allowance for a new process to start and import; a slow disk is not the task's fault."""


@dataclass(frozen=True, slots=True)
class Message:
    """Something a running task sent."""

    task: Any
    value: Any


@dataclass(frozen=True, slots=True)
class Done:
    """A task ended with a result."""

    task: Any
    result: Any


@dataclass(frozen=True, slots=True)
class Lost:
    """A task's worker died or was killed. ``reason``: ``timeout``, or how the process ended."""

    task: Any
    reason: str


@dataclass(slots=True)
class _Worker:
    process: Any
    pipe: Connection
    task: Any = None
    deadline: float = 0.0


class Pool:
    """Up to ``size`` workers, started when there is work for them.

    ``seconds``: the longest silence of a running task; each message starts it anew.
    """

    def __init__(self, run: Run, size: int, *, seconds: float) -> None:
        # Not fork: the parent may have threads, and its children must not share its open files.
        self._context = multiprocessing.get_context("spawn")
        self._run = run
        self._size = max(size, 1)
        self._seconds = seconds
        self._workers: list[_Worker] = []
        self._waiting: deque[Any] = deque()

    def submit(self, task: Any, *, first: bool = False) -> None:
        if first:
            self._waiting.appendleft(task)
        else:
            self._waiting.append(task)

    def events(self) -> Iterator[Message | Done | Lost]:
        """What happens, until all submitted tasks have ended. More may be submitted meanwhile."""
        while self._waiting or any(w.task is not None for w in self._workers):
            self._deal()
            busy = [w for w in self._workers if w.task is not None]
            soonest = min(w.deadline for w in busy) - time.monotonic()
            ready = wait([w.pipe for w in busy], timeout=max(soonest, 0.0))
            for worker in busy:
                if worker.pipe in ready:
                    yield self._receive(worker)
                elif time.monotonic() > worker.deadline:
                    yield self._lose(worker, "timeout")

    def _deal(self) -> None:
        while self._waiting:
            free = next((w for w in self._workers if w.task is None), None)
            if free is None:
                if len(self._workers) >= self._size:
                    return
                free = self._start()
            free.task = self._waiting.popleft()
            free.deadline = max(free.deadline, time.monotonic() + self._seconds)
            with contextlib.suppress(OSError):  # it died while idle: its pipe will say so
                free.pipe.send(free.task)

    def _start(self) -> _Worker:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=_serve, args=(self._run, theirs), daemon=True)
        process.start()
        theirs.close()
        worker = _Worker(process, ours, deadline=time.monotonic() + self._seconds + START_SECONDS)
        self._workers.append(worker)
        return worker

    def _receive(self, worker: _Worker) -> Message | Done | Lost:
        try:
            kind, value = worker.pipe.recv()
        except (EOFError, OSError):
            worker.process.join(timeout=5)
            return self._lose(worker, _ending(worker.process.exitcode))
        worker.deadline = time.monotonic() + self._seconds
        if kind == "message":
            return Message(worker.task, value)
        task, worker.task = worker.task, None
        return Done(task, value)

    def _lose(self, worker: _Worker, reason: str) -> Lost:
        self._workers.remove(worker)
        worker.process.kill()
        worker.process.join()
        worker.pipe.close()
        return Lost(worker.task, reason)

    def close(self) -> None:
        """End all workers, whatever they are doing."""
        for worker in self._workers:
            worker.process.kill()
        for worker in self._workers:
            worker.process.join()
            worker.pipe.close()
        self._workers.clear()

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _ending(code: int | None) -> str:
    if code is not None and code < 0:
        with contextlib.suppress(ValueError):
            return f"killed by {signal.Signals(-code).name}"
    return f"exit status {code}"


def _serve(run: Run, pipe: Connection) -> None:
    """The life of a worker process."""
    # Ctrl-C goes to the whole process group; the parent decides what becomes of us.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logging.disable(logging.CRITICAL)
    with open(os.devnull, "w") as nothing:
        # C libraries write their complaints to file descriptor 2.
        os.dup2(nothing.fileno(), 2)
    while True:
        try:
            task = pipe.recv()
        except (EOFError, OSError):
            return
        result = run(task, lambda value: pipe.send(("message", value)))
        pipe.send(("done", result))
