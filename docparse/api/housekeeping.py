"""What has to be done now and then: jobs that nobody goes on with, jobs that are over for long, files of nobody.

Several processes may do it at once: each step is done once, or does no harm the second time.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable

from docparse.api.family import family
from docparse.api.job import Job
from docparse.api.ports import Files, JobQueue, JobStore
from docparse.errors import DocparseError, JobNotFound

log = logging.getLogger("docparse.housekeeping")

ABANDONED_SECONDS = 3600.0
"""A file of that age that belongs to no job belongs to a process that died, or to a request that never ended."""


class Housekeeping:
    """``once`` at the start and every ``every`` seconds; files of nobody every ``sweep_every``."""

    def __init__(
        self,
        store: JobStore,
        queue: JobQueue,
        files: Files,
        *,
        every: float = 5.0,
        sweep_every: float = 600.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store, self._queue, self._files = store, queue, files
        self._every, self._sweep_every, self._clock = every, sweep_every, clock
        self._swept = float("-inf")
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def once(self) -> None:
        """Raises what the store, the queue and the files do."""
        now = self._clock()
        if count := self._queue.refill(self._store.unfinished()):
            log.info("%d jobs are queued again", count)
        for job in self._store.expired(now):
            try:
                for one in family(self._store, job):  # nobody finds a reading whose job is gone
                    self._remove(one)
            except DocparseError as error:  # one that cannot be removed keeps no other
                log.warning("job %s is over for long and cannot be removed: %s", job.id, error)
        if now - self._swept >= self._sweep_every:
            self._swept = now
            jobs, uploads = self._store.kept()
            if count := self._files.sweep(uploads=uploads, jobs=jobs, before=now - ABANDONED_SECONDS):
                log.info("%d files of no job are removed", count)

    def _remove(self, job: Job) -> None:
        if not job.over:
            with contextlib.suppress(JobNotFound):
                self._store.set_state(job.id, "cancelled")  # whoever reads it stops
        self._files.remove(job.id, job.upload)  # first: a crash between the two leaves a job to be found again
        self._store.remove(job.id)

    def start(self) -> None:
        """Once now, in this thread; then in one of its own."""
        self.once()
        self._thread = threading.Thread(target=self._run, name="housekeeping", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._stopped.wait(self._every):
            try:
                self.once()
            except DocparseError as error:  # a disk that is full, a Redis that is away: it may get better
                log.warning("housekeeping: %s", error)
            except Exception:
                log.exception("housekeeping met what it did not expect, and goes on")
