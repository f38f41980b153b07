"""Jobs in Redis: where several machines work on one queue, which is there too.

The same as ``store``, told in Redis's terms. What is told changes everything it has to in one transaction (WATCH,
MULTI), or nothing. Whether Redis itself keeps it when it ends is up to how it is run: with ``appendonly yes`` it
does. Leases go by the clocks of the machines, which should agree within a few seconds.

Keys, all under one prefix:

    job:<id>              hash: the job, each field as JSON; its number, who holds it until when
    pages:<id>            hash: page records by number
    events:<id>           list: what happened, in order
    all, owner:<owner>    sorted sets: ids by number
    readings:<id>         sorted set: ids by number of the jobs that read pages of the job <id> again
    state:<state>         sorted sets: ids by number
    line                  sorted set: numbers and ids of the jobs that wait, by priority and turn
    turns:<priority>:<owner>   sorted set: ids of a client's jobs that wait, by turn
    keys                  hash: ids by owner and idempotency key
    ends                  sorted set: ids of jobs that are over, by when they are forgotten
    count                 the number of the last job
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import redis

from docparse.api.job import ENDED, STATES, Event, EventKind, Failure, Job, PageRecord, State
from docparse.api.records import event_of, job_fields, job_of, pack, page_of, same_request, supersedes
from docparse.api.store import RETENTION_SECONDS
from docparse.errors import JobNotFound, JobNotReady, PageRangeError, QueueFull, StoreUnavailable

TURNS = 10**9
"""More turns than there are: between two priorities in the line."""
CHUNK = 200
"""Jobs that are fetched at a time."""
SECONDS = 10.0
"""To connect, and for an answer."""

Fields = dict[str, Any]
Change = Callable[[Any], Any]


class RedisStore:
    """``JobStore`` at ``url`` (``redis://host:6379/0``), under keys that begin with ``prefix``.

    ``retention``, ``clock``: as of ``SqliteStore``. Every method raises ``StoreUnavailable`` where Redis does not
    answer.
    """

    def __init__(
        self,
        url: str,
        *,
        prefix: str = "docparse:",
        retention: float = RETENTION_SECONDS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._prefix = prefix
        self._retention = retention
        self._clock = clock
        self._closed = False
        self._changing = threading.Lock()  # threads of one process need not find out by collisions
        with self._faults():
            self._redis: Any = redis.Redis.from_url(
                url, decode_responses=True, socket_timeout=SECONDS, socket_connect_timeout=SECONDS
            )
            self._redis.ping()

    # ------------------------------------------------------------------------------------ jobs

    def add(self, job: Job, *, most_waiting: int | None = None) -> Job:
        now = self._clock()
        key = json.dumps([job.owner, job.idempotency_key])

        def change(pipe: Any) -> Job:
            if job.idempotency_key is not None and (earlier := pipe.hget(self._key("keys"), key)) is not None:
                return same_request(job_of(self._fields(pipe, earlier)), job)
            waiting = pipe.zcard(self._key("line"))
            if most_waiting is not None and waiting >= most_waiting:
                raise QueueFull(f"{waiting:,} jobs wait already.", hint="Try again later.")
            number = self._redis.incr(self._key("count"))
            turn = self._next_turn(pipe, job.owner, job.priority)
            new = replace(job, state="queued", created=job.created or now, updated=now, turn=turn)
            pipe.multi()
            self._write(pipe, job.id, {**job_fields(new), "number": number, "holder": None, "held_until": 0.0})
            pipe.zadd(self._key("all"), {job.id: number})
            pipe.zadd(self._key("owner", job.owner), {job.id: number})
            pipe.zadd(self._key("state", "queued"), {job.id: number})
            if job.spec.of is not None:
                pipe.zadd(self._key("readings", job.spec.of), {job.id: number})
            self._line_up(pipe, new, number)
            if job.idempotency_key is not None:
                pipe.hset(self._key("keys"), key, job.id)
            self._tell(pipe, job.id, "state", now, "queued")
            return new

        kept: Job = self._change(change, self._key("line"), self._key("keys"))
        return kept

    def get(self, id: str, *, owner: str | None = None) -> Job:
        with self._faults():
            return job_of(self._fields(self._redis, id, owner))

    def jobs(
        self,
        *,
        owner: str | None = None,
        states: Sequence[State] = (),
        limit: int = 100,
        before: str | None = None,
        readings: bool = True,
    ) -> list[Job]:
        found: list[Job] = []
        key = self._key("all") if owner is None else self._key("owner", owner)
        with self._faults():
            below = "+inf" if before is None else f"({self._fields(self._redis, before, owner)['number']}"
            while len(found) < limit:
                ids = self._redis.zrevrangebyscore(key, below, "-inf", start=0, num=CHUNK, withscores=True)
                if not ids:
                    break
                fetched = self._fetch([id for id, _ in ids])
                jobs = [job_of(row) for row in fetched if not states or row["state"] in states]
                found += [job for job in jobs if readings or job.spec.of is None]
                below = f"({ids[-1][1]:.0f}"
        return found[:limit]

    def readings(self, id: str) -> list[Job]:
        with self._faults():
            ids = self._redis.zrevrange(self._key("readings", id), 0, -1)
            return [job_of(row) for row in self._fetch(list(ids))]

    def position(self, id: str) -> int:
        with self._faults():
            row = self._fields(self._redis, id)
            return int(self._redis.zrank(self._key("line"), _place(row["number"], id)) or 0)

    def counts(self) -> Mapping[State, int]:
        with self._faults(), self._redis.pipeline() as pipe:
            for state in STATES:
                pipe.zcard(self._key("state", state))
            return dict(zip(STATES, pipe.execute(), strict=True))

    def remove(self, id: str) -> None:
        def change(pipe: Any) -> None:
            try:
                row = self._fields(pipe, id)
            except JobNotFound:
                return
            job = job_of(row)
            pipe.multi()
            pipe.delete(self._key("job", id), self._key("pages", id), self._key("events", id))
            for key in ("all", "ends"):
                pipe.zrem(self._key(key), id)
            pipe.zrem(self._key("owner", job.owner), id)
            if job.spec.of is not None:
                pipe.zrem(self._key("readings", job.spec.of), id)
            pipe.zrem(self._key("state", job.state), id)
            self._step_out(pipe, job, row["number"])
            if job.idempotency_key is not None:
                pipe.hdel(self._key("keys"), json.dumps([job.owner, job.idempotency_key]))

        self._change(change, self._key("job", id))

    def expired(self, now: float) -> list[Job]:
        with self._faults():
            return [job_of(row) for row in self._fetch(self._redis.zrangebyscore(self._key("ends"), "-inf", now))]

    def unfinished(self) -> list[Job]:
        now = self._clock()
        with self._faults():
            ids = [id for state in ("queued", "running") for id in self._redis.zrange(self._key("state", state), 0, -1)]
            rows = [row for row in self._fetch(ids) if row["holder"] is None or row["held_until"] <= now]
        rows.sort(key=lambda row: (row["priority"], row["turn"], row["number"]))
        return [job_of(row) for row in rows if row["state"] not in ENDED]

    def kept(self) -> tuple[set[str], set[str]]:
        with self._faults():
            rows = self._fetch(self._redis.zrange(self._key("all"), 0, -1))
        return {row["id"] for row in rows}, {json.loads(row["upload"])["key"] for row in rows}

    # ------------------------------------------------------------------------------------ running

    def lease(self, id: str, holder: str, seconds: float) -> bool:
        now = self._clock()

        def change(pipe: Any) -> bool:
            try:
                row = self._fields(pipe, id)
            except JobNotFound:
                return False
            free = row["holder"] in (None, holder) or row["held_until"] <= now
            if row["state"] in ENDED or not free:
                return False
            pipe.multi()
            self._write(pipe, id, {"holder": holder, "held_until": now + seconds})
            return True

        return bool(self._change(change, self._key("job", id)))

    def release(self, id: str, holder: str) -> None:
        def change(pipe: Any) -> None:
            try:
                row = self._fields(pipe, id)
            except JobNotFound:
                return
            pipe.multi()
            if row["holder"] == holder:
                self._write(pipe, id, {"holder": None, "held_until": 0.0})

        self._change(change, self._key("job", id))

    def set_state(self, id: str, state: State, *, failure: Failure | None = None) -> Job:
        now = self._clock()

        def change(pipe: Any) -> Job:
            row = self._fields(pipe, id)
            job = job_of(row)
            if job.over or job.state == state:
                return job
            over = state in ENDED
            new = replace(
                job,
                state=state,
                updated=now,
                started=now if state == "running" and job.started is None else job.started,
                ended=now if over else None,
                expires=now + self._retention if over else None,
                failure=failure,
            )
            pipe.multi()
            self._move(pipe, job, new, row["number"])
            if over:
                self._write(pipe, id, {"holder": None, "held_until": 0.0})
                pipe.zadd(self._key("ends"), {id: now + self._retention})
            self._tell(pipe, id, "state", now, state)
            return new

        changed: Job = self._change(change, self._key("job", id))
        return changed

    # ------------------------------------------------------------------------------------ pages

    def opened(self, id: str, numbers: Sequence[int]) -> None:
        now = self._clock()
        pages = {number: pack(PageRecord(number)) for number in numbers}

        def change(pipe: Any) -> None:
            job = job_of(self._fields(pipe, id))
            if job.over or job.num_pages is not None:
                return
            pipe.multi()
            if pages:
                pipe.hset(self._key("pages", id), mapping=pages)
            self._write(pipe, id, {"num_pages": len(pages), "updated": now})
            self._tell(pipe, id, "opened", now, len(pages))

        self._change(change, self._key("job", id))

    def put_page(self, id: str, page: PageRecord) -> None:
        now = self._clock()

        def change(pipe: Any) -> None:
            job = job_of(self._fields(pipe, id))
            if job.over or not supersedes(page, known := self._page(pipe, id, page.number)):
                return
            pipe.multi()
            pipe.hset(self._key("pages", id), page.number, pack(page))
            read = (page.state == "read") - (known.state == "read")
            self._write(pipe, id, {"pages_read": job.pages_read + read, "updated": now})
            if page.state == "read":
                self._tell(pipe, id, "page", now, json.loads(pack(page)))

        self._change(change, self._key("job", id))

    def pages(self, id: str) -> list[PageRecord]:
        with self._faults():
            self._fields(self._redis, id)
            records = self._redis.hvals(self._key("pages", id))
        return sorted(map(page_of, records), key=lambda page: page.number)

    def retry(self, id: str, number: int, *, engine: str = "", dpi: float | None = None) -> PageRecord:
        now = self._clock()

        def change(pipe: Any) -> PageRecord:
            row = self._fields(pipe, id)
            job, known = job_of(row), self._page(pipe, id, number)
            if not job.over:
                raise JobNotReady("the job is not over yet.", hint="Ask again when it is.")
            page = PageRecord(number, attempt=known.attempt + 1, engine=engine, dpi=dpi)
            read = job.pages_read - (known.state == "read")
            turn = self._next_turn(pipe, job.owner, job.priority)
            again = replace(job, state="queued", turn=turn, pages_read=read, updated=now)
            pipe.multi()
            pipe.hset(self._key("pages", id), number, pack(page))
            self._move(pipe, job, replace(again, ended=None, expires=None, failure=None), row["number"])
            pipe.zrem(self._key("ends"), id)
            self._tell(pipe, id, "state", now, "queued")
            return page

        waits: PageRecord = self._change(change, self._key("job", id), self._key("line"))
        return waits

    def events(self, id: str, *, after: int = 0, limit: int = 1000) -> list[Event]:
        with self._faults():
            self._fields(self._redis, id)
            told = self._redis.lrange(self._key("events", id), after, after + limit - 1) if limit else []
        events = [(after + index, *json.loads(text)) for index, text in enumerate(told, start=1)]
        return [event_of(id, number, kind, at, json.dumps(body)) for number, kind, at, body in events]

    def close(self) -> None:
        self._closed = True
        self._redis.close()

    # ------------------------------------------------------------------------------------ Redis

    def _key(self, *parts: str) -> str:
        return self._prefix + ":".join(parts)

    def _change(self, change: Change, *watched: str) -> Any:
        """Run ``change`` again and again, until nothing it stands on was changed by another process meanwhile."""
        with self._faults(), self._changing:
            return self._redis.transaction(change, *watched, value_from_callable=True)

    def _fields(self, client: Any, id: str, owner: str | None = None) -> Fields:
        row = _unpack(client.hgetall(self._key("job", id)))
        if not row or (owner is not None and row["owner"] != owner):
            raise JobNotFound("there is no such job.", hint="Jobs are removed some time after they are over.")
        return row

    def _fetch(self, ids: Sequence[str]) -> list[Fields]:
        """Those of them that are still there."""
        with self._redis.pipeline(transaction=False) as pipe:
            for id in ids:
                pipe.hgetall(self._key("job", id))
            return [_unpack(row) for row in pipe.execute() if row]

    def _write(self, pipe: Any, id: str, fields: Fields) -> None:
        pipe.hset(self._key("job", id), mapping={name: json.dumps(value) for name, value in fields.items()})

    def _page(self, client: Any, id: str, number: int) -> PageRecord:
        record = client.hget(self._key("pages", id), number)
        if record is None:
            raise PageRangeError(f"the job has no page {number}.")
        return page_of(record)

    def _move(self, pipe: Any, old: Job, new: Job, number: int) -> None:
        """From one state to another."""
        before, after = job_fields(old), job_fields(new)
        self._write(pipe, new.id, {name: value for name, value in after.items() if value != before[name]})
        pipe.zrem(self._key("state", old.state), new.id)
        pipe.zadd(self._key("state", new.state), {new.id: number})
        self._step_out(pipe, old, number)
        if new.state == "queued":
            self._line_up(pipe, new, number)

    def _line_up(self, pipe: Any, job: Job, number: int) -> None:
        pipe.zadd(self._key("line"), {_place(number, job.id): job.priority * TURNS + job.turn})
        pipe.zadd(self._key("turns", str(job.priority), job.owner), {job.id: job.turn})

    def _step_out(self, pipe: Any, job: Job, number: int) -> None:
        pipe.zrem(self._key("line"), _place(number, job.id))
        pipe.zrem(self._key("turns", str(job.priority), job.owner), job.id)

    def _next_turn(self, client: Any, owner: str, priority: int) -> int:
        """After the client's own jobs that wait; a client that has none comes beside those whose turn it is."""
        mine = client.zrange(self._key("turns", str(priority), owner), -1, -1, withscores=True)
        if mine:
            return int(mine[0][1]) + 1
        start = priority * TURNS
        first = client.zrangebyscore(self._key("line"), start, f"({start + TURNS}", 0, 1, withscores=True)
        return int(first[0][1]) - start if first else 0

    def _tell(self, pipe: Any, id: str, kind: EventKind, at: float, body: Any) -> None:
        pipe.rpush(self._key("events", id), json.dumps([kind, at, body]))

    @contextlib.contextmanager
    def _faults(self) -> Iterator[None]:
        if self._closed:
            raise StoreUnavailable("the store of jobs was closed.")
        try:
            yield
        except (redis.RedisError, OSError) as error:
            hint = "Is it running, and is its URL right?"
            raise StoreUnavailable(f"Redis does not answer ({error}).", hint=hint) from error


def _place(number: int, id: str) -> str:
    """Its member in the line: those of one turn stand as they came."""
    return f"{number:016d}:{id}"


def _unpack(row: Mapping[str, str]) -> Fields:
    return {name: json.loads(value) for name, value in row.items()}
