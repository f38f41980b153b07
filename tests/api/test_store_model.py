"""Whatever is told in whatever order: both stores know what a few dictionaries know."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, multiple, rule

from docparse.api.job import ENDED, STATES, Event, Failure, Job, PageRecord
from docparse.api.ports import JobStore
from docparse.errors import (
    DocparseError,
    IdempotencyMismatch,
    JobNotFound,
    JobNotReady,
    PageRangeError,
    QueueFull,
)
from tests.api.stores import RETENTION, Clock, Place, job

OWNERS = st.sampled_from(["ann", "bob", "eve"])
HOLDERS = st.sampled_from(["host-1", "host-2"])
NUMBERS = st.integers(1, 4)


class Model:
    """A store as short as it can be said."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.all: dict[str, Job] = {}  # in the order in which they came
        self.records: dict[str, dict[int, PageRecord]] = {}
        self.told: dict[str, list[Event]] = {}
        self.held: dict[str, tuple[str, float]] = {}

    def _turn(self, job: Job) -> int:
        waiting = [x for x in self.all.values() if x.state == "queued" and x.priority == job.priority]
        mine = [x.turn for x in waiting if x.owner == job.owner]
        return max(mine) + 1 if mine else min((x.turn for x in waiting), default=0)

    def _tell(self, id: str, kind: Any, **parts: Any) -> None:
        self.told[id].append(Event(id, len(self.told[id]) + 1, kind, self.clock(), **parts))

    def _line(self) -> list[Job]:
        return sorted(self.all.values(), key=lambda x: (x.priority, x.turn))  # stable: then as they came

    def add(self, job: Job, *, most_waiting: int | None = None) -> Job:
        for other in self.all.values():
            if job.idempotency_key is not None and (other.owner, other.idempotency_key) == (
                job.owner,
                job.idempotency_key,
            ):
                if (other.upload.sha256, other.spec) != (job.upload.sha256, job.spec):
                    raise IdempotencyMismatch("")
                return other
        if most_waiting is not None and self.counts()["queued"] >= most_waiting:
            raise QueueFull("")
        self.all[job.id] = replace(job, created=self.clock(), updated=self.clock(), turn=self._turn(job))
        self.records[job.id], self.told[job.id] = {}, []
        self._tell(job.id, "state", state="queued")
        return self.all[job.id]

    def get(self, id: str, *, owner: str | None = None) -> Job:
        if id not in self.all or owner not in (None, self.all[id].owner):
            raise JobNotFound("")
        return self.all[id]

    def jobs(self, *, owner: str | None = None, limit: int = 100, before: str | None = None) -> list[Job]:
        ids = list(self.all)[::-1]
        if before is not None:
            self.get(before, owner=owner)
            ids = ids[ids.index(before) + 1 :]
        return [self.all[id] for id in ids if owner in (None, self.all[id].owner)][:limit]

    def position(self, id: str) -> int:
        waiting = [x.id for x in self._line() if x.state == "queued"]
        return waiting.index(id) if self.get(id).state == "queued" else 0

    def _free(self, id: str, holder: str = "") -> bool:
        by, until = self.held.get(id, ("", 0.0))
        return by in ("", holder) or until <= self.clock()

    def lease(self, id: str, holder: str, seconds: float) -> bool:
        if id not in self.all or self.all[id].over or not self._free(id, holder):
            return False
        self.held[id] = (holder, self.clock() + seconds)
        return True

    def release(self, id: str, holder: str) -> None:
        if self.held.get(id, ("", 0))[0] == holder:
            del self.held[id]

    def set_state(self, id: str, state: Any, *, failure: Failure | None = None) -> Job:
        job = self.get(id)
        if job.over or job.state == state:
            return job
        now, over = self.clock(), state in ENDED
        started = now if state == "running" and job.started is None else job.started
        ends = (now, now + RETENTION) if over else (None, None)
        self.all[id] = replace(
            job, state=state, updated=now, started=started, ended=ends[0], expires=ends[1], failure=failure
        )
        if over:
            self.held.pop(id, None)
        self._tell(id, "state", state=state)
        return self.all[id]

    def opened(self, id: str, numbers: Any) -> None:
        job = self.get(id)
        if not job.over and job.num_pages is None:
            self.records[id] = {number: PageRecord(number) for number in sorted(numbers)}
            self.all[id] = replace(job, num_pages=len(numbers), updated=self.clock())
            self._tell(id, "opened", num_pages=len(numbers))

    def _page(self, id: str, number: int) -> PageRecord:
        if number not in self.records[id]:
            raise PageRangeError("")
        return self.records[id][number]

    def _count(self, id: str) -> int:
        return sum(page.state == "read" for page in self.records[id].values())

    def put_page(self, id: str, page: PageRecord) -> None:
        job = self.get(id)
        if job.over:
            return
        known = self._page(id, page.number)
        late = page.attempt < known.attempt or (page.attempt == known.attempt and known.state == "read")
        if late or page == known:
            return
        self.records[id][page.number] = page
        self.all[id] = replace(job, pages_read=self._count(id), updated=self.clock())
        if page.state == "read":
            self._tell(id, "page", page=page)

    def pages(self, id: str) -> list[PageRecord]:
        self.get(id)
        return list(self.records[id].values())

    def retry(self, id: str, number: int, *, engine: str = "", dpi: float | None = None) -> PageRecord:
        job, known = self.get(id), self._page(id, number)
        if not job.over:
            raise JobNotReady("")
        page = PageRecord(number, engine=engine, dpi=dpi, attempt=known.attempt + 1)
        self.records[id][number] = page
        again = replace(job, state="queued", turn=self._turn(job), pages_read=self._count(id), updated=self.clock())
        self.all[id] = replace(again, ended=None, expires=None, failure=None)
        self._tell(id, "state", state="queued")
        return page

    def events(self, id: str, *, after: int = 0) -> list[Event]:
        self.get(id)
        return self.told[id][after:]

    def remove(self, id: str) -> None:
        self.all.pop(id, None)
        self.held.pop(id, None)

    def expired(self, now: float) -> list[str]:
        return sorted(x.id for x in self.all.values() if x.expires is not None and x.expires <= now)

    def unfinished(self) -> list[Job]:
        return [x for x in self._line() if not x.over and self._free(x.id)]

    def counts(self) -> dict[str, int]:
        return {state: sum(x.state == state for x in self.all.values()) for state in STATES}


class Machine(RuleBasedStateMachine):
    """Steps that are told to the model and to a store, and what both then say."""

    url: str | None = None
    kind = "sqlite"
    ids = Bundle("ids")

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="docparse-test-"))
        self.clock = Clock()
        self.model = Model(self.clock)
        self.place = Place(self.kind, self.folder, self.url)
        self.store: JobStore = self.place.open(self.clock)

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.store.close()
            shutil.rmtree(self.folder)

    def both(self, ask: Callable[[Any], Any]) -> Any:
        """The answer of both, or the kind of error."""
        answers = []
        for one in (self.model, self.store):
            try:
                answers.append(ask(one))
            except DocparseError as error:
                answers.append(type(error))
        assert answers[0] == answers[1]
        return answers[0]

    @rule(
        target=ids,
        owner=OWNERS,
        key=st.none() | st.sampled_from(["k", "l"]),
        content=st.sampled_from("ab"),
        priority=st.integers(0, 2),
        most=st.none() | st.integers(0, 6),
    )
    def add(self, owner: str, key: str | None, content: str, priority: int, most: int | None) -> Any:
        new = job(owner, content, idempotency_key=key, priority=priority)
        kept = self.both(lambda one: one.add(new, most_waiting=most))
        return kept.id if isinstance(kept, Job) else multiple()

    @rule(id=ids, state=st.sampled_from(STATES))
    def set_state(self, id: str, state: Any) -> None:
        failure = Failure("x.y", "It broke.") if state == "failed" else None
        self.both(lambda one: one.set_state(id, state, failure=failure))

    @rule(id=ids, holder=HOLDERS, seconds=st.integers(1, 9))
    def lease(self, id: str, holder: str, seconds: int) -> None:
        self.both(lambda one: one.lease(id, holder, seconds))

    @rule(id=ids, holder=HOLDERS)
    def release(self, id: str, holder: str) -> None:
        self.both(lambda one: one.release(id, holder))

    @rule(id=ids, numbers=st.sets(NUMBERS))
    def opened(self, id: str, numbers: set[int]) -> None:
        self.both(lambda one: one.opened(id, sorted(numbers)))

    @rule(
        id=ids,
        number=NUMBERS,
        state=st.sampled_from(["waiting", "reading", "read", "read"]),
        engine=st.sampled_from(["", "x"]),
        attempt=st.integers(1, 3),
    )
    def put_page(self, id: str, number: int, state: Any, engine: str, attempt: int) -> None:
        self.both(lambda one: one.put_page(id, PageRecord(number, state, engine=engine, attempt=attempt)))

    @rule(id=ids, number=NUMBERS, dpi=st.none() | st.just(200.0))
    def retry(self, id: str, number: int, dpi: float | None) -> None:
        self.both(lambda one: one.retry(id, number, engine="qwen", dpi=dpi))

    @rule(id=consumes(ids))
    def remove(self, id: str) -> None:
        self.both(lambda one: one.remove(id))
        self.both(lambda one: one.get(id))

    @rule(seconds=st.sampled_from([1, 5, RETENTION]))
    def time_goes(self, seconds: float) -> None:
        self.clock.now += seconds

    @rule()
    def restart(self) -> None:
        self.store.close()
        self.store = self.place.open(self.clock)

    @rule(id=ids, owner=OWNERS, after=st.integers(0, 5), limit=st.integers(1, 3))
    def look(self, id: str, owner: str, after: int, limit: int) -> None:
        self.both(lambda one: one.get(id, owner=owner))
        self.both(lambda one: one.pages(id))
        self.both(lambda one: one.events(id, after=after))
        self.both(lambda one: one.position(id))
        self.both(lambda one: one.jobs(owner=owner, limit=limit))
        self.both(lambda one: one.jobs(owner=owner, limit=limit, before=id))

    @invariant()
    def both_know_the_same(self) -> None:
        if hasattr(self, "store"):
            self.both(lambda one: one.counts())
            self.both(lambda one: one.jobs())
            self.both(lambda one: one.unfinished())
            now = self.clock()
            assert sorted(x.id for x in self.store.expired(now)) == self.model.expired(now)


HARD = settings(
    max_examples=40,
    stateful_step_count=40,
    deadline=None,
    derandomize=bool(os.environ.get("CI")),
    suppress_health_check=list(HealthCheck),
)


class SqliteMachine(Machine):
    kind = "sqlite"


class RedisMachine(Machine):
    kind = "redis"


SqliteMachine.TestCase.settings = HARD
RedisMachine.TestCase.settings = HARD
TestSqlite = SqliteMachine.TestCase


class TestRedis(RedisMachine.TestCase):  # type: ignore[name-defined,misc]
    @pytest.fixture(autouse=True)
    def _redis(self, redis_url: str) -> None:
        RedisMachine.url = redis_url
