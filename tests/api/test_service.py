"""The service without HTTP: jobs that are run, watched, cancelled, resumed, read again; on real stores and files."""

from __future__ import annotations

import asyncio
import io
import json
import os
import queue
import threading
import time
import zipfile
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import docparse
from docparse.api.files import StoredFiles
from docparse.api.job import URGENT, USUAL, Job, JobSpec, Upload
from docparse.api.queue import HueyQueue
from docparse.api.readers import PageReaders
from docparse.api.running import URGENT_PAGES
from docparse.api.service import LocalService, ServiceOptions
from docparse.api.store import SqliteStore
from docparse.api.webhook import Webhooks
from docparse.client.values import page_of
from docparse.convert import Options
from docparse.errors import (
    ExportError,
    IdempotencyMismatch,
    JobNotFound,
    JobNotReady,
    PageRangeError,
    QueueFull,
    SchemaError,
    SettingsError,
    TooLargeSource,
)
from docparse.json_form import from_json
from tests.fake_engine import HANG, KILL, FakeEngine
from tests.making import pdf, text

SAMPLES = Path(__file__).parents[2] / "samples"
pytestmark = pytest.mark.skipif(os.name == "nt", reason="process groups and memory limits are POSIX")

OWNER = "ann"


class Place:
    """A data folder, and services on it, one after another or side by side."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.services: list[LocalService] = []

    def service(self, engine: Any = "embedded", *, workers: int = 1, start: bool = True, **how: Any) -> LocalService:
        options = Options(engine=engine)
        webhooks = how.pop("webhooks", None)
        service = LocalService(
            SqliteStore(self.folder / "jobs.sqlite"),
            HueyQueue(self.folder / "queue.sqlite"),
            StoredFiles(self.folder),
            PageReaders(options, workers=workers),
            ServiceOptions(options, **{"look_seconds": 0.2, "housekeeping": 0.5, **how}),
            webhooks=webhooks,
        )
        self.services.append(service)
        if start:
            service.start()
        return service

    def end(self, service: LocalService, *, drain: float = 0.0) -> None:
        self.services.remove(service)
        service.stop(drain=drain)
        service.close()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path / "data")
    yield made
    for service in list(made.services):
        made.end(service)


def book(pages: int) -> bytes:
    return pdf(*(text(f"Page {n}") for n in range(1, pages + 1)))


async def sent(service: LocalService, data: bytes, *, name: str = "a.pdf", owner: str = OWNER) -> Upload:
    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(data), 1000):
            yield data[start : start + 1000]

    return await service.receive(pieces(), name=name, owner=owner)


async def begun(
    service: LocalService,
    data: bytes,
    spec: JobSpec | None = None,
    *,
    name: str = "a.pdf",
    owner: str = OWNER,
    **how: Any,
) -> Job:
    return await service.submit(
        await sent(service, data, name=name, owner=owner), spec or JobSpec(), owner=owner, **how
    )


async def over(service: LocalService, job: Job, *, seconds: float = 60) -> Job:
    job = await service.wait(job.id, owner=job.owner, seconds=seconds)
    assert job.over, f"{job.state}: {job.pages_read} of {job.num_pages} pages"
    return job


async def until(what: Callable[[], Any], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


def test_a_document_is_what_parse_makes_of_it(place: Place) -> None:
    path = SAMPLES / "paper.pdf"
    known = docparse.parse(path, engine="embedded")

    async def run() -> None:
        service = place.service(workers=2)
        job = await over(service, await begun(service, path.read_bytes(), name="paper.pdf"))
        assert job.state == "done"
        assert (job.num_pages, job.pages_read) == (2, 2)
        result = await service.result(job.id, "json", owner=OWNER)
        document = from_json(result.data)
        assert document.pages == known.pages
        assert document.source == known.source
        assert document.engine.name == "embedded"
        assert (result.media_type, result.filename) == ("application/json", "paper.json")
        markdown = await service.result(job.id, "md", owner=OWNER)
        assert markdown.data.decode().startswith(docparse.exporters.export(known, "markdown").text[:200])
        assert (await service.result(job.id, "md", owner=OWNER)).data == markdown.data
        page = await service.result(job.id, "page-2", owner=OWNER)
        assert page_of(json.loads(page.data)) == known.pages[1]
        with pytest.raises(PageRangeError):
            await service.result(job.id, "page-3", owner=OWNER)
        with pytest.raises(ExportError):
            await service.result(job.id, "docx", owner=OWNER)
        with pytest.raises(ExportError, match="parsed"):
            await service.result(job.id, "fields", owner=OWNER)
        records = await service.pages(job.id, owner=OWNER)
        assert [(r.number, r.state, r.engine) for r in records] == [(1, "read", "embedded"), (2, "read", "embedded")]
        assert (await service.figures()).verdicts == Counter(("embedded", p.verdict.status) for p in known.pages)

    asyncio.run(run())


def test_pictures_and_archives(place: Place) -> None:
    async def run() -> None:
        service = place.service()
        data = (SAMPLES / "invoice.pdf").read_bytes()
        job = await over(service, await begun(service, data, name="../../My Invoice.pdf"))
        overlay = await service.result(job.id, "overlay", owner=OWNER)
        assert overlay.data[:5] == b"%PDF-"
        assert overlay.filename == "My-Invoice.overlay.pdf"
        picture = await service.result(job.id, "overlay-png", owner=OWNER)
        assert picture.data[:4] == b"\x89PNG"
        assert (picture.media_type, picture.filename) == ("image/png", "My-Invoice.overlay.png")
        whole = await service.result(job.id, "zip", owner=OWNER)
        with zipfile.ZipFile(io.BytesIO(whole.data)) as archive:
            names = archive.namelist()
            assert archive.testzip() is None
        assert {"My-Invoice.json", "My-Invoice.md", "My-Invoice.overlay.pdf"} <= set(names)
        assert not any(name.startswith("/") or ".." in name for name in names)

    asyncio.run(run())


def test_several_pictures_come_as_an_archive(place: Place) -> None:
    async def run() -> None:
        service = place.service(FakeEngine())
        job = await over(service, await begun(service, book(2)))
        result = await service.result(job.id, "overlay-png", owner=OWNER)
        assert result.media_type == "application/zip"
        with zipfile.ZipFile(io.BytesIO(result.data)) as archive:
            assert archive.namelist() == ["a.overlay-001.png", "a.overlay-002.png"]
        small = place.service(FakeEngine(), result_bytes=1000)
        with pytest.raises(ExportError, match="limit"):
            await small.result(job.id, "zip", owner=OWNER)

    asyncio.run(run())


def test_fields_of_an_invoice(place: Place) -> None:
    path = SAMPLES / "invoice.pdf"
    known = docparse.extract(path, engine="embedded").to_dict()

    async def run() -> None:
        service = place.service()
        spec = JobSpec(kind="extract", schema="invoice", formats=("md",))
        job = await over(service, await begun(service, path.read_bytes(), spec, name="invoice.pdf"))
        assert job.state == "done"
        found = json.loads((await service.result(job.id, "fields", owner=OWNER)).data)
        assert found == json.loads(json.dumps(known))
        own = {"type": "object", "properties": {"invoice_number": {"type": ["string", "null"]}}}
        spec = JobSpec(kind="extract", schema=own)
        job = await over(service, await begun(service, path.read_bytes(), spec, name="invoice.pdf"))
        found = json.loads((await service.result(job.id, "fields", owner=OWNER)).data)
        assert found == json.loads(json.dumps(docparse.extract(path, own, engine="embedded").to_dict()))
        for bad in ("/etc/passwd", "pyproject.toml", str(path), "tests/schema.json"):
            with pytest.raises(SchemaError):
                await begun(service, path.read_bytes(), JobSpec(kind="extract", schema=bad))
        job = await over(service, await begun(service, path.read_bytes(), JobSpec("extract", schema={"type": "array"})))
        assert (job.state, job.failure and job.failure.code) == ("failed", "schema.invalid")

    asyncio.run(run())


def test_what_cannot_be_read_fails_with_its_code(place: Place) -> None:
    async def run() -> None:
        service = place.service()
        broken = await over(service, await begun(service, b"%PDF-1.7\n", name="broken.pdf"))
        assert broken.state == "failed"
        assert broken.failure is not None
        assert broken.failure.code == "source.corrupt"
        assert broken.failure.details["file"] == "broken.pdf"
        assert str(place.folder) not in json.dumps(broken.failure.details) + broken.failure.message
        for spec, code in (
            (JobSpec(pages="7-"), "range.invalid"),
            (JobSpec(pages="99"), "range.invalid"),
            (JobSpec(engine="qwen"), "engine.unavailable"),
        ):
            job = await over(service, await begun(service, book(2), spec))
            assert (job.state, job.failure and job.failure.code) == ("failed", code)
            with pytest.raises(JobNotReady):
                await service.result(job.id, "json", owner=OWNER)
        locked = pdf(text("x"), password="secret")
        job = await over(service, await begun(service, locked))
        assert job.failure is not None
        assert job.failure.code == "source.encrypted"
        job = await over(service, await begun(service, locked, JobSpec(password="secret")))
        assert job.state == "done"

    asyncio.run(run())


def test_small_jobs_are_done_before_a_large_one(place: Place) -> None:
    async def run() -> None:
        service = place.service(FakeEngine())
        large = await begun(service, book(60), owner="bob")
        await until(lambda: service._store.get(large.id).pages_read >= 3)
        small = [await begun(service, book(1), owner=f"client {n % 4}") for n in range(12)]
        done = await asyncio.gather(*(over(service, job) for job in small))
        assert all(job.state == "done" for job in done)
        between = await service.job(large.id, owner="bob")
        assert between.pages_read < 60, "the large one was done before the small ones"
        assert (await over(service, large)).pages_read == 60

    asyncio.run(run())


def test_many_jobs_of_many_clients_at_once(place: Place) -> None:
    async def run() -> None:
        service = place.service(FakeEngine(), workers=2, threads=8)
        jobs = await asyncio.gather(
            *(begun(service, book(1 + n % 3), owner=f"client {n % 5}", priority=n % 3) for n in range(40))
        )
        done = await asyncio.gather(*(over(service, job) for job in jobs))
        assert Counter(job.state for job in done) == {"done": 40}
        assert [job.pages_read for job in done] == [1 + n % 3 for n in range(40)]
        for job, n in zip(done, range(40), strict=True):
            document = from_json((await service.result(job.id, "json", owner=job.owner)).data)
            assert [page.text for page in document.pages] == [f"fake page {i}" for i in range(1, 2 + n % 3)]
        assert (await service.figures()).jobs["done"] == 40

    asyncio.run(run())


def test_one_client_does_not_take_all_the_room(place: Place) -> None:
    """More jobs of a client than run at a time, all of them long: another's job is run beside them."""

    async def run() -> None:
        service = place.service(FakeEngine(), threads=4)
        many = [await begun(service, book(20), owner="many") for _ in range(8)]
        await until(lambda: service._store.get(many[0].id).pages_read)
        one = await over(service, await begun(service, book(1), owner="one"))
        assert one.state == "done"
        left = [service._store.get(job.id) for job in many]
        assert sum(job.over for job in left) <= 2
        assert Counter([(await over(service, job)).state for job in many]) == {"done": 8}

    asyncio.run(run())


def test_a_page_that_kills_its_reader_costs_nobody_else(place: Place, tmp_path: Path) -> None:
    async def run() -> None:
        engine = FakeEngine(trouble={2: KILL}, diary=str(tmp_path / "diary"))
        service = place.service(engine)
        hostile = await begun(service, book(3), owner="eve")
        others = [await begun(service, book(1), owner=f"client {n}") for n in range(5)]
        done = await over(service, hostile)
        assert done.state == "done", "a page is not the document"
        records = await service.pages(hostile.id, owner="eve")
        assert [record.status for record in records] == ["ok", "failed", "ok"]
        assert records[1].reasons[0][0] == "engine.failed"
        assert [(await over(service, job)).state for job in others] == ["done"] * 5
        assert sorted(page for page, _ in engine.entries()) == [1] * 6 + [2, 2, 3]

    asyncio.run(run())


def test_cancelling(place: Place, tmp_path: Path) -> None:
    async def run() -> None:
        engine = FakeEngine(diary=str(tmp_path / "diary"))
        service = place.service(engine)
        job = await begun(service, book(60))
        await until(lambda: service._store.get(job.id).pages_read >= 2)
        cancelled = await service.cancel(job.id, owner=OWNER)
        assert cancelled.state == "cancelled"
        await until(lambda: not service.runner.load()["jobs_running"])
        read = len(engine.entries())
        assert read < 60
        await asyncio.sleep(0.3)
        assert len(engine.entries()) == read, "pages were begun after it was cancelled"
        assert (await service.job(job.id, owner=OWNER)).state == "cancelled"
        with pytest.raises(JobNotReady):
            await service.result(job.id, "json", owner=OWNER)
        assert (await over(service, await begun(service, book(1)))).state == "done"

    asyncio.run(run())


def test_removing_in_the_middle_leaves_nothing(place: Place) -> None:
    async def run() -> None:
        service = place.service(FakeEngine())
        job = await begun(service, book(40))
        await until(lambda: service._store.get(job.id).pages_read >= 2)
        await service.remove(job.id, owner=OWNER)
        with pytest.raises(JobNotFound):
            await service.job(job.id, owner=OWNER)
        await until(lambda: not service.runner.load()["jobs_running"])
        left = [path for path in place.folder.rglob("*") if path.is_file() and "sqlite" not in path.name]
        assert left == []

    asyncio.run(run())


def test_after_a_stop_it_goes_on_and_reads_no_page_twice(place: Place, tmp_path: Path) -> None:
    async def run() -> None:
        engine = FakeEngine(diary=str(tmp_path / "diary"))
        service = place.service(engine, workers=2)
        job = await begun(service, book(40))
        waiting = await begun(service, book(2))
        await until(lambda: service._store.get(job.id).pages_read >= 5)
        place.end(service, drain=30)
        read = len(engine.entries())
        assert read < 40
        again = place.service(engine, workers=2)
        assert (await over(again, job)).pages_read == 40
        assert (await over(again, waiting)).pages_read == 2
        pages = Counter(page for page, _ in engine.entries())
        assert pages == Counter([*range(1, 41), 1, 2])
        document = from_json((await again.result(job.id, "json", owner=OWNER)).data)
        assert len(document.pages) == 40
        assert document.engine.name == "fake"
        states = [event.state async for event in again.events(job.id, owner=OWNER) if event.kind == "state"]
        assert states == ["queued", "running", "queued", "running", "done"]

    asyncio.run(run())


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_pages_that_were_put_away_before_a_crash_are_not_read_again(place: Place, tmp_path: Path) -> None:
    async def run() -> None:
        engine = FakeEngine(diary=str(tmp_path / "diary"))
        service = place.service(engine, lease_seconds=1)
        put = service._store.put_page
        crash = threading.Event()

        def dies(id: str, page: Any) -> None:
            if page.number == 3:
                crash.set()
                raise SystemExit  # as if the process were killed between the page and its record
            put(id, page)

        service._store.put_page = dies  # type: ignore[method-assign]
        job = await begun(service, book(5))
        await until(crash.is_set)
        place.end(service)
        records = SqliteStore(place.folder / "jobs.sqlite").pages(job.id)
        assert [record.state for record in records][:3] == ["read", "read", "waiting"]
        again = place.service(engine, lease_seconds=1)
        done = await over(again, job)
        assert done.pages_read == 5
        counts = Counter(page for page, _ in engine.entries())
        assert counts[1] == counts[2] == counts[3] == 1

    asyncio.run(run())


def test_a_page_is_read_again_with_another_resolution(place: Place) -> None:
    async def run() -> None:
        service = place.service()
        job = await over(service, await begun(service, book(3)))
        before = from_json((await service.result(job.id, "json", owner=OWNER)).data)
        await service.retry(job.id, 2, owner=OWNER, dpi=72.0)
        done = await over(service, job)
        assert (done.state, done.pages_read) == ("done", 3)
        after = from_json((await service.result(job.id, "json", owner=OWNER)).data)
        assert [page.width for page in after.pages] == [800, 400, 800]
        assert (after.pages[0], after.pages[2]) == (before.pages[0], before.pages[2])
        assert after.engine == before.engine
        record = (await service.pages(job.id, owner=OWNER))[1]
        assert (record.attempt, record.dpi, record.status) == (2, 72.0, "ok")
        await service.retry(job.id, 1, owner=OWNER, engine="qwen")
        await over(service, job)
        record = (await service.pages(job.id, owner=OWNER))[0]
        assert (record.attempt, record.status, record.reasons[0][0]) == (2, "failed", "engine.unavailable")
        with pytest.raises(PageRangeError):
            await service.retry(job.id, 9, owner=OWNER)

    asyncio.run(run())


def test_events_come_as_they_happen_until_it_is_over(place: Place) -> None:
    async def run() -> None:
        service = place.service(FakeEngine(trouble={3: KILL}))
        job = await begun(service, book(4))
        events = [event async for event in service.events(job.id, owner=OWNER)]
        assert [event.number for event in events] == list(range(1, len(events) + 1))
        assert [event.state for event in events if event.kind == "state"] == ["queued", "running", "done"]
        assert [event.num_pages for event in events if event.kind == "opened"] == [4]
        pages = {event.page.number: event.page.status for event in events if event.page is not None}
        assert pages == {1: "ok", 2: "ok", 3: "failed", 4: "ok"}
        rest = [event async for event in service.events(job.id, owner=OWNER, after=4)]
        assert rest == events[4:]
        with pytest.raises(JobNotFound):
            _ = [event async for event in service.events(job.id, owner="eve")]

    asyncio.run(run())


def test_nobody_sees_the_jobs_of_others(place: Place) -> None:
    async def run() -> None:
        service = place.service(FakeEngine())
        job = await over(service, await begun(service, book(1)))
        for call in (
            service.job(job.id, owner="eve"),
            service.pages(job.id, owner="eve"),
            service.position(job.id, owner="eve"),
            service.result(job.id, "json", owner="eve"),
            service.cancel(job.id, owner="eve"),
            service.remove(job.id, owner="eve"),
            service.retry(job.id, 1, owner="eve"),
            service.wait(job.id, owner="eve", seconds=1),
        ):
            with pytest.raises(JobNotFound):
                await call
        assert await service.jobs(owner="eve") == []
        assert [one.id for one in await service.jobs(owner=OWNER)] == [job.id]

    asyncio.run(run())


def test_keys_that_make_a_request_one_request(place: Place) -> None:
    async def run() -> None:
        service = place.service(FakeEngine())
        data = book(1)
        first = await begun(service, data, idempotency_key="k")
        again = await begun(service, data, idempotency_key="k")
        assert again.id == first.id
        with pytest.raises(IdempotencyMismatch):
            await begun(service, book(2), idempotency_key="k")
        await over(service, first)
        assert len(list((place.folder / "uploads").iterdir())) == 1, "files of requests that made no job are removed"

    asyncio.run(run())


def test_a_full_queue_says_so(place: Place) -> None:
    async def run() -> None:
        service = place.service(FakeEngine(), start=False, most_waiting=2)
        for _ in range(2):
            await service.room(owner=OWNER)
            await begun(service, book(1))
        with pytest.raises(QueueFull):
            await service.room(owner=OWNER)
        with pytest.raises(QueueFull):
            await begun(service, book(1))
        assert len(list((place.folder / "uploads").iterdir())) == 2
        assert await service.position((await service.jobs(owner=OWNER))[0].id, owner=OWNER) == 1

    asyncio.run(run())


def test_uploads_that_break_off_leave_nothing(place: Place) -> None:
    async def run() -> None:
        service = place.service(FakeEngine(), start=False, upload_bytes=10_000)

        async def breaks() -> AsyncIterator[bytes]:
            yield b"%PDF-1.7"
            raise ConnectionResetError("gone")

        async def hangs() -> AsyncIterator[bytes]:
            yield b"%PDF-1.7" + bytes(2000)
            await asyncio.sleep(3600)

        async def floods() -> AsyncIterator[bytes]:
            yield b"%PDF-1.7"
            while True:
                yield bytes(5000)

        with pytest.raises(ConnectionResetError):
            await service.receive(breaks(), name="a.pdf", owner=OWNER)
        with pytest.raises(TooLargeSource):
            await service.receive(floods(), name="a.pdf", owner=OWNER)
        task = asyncio.ensure_future(service.receive(hangs(), name="a.pdf", owner=OWNER))
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        incoming = place.folder / "incoming"
        await until(lambda: not any(thread.name == "docparse-upload" for thread in threading.enumerate()), 5)
        assert not list(incoming.iterdir())
        uploads = place.folder / "uploads"
        assert not uploads.exists() or not list(uploads.iterdir())

    asyncio.run(run())


def test_stopping_does_not_wait_for_what_hangs(place: Place) -> None:
    async def run() -> None:
        service = place.service(FakeEngine(trouble={1: HANG}))
        job = await begun(service, book(2))
        await until(lambda: service._readers.load()["pages_in_hand"])
        place.end(service, drain=0.2)
        left = SqliteStore(place.folder / "jobs.sqlite").get(job.id)
        assert left.state == "queued"
        again = place.service(FakeEngine())
        assert (await over(again, job)).state == "done"

    asyncio.run(run())


def test_it_says_what_works(place: Place) -> None:
    async def run() -> None:
        service = place.service(FakeEngine())
        assert await service.ready() == {"store": "", "disk": "", "engine": ""}
        states = await service.engines()
        assert [(state.name, state.default, state.available) for state in states] == [("fake", True, True)]
        figures = await service.figures()
        assert figures.readers["workers"] == 1
        service._store.close()
        assert "closed" in (await service.ready())["store"]

    asyncio.run(run())


def test_whoever_asked_is_told_when_it_is_over(place: Place) -> None:
    told: queue.SimpleQueue[tuple[str, str]] = queue.SimpleQueue()

    class Hooks(Webhooks):
        def send(self, job: Job) -> None:
            told.put((job.id, job.state))

    async def run() -> None:
        plain = place.service(FakeEngine(), start=False)
        with pytest.raises(SettingsError):
            await begun(plain, book(1), JobSpec(webhook="https://hooks.example/"))
        service = place.service(FakeEngine(), webhooks=Hooks(["hooks.example"], secret="s"))
        with pytest.raises(SettingsError):
            await begun(service, book(1), JobSpec(webhook="https://other.example/"))
        job = await over(service, await begun(service, book(1), JobSpec(webhook="https://hooks.example/")))
        assert told.get(timeout=10) == (job.id, "done")
        await over(service, await begun(service, book(1)))
        job = await begun(service, b"%PDF-1.7", JobSpec(webhook="https://hooks.example/"))
        assert told.get(timeout=30) == (job.id, "failed")

    asyncio.run(run())


def test_urgent_jobs_come_first(place: Place) -> None:
    async def run() -> None:
        service = place.service(FakeEngine(), start=False)
        usual = [await begun(service, book(3), priority=USUAL) for _ in range(3)]
        urgent = await begun(service, book(1), priority=URGENT)
        assert await service.position(urgent.id, owner=OWNER) == 0
        assert await service.position(usual[0].id, owner=OWNER) == 1
        service.start()
        await over(service, urgent)
        assert sum(service._store.get(job.id).over for job in usual) <= 1
        for job in usual:
            await over(service, job)

    asyncio.run(run())


def test_a_book_is_not_urgent_whoever_waits_for_it(place: Place) -> None:
    async def run() -> None:
        service = place.service(FakeEngine())
        long = await begun(service, book(URGENT_PAGES + 20), priority=URGENT)
        await until(lambda: service._store.get(long.id).pages_read > 2)
        short = await begun(service, book(1), priority=USUAL, owner="bob")
        await over(service, short)
        assert service._store.get(long.id).pages_read < URGENT_PAGES + 20
        await over(service, long)

    asyncio.run(run())
