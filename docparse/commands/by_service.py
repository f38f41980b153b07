"""``docparse convert --server``: a docparse service reads the files, and the results are written here.

The service is sent the files, several at a time, and says page by page how far it is; what it has read comes back as
JSON and is written by the same exporters as a conversion on this machine. Pages are drawn here only where a format
shows them. Nothing stays at the service: not when all is done, and not after Ctrl-C.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from docparse.batch import Outcome
from docparse.client import AsyncClient, AsyncJob, Client, JobEvent
from docparse.commands.bulk import NOBODY, Audience, Display, Follow, Plan, announce, what_and_where
from docparse.convert import Options, open_for, page_images
from docparse.document import Document
from docparse.errors import (
    AccessError,
    DocparseError,
    EngineUnavailable,
    JobError,
    OutputDiskError,
    ServiceUnreachable,
    SettingsError,
)
from docparse.reading import Finished, Job, noted
from docparse.settings import load
from docparse.source import Source

if TYPE_CHECKING:
    from PIL.Image import Image

FILES = 4
"""Files at a time, where nobody said it: a service lets one key send eight."""
PATIENCE = 300.0
"""Seconds that a service may be away, or have too much to do, before its file is given up."""
FIRST_PATIENCE = 3.0
LEAVING = 8.0
"""Seconds for telling the service that somebody goes."""
THEIRS = ("model", "server_url", "server_model", "prompt", "check", "renderer", "page_seconds", "cache")
"""Settings that are the service's own."""


def plan(
    inputs: Sequence[str],
    output: str,
    *,
    server: str,
    pages: str | None,
    password: str | None,
    flags: dict[str, Any],
    listed: Sequence[str] = (),
) -> tuple[Plan, Follow]:
    """Raises ``DocparseError`` for what is wrong at once: also where no service answers, or not to this key."""
    for name in THEIRS:
        if flags.get(name) is not None:
            flag = "--no-cache" if name == "cache" else f"--{name.replace('_', '-')}"
            raise SettingsError(f"{flag}: with --server that is for the service to say.", hint="Leave it out.")
    settings = load(**flags)
    found, folder, to = what_and_where(inputs, output, pages, listed)
    key = None if settings.api_key is None else settings.api_key.get_secret_value()
    _try_service(server, key, settings.engine)
    # For the pages that are drawn here: the files are no more to be trusted than at the service.
    options = Options(
        engine=settings.engine,
        pages=pages,
        dpi=settings.dpi,
        password=password,
        renderer=settings.renderer,
        isolate=True,
        limits=settings.limits(),
    )
    workers = min(settings.jobs or FILES, len(found.files))
    planned = Plan(settings, options, found, folder, "service", _address(server), workers, to)
    return planned, partial(follow, server=server, key=key)


def _address(server: str) -> str:
    """Which service it is, without a name and password that may stand in its URL."""
    parts = urlsplit(server)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}".rstrip("/")


def _try_service(server: str, key: str | None, engine: str) -> None:
    try:
        client = Client(server, api_key=key, patience=FIRST_PATIENCE)
    except SettingsError as error:
        raise SettingsError(f"--server: {error.message}", hint=error.hint) from error
    with client:
        engines = {each.name: each for each in client.engines()}
    if engine == "auto":
        return
    wanted = engines.get(engine)
    if wanted is None:
        raise SettingsError(f"--engine: the service has no engine {engine!r}.", hint=f"It has {', '.join(engines)}.")
    if not wanted.available:
        raise EngineUnavailable(f"the service does not have the {engine} engine ({wanted.reason}).")


def follow(
    plan: Plan,
    jobs: Iterable[Job],
    display: Display,
    audience: Audience = NOBODY,
    *,
    server: str,
    key: str | None,
) -> tuple[list[Outcome], bool]:
    """As ``bulk.follow``; outcomes are kept."""
    announce(plan, display)
    run = _Run(plan, list(jobs), display, audience)
    try:
        asyncio.run(run.all(server, key))
    except KeyboardInterrupt:
        return run.outcomes, True
    return run.outcomes, False


@dataclass(slots=True)
class _Drawn:
    """The pages of a file, ``path`` on this machine, for exporters; it is opened when the first is asked for."""

    job: Job
    path: str
    document: Document
    source: Source | None = None
    images: Any = None

    def __call__(self, number: int) -> Image:
        if self.source is None:
            self.source = open_for(self.path, self.job.options, name=self.job.name)
            self.images = page_images(self.source, self.document.pages)
        image: Image = self.images(number)
        return image

    def close(self) -> None:
        if self.source is not None:
            self.source.close()


class _Run:
    """All files of a run. ``outcomes`` are in the order of the jobs."""

    def __init__(
        self,
        plan: Plan,
        jobs: Sequence[Job],
        display: Display,
        audience: Audience,
    ) -> None:
        self.outcomes = [Outcome(job.path) for job in jobs]
        self._plan = plan
        self._jobs = jobs
        self._display = display
        self._audience = audience
        self._over: DocparseError | None = None

    async def all(self, server: str, key: str | None) -> None:
        indices = iter(range(len(self._jobs)))
        async with AsyncClient(server, api_key=key, patience=PATIENCE) as client, asyncio.TaskGroup() as group:
            for _ in range(self._plan.workers):
                group.create_task(self._some(client, indices))

    async def _some(self, client: AsyncClient, indices: Iterator[int]) -> None:
        for index in indices:
            outcome, began = self.outcomes[index], time.monotonic()
            try:
                if self._over is not None:
                    raise type(self._over)(self._over.message, hint=self._over.hint)
                await self._one(client, index)
            except DocparseError as error:
                if isinstance(error, ServiceUnreachable | AccessError | OutputDiskError):
                    self._over = error  # the next file would be sent, or wait as long, for the same
                error.file = outcome.path
                outcome.error = error
            outcome.seconds = time.monotonic() - began
            self._display.over(outcome)
            try:
                self._audience.is_over(index, self._jobs[index], outcome)
            except OutputDiskError as error:  # of the record
                self._over = self._over or error
                self._display.error(error)

    async def _one(self, client: AsyncClient, index: int) -> None:
        with ExitStack() as stack:
            path = await asyncio.to_thread(stack.enter_context, self._jobs[index].file())
            await self._read(client, index, path)

    async def _read(self, client: AsyncClient, index: int, path: str) -> None:
        outcome = self.outcomes[index]
        job = await self._submitted(client, self._jobs[index], path)
        try:
            seconds: dict[int, float] = {}
            async for event in job.events():
                self._note(outcome, event, seconds)
            status = await job.status()
            if status.error is not None:
                raise status.error
            if status.state == "cancelled":
                raise JobError("somebody has cancelled its job at the service.")
            document = await job.document()
        finally:
            await _removed(job)
        name = self._jobs[index].name or Path(path).name
        document = replace(document, source=replace(document.source, name=name))
        self._keep(index, document, seconds)
        outcome.outputs = await asyncio.to_thread(_written, self._jobs[index], document, path)

    async def _submitted(self, client: AsyncClient, job: Job, path: str) -> AsyncJob:
        """The file at the service. Whoever goes while it is sent waits a moment, to be able to take it back."""
        options, settings = job.options, self._plan.settings
        sending = asyncio.ensure_future(
            client.submit(
                path,
                engine=None if settings.engine == "auto" else settings.engine,
                pages=options.pages,
                dpi=options.dpi,
                password=options.password,
                bulk=len(self._jobs) > 1,
            )
        )
        try:
            return await asyncio.shield(sending)
        except asyncio.CancelledError:
            with suppress(DocparseError, TimeoutError):
                async with asyncio.timeout(LEAVING):
                    await _removed(await sending)
            raise

    def _note(self, outcome: Outcome, event: JobEvent, seconds: dict[int, float]) -> None:
        if event.pages is not None:
            outcome.total = event.pages
        if event.page is not None and event.page.status is not None:
            page = event.page
            outcome.pages[page.number] = event.page.status
            outcome.codes[page.number] = tuple(code for code, _ in page.reasons)
            seconds[page.number] = page.seconds or 0.0
        self._display.update(outcome)

    def _keep(self, index: int, document: Document, seconds: dict[int, float]) -> None:
        """What the document itself says of its pages: more than the events did."""
        outcome = self.outcomes[index]
        outcome.pages.clear()
        outcome.sha256, outcome.total = document.source.sha256, len(document.pages)
        if self._audience.record is not None:
            self._audience.record.opened(index, self._jobs[index], outcome)
        engine = f"{document.engine.name} {document.engine.model}".strip()
        for page in document.pages:
            done = noted(page, whole=False, seconds=seconds.get(page.number), engine=engine)
            outcome.pages[page.number] = done.status
            outcome.codes[page.number] = done.codes
            if done.confidence is not None:
                outcome.sure[page.number] = (done.confidence, done.characters)
            self._audience.hears(index, done)


def _written(job: Job, document: Document, path: str) -> tuple[str, ...]:
    images = _Drawn(job, path, document)
    try:
        return job.delivered(lambda job: Finished(job.write(document, images))).outputs
    finally:
        images.close()


async def _removed(job: AsyncJob) -> None:
    """The service removes it by itself some day, should it not hear of this."""
    with suppress(DocparseError, TimeoutError):
        async with asyncio.timeout(LEAVING):
            await job.delete()
