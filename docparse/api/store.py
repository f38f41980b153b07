"""Jobs in a SQLite file: durable, for any number of threads and processes of one machine.

What was told is on the disk's way when the call returns, so that ``kill -9`` loses nothing; a job that somebody
does not wait for is synced to the disk too, so that a power failure does not lose it. Pages after that may be lost by
a power failure, and are then read again.

What this file is not: it runs nothing and knows no files. ``store_redis`` does the same for several machines.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from docparse.api.job import ENDED, STATES, URGENT, Event, EventKind, Failure, Job, PageRecord, State
from docparse.api.records import event_of, job_fields, job_of, pack, page_of, same_request, supersedes
from docparse.errors import JobNotFound, JobNotReady, PageRangeError, QueueFull, StoreUnavailable

RETENTION_SECONDS = 24 * 3600.0
"""How long a job is kept when it is over."""
BUSY_SECONDS = 30.0
"""How long one process waits for another that writes."""
VERSION = 1
"""Of the tables. A file with a higher one was written by a newer docparse."""

_TABLES = """
CREATE TABLE IF NOT EXISTS jobs (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, owner TEXT NOT NULL, spec TEXT NOT NULL,
    upload TEXT NOT NULL, priority INTEGER NOT NULL, turn INTEGER NOT NULL, state TEXT NOT NULL,
    created REAL NOT NULL, updated REAL NOT NULL, started REAL, ended REAL, expires REAL, num_pages INTEGER,
    pages_read INTEGER NOT NULL, failure TEXT, idempotency_key TEXT,
    holder TEXT, held_until REAL NOT NULL DEFAULT 0, num_events INTEGER NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX IF NOT EXISTS by_key ON jobs (owner, idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX IF NOT EXISTS by_owner ON jobs (owner, seq);
CREATE INDEX IF NOT EXISTS by_state ON jobs (state);
CREATE INDEX IF NOT EXISTS by_turn ON jobs (priority, turn, seq) WHERE state = 'queued';
CREATE INDEX IF NOT EXISTS by_client ON jobs (priority, owner, turn) WHERE state = 'queued';
CREATE INDEX IF NOT EXISTS by_end ON jobs (expires) WHERE ended IS NOT NULL;
CREATE INDEX IF NOT EXISTS by_parent ON jobs (json_extract(spec, '$.of'));
CREATE TABLE IF NOT EXISTS pages (
    job TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE, number INTEGER NOT NULL, record TEXT NOT NULL,
    PRIMARY KEY (job, number)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS events (
    job TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE, number INTEGER NOT NULL, kind TEXT NOT NULL,
    at REAL NOT NULL, body TEXT NOT NULL, PRIMARY KEY (job, number)
) WITHOUT ROWID;
"""


class SqliteStore:
    """``JobStore`` on the file ``path``, which is made where there is none, for its owner alone.

    retention  seconds that a job is kept when it is over
    clock      the time, in seconds since 1970

    Every method raises ``StoreUnavailable`` where the file cannot be read or written.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        retention: float = RETENTION_SECONDS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.path = Path(path)
        self._retention = retention
        self._clock = clock
        self._idle: deque[sqlite3.Connection] = deque()
        self._write_lock = threading.Lock()  # threads queue up here; SQLite's own waiting is by naps
        self._closed = False
        with self._faults():
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
            self._prepare()

    # ------------------------------------------------------------------------------------ jobs

    def add(self, job: Job, *, most_waiting: int | None = None) -> Job:
        now = self._clock()
        with self._writing(durable=job.priority != URGENT) as db:
            if job.idempotency_key is not None:
                wanted = (job.owner, job.idempotency_key)
                row = db.execute("SELECT * FROM jobs WHERE owner = ? AND idempotency_key = ?", wanted).fetchone()
                if row is not None:
                    return same_request(job_of(row), job)
            if most_waiting is not None:
                (waiting,) = db.execute("SELECT count(*) FROM jobs WHERE state = 'queued'").fetchone()
                if waiting >= most_waiting:
                    raise QueueFull(f"{waiting:,} jobs wait already.", hint="Try again later.")
            turn = _next_turn(db, job.owner, job.priority)
            job = replace(job, state="queued", created=job.created or now, updated=now, turn=turn)
            row = job_fields(job)
            columns, places = ", ".join(row), ", ".join(f":{name}" for name in row)
            query = f"INSERT INTO jobs ({columns}) VALUES ({places})"  # noqa: S608 -- names of our own
            db.execute(query, row)
            _tell(db, job.id, "state", now, json.dumps(job.state))
        return job

    def get(self, id: str, *, owner: str | None = None) -> Job:
        with self._reading() as db:
            return _get(db, id, owner)

    def jobs(
        self,
        *,
        owner: str | None = None,
        states: Sequence[State] = (),
        limit: int = 100,
        before: str | None = None,
        readings: bool = True,
    ) -> list[Job]:
        where, values = ["1"], []
        if not readings:
            where.append("json_extract(spec, '$.of') IS NULL")
        if owner is not None:
            where.append("owner = ?")
            values.append(owner)
        if states:
            where.append(f"state IN ({', '.join('?' * len(states))})")
            values += states
        with self._reading() as db:
            if before is not None:
                _get(db, before, owner)
                where.append("seq < (SELECT seq FROM jobs WHERE id = ?)")
                values.append(before)
            query = f"SELECT * FROM jobs WHERE {' AND '.join(where)} ORDER BY seq DESC LIMIT ?"  # noqa: S608
            return [job_of(row) for row in db.execute(query, (*values, limit))]

    def readings(self, id: str) -> list[Job]:
        with self._reading() as db:
            query = "SELECT * FROM jobs WHERE json_extract(spec, '$.of') = ? ORDER BY seq DESC"
            return [job_of(row) for row in db.execute(query, (id,))]

    def position(self, id: str) -> int:
        with self._reading() as db:
            job = _get(db, id)
            if job.state != "queued":
                return 0
            query = """SELECT count(*) FROM jobs WHERE state = 'queued'
                       AND (priority, turn, seq) < (SELECT priority, turn, seq FROM jobs WHERE id = ?)"""
            (ahead,) = db.execute(query, (id,)).fetchone()
            return int(ahead)

    def counts(self) -> Mapping[State, int]:
        with self._reading() as db:
            found = dict(db.execute("SELECT state, count(*) FROM jobs GROUP BY state").fetchall())
        return {state: found.get(state, 0) for state in STATES}

    def remove(self, id: str) -> None:
        with self._writing() as db:
            db.execute("DELETE FROM jobs WHERE id = ?", (id,))

    def expired(self, now: float) -> list[Job]:
        with self._reading() as db:
            query = "SELECT * FROM jobs WHERE ended IS NOT NULL AND expires <= ? ORDER BY expires, seq"
            return [job_of(row) for row in db.execute(query, (now,))]

    def unfinished(self) -> list[Job]:
        query = """SELECT * FROM jobs WHERE state IN ('queued', 'running') AND (holder IS NULL OR held_until <= ?)
                   ORDER BY priority, turn, seq"""
        with self._reading() as db:
            return [job_of(row) for row in db.execute(query, (self._clock(),))]

    def kept(self) -> tuple[set[str], set[str]]:
        with self._reading() as db:
            rows = db.execute("SELECT id, upload FROM jobs").fetchall()
        return {id for id, _ in rows}, {json.loads(upload)["key"] for _, upload in rows}

    # ------------------------------------------------------------------------------------ running

    def lease(self, id: str, holder: str, seconds: float) -> bool:
        now = self._clock()
        query = """UPDATE jobs SET holder = ?, held_until = ? WHERE id = ? AND state IN ('queued', 'running')
                   AND (holder IS NULL OR holder = ? OR held_until <= ?)"""
        with self._writing() as db:
            return db.execute(query, (holder, now + seconds, id, holder, now)).rowcount == 1

    def release(self, id: str, holder: str) -> None:
        with self._writing() as db:
            db.execute("UPDATE jobs SET holder = NULL, held_until = 0 WHERE id = ? AND holder = ?", (id, holder))

    def set_state(self, id: str, state: State, *, failure: Failure | None = None) -> Job:
        now = self._clock()
        with self._writing() as db:
            job = _get(db, id)
            if job.over or job.state == state:
                return job
            over = state in ENDED
            job = replace(
                job,
                state=state,
                updated=now,
                started=now if state == "running" and job.started is None else job.started,
                ended=now if over else None,
                expires=now + self._retention if over else None,
                failure=failure,
            )
            query = """UPDATE jobs SET state = :state, updated = :updated, started = :started, ended = :ended,
                       expires = :expires, failure = :failure WHERE id = :id"""
            db.execute(query, job_fields(job))
            if over:
                db.execute("UPDATE jobs SET holder = NULL, held_until = 0 WHERE id = ?", (id,))
            _tell(db, id, "state", now, json.dumps(state))
        return job

    # ------------------------------------------------------------------------------------ pages

    def opened(self, id: str, numbers: Sequence[int]) -> None:
        now = self._clock()
        with self._writing() as db:
            job = _get(db, id)
            if job.over or job.num_pages is not None:
                return
            pages = [(id, number, pack(PageRecord(number))) for number in sorted(set(numbers))]
            db.executemany("INSERT INTO pages VALUES (?, ?, ?)", pages)
            db.execute("UPDATE jobs SET num_pages = ?, updated = ? WHERE id = ?", (len(pages), now, id))
            _tell(db, id, "opened", now, json.dumps(len(pages)))

    def put_page(self, id: str, page: PageRecord) -> None:
        now = self._clock()
        with self._writing() as db:
            if _get(db, id).over or not supersedes(page, known := _page(db, id, page.number)):
                return
            db.execute("UPDATE pages SET record = ? WHERE job = ? AND number = ?", (pack(page), id, page.number))
            read = (page.state == "read") - (known.state == "read")
            db.execute("UPDATE jobs SET pages_read = pages_read + ?, updated = ? WHERE id = ?", (read, now, id))
            if page.state == "read":
                _tell(db, id, "page", now, pack(page))

    def pages(self, id: str) -> list[PageRecord]:
        with self._reading() as db:
            _get(db, id)
            query = "SELECT record FROM pages WHERE job = ? ORDER BY number"
            return [page_of(record) for (record,) in db.execute(query, (id,))]

    def retry(self, id: str, number: int, *, engine: str = "", dpi: float | None = None) -> PageRecord:
        now = self._clock()
        with self._writing() as db:
            job = _get(db, id)
            known = _page(db, id, number)
            if not job.over:
                raise JobNotReady("the job is not over yet.", hint="Ask again when it is.")
            page = PageRecord(number, attempt=known.attempt + 1, engine=engine, dpi=dpi)
            db.execute("UPDATE pages SET record = ? WHERE job = ? AND number = ?", (pack(page), id, number))
            query = """UPDATE jobs SET state = 'queued', turn = ?, pages_read = pages_read - ?, updated = ?,
                       ended = NULL, expires = NULL, failure = NULL WHERE id = ?"""
            turn = _next_turn(db, job.owner, job.priority)
            db.execute(query, (turn, known.state == "read", now, id))
            _tell(db, id, "state", now, json.dumps("queued"))
        return page

    def events(self, id: str, *, after: int = 0, limit: int = 1000) -> list[Event]:
        query = "SELECT number, kind, at, body FROM events WHERE job = ? AND number > ? ORDER BY number LIMIT ?"
        with self._reading() as db:
            _get(db, id)
            return [event_of(id, *row) for row in db.execute(query, (id, after, limit))]

    # ------------------------------------------------------------------------------------ the file

    def close(self) -> None:
        with self._write_lock:
            self._closed = True
            while self._idle:
                self._idle.pop().close()

    def _prepare(self) -> None:
        deadline = time.monotonic() + BUSY_SECONDS
        while True:  # the change to a write-ahead log does not wait for another process that does the same
            try:
                with self._reading() as db:
                    db.execute("PRAGMA journal_mode = WAL")
                break
            except StoreUnavailable as error:
                if "locked" not in error.message or time.monotonic() > deadline:
                    raise
                time.sleep(0.01)
        with self._writing() as db:
            (version,) = db.execute("PRAGMA user_version").fetchone()
            if version > VERSION:
                raise StoreUnavailable("the jobs were written by a newer docparse.", file=str(self.path))
            for statement in filter(str.strip, _TABLES.split(";")):
                db.execute(statement)
            db.execute(f"PRAGMA user_version = {VERSION}")

    @contextlib.contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        """A connection of one's own for a while."""
        with self._faults():
            if self._closed:
                raise StoreUnavailable("the store of jobs was closed.", file=str(self.path))
            try:
                db = self._idle.pop()
            except IndexError:
                db = self._connect()
            try:
                yield db
            finally:
                if self._closed or db.in_transaction:  # a ROLLBACK that failed
                    db.close()
                else:
                    self._idle.append(db)

    @contextlib.contextmanager
    def _writing(self, *, durable: bool = False) -> Iterator[sqlite3.Connection]:
        """A transaction: all of it or nothing. ``durable``: also when the power fails."""
        with self._write_lock, self._reading() as db:
            db.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
            except BaseException:
                if db.in_transaction:  # SQLite itself has gone back where the disk failed
                    db.execute("ROLLBACK")
                raise
            db.execute("COMMIT")

    def _connect(self) -> sqlite3.Connection:
        db = sqlite3.connect(self.path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        db.row_factory = sqlite3.Row
        db.execute("PRAGMA foreign_keys = ON")
        db.execute("PRAGMA secure_delete = ON")  # what a client has removed is not to be found in the file
        return db

    @contextlib.contextmanager
    def _faults(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            hint = "Look at the data directory: is the disk full, may docparse write there?"
            raise StoreUnavailable(
                f"the store of jobs does not work ({error}).", file=str(self.path), hint=hint
            ) from error


def _get(db: sqlite3.Connection, id: str, owner: str | None = None) -> Job:
    row = db.execute("SELECT * FROM jobs WHERE id = ?", (id,)).fetchone()
    if row is None or (owner is not None and row["owner"] != owner):
        raise JobNotFound("there is no such job.", hint="Jobs are removed some time after they are over.")
    return job_of(row)


def _page(db: sqlite3.Connection, id: str, number: int) -> PageRecord:
    row = db.execute("SELECT record FROM pages WHERE job = ? AND number = ?", (id, number)).fetchone()
    if row is None:
        raise PageRangeError(f"the job has no page {number}.")
    return page_of(row["record"])


def _next_turn(db: sqlite3.Connection, owner: str, priority: int) -> int:
    """After the client's own jobs that wait; a client that has none comes beside those whose turn it is."""
    mine = "SELECT max(turn) + 1 FROM jobs WHERE state = 'queued' AND priority = ? AND owner = ?"
    first = "SELECT min(turn) FROM jobs WHERE state = 'queued' AND priority = ?"
    query = f"SELECT coalesce(({mine}), ({first}), 0)"
    (turn,) = db.execute(query, (priority, owner, priority)).fetchone()
    return int(turn)


def _tell(db: sqlite3.Connection, id: str, kind: EventKind, at: float, body: str) -> None:
    db.execute("UPDATE jobs SET num_events = num_events + 1 WHERE id = ?", (id,))
    query = "INSERT INTO events SELECT id, num_events, ?, ?, ? FROM jobs WHERE id = ?"
    db.execute(query, (kind, at, body, id))
