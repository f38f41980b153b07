"""Which job is next: huey on a SQLite file, or on Redis where several machines serve one queue.

The queue carries job ids and nothing else, as plain text: nothing that comes out of it is ever run. huey forgets an
id when it hands it out, so that the store is the truth: what it says is unfinished is put in again (``refill``).
An id may then come out twice; whoever runs jobs takes a lease first.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from huey import Huey, PriorityRedisHuey
from huey.registry import Message
from huey.serializer import Serializer
from huey.storage import SqliteStorage

from docparse.api.job import Job
from docparse.errors import StoreUnavailable

log = logging.getLogger("docparse.queue")

POLL_SECONDS = 0.5
"""How long an idle thread naps where another process may have put a job in. One's own process rings."""
BUSY_SECONDS = 30.0
"""How long one process waits for another that writes."""
FOREVER = 10.0**9
"""More turns than there are: between two priorities."""

_TASK = "job"
_ID = re.compile("[0-9a-f]{32}")


class HueyQueue:
    """Ids of jobs that wait, first by priority, then by turn, then as they came. For any number of threads.

    ``where``  the SQLite file, which is made where there is none; or ``redis://...``
    Raises ``StoreUnavailable`` where it cannot be read or written.
    """

    def __init__(self, where: str | os.PathLike[str], *, name: str = "docparse") -> None:
        self.where = os.fspath(where)
        self._bell = _Bell()
        self._huey = self._ask(lambda: _open(self.where, name))
        # huey calls no task of ours: ids are taken, and the runner has threads of its own.
        self._task = self._huey.task(name=_TASK)(lambda id: None)
        self._huey.serializer.task = self._huey._registry.task_to_string(self._task.task_class)

    def put(self, id: str, priority: int, turn: int = 0) -> None:
        order = -(priority * FOREVER + turn)  # huey serves the highest first
        task = self._task.s(_checked(id), priority=order)
        self._ask(lambda: self._huey.enqueue(task))
        self._bell.ring()

    def refill(self, jobs: Iterable[Job]) -> int:
        waiting = self.waiting()
        missing = [job for job in jobs if job.id not in waiting]
        for job in missing:
            self.put(job.id, job.priority, job.turn)
        return len(missing)

    def waiting(self) -> set[str]:
        """All ids that are in it."""
        return {bytes(data).decode("ascii", "replace") for data in self._ask(self._huey.storage.enqueued_items)}

    def take(self, seconds: float) -> str | None:
        deadline = time.monotonic() + seconds
        while True:
            rung = self._bell.rung
            if (task := self._ask(self._dequeue)) is not None:
                return str(task.args[0])
            left = deadline - time.monotonic()
            if left <= 0:
                return None
            if not self._huey.storage.blocking:  # Redis itself has waited
                self._bell.nap(min(left, POLL_SECONDS), since=rung)

    def close(self) -> None:
        self._huey.storage.close()
        if (pool := getattr(self._huey.storage, "pool", None)) is not None:  # Redis's, which huey leaves open
            pool.disconnect()

    def _dequeue(self) -> Any:
        while True:
            try:
                return self._huey.dequeue()
            except ValueError as error:
                log.warning("%s; it is thrown away", error)

    def _ask(self, question: Callable[[], Any]) -> Any:
        try:
            return question()
        except (sqlite3.Error, OSError) as error:
            raise self._unavailable(error) from error
        except Exception as error:  # redis.RedisError, of a package that need not be here
            if type(error).__module__.partition(".")[0] != "redis":
                raise
            raise self._unavailable(error) from error

    def _unavailable(self, error: Exception) -> StoreUnavailable:
        return StoreUnavailable(f"the queue of jobs does not work ({error}).")


class _Bell:
    """Wakes threads of this process that nap."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self.rung = 0

    def ring(self) -> None:
        with self._changed:
            self.rung += 1
            self._changed.notify_all()

    def nap(self, seconds: float, *, since: int) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self.rung != since, seconds)


class _Ids(Serializer):  # type: ignore[misc]
    """A task as the id of its job. huey would pickle it, and whoever writes to the queue could run what he likes."""

    task = ""

    def _serialize(self, data: Any) -> bytes:
        return str(data.args[0]).encode("ascii")

    def _deserialize(self, data: bytes) -> Message:
        id = _checked(bytes(data).decode("ascii", "replace"))
        return Message(id, self.task, retries=0, retry_delay=0, args=(id,), kwargs={})


def _checked(id: str) -> str:
    if not _ID.fullmatch(id):
        raise ValueError("something in the queue is no job id")
    return id


class _Storage(SqliteStorage):  # type: ignore[misc]
    """A file that a crash leaves whole; what a power failure takes from it, the store still knows."""

    def _create_connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection = super()._create_connection()
        connection.execute("PRAGMA synchronous = NORMAL")
        return connection


def _open(where: str, name: str) -> Any:
    options: dict[str, Any] = {"name": name, "results": False, "serializer": _Ids()}
    if "://" in where:
        return PriorityRedisHuey(url=where, read_timeout=POLL_SECONDS, **options)
    path = Path(where)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    options |= {"storage_class": _Storage, "filename": str(path), "timeout": BUSY_SECONDS}
    try:
        return _open_file(path, options)
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError as error:
        # Not a database, or a damaged one. Nothing is lost with it that the store does not know.
        log.warning("the queue %s is damaged (%s); it is made anew", path, error)
        for end in ("", "-wal", "-shm"):
            with contextlib.suppress(FileNotFoundError):
                path.with_name(path.name + end).rename(path.with_name(f"{path.name}.damaged{end}"))
        return _open_file(path, options)


def _open_file(path: Path, options: dict[str, Any]) -> Any:
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    huey = Huey(**options)
    ((found,),) = huey.storage.sql("PRAGMA quick_check(1)", results=True)
    if found != "ok":
        huey.storage.close()
        raise sqlite3.DatabaseError(found)
    return huey
