"""The life of a worker process: it takes tasks from its parent's pipe, and answers there.

What this file is not: it starts no process and looks after none; ``workers`` does.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import pickle
import signal
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import Connection, wait
from typing import Any, Protocol

Send = Callable[[Any], None]
Run = Callable[[Any, Send], Any]
Answer = Callable[[str, int, Any], None]
"""Tell of the task with that key: ``message`` or ``done``, and what."""

GRACE_SECONDS = 2.0
"""Time for a worker that is told to end to remove the file it was writing."""
LIBRARY_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS")
"""Libraries start a thread for each core in every process, unless these variables tell them not to."""


class Abreast(Protocol):
    """What a worker runs that does several tasks side by side."""

    def serve(self, tasks: Callable[[], tuple[int, Any]], answer: Answer) -> None:
        """Do tasks, each with its key, until ``tasks`` raises ``EOFError``: it waits for the next one. ``answer`` may
        be called from any thread."""


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


def serve(pickled: bytes, pipe: Connection, threads: int | None) -> None:
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
        run: Run | Abreast = pickle.loads(pickled)  # noqa: S301  (from our parent)
        pipe.send(("ready", 0, None))
        if not callable(run):
            one_at_a_time = threading.Lock()

            def answer(kind: str, key: int, value: Any) -> None:
                with one_at_a_time:
                    pipe.send((kind, key, value))

            run.serve(pipe.recv, answer)
        while callable(run):
            key, task = pipe.recv()
            result = run(task, lambda value: pipe.send(("message", key, value)))  # noqa: B023  (called at once)
            pipe.send(("done", key, result))
    except EOFError:
        status = 0  # the parent needs us no more
    finally:
        # Not a return: threads of a library that still compute would keep the process.
        os._exit(status)
