"""Exports of some pages or blocks, and fields of a job that was read: by the service itself, and over HTTP."""

from __future__ import annotations

import asyncio
import io
import json
import os
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

import docparse
from docparse.api.auth import new_key, parse_keys
from docparse.api.config import ApiConfig
from docparse.api.job import JobSpec
from docparse.api.making import stem
from docparse.api.service import LocalService
from docparse.client.values import page_of
from docparse.correction import CellText, Correction
from docparse.document import Document, Page
from docparse.errors import ExportError, JobNotFound, JobNotReady, PageRangeError, SchemaError
from docparse.json_form import from_json
from docparse.selection import Selection
from tests.api.fake_service import FakeService
from tests.api.loopback import PDF, Running, running
from tests.api.test_service import OWNER, SAMPLES, Place, begun, book, over, until
from tests.fake_engine import HANG, FakeEngine
from tests.making import pdf, text

pytestmark = pytest.mark.skipif(os.name == "nt", reason="process groups and memory limits are POSIX")


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path / "data")
    yield made
    for service in list(made.services):
        made.end(service)


async def exported(service: LocalService, job: str, to: str = "json", **how: Any) -> Any:
    selection = Selection(how.pop("pages", None), tuple(how.pop("blocks", ())))
    return await service.result(job, to, owner=OWNER, selection=selection, **how)


async def document(service: LocalService, job: str, **how: Any) -> Document:
    return from_json((await exported(service, job, **how)).data)


async def corrected(service: LocalService, job: str, *said: Correction) -> None:
    for number in {each.page for each in said}:
        now = await service.corrections(job, number, owner=OWNER)
        mine = [*now.corrections, *(each for each in said if each.page == number)]
        after = await service.correct(job, number, now.revision, mine, owner=OWNER)
        assert not after.dropped


# ------------------------------------------------------------------------------------ pages and blocks


def test_some_pages_in_any_format(place: Place) -> None:
    async def run() -> None:
        service = place.service(FakeEngine())
        job = await over(service, await begun(service, book(4), name="My Book.pdf"))
        whole = await document(service, job.id)
        some = await document(service, job.id, pages="2-3, r1")
        assert some.pages == whole.pages[1:]
        assert some.source == whole.source
        markdown = await exported(service, job.id, "md", pages="2")
        assert markdown.filename == "My-Book.pages-2.md"
        assert "2" in markdown.data.decode()
        overlay = await exported(service, job.id, "overlay-png", pages="2-3")
        with zipfile.ZipFile(io.BytesIO(overlay.data)) as archive:
            assert archive.namelist() == [f"My-Book.pages-2-3.overlay-00{n}.png" for n in (2, 3)]
        both = await exported(service, job.id, "zip", pages="4")
        assert both.filename == "My-Book.pages-4.zip"
        with zipfile.ZipFile(io.BytesIO(both.data)) as archive:
            kept = from_json(archive.read("My-Book.pages-4.json"))
        assert kept.pages == whole.pages[3:]
        # What is kept is the whole, whatever was asked for in between.
        assert await document(service, job.id) == whole
        with pytest.raises(PageRangeError, match="none of the 4"):
            await exported(service, job.id, pages="9")
        with pytest.raises(PageRangeError, match="not a page range"):
            await exported(service, job.id, pages="x")
        with pytest.raises(JobNotFound):
            await service.result(job.id, "json", owner="bert", selection=Selection("1"))

    asyncio.run(run())


def test_some_blocks(place: Place) -> None:
    async def run() -> None:
        service = place.service()
        job = await over(service, await begun(service, (SAMPLES / "invoice.pdf").read_bytes(), name="i.pdf"))
        whole = await document(service, job.id)
        (page,) = whole.pages
        table = next(block for block in page.blocks if block.kind == "table")
        found = await document(service, job.id, blocks=[table.id, page.blocks[0].id])
        assert [block.id for block in found.pages[0].blocks] == [page.blocks[0].id, table.id]
        text_ = await exported(service, job.id, "text", blocks=[table.id])
        assert text_.filename == "i.blocks.txt"
        assert table.cells[0].text in text_.data.decode()
        assert page.blocks[0].text not in text_.data.decode()
        with pytest.raises(ExportError, match="no block p7b7"):
            await exported(service, job.id, blocks=["p7b7"])
        with pytest.raises(ExportError, match="whole document"):
            await exported(service, job.id, "fields", blocks=[table.id])

    asyncio.run(run())


def test_pages_can_be_had_before_the_job_is_over(place: Place) -> None:
    async def run() -> None:
        service = place.service(FakeEngine(trouble={3: HANG}))
        job = await begun(service, book(3), JobSpec(pages="1-3"))
        pages: list[Any] = []

        def read() -> bool:
            pages[:] = service._store.pages(job.id)
            return [page.state for page in pages[:2]] == ["read", "read"]

        await until(read)
        assert len((await document(service, job.id, pages="1-2")).pages) == 2
        for how in ({"pages": "2-3"}, {}, {"blocks": ["p1b1"]}):
            with pytest.raises(JobNotReady):
                await exported(service, job.id, **how)
        with pytest.raises(JobNotReady):
            await service.fields(job.id, "invoice", owner=OWNER)
        await service.cancel(job.id, owner=OWNER)
        # What was read of a job that was cancelled can be had too.
        assert len((await document(service, job.id, pages="1-2")).pages) == 2
        fields = json.loads((await service.fields(job.id, "invoice", owner=OWNER)).data)
        assert fields["schema"] == "invoice"

    asyncio.run(run())


def test_pages_that_the_job_did_not_read_are_no_pages_of_it(place: Place) -> None:
    async def run() -> None:
        service = place.service(FakeEngine())
        job = await over(service, await begun(service, book(4), JobSpec(pages="2-3")))
        assert [page.number for page in (await document(service, job.id, pages="1-2")).pages] == [2]
        with pytest.raises(PageRangeError, match="no page 4"):
            await exported(service, job.id, pages="4")

    asyncio.run(run())


def test_a_selection_is_corrected_unless_it_is_asked_for_as_read(place: Place) -> None:
    async def run() -> None:
        service = place.service(FakeEngine())
        job = await over(service, await begun(service, book(2)))
        before = await document(service, job.id)
        first = before.pages[0].blocks[0].id
        await corrected(service, job.id, Correction("edit", 1, first, text="Corrected"))
        after = await document(service, job.id, pages="1")
        assert after.pages[0].blocks[0].text == "Corrected"
        assert [each.page for each in after.corrections] == [1]
        assert not (await document(service, job.id, pages="2")).corrections
        assert (await document(service, job.id, pages="1", as_read=True)).pages == before.pages[:1]
        assert await document(service, job.id, as_read=True) == before
        page = await service.result(job.id, "page-1", owner=OWNER, as_read=True)
        assert page_of(json.loads(page.data)) == before.pages[0]

    asyncio.run(run())


@pytest.mark.parametrize(
    ("selection", "name"),
    [
        (Selection(), "a-b"),
        (Selection("1-3, r1"), "a-b.pages-1-3_r1"),
        (Selection("../../etc"), "a-b.pages-.._.._etc"),
        (Selection(blocks=("p1b1",)), "a-b.blocks"),
        (Selection("2", ("p2b1",)), "a-b.pages-2.blocks"),
    ],
)
def test_names_of_files(selection: Selection, name: str) -> None:
    from docparse.api.job import Job, Upload

    assert stem(Job("1", OWNER, JobSpec(), Upload("k", "a b.pdf", 1, "", "")), selection) == name


# ------------------------------------------------------------------------------------ fields


def test_fields_of_a_job_that_was_only_parsed(place: Place) -> None:
    path = SAMPLES / "invoice.pdf"
    known = docparse.extract(path, engine="embedded").to_dict()

    async def run() -> None:
        service = place.service()
        job = await over(service, await begun(service, path.read_bytes(), name="invoice.pdf"))
        result = await service.fields(job.id, "invoice", owner=OWNER)
        assert (result.media_type, result.filename) == ("application/json", "invoice.fields.json")
        found = json.loads(result.data)
        assert found["fields"] == known["fields"]
        assert found["evidence"] == known["evidence"]
        # The job stays what it was.
        assert (await service.job(job.id, owner=OWNER)).spec == JobSpec()
        with pytest.raises(ExportError, match="parsed"):
            await service.result(job.id, "fields", owner=OWNER)
        with pytest.raises(JobNotFound):
            await service.fields(job.id, "invoice", owner="bert")
        with pytest.raises(SchemaError):
            await service.fields(job.id, "/etc/passwd", owner=OWNER)

    asyncio.run(run())


def test_fields_are_found_in_what_was_corrected(place: Place) -> None:
    lines = [
        ("Invoice", 100),
        ("Invoice number: RE-1O0", 140),
        ("Invoice date: 2 May 2025", 160),
        ("Total: 10.00 EUR", 220),
    ]

    def drawn(page: Any) -> None:
        for line, top in lines:
            text(line, (60, top), 11)(page)

    def block_of(page: Page, words: str) -> Any:
        return next(part for block in page.blocks for part in (block, *block.items) if words in part.text)

    async def run() -> None:
        service = place.service()
        spec = JobSpec(kind="extract", schema="invoice")
        job = await over(service, await begun(service, pdf(drawn), spec))
        before = json.loads((await service.result(job.id, "fields", owner=OWNER)).data)
        assert before["fields"]["invoice_number"] == "RE-1O0"
        (page,) = (await document(service, job.id)).pages
        block = block_of(page, "RE-1O0")
        right = Correction("edit", 1, block.id, text=block.text.replace("RE-1O0", "RE-100"))
        if block.cells:
            cell = next(cell for cell in block.cells if "RE-1O0" in cell.text)
            said = CellText(cell.row, cell.col, cell.text.replace("RE-1O0", "RE-100"))
            right = Correction("edit", 1, block.id, cells=(said,))
        await corrected(service, job.id, right)
        for after in (
            await service.fields(job.id, "invoice", owner=OWNER),
            await service.result(job.id, "fields", owner=OWNER),
        ):
            found = json.loads(after.data)
            assert found["fields"]["invoice_number"] == "RE-100"
            assert found["fields"]["issue_date"] == before["fields"]["issue_date"]
            # Its place on the page is the one it had.
            old, new = (each["evidence"]["invoice_number"]["bbox"] for each in (before, found))
            assert all(abs(a - b) < 2 for a, b in zip(old, new, strict=True))
        own = {"title": "own", "type": "object", "properties": {"invoice_number": {"type": "string"}}}
        mine = json.loads((await service.fields(job.id, own, owner=OWNER)).data)
        assert mine["fields"] == {"invoice_number": "RE-100"}

    asyncio.run(run())


def test_fields_of_a_job_that_failed(place: Place) -> None:
    async def run() -> None:
        service = place.service()
        job = await over(service, await begun(service, b"%PDF-1.7\nbroken"))
        assert job.state == "failed"
        with pytest.raises(JobNotReady, match="failed"):
            await service.fields(job.id, "invoice", owner=OWNER)
        with pytest.raises(JobNotReady, match="failed"):
            await exported(service, job.id, pages="1")

    asyncio.run(run())


# ------------------------------------------------------------------------------------ over HTTP

ANNA, BERT = new_key("anna"), new_key("bert")


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    own = {"title": "own", "type": "object", "properties": {"total": {"type": "string"}}}
    with running(FakeService, ApiConfig(keys=parse_keys(f"{ANNA[1]}\n{BERT[1]}\n"), schemas={"own": own})) as it:
        it.client.headers["Authorization"] = f"Bearer {ANNA[0]}"
        yield it


def done(server: Running, content: bytes = PDF, **more: Any) -> str:
    id: str = server.job(content, **more).json()["id"]
    server.call(lambda: server.service.wait(id, owner="anna", seconds=10))
    return id


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def test_a_result_of_some_pages(server: Running) -> None:
    path = f"/v1/jobs/{done(server, PDF + b'pages=3')}/result"
    answer = server.client.get(path, params={"pages": "2-3"})
    assert [page["page"] for page in answer.json()["pages"]] == [2, 3]
    answer = server.client.get(path, params={"pages": "1-3", "blocks": "p1b1,p3b1", "to": "txt"})
    assert "Page 1" in answer.text
    assert "Page 2" not in answer.text
    assert code(server.client.get(path, params={"blocks": "p9b9"})) == (422, "export.failed")
    assert code(server.client.get(path, params={"pages": "7"})) == (422, "range.invalid")
    for wrong in ({"pages": "a"}, {"blocks": "a b"}, {"blocks": ","}, {"blocks": "<script>"}, {"as_read": "perhaps"}):
        assert code(server.client.get(path, params=wrong)) == (422, "request.invalid")
    assert server.client.get(path, params={"as_read": "true"}).status_code == 200


def test_pages_of_a_job_that_runs(server: Running) -> None:
    id = server.job(PDF + b"pages=3 slow=0.4").json()["id"]
    path = f"/v1/jobs/{id}"
    end = time.monotonic() + 10
    while server.client.get(path).json()["pages"]["read"] < 1:
        assert time.monotonic() < end
        time.sleep(0.02)
    assert [page["page"] for page in server.client.get(f"{path}/result", params={"pages": "1"}).json()["pages"]] == [1]
    assert code(server.client.get(f"{path}/result", params={"pages": "1-3"})) == (409, "job.not_ready")
    assert code(server.client.post(f"{path}/fields", json={"schema": "invoice"})) == (409, "job.not_ready")
    server.client.delete(path)


def test_fields_by_a_name_or_by_a_schema_of_one_s_own(server: Running) -> None:
    path = f"/v1/jobs/{done(server)}/fields"
    assert server.client.post(path, json={"schema": "receipt"}).json()["schema"] == "receipt"
    assert set(server.client.post(path, json={"schema": "own"}).json()["fields"]) == {"total"}
    mine = {"title": "mine", "type": "object", "properties": {"number": {"type": "string"}}}
    answer = server.client.post(path, json={"schema": mine})
    assert set(answer.json()["fields"]) == {"number"}
    assert answer.headers["content-security-policy"].startswith("sandbox")
    assert code(server.client.post(path, json={"schema": "nobody"})) == (422, "schema.invalid")
    assert code(server.client.post(path, json={"schema": {"type": "array"}})) == (422, "schema.invalid")
    assert code(server.client.post(path, json={})) == (422, "request.invalid")
    assert code(server.client.post(path, content=b"schema=invoice")) == (415, "request.media_type")
    refused = {"authorization": f"Bearer {BERT[0]}"}
    assert code(server.client.post(path, json={"schema": "invoice"}, headers=refused)) == (404, "job.not_found")
