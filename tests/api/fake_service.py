"""A service in memory, for tests of HTTP. It keeps the promises of ``ports.Service``; its pages read themselves.

What a file says decides what happens to it: ``pages=3`` how many pages it has, ``slow=0.2`` seconds for each,
``broken`` that it cannot be opened, ``wait`` that nobody reads it until ``FakeService.go`` is set.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import io
import json
import re
import time
import zipfile
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from docparse.api.corrected import Layer
from docparse.api.evidence import Evidence, evidence
from docparse.api.job import URGENT, Event, Failure, Job, JobSpec, PageRecord, Upload, new_id
from docparse.api.pictures import MEDIA_TYPE, View, encoded, plan
from docparse.api.ports import Again, EngineState, Figures, Question, Reading, Result
from docparse.api.readings import spec_of
from docparse.compare import compare
from docparse.correction import Correction
from docparse.corrections import apply, correct
from docparse.document import Block, Document, EngineInfo, Page, Run, Source
from docparse.errors import (
    CorrectionsConflict,
    EngineUnavailable,
    IdempotencyMismatch,
    JobNotFound,
    JobNotReady,
    PageRangeError,
    QueueFull,
    TooLargeSource,
)
from docparse.exporters.registry import FORMATS
from docparse.exporters.registry import Job as ExportJob
from docparse.extract.extraction import extract_document
from docparse.geometry import BBox
from docparse.grounding import Grounding, Place
from docparse.json_form import to_dict
from docparse.selection import ALL, Selection, select
from docparse.source import media_type, parse_pages
from docparse.textlayer import Word


@dataclass
class _Entry:
    job: Job
    pages: dict[int, PageRecord] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    task: asyncio.Task[None] | None = None
    corrections: dict[int, tuple[int, tuple[Correction, ...]]] = field(default_factory=dict)


class FakeService:
    """``most_waiting``: jobs that may wait. ``model``: whether questions are answered."""

    def __init__(self, *, most_waiting: int = 1000, max_bytes: int = 1 << 40, model: bool = False) -> None:
        self.most_waiting = most_waiting
        self.max_bytes = max_bytes
        self.model = model
        self.uploads: dict[str, bytes] = {}
        self.being_received = 0
        self.started = self.stopped = False
        self.wrong: dict[str, str] = {"store": "", "disk": "", "engine": ""}
        self.asked: list[tuple[str, JobSpec, int]] = []
        self.go = asyncio.Event()
        self._entries: dict[str, _Entry] = {}
        self._changed = asyncio.Condition()
        self._verdicts: Counter[tuple[str, Any]] = Counter()

    @property
    def jobs_kept(self) -> list[Job]:
        return [entry.job for entry in self._entries.values()]

    # -------------------------------------------------------------------------------- files

    async def room(self, *, owner: str) -> None:
        if sum(entry.job.state == "queued" for entry in self._entries.values()) >= self.most_waiting:
            raise QueueFull("too many jobs wait already.")

    async def receive(self, data: AsyncIterator[bytes], *, name: str, owner: str) -> Upload:
        came = bytearray()
        self.being_received += 1
        try:
            async for piece in data:
                came += piece
                if len(came) > self.max_bytes:
                    raise TooLargeSource("the file is too large.", file=name)
                if len(came) >= 1024:
                    media_type(bytes(came[:1024]), len(came), name)
            kept = bytes(came)
            kind = media_type(kept[:1024], len(kept), name)
        finally:
            self.being_received -= 1
        upload = Upload(new_id(), name, len(kept), hashlib.sha256(kept).hexdigest(), kind)
        self.uploads[upload.key] = kept
        return upload

    async def discard(self, upload: Upload, *, owner: str) -> None:
        del self.uploads[upload.key]

    # -------------------------------------------------------------------------------- jobs

    async def submit(
        self, upload: Upload, spec: JobSpec, *, owner: str, priority: int = 1, idempotency_key: str | None = None
    ) -> Job:
        for entry in self._entries.values():
            if idempotency_key is not None and (entry.job.owner, entry.job.idempotency_key) == (owner, idempotency_key):
                del self.uploads[upload.key]
                if (entry.job.upload.sha256, entry.job.spec) != (upload.sha256, spec):
                    raise IdempotencyMismatch("this idempotency key was used for another request.")
                return entry.job
        try:
            await self.room(owner=owner)
        except QueueFull:
            del self.uploads[upload.key]
            raise
        now = time.time()
        job = Job(new_id(), owner, spec, upload, priority, created=now, updated=now, idempotency_key=idempotency_key)
        self.asked.append((owner, spec, priority))
        self._entries[job.id] = entry = _Entry(job)
        entry.task = asyncio.ensure_future(self._run(entry))
        return job

    async def _run(self, entry: _Entry) -> None:
        text = self.uploads[entry.job.upload.key]
        if b"wait" in text:
            await self.go.wait()
        await self._state(entry, "running")
        if b"broken" in text:
            failure = Failure("source.corrupt", "the file is damaged.", {"file": entry.job.upload.name, "secret": 1})
            entry.job = replace(entry.job, failure=failure)
            await self._state(entry, "failed")
            return
        many = int(match[1]) if (match := re.search(rb"pages=(\d+)", text)) else 1
        slow = float(match[1]) if (match := re.search(rb"slow=([\d.]+)", text)) else 0.0
        if not entry.pages:
            entry.pages = {number: PageRecord(number) for number in range(1, many + 1)}
            entry.job = replace(entry.job, num_pages=many)
            await self._tell(entry, "opened", num_pages=many)
        for number, page in list(entry.pages.items()):
            if page.state == "read":
                continue
            await asyncio.sleep(slow)
            status: Any = "failed" if f"bad={number}" in text.decode("latin-1") and page.attempt == 1 else "ok"
            record = replace(page, state="read", status=status, engine="embedded", seconds=slow, confidence=0.9)
            entry.pages[number] = record
            entry.job = replace(entry.job, pages_read=sum(p.state == "read" for p in entry.pages.values()))
            self._verdicts["embedded", status] += 1
            await self._tell(entry, "page", page=record)
        await self._state(entry, "done")

    async def _state(self, entry: _Entry, state: Any) -> None:
        ended = time.time() if state in ("done", "failed", "cancelled") else None
        entry.job = replace(entry.job, state=state, ended=ended, updated=time.time())
        await self._tell(entry, "state", state=state)

    async def _tell(self, entry: _Entry, kind: Any, **what: Any) -> None:
        entry.events.append(Event(entry.job.id, len(entry.events) + 1, kind, time.time(), **what))
        async with self._changed:
            self._changed.notify_all()

    def _entry(self, id: str, owner: str) -> _Entry:
        entry = self._entries.get(id)
        if entry is None or entry.job.owner != owner:
            raise JobNotFound("there is no such job.")
        return entry

    async def wait(self, id: str, *, owner: str, seconds: float) -> Job:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds), self._changed:
                await self._changed.wait_for(lambda: self._entry(id, owner).job.over)
        return self._entry(id, owner).job

    async def job(self, id: str, *, owner: str) -> Job:
        return self._entry(id, owner).job

    async def jobs(
        self, *, owner: str, limit: int = 100, before: str | None = None, readings: bool = False
    ) -> list[Job]:
        mine = [entry.job for entry in reversed(self._entries.values()) if entry.job.owner == owner]
        found = [job for job in mine if readings or job.spec.of is None]
        if before is not None:
            self._entry(before, owner)
            found = found[[job.id for job in found].index(before) + 1 :]
        return found[:limit]

    async def pages(self, id: str, *, owner: str) -> list[PageRecord]:
        return list(self._entry(id, owner).pages.values())

    async def position(self, id: str, *, owner: str) -> int:
        waiting = [e.job.id for e in self._entries.values() if e.job.state == "queued"]
        return waiting.index(id) if id in waiting else 0

    async def events(self, id: str, *, owner: str, after: int = 0) -> AsyncIterator[Event]:
        while True:
            entry = self._entry(id, owner)
            while after < len(entry.events):
                after += 1
                yield entry.events[after - 1]
            if entry.job.over:
                return
            async with self._changed:
                await self._changed.wait()

    async def cancel(self, id: str, *, owner: str) -> Job:
        entry = self._entry(id, owner)
        if not entry.job.over:
            await self._stop(entry)
            await self._state(entry, "cancelled")
        return entry.job

    async def _stop(self, entry: _Entry) -> None:
        if entry.task is not None:
            entry.task.cancel()
            await asyncio.gather(entry.task, return_exceptions=True)

    async def remove(self, id: str, *, owner: str) -> None:
        entry = self._entry(id, owner)
        await self._stop(entry)
        self._entries.pop(id, None)  # another may have removed it meanwhile
        self.uploads.pop(entry.job.upload.key, None)
        async with self._changed:
            self._changed.notify_all()

    async def retry(self, id: str, number: int, *, owner: str, engine: str = "", dpi: float | None = None) -> Job:
        entry = self._entry(id, owner)
        if not entry.job.over:
            raise JobNotReady("the job is not over.")
        if number not in entry.pages:
            raise PageRangeError(f"there is no page {number}.")
        before = entry.pages[number]
        entry.pages[number] = replace(
            before, state="waiting", status=None, attempt=before.attempt + 1, engine=engine, dpi=dpi
        )
        entry.job = replace(entry.job, pages_read=entry.job.pages_read - 1)
        await self._state(entry, "queued")
        entry.task = asyncio.ensure_future(self._run(entry))
        return entry.job

    async def reread(self, id: str, number: int, again: Again, *, owner: str) -> Job:
        self._check_read(id, number, owner)
        job = self._entry(id, owner).job
        if again.prompt and not self.model:
            raise EngineUnavailable("the embedded engine takes no prompt.")
        page = next(page for page in _document(self._entry(id, owner)).pages if page.number == number)
        spec = spec_of(job, page, self._entry(id, owner).pages[number], again)
        upload = replace(job.upload, key=new_id())
        self.uploads[upload.key] = b"pages=%d" % number
        return await self.submit(upload, spec, owner=owner, priority=URGENT)

    async def reading(self, id: str, number: int, reading: str, *, owner: str) -> Reading:
        self._check_read(id, number, owner)
        if self._entry(reading, owner).job.spec.of != id:
            raise JobNotFound("there is no such reading.")
        self._check_read(reading, number, owner)
        ours, theirs = (
            next(page for page in _document(self._entry(one, owner)).pages if page.number == number)
            for one in (id, reading)
        )
        return Reading(theirs, compare(ours, theirs))

    # -------------------------------------------------------------------------------- results

    async def result(
        self, id: str, to: str, *, owner: str, selection: Selection = ALL, as_read: bool = False
    ) -> Result:
        entry = self._entry(id, owner)
        stem = entry.job.upload.name.rpartition(".")[0] or entry.job.upload.name
        document = _document(entry)
        if not as_read:
            document = correct(document, {number: said for number, (_, said) in entry.corrections.items()})
        if selection.pages is not None:
            numbers = parse_pages(selection.pages, len(entry.pages))
            if any(entry.pages[number].state != "read" for number in numbers):
                raise JobNotReady("a page was not read yet.")
            document = select(document, pages=numbers)
        elif not entry.job.over and not to.startswith("page-"):
            raise JobNotReady("the job is not over.")
        if selection.blocks:
            document = select(document, blocks=selection.blocks)
        if to.startswith("page-"):
            number = int(to.removeprefix("page-"))
            if number not in entry.pages or entry.pages[number].state != "read":
                raise JobNotReady("the page was not read yet.")
            page = next(page for page in to_dict(document)["pages"] if page["page"] == number)
            return Result(json.dumps(page).encode(), "application/json", f"{stem}.page-{number}.json")
        if to == "zip":
            data = io.BytesIO()
            with zipfile.ZipFile(data, "w") as archive:
                archive.writestr(f"{stem}.json", json.dumps(to_dict(document)))
            return Result(data.getvalue(), "application/zip", f"{stem}.zip")
        if to == "fields":
            found = extract_document(document, entry.job.spec.schema or "invoice")
            return Result(json.dumps(found.to_dict()).encode(), "application/json", f"{stem}.fields.json")
        known = FORMATS[to]
        (*_, part) = known.run(ExportJob(document, stem, known.suffix, _images))
        content = part.content
        if callable(content):
            stream = io.BytesIO()
            content(stream)
            content = stream.getvalue()
        data_ = content.encode() if isinstance(content, str) else content
        return Result(data_, known.media_type, part.name)

    async def fields(self, id: str, schema: str | dict[str, Any], *, owner: str) -> Result:
        entry = self._entry(id, owner)
        if not entry.job.over or not _document(entry).pages:
            raise JobNotReady("the job is not over.")
        said = {number: said for number, (_, said) in entry.corrections.items()}
        found = extract_document(correct(_document(entry), said), schema)
        return Result(json.dumps(found.to_dict()).encode(), "application/json", "a.fields.json")

    async def corrections(self, id: str, number: int, *, owner: str) -> Layer:
        entry = self._entry(id, owner)
        if number not in entry.pages:
            raise PageRangeError(f"there is no page {number}.")
        if entry.pages[number].state != "read":
            raise JobNotReady("the page was not read yet.")
        page = next(page for page in _document(entry).pages if page.number == number)
        revision, said = entry.corrections.get(number, (0, ()))
        done = apply(page, said)
        return Layer(revision, done.page, done.corrections)

    async def correct(
        self, id: str, number: int, revision: int, corrections: Sequence[Correction], *, owner: str
    ) -> Layer:
        before = await self.corrections(id, number, owner=owner)
        if before.revision != revision:
            raise CorrectionsConflict(f"page {number} has changed meanwhile.")
        self._entry(id, owner).corrections[number] = (revision + 1, tuple(corrections))
        return await self.corrections(id, number, owner=owner)

    async def picture(self, id: str, number: int, view: View, *, owner: str) -> Result:
        self._check_read(id, number, owner)
        planned = plan((595, 842), view)
        data = encoded(b"\xff" * (3 * planned.page[0] * planned.page[1]), planned)
        return Result(data, MEDIA_TYPE, f"a.page-{number}.jpg")

    async def evidence(self, id: str, number: int, *, owner: str) -> Evidence:
        self._check_read(id, number, owner)
        page = next(page for page in _document(self._entry(id, owner)).pages if page.number == number)
        return evidence(page, [Word("Page", BBox(10, 10, 60, 40)), Word("unseen", BBox(10, 700, 90, 730))])

    def _check_read(self, id: str, number: int, owner: str) -> None:
        page = self._entry(id, owner).pages.get(number)
        if page is None:
            raise PageRangeError(f"there is no page {number}.")
        if page.state != "read":
            raise JobNotReady("the page was not read yet.")

    async def ground(self, upload: Upload, question: Question, *, owner: str) -> Grounding:
        del self.uploads[upload.key]
        if not self.model:
            raise EngineUnavailable("no model is there.")
        place = Place("total", BBox(10, 20, 110, 40), None, 0.75)
        return Grounding((place,), question.page, question.text, "[...]", 595, 842)

    async def engines(self) -> list[EngineState]:
        return [
            EngineState("embedded", True, default=True, reason="no model checkpoint is configured"),
            EngineState("qwen", self.model, reason="" if self.model else "no checkpoint", answers=True),
        ]

    async def figures(self) -> Figures:
        states = Counter(entry.job.state for entry in self._entries.values())
        return Figures(states, self._verdicts, {"pages_waiting": 0.0, "workers": 2.0, "batch_fill": 0.5})

    async def ready(self) -> Mapping[str, str]:
        return self.wrong

    def start(self) -> None:
        self.started = True

    def stop(self, *, drain: float) -> None:
        self.stopped = True


def _images(number: int) -> Any:
    from PIL import Image

    return Image.new("RGB", (595, 842), "white")


def _document(entry: _Entry) -> Document:
    pages = tuple(
        Page(
            number,
            595,
            842,
            blocks=(Block("paragraph", BBox(10, 10, 500, 40), (Run(f"Page {number} <script>alert(1)</script>"),)),),
        )
        for number, record in entry.pages.items()
        if record.state == "read"
    )
    upload = entry.job.upload
    source = Source(upload.name, upload.sha256, upload.bytes, upload.media_type, len(entry.pages))
    return Document(pages, source, EngineInfo("embedded", "0"), "0")
