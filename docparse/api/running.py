"""A job from its upload to its result: opened, its pages read and put away one by one, its results made.

Whatever happens to this process, the store knows how far the job is, and whoever takes it up goes on from there.
"""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import queue
import secrets
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from docparse.api.job import URGENT, USUAL, Failure, Job, PageRecord
from docparse.api.making import FIELDS, Maker
from docparse.api.page_results import record_of
from docparse.api.ports import Files, JobQueue, JobStore, PageRead, PageTask, Readers
from docparse.document import EngineInfo, Status
from docparse.errors import DocparseError, JobError, JobNotFound, StoreUnavailable

log = logging.getLogger("docparse.jobs")

LEASE_SECONDS = 30.0
"""How long a job of a process that died is nobody's."""
WINDOW = 8
"""Pages of a job that wait for their turn or are read: enough to keep the workers busy, and soon taken back."""
THREADS = 32
"""Jobs that are under way at a time; they mostly wait."""
HELD = 64
"""Jobs that wait here because their client has enough under way."""
TAKE_SECONDS = 0.5
URGENT_PAGES = 20
"""Pages of the longest document that somebody is thought to wait for; a longer one takes its turns like any job."""


class _Left(Exception):
    """The job is somebody else's now, over, removed, or to go on in another process."""


@dataclass(eq=False, slots=True)
class _Running:
    """A job that is under way here. ``left``: nobody wants it of us any more; ``inbox``: what to look at."""

    id: str
    job: Job | None = None
    left: threading.Event = field(default_factory=threading.Event)
    inbox: queue.SimpleQueue[tuple[PageRecord, Future[PageRead]] | None] = field(default_factory=queue.SimpleQueue)

    def leave(self) -> None:
        self.left.set()
        self.inbox.put(None)


class JobRunner:
    """Runs jobs of a queue in threads. ``changed`` is told the id of a job that there is news of; ``ended`` the job
    that is over."""

    def __init__(
        self,
        store: JobStore,
        files: Files,
        readers: Readers,
        maker: Maker,
        *,
        changed: Callable[[str], None] = lambda id: None,
        ended: Callable[[Job], None] = lambda job: None,
        lease_seconds: float = LEASE_SECONDS,
        threads: int = THREADS,
    ) -> None:
        self._store = store
        self._files = files
        self._readers = readers
        self._maker = maker
        self._changed = changed
        self._ended = ended
        self._lease_seconds = lease_seconds
        self._most = threads
        self._queue: JobQueue | None = None
        self._holder = secrets.token_hex(8)
        self._lock = threading.Condition()
        self._running: dict[str, _Running] = {}
        self._owners: Counter[str] = Counter()
        self._held: deque[Job] = deque()
        self._threads: list[threading.Thread] = []
        self._stopping = threading.Event()
        self._deadline = float("inf")
        self.verdicts: Counter[tuple[str, Status]] = Counter()
        """Pages that were read here, by engine and status."""

    # ------------------------------------------------------------------------ jobs of a queue

    def start(self, queue: JobQueue) -> None:
        """Take jobs from ``queue`` until ``stop``."""
        self._queue = queue
        for target, name in ((self._take, "docparse-jobs"), (self._renew, "docparse-leases")):
            thread = threading.Thread(target=target, name=name, daemon=True)
            self._threads.append(thread)
            thread.start()

    def stop(self, *, drain: float) -> None:
        """Begin no page; keep those that end within ``drain`` seconds; have others go on with what is left."""
        self._deadline = time.monotonic() + drain
        self._stopping.set()
        with self._lock:
            running = list(self._running.values())
            held, self._held = self._held, deque()
            self._lock.notify_all()
        for one in running:
            one.inbox.put(None)
        for job in held:
            self._give_back(job)
        with self._lock:
            self._lock.wait_for(lambda: not self._running, drain)

    def join(self) -> None:
        """After ``stop``, when no page is read any more: until the store knows of all that is left."""
        with self._lock:
            self._lock.wait_for(lambda: not self._running, 10 * TAKE_SECONDS)
        for thread in self._threads:
            thread.join(2 * TAKE_SECONDS)

    def _give_back(self, job: Job) -> None:
        """Let another process have it; where the queue does not work, housekeeping finds it in the store."""
        if self._queue is not None:
            with contextlib.suppress(StoreUnavailable):
                self._queue.put(job.id, job.priority, job.turn)

    def cancel(self, id: str) -> None:
        """The job is over or gone in the store: none of its pages is begun any more."""
        with self._lock:
            running = self._running.get(id)
            self._held = deque(job for job in self._held if job.id != id)
        if running is not None:
            running.leave()

    def load(self) -> dict[str, float]:
        with self._lock:
            return {"jobs_running": len(self._running)}

    def _take(self) -> None:
        assert self._queue is not None
        while not self._stopping.is_set():
            with self._lock:
                if not self._lock.wait_for(lambda: len(self._running) < self._most, TAKE_SECONDS):
                    continue
            try:
                id = self._queue.take(TAKE_SECONDS)
                job = None if id is None else self._store.get(id)
            except JobNotFound:
                continue
            except DocparseError as error:  # a disk that is full, a Redis that is away: it may get better
                log.warning("no job can be taken: %s", error)
                self._stopping.wait(TAKE_SECONDS)
                continue
            if job is not None and not job.over:
                self._begin(job)

    def _begin(self, job: Job) -> None:
        """In a thread of its own; or later, where its client has enough under way."""
        with self._lock:
            if job.id in self._running or any(held.id == job.id for held in self._held):
                return
            most = max(self._most * 3 // 4 if job.priority == URGENT else self._most // 2, 1)
            if self._owners[job.owner] >= most and len(self._held) < HELD:
                self._held.append(job)
                return
            self._enter(job)
        threading.Thread(target=self._run_and_next, args=(job,), name=f"docparse-job-{job.id[:8]}", daemon=True).start()

    def _enter(self, job: Job) -> None:
        self._running[job.id] = _Running(job.id)
        self._owners[job.owner] += 1

    def _run_and_next(self, job: Job) -> None:
        following: Job | None = job
        while following is not None:
            job, following = following, None
            try:
                self._run(self._running[job.id])
            except Exception:
                log.exception("job %s was left", job.id)
            with self._lock:
                del self._running[job.id]
                self._owners[job.owner] -= 1
                if not self._owners[job.owner]:
                    del self._owners[job.owner]
                if not self._stopping.is_set():
                    following = next((held for held in self._held if held.owner == job.owner), None)
                if following is not None:
                    self._held.remove(following)
                    self._enter(following)
                self._lock.notify_all()

    def run(self, id: str) -> None:
        """Run a job in this thread, if nobody else does."""
        with self._lock:
            if id in self._running:
                return
            running = self._running[id] = _Running(id)
        try:
            self._run(running)
        finally:
            with self._lock:
                del self._running[id]
                self._lock.notify_all()

    def _renew(self) -> None:
        """Keep the leases of what is under way, and notice what was cancelled elsewhere."""
        while not self._stopping.wait(self._lease_seconds / 3):
            self.renew()

    def renew(self) -> None:
        with self._lock:
            running = [one for one in self._running.values() if one.job is not None]
        for one in running:
            try:
                if not self._store.lease(one.id, self._holder, self._lease_seconds):
                    one.leave()
            except DocparseError as error:
                log.warning("the lease of job %s is not renewed: %s", one.id, error)

    # ------------------------------------------------------------------------ one job

    def _run(self, running: _Running) -> None:
        try:
            if self._stopping.is_set() or not self._store.lease(running.id, self._holder, self._lease_seconds):
                return
            running.job = job = self._store.set_state(running.id, "running")
        except JobNotFound:
            return
        self._changed(job.id)
        failure: DocparseError | None = None
        try:
            self._work(running, job)
        except (_Left, JobNotFound, CancelledError):
            self._leave(running, job)
            return
        except DocparseError as error:
            failure = error
        except Exception as error:
            log.exception("job %s", job.id)
            failure = JobError(f"docparse made a mistake ({type(error).__name__}).", hint="Please report it.")
        with contextlib.suppress(JobNotFound):
            if failure is None:
                job = self._store.set_state(job.id, "done")
            else:
                told = Failure(failure.code, failure.message, dict(failure.details()))
                job = self._store.set_state(job.id, "failed", failure=told)
            self._changed(job.id)
            self._ended(job)

    def _leave(self, running: _Running, job: Job) -> None:
        """Somebody else goes on with it, or nobody does."""
        try:
            job = self._store.get(job.id)
            if job.over:
                self._changed(job.id)
            elif not running.left.is_set():
                self._store.set_state(job.id, "queued")
                self._store.release(job.id, self._holder)
                self._give_back(job)
                self._changed(job.id)
        except JobNotFound:
            self._files.remove(job.id, job.upload)  # pages that came after it was removed
            self._changed(job.id)

    def _work(self, running: _Running, job: Job) -> None:
        path = self._files.local(job.upload)
        head = self._maker.head(job)
        if job.num_pages is None or head is None:
            opening = self._readers.open(
                path, job.spec, name=job.upload.name, client=job.owner, job=job.id, priority=job.priority
            )
            source, numbers = self._waited(running, opening)
            self._store.opened(job.id, numbers)
            self._changed(job.id)
        else:
            source = head.source
        engine = EngineInfo() if head is None else head.engine
        for read in self._pages(running, job, path):
            if read.engine.name and read.engine != engine and not engine.name:
                engine = read.engine
                self._maker.keep_head(job, source, engine)
                head = self._maker.head(job)
        if head is None:
            self._maker.keep_head(job, source, engine)
        job = dataclasses.replace(job, state="done", num_pages=job.num_pages or len(self._store.pages(job.id)))
        wanted = (*((FIELDS,) if job.spec.kind == "extract" else ()), *job.spec.formats)
        for to in dict.fromkeys(wanted):
            self._check(running)
            self._maker.result(job, to)

    def _waited(self, running: _Running, future: Future[Any]) -> Any:
        """What a future gives, unless the job is left meanwhile."""
        future.add_done_callback(lambda _: running.inbox.put(None))
        while not future.done():
            if self._late(running):
                future.cancel()
                raise _Left
            with contextlib.suppress(queue.Empty):
                running.inbox.get(timeout=TAKE_SECONDS)
        return future.result()

    def _check(self, running: _Running) -> None:
        if running.left.is_set() or self._stopping.is_set():
            raise _Left

    def _late(self, running: _Running) -> bool:
        return running.left.is_set() or (self._stopping.is_set() and time.monotonic() > self._deadline)

    # ------------------------------------------------------------------------ its pages

    def _pages(self, running: _Running, job: Job, path: Path) -> Iterator[PageRead]:
        """Read the pages that are not read, put each away, and give it."""
        records = self._store.pages(job.id)
        if len(records) > URGENT_PAGES:
            job = dataclasses.replace(job, priority=max(job.priority, USUAL))
        todo = deque(record for record in records if record.state != "read")
        pending: dict[int, Future[PageRead]] = {}
        try:
            while todo or pending:
                while todo and len(pending) < WINDOW and not self._stopping.is_set():
                    record = todo.popleft()
                    task = self._task(running, job, path, record)
                    if job.num_pages is not None and self._adopted(job, task):
                        continue
                    future = pending[record.number] = self._readers.read(task)
                    future.add_done_callback(lambda f, record=record: running.inbox.put((record, f)))  # type: ignore[misc]
                if self._stopping.is_set():
                    for number in [number for number, future in pending.items() if future.cancel()]:
                        del pending[number]
                    if not pending:
                        raise _Left
                if not pending:
                    continue
                if self._late(running):
                    raise _Left
                try:
                    told = running.inbox.get(timeout=TAKE_SECONDS)
                except queue.Empty:
                    continue
                if told is None or told[0].number not in pending:
                    continue
                del pending[told[0].number]
                if told[1].cancelled():
                    raise _Left
                yield self._put_away(job, told[1].result())
        finally:
            for future in pending.values():
                future.cancel()

    def _task(self, running: _Running, job: Job, path: Path, record: PageRecord) -> PageTask:
        spec = job.spec
        if record.attempt > 1:
            spec = dataclasses.replace(spec, engine=record.engine or spec.engine, dpi=record.dpi or spec.dpi)
        return PageTask(
            job.id,
            job.owner,
            job.priority,
            path,
            record.number,
            spec,
            job.upload.name,
            record.attempt,
            running.left.is_set,
        )

    def _adopted(self, job: Job, task: PageTask) -> bool:
        """Whether a page was put away by a process that died before it said so."""
        found = self._files.page(job.id, task.number) if task.attempt == 1 else None
        if found is None:
            return False
        head = self._maker.head(job)
        who = "" if head is None else f"{head.engine.name} {head.engine.model}".strip()
        self._store.put_page(job.id, record_of(found[0], task, engine=who))
        self._changed(job.id)
        return True

    def _put_away(self, job: Job, read: PageRead) -> PageRead:
        # The page first: a record that says it was read is never wrong.
        self._files.put_page(job.id, read.page, read.words)
        self._store.put_page(job.id, read.record)
        self.verdicts[read.engine.name or "none", read.page.verdict.status] += 1
        self._changed(job.id)
        return read
