"""The service without HTTP: jobs come in, are run, watched, fetched and removed. Coroutines over threads.

Every call is for an owner, who sees only what is his.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from docparse.api.bell import Bell, heard
from docparse.api.evidence import Evidence, evidence
from docparse.api.family import check_room, family, too_many
from docparse.api.gallery import Gallery
from docparse.api.grounded import grounded
from docparse.api.housekeeping import Housekeeping
from docparse.api.job import URGENT, USUAL, Event, Job, JobSpec, PageRecord, Upload, new_id
from docparse.api.making import RESULT_BYTES, Maker, stem
from docparse.api.pictures import MEDIA_TYPE, View
from docparse.api.ports import (
    Again,
    EngineState,
    Figures,
    Files,
    JobQueue,
    JobStore,
    Question,
    Readers,
    Reading,
    Result,
)
from docparse.api.readers import schema_of
from docparse.api.readiness import readiness
from docparse.api.readings import Readings
from docparse.api.receiving import received, seen
from docparse.api.running import LEASE_SECONDS, THREADS, JobRunner
from docparse.convert import Options
from docparse.errors import DocparseError, EngineError, JobNotFound, QueueFull, SettingsError
from docparse.selection import ALL, Selection

if TYPE_CHECKING:
    from docparse.api.corrected import Layer
    from docparse.api.webhook import Webhooks
    from docparse.correction import Correction
    from docparse.document import Page
    from docparse.grounding import Grounding

log = logging.getLogger("docparse.service")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ServiceOptions:
    """What an operator may set.

    options        how files are opened: limits, renderer
    most_waiting   jobs that wait; more are refused
    upload_bytes   a file
    result_bytes   a result, an archive of all of them
    lease_seconds  how long a job of a process that died is nobody's
    threads        jobs that are under way at a time
    look_seconds   between two looks at a job that another process may run
    housekeeping   seconds between two rounds
    """

    options: Options = Options()
    most_waiting: int = 1000
    upload_bytes: int = 256 * 1024**2
    result_bytes: int = RESULT_BYTES
    lease_seconds: float = LEASE_SECONDS
    threads: int = THREADS
    look_seconds: float = 2.0
    housekeeping: float = 5.0


_Wanted = tuple[str, str, Selection, bool]
"""A result: the job and when it changed, the format, what of it."""


class LocalService:
    """``Service`` on a store, a queue, files and readers, which end with it."""

    def __init__(
        self,
        store: JobStore,
        queue: JobQueue,
        files: Files,
        readers: Readers,
        options: ServiceOptions = ServiceOptions(),
        *,
        webhooks: Webhooks | None = None,
    ) -> None:
        self._store, self._queue, self._files, self._readers = store, queue, files, readers
        self._options = options
        self._webhooks = webhooks
        self._bell = Bell()
        self._maker = Maker(store, files, readers, options.options, most=options.result_bytes)
        self._gallery = Gallery(self._maker, files, readers)
        self._readings = Readings(store, files, readers, self._maker)
        self.runner = JobRunner(
            store,
            files,
            readers,
            self._maker,
            changed=self._bell.ring,
            ended=self._ended,
            lease_seconds=options.lease_seconds,
            threads=options.threads,
        )
        self._housekeeping = Housekeeping(store, queue, files, every=options.housekeeping)
        # Short questions never wait for long work: two threads draw and pack, the others ask the store.
        self._quick = ThreadPoolExecutor(16, thread_name_prefix="docparse-ask")
        self._slow = ThreadPoolExecutor(2, thread_name_prefix="docparse-make")
        self._making: dict[_Wanted, asyncio.Future[Result]] = {}

    def start(self) -> None:
        """Go on with what a process left that died, and take jobs. Blocks for as long as it looks for them."""
        self._housekeeping.start()
        self.runner.start(self._queue)

    def stop(self, *, drain: float) -> None:
        self._housekeeping.stop()
        self.runner.stop(drain=drain)
        self._readers.close()
        self.runner.join()
        if self._webhooks is not None:
            self._webhooks.close()

    def close(self) -> None:
        """After ``stop``, when nobody asks any more: what it was made of is closed too."""
        self._quick.shutdown(cancel_futures=True)
        self._slow.shutdown(cancel_futures=True)
        self._queue.close()
        self._store.close()

    # ------------------------------------------------------------------------ files

    async def room(self, *, owner: str) -> None:
        if (await self._ask(self._store.counts))["queued"] >= self._options.most_waiting:
            raise QueueFull(f"{self._options.most_waiting:,} jobs wait already.", hint="Try again later.")

    async def receive(self, data: AsyncIterator[bytes], *, name: str, owner: str) -> Upload:
        return await received(self._files, data, name=name, max_bytes=self._options.upload_bytes)

    async def discard(self, upload: Upload, *, owner: str) -> None:
        await self._ask(self._files.remove, new_id(), upload)

    # ------------------------------------------------------------------------ jobs

    async def submit(
        self,
        upload: Upload,
        spec: JobSpec,
        *,
        owner: str,
        priority: int = USUAL,
        idempotency_key: str | None = None,
    ) -> Job:
        job = Job(new_id(), owner, spec, upload, priority, idempotency_key=idempotency_key)
        return await self._ask(self._submit, job)

    def _submit(self, job: Job) -> Job:
        try:
            self._check(job.spec)
            if job.priority != URGENT:
                self._files.settle(job.upload)
            known = self._store.add(job, most_waiting=self._options.most_waiting)
        except BaseException:
            self._files.remove(job.id, job.upload)
            raise
        if known.id != job.id:
            self._files.remove(job.id, job.upload)
            return known
        try:
            self._queue.put(known.id, known.priority, known.turn)
        except DocparseError as error:  # the store knows it: housekeeping puts it in when that works again
            log.warning("job %s is not queued yet: %s", known.id, error)
        return known

    def _check(self, spec: JobSpec) -> None:
        """What would fail at the end is refused at the beginning."""
        for to in spec.formats:
            self._maker.check(to)
        if spec.kind == "extract":
            schema_of(spec)
        if spec.webhook is not None:
            if self._webhooks is None:
                raise SettingsError("this service tells nobody of jobs that are over.", hint="Leave the webhook out.")
            self._webhooks.check(spec.webhook)

    async def wait(self, id: str, *, owner: str, seconds: float) -> Job:
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        with self._bell.listening(id) as event:
            while True:
                job = await self.job(id, owner=owner)
                left = until - loop.time()
                if job.over or left <= 0:
                    return job
                await heard(event, min(left, self._options.look_seconds))

    async def job(self, id: str, *, owner: str) -> Job:
        return await self._ask(self._store.get, id, owner=owner)

    async def jobs(
        self, *, owner: str, limit: int = 100, before: str | None = None, readings: bool = False
    ) -> list[Job]:
        return await self._ask(self._store.jobs, owner=owner, limit=limit, before=before, readings=readings)

    async def reread(self, id: str, number: int, again: Again, *, owner: str) -> Job:
        job = await self.job(id, owner=owner)
        await self.room(owner=owner)
        return await self._ask(self._reread, job, number, again)

    def _reread(self, job: Job, number: int, again: Again) -> Job:
        check_room(self._store, job, number)
        reading = self._submit(self._readings.job(job, number, again))
        try:
            self._store.get(job.id)
        except JobNotFound:  # it was removed meanwhile, and did not know of this one
            self._remove(reading)
            raise
        for old in too_many(self._store, job, number):
            self._remove(old)
        return reading

    async def reading(self, id: str, number: int, reading: str, *, owner: str) -> Reading:
        job, other = await self.job(id, owner=owner), await self.job(reading, owner=owner)
        return await self._ask(self._readings.compared, job, number, other)

    async def pages(self, id: str, *, owner: str) -> list[PageRecord]:
        await self.job(id, owner=owner)
        return await self._ask(self._store.pages, id)

    async def position(self, id: str, *, owner: str) -> int:
        await self.job(id, owner=owner)
        return await self._ask(self._store.position, id)

    async def events(self, id: str, *, owner: str, after: int = 0) -> AsyncIterator[Event]:
        with self._bell.listening(id) as event:
            while True:
                job = await self.job(id, owner=owner)  # before its events: none comes after it was over
                found = await self._ask(self._store.events, id, after=after)
                for one in found:
                    after = one.number
                    yield one
                if not found:
                    if job.over:
                        return
                    await heard(event, self._options.look_seconds)

    async def cancel(self, id: str, *, owner: str) -> Job:
        await self.job(id, owner=owner)
        job = await self._ask(self._store.set_state, id, "cancelled")
        self.runner.cancel(id)
        self._bell.ring(id)
        return job

    async def remove(self, id: str, *, owner: str) -> None:
        job = await self.job(id, owner=owner)
        await self._ask(self._remove, job)

    def _remove(self, job: Job) -> None:
        # Its readings have its file, and nobody would find them.
        for one in family(self._store, job):
            with contextlib.suppress(JobNotFound):  # somebody else has removed it meanwhile
                self._remove_one(one)

    def _remove_one(self, job: Job) -> None:
        if not job.over:
            self._store.set_state(job.id, "cancelled")
        self.runner.cancel(job.id)
        self._store.remove(job.id)
        self._files.remove(job.id, job.upload)
        self._maker.corrected.forget(job.id)
        self._bell.ring(job.id)

    async def retry(self, id: str, number: int, *, owner: str, engine: str = "", dpi: float | None = None) -> Job:
        job = await self.job(id, owner=owner)
        return await self._ask(self._retry, job, number, engine, dpi)

    def _retry(self, job: Job, number: int, engine: str, dpi: float | None) -> Job:
        self._store.retry(job.id, number, engine=engine, dpi=dpi)
        self._maker.forget(job)
        job = self._store.get(job.id)
        self._queue.put(job.id, job.priority, job.turn)
        self._bell.ring(job.id)
        return job

    # ------------------------------------------------------------------------ results

    async def result(
        self, id: str, to: str, *, owner: str, selection: Selection = ALL, as_read: bool = False
    ) -> Result:
        job = await self.job(id, owner=owner)
        stamp = await self._ask(self._maker.corrected.stamp, id)
        key = (f"{id} {job.updated}{stamp}", to, selection, as_read)
        making = self._making.get(key)
        if making is None:
            # Whoever asks for the same meanwhile waits for the same.
            result = functools.partial(self._maker.result, job, to, selection=selection, as_read=as_read)
            making = asyncio.ensure_future(self._in(self._slow, result))
            self._making[key] = making
            making.add_done_callback(functools.partial(self._made, key))
        return await asyncio.shield(making)

    def _made(self, key: _Wanted, making: asyncio.Future[Result]) -> None:
        self._making.pop(key, None)
        seen(making)  # whoever asked may be gone

    async def fields(self, id: str, schema: str | dict[str, Any], *, owner: str) -> Result:
        job = await self.job(id, owner=owner)
        return await self._in(self._slow, self._maker.fields, job, schema)

    async def corrections(self, id: str, number: int, *, owner: str) -> Layer:
        job = await self.job(id, owner=owner)
        return await self._ask(self._corrections, job, number)

    def _corrections(self, job: Job, number: int) -> Layer:
        return self._maker.corrected.layer(job.id, *self._read_page(job, number))

    async def correct(
        self, id: str, number: int, revision: int, corrections: Sequence[Correction], *, owner: str
    ) -> Layer:
        job = await self.job(id, owner=owner)
        return await self._ask(self._correct, job, number, revision, corrections)

    def _correct(self, job: Job, number: int, revision: int, corrections: Sequence[Correction]) -> Layer:
        layer = self._maker.corrected.put(job.id, *self._read_page(job, number), revision, corrections)
        self._maker.forget(job)
        return layer

    def _read_page(self, job: Job, number: int) -> tuple[Page, PageRecord]:
        """A page as it was read, and the record of that reading."""
        self._maker.check_page(job, number)
        document, _ = self._maker.document(job, [number], words=False, as_read=True)
        return document.pages[0], next(each for each in self._store.pages(job.id) if each.number == number)

    async def picture(self, id: str, number: int, view: View, *, owner: str) -> Result:
        job = await self.job(id, owner=owner)
        drawing = await self._ask(self._gallery.picture, job, number, view)
        try:
            data = await asyncio.wrap_future(drawing.data)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            raise EngineError("the service is ending.") from None
        if drawing.keep:
            self._quick.submit(self._gallery.keep, job, drawing.keep, data)  # whoever asks need not wait for that
        return Result(data, MEDIA_TYPE, f"{stem(job)}.page-{number}.jpg")

    async def evidence(self, id: str, number: int, *, owner: str) -> Evidence:
        job = await self.job(id, owner=owner)
        return await self._ask(self._evidence, job, number)

    def _evidence(self, job: Job, number: int) -> Evidence:
        self._maker.check_page(job, number)
        document, words = self._maker.document(job, [number])
        read = None if not document.corrections else self._read_page(job, number)[0]
        return evidence(document.pages[0], words[number], read=read)

    async def ground(self, upload: Upload, question: Question, *, owner: str) -> Grounding:
        try:
            return await self._in(
                self._slow, grounded, self._readers, self._files, self._options.options, upload, question
            )
        finally:
            await self.discard(upload, owner=owner)

    # ------------------------------------------------------------------------ the service itself

    async def engines(self) -> list[EngineState]:
        return await self._ask(self._readers.engines)

    async def figures(self) -> Figures:
        jobs = await self._ask(self._store.counts)
        readers = await self._ask(self._readers.load)
        return Figures(jobs, dict(self.runner.verdicts), {**readers, **self.runner.load()})

    async def ready(self) -> Mapping[str, str]:
        return await self._ask(readiness, self._store, self._files, self._readers)

    def _ended(self, job: Job) -> None:
        if job.spec.webhook is not None and self._webhooks is not None:
            self._webhooks.send(job)

    async def _ask(self, what: Callable[..., T], *args: Any, **how: Any) -> T:
        return await self._in(self._quick, what, *args, **how)

    async def _in(self, threads: ThreadPoolExecutor, what: Callable[..., T], *args: Any, **how: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(threads, functools.partial(what, *args, **how))


__all__ = ["LocalService", "ServiceOptions"]
