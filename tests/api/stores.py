"""Both stores of jobs, for tests that ask the same of each: on a file of the test's own, in a Redis of its own."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from docparse.api.job import Job, JobSpec, Upload, new_id
from docparse.api.ports import JobStore
from docparse.api.store import SqliteStore
from docparse.api.store_redis import RedisStore

KINDS = ("sqlite", "redis")
RETENTION = 3600.0
_prefixes = itertools.count()


class Clock:
    """Time that goes when it is told to."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


class Place:
    """Where a store keeps its jobs: ``open`` it as often as you like, from any process."""

    def __init__(self, kind: str, folder: Path, url: str | None) -> None:
        self.kind = kind
        self.where = str(folder / "jobs.sqlite") if kind == "sqlite" else str(url)
        self.queue = str(folder / "queue.sqlite") if kind == "sqlite" else str(url)
        self.prefix = f"test{next(_prefixes)}"

    def open(self, clock: Callable[[], float] | None = None) -> JobStore:
        options: dict[str, Any] = (
            {"retention": RETENTION} if clock is None else {"retention": RETENTION, "clock": clock}
        )
        if self.kind == "sqlite":
            return SqliteStore(self.where, **options)
        return RedisStore(self.where, prefix=f"{self.prefix}:", **options)


@contextmanager
def opened(place: Place, clock: Callable[[], float] | None = None) -> Iterator[JobStore]:
    store = place.open(clock)
    try:
        yield store
    finally:
        store.close()


def place_of(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    kind = request.param
    return Place(kind, tmp_path, request.getfixturevalue("redis_url") if kind == "redis" else None)


def job(owner: str = "ann", content: str = "a", spec: JobSpec | None = None, **parts: Any) -> Job:
    """A new job of a file with that content."""
    digest = hashlib.sha256(content.encode()).hexdigest()
    upload = Upload(new_id(), f"{content}.pdf", len(content), digest, "application/pdf")
    return Job(new_id(), owner, spec or JobSpec(), **{"upload": upload, **parts})
