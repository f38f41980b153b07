"""Work for ``workers.Pool`` that ends in every way work can end. Its own file: workers import it."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from docparse.worker_process import Answer, Send
from docparse.workers import Message, Pool

HELD: list[bytearray] = []


class Gathering:
    """Tasks side by side: a ``("gather", n)`` waits until ``n`` tasks are in hand, and answers how many there are;
    anything else is done at once, as ``work`` does it."""

    def serve(self, tasks: Callable[[], tuple[int, Any]], answer: Answer) -> None:
        waiting: dict[int, int] = {}
        while True:
            key, task = tasks()
            what, value = task
            if what != "gather":
                answer("done", key, (work(task, lambda _: None), len(waiting) + 1))
                continue
            waiting[key] = value
            answer("message", key, len(waiting))
            if len(waiting) >= value:
                for one in reversed(waiting):
                    answer("done", one, len(waiting))
                waiting.clear()


def work(task: tuple[str, Any], send: Send) -> Any:
    """Does what the task's first word says with the second."""
    what, value = task
    if what == "echo":
        return value
    if what == "who":
        return os.getpid()
    if what == "environment":
        return os.environ.get(value)
    if what == "hold":  # so many bytes more than before, for good
        HELD.append(bytearray(value))
        return os.getpid()
    if what == "messages":
        for i in range(value):
            send(i)
        return "sent"
    if what == "slowly":  # the pauses between its messages, in seconds
        for i, pause in enumerate(value):
            time.sleep(pause)
            send(i)
        return "sent"
    if what == "quietly":
        time.sleep(value)
        return "slept"
    if what == "exit":
        os._exit(value)
    if what == "leave":
        sys.exit(value)
    if what == "raise":
        raise ValueError(value)
    if what == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if what == "unsayable":
        return lambda: value
    if what == "noise":
        os.write(2, b"a C library complains\n")
        print("and so does Python", file=sys.stderr)
        return "said"
    if what == "mask":
        return signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, [])
    if what == "write":
        path = Path(value)
        try:
            path.write_text("half")
            send(os.getpid())
            time.sleep(3600)
        finally:
            path.unlink()
    if what == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        send(os.getpid())
        while True:
            time.sleep(3600)
    if what == "hang":
        send(os.getpid())
        time.sleep(3600)
    raise AssertionError(what)


def main(what: str) -> None:
    """A program whose two first workers do ``what``, and which says what they say."""
    with Pool(work, 2, seconds=3600) as pool:
        pool.submit((what, None))
        pool.submit((what, None))
        for event in pool.events():
            print(event.value if isinstance(event, Message) else event.result, flush=True)  # type: ignore[union-attr]


if __name__ == "__main__":
    main(sys.argv[1])
