"""Corrections of a job's pages: over HTTP, on real files and pages, read again, changed by two at once."""

from __future__ import annotations

import asyncio
import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest

from docparse.api.app import create_app
from docparse.api.auth import new_key, parse_keys
from docparse.api.config import ApiConfig
from docparse.api.corrected import CorrectedPages
from docparse.api.files import StoredFiles
from docparse.api.job import PageRecord, new_id
from docparse.api.queue import HueyQueue
from docparse.api.readers import PageReaders
from docparse.api.service import LocalService, ServiceOptions
from docparse.api.store import SqliteStore
from docparse.convert import Options
from docparse.correction import Correction
from docparse.document import Block, Document, Page, Run
from docparse.errors import CorrectionsConflict, StoreUnavailable
from docparse.geometry import BBox
from docparse.json_form import from_dict, from_json
from docparse.qwenvl_html import read_document
from tests.api.fake_service import FakeService
from tests.api.loopback import Running, running
from tests.api.test_http_jobs import code, over
from tests.making import pdf, text

pytestmark = pytest.mark.skipif(os.name == "nt", reason="process groups and memory limits are POSIX")


def service(folder: Path) -> LocalService:
    options = Options(engine="embedded")
    return LocalService(
        SqliteStore(folder / "jobs.sqlite"),
        HueyQueue(folder / "queue.sqlite"),
        StoredFiles(folder),
        PageReaders(options, workers=1),
        ServiceOptions(options, look_seconds=0.2, housekeeping=0.5),
    )


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    made: list[LocalService] = []

    def make() -> LocalService:
        made.append(service(tmp_path_factory.mktemp("data")))
        return made[0]

    with running(make, ApiConfig()) as it:
        yield it
    made[0].close()


@pytest.fixture
def job(server: Running) -> str:
    sent = server.job(pdf(text("First page. Totl 12"), text("Second page.")), name="bill.pdf").json()
    assert over(server, sent["id"])["state"] == "done"
    return str(sent["id"])


class Corrections:
    """Those of page 1 of a job, as a tab of a browser has them."""

    def __init__(self, server: Running, job: str, number: int = 1) -> None:
        self.client, self.job = server.client, job
        self.at = f"/v1/jobs/{job}/pages/{number}"
        self.revision = self.fetch()["revision"]

    def fetch(self) -> dict[str, Any]:
        answer = self.client.get(f"{self.at}/corrections")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def send(self, *corrections: dict[str, Any], revision: int | None = None) -> httpx.Response:
        sent = {"revision": self.revision if revision is None else revision, "corrections": corrections}
        answer = self.client.put(f"{self.at}/corrections", json=sent)
        if answer.status_code == 200:
            self.revision = answer.json()["revision"]
        return answer

    def result(self, to: str, **params: Any) -> httpx.Response:
        answer = self.client.get(f"/v1/jobs/{self.job}/result", params={"to": to, **params})
        assert answer.status_code == 200, answer.text
        return answer


def edit(words: str, block: str = "p1b1") -> dict[str, Any]:
    return {"op": "edit", "block": block, "text": words}


# ------------------------------------------------------------------------------------ what they do


def test_a_correction_is_in_the_page_and_in_every_export(server: Running, job: str) -> None:
    tab = Corrections(server, job)
    assert tab.fetch() == {"revision": 0, "corrections": []}
    assert "Totl 12" in tab.result("md").text
    answer = tab.send({**edit("First page. Total 12"), "by": "user"})
    assert answer.status_code == 200
    now = answer.json()
    assert now["revision"] == 1
    assert now["dropped"] == []
    (block,) = now["page"]["blocks"]
    assert (block["text"], block["origin"], block["confidence"]) == ("First page. Total 12", "user", 1)
    assert "Total 12" in block["html"]
    assert server.client.get(tab.at).json() == now["page"]
    (said,) = tab.fetch()["corrections"]
    assert said["was"]["block"]["text"] == "First page. Totl 12"
    assert said["time"].endswith("Z")
    for to in ("md", "html", "text", "chunks"):
        assert "Total 12" in tab.result(to).text, to
        assert "Totl" not in tab.result(to).text, to
    document = from_json(tab.result("json").content)
    assert [each.text for each in document.corrections] == ["First page. Total 12"]
    back, _ = read_document(tab.result("html").text)
    assert back.pages == document.pages


def test_as_read_is_what_the_engine_said(server: Running, job: str) -> None:
    tab = Corrections(server, job)
    before = tab.result("json").json()
    page = server.client.get(tab.at).json()
    tab.send(edit("other words"), {"op": "confirm"})
    assert tab.result("json").json() != before
    assert tab.result("json", as_read="true").json() == before
    assert server.client.get(tab.at, params={"as_read": "true"}).json() == page
    assert "corrections" not in before


def test_what_was_made_of_the_page_before_is_made_anew(server: Running, job: str) -> None:
    tab = Corrections(server, job)
    assert "Totl" in tab.result("text").text
    tab.send(edit("once"))
    assert tab.result("text").text.startswith("once")
    tab.send(edit("twice"))
    assert tab.result("text").text.startswith("twice")
    tab.send()
    assert "Totl" in tab.result("text").text
    assert tab.fetch() == {"revision": 3, "corrections": []}


def test_two_tabs(server: Running, job: str) -> None:
    one, other = Corrections(server, job), Corrections(server, job)
    assert one.send(edit("one")).status_code == 200
    refused = other.send(edit("other"))
    assert code(refused) == (409, "job.corrections_conflict")
    assert refused.json()["error"]["details"]["page"] == 1
    assert [each["text"] for each in other.fetch()["corrections"]] == ["one"]
    other.revision = other.fetch()["revision"]
    assert other.send(*other.fetch()["corrections"], edit("other")).status_code == 200
    assert [each["text"] for each in one.fetch()["corrections"]] == ["one", "other"]
    assert code(one.send(edit("x"), revision=99)) == (409, "job.corrections_conflict")


def test_pages_have_revisions_of_their_own(server: Running, job: str) -> None:
    one, two = Corrections(server, job, 1), Corrections(server, job, 2)
    one.send(edit("one"))
    one.send(edit("uno"))
    assert two.send(edit("two", "p2b1")).json()["revision"] == 1
    said = from_json(one.result("json").content).corrections
    assert [(each.page, each.text) for each in said] == [(1, "uno"), (2, "two")]


def test_what_cannot_be_applied_is_kept_and_told(server: Running, job: str) -> None:
    tab = Corrections(server, job)
    answer = tab.send(
        edit("x", "p1b9"), edit("right"), {"op": "edit", "block": "p1b1", "bbox": [9000, 1, 9001, 5]}
    ).json()
    assert [each["index"] for each in answer["dropped"]] == [0, 2]
    assert answer["dropped"][0]["reason"] == "the page has no block p1b9."
    assert answer["page"]["blocks"][0]["text"] == "right"
    kept = tab.fetch()["corrections"]
    assert [each.get("applied", True) for each in kept] == [False, True, False]
    again = tab.send(*kept).json()
    assert again["dropped"] == answer["dropped"]
    assert [each["time"] for each in again["corrections"]] == [each["time"] for each in kept]
    document = tab.result("json").json()
    assert [each.get("applied", True) for each in document["corrections"]] == [False, True, False]


@pytest.mark.parametrize(
    ("body", "status", "name"),
    [
        ({"revision": 0, "corrections": [{"op": "paint"}]}, 422, "schema.invalid"),
        ({"revision": 0, "corrections": [{"op": "edit", "block": "p1b1", "text": 5}]}, 422, "schema.invalid"),
        ({"revision": 0, "corrections": [{"op": "edit", "block": "p1b1", "bbox": [1, 2, 3]}]}, 422, "schema.invalid"),
        ({"revision": 0, "corrections": ["x"]}, 422, "request.invalid"),
        ({"revision": 0}, 422, "request.invalid"),
        ({"revision": -1, "corrections": []}, 422, "request.invalid"),
        ({"corrections": []}, 422, "request.invalid"),
        ({"revision": 0, "corrections": [{"op": "confirm"}] * 5001}, 422, "request.invalid"),
    ],
)
def test_what_is_no_correction_is_refused_and_nothing_changes(
    server: Running, job: str, body: dict[str, Any], status: int, name: str
) -> None:
    tab = Corrections(server, job)
    assert code(server.client.put(f"{tab.at}/corrections", json=body)) == (status, name)
    assert tab.fetch() == {"revision": 0, "corrections": []}


def test_the_place_of_the_fault_is_named(server: Running, job: str) -> None:
    tab = Corrections(server, job)
    message = tab.send(edit("x"), {"op": "add", "at": 0, "block": {"type": "p"}}).json()["error"]["message"]
    assert message.startswith("corrections[1].block:")


def test_text_is_text(server: Running, job: str) -> None:
    tab = Corrections(server, job)
    evil = "<img src=x onerror=alert(1)> </script><script>alert(2)</script>"
    block = tab.send(edit(evil)).json()["page"]["blocks"][0]
    assert block["text"] == evil
    for to in ("html", "html-page"):
        assert "<script>alert(2)" not in tab.result(to).text
        assert "<img src=x" not in tab.result(to).text
    assert "<img" not in block["html"]


# ------------------------------------------------------------------------------------ read again


def test_a_page_that_is_read_again_keeps_what_still_fits(server: Running, job: str) -> None:
    tab = Corrections(server, job)
    box = tab.send(edit("First page. Total 12"), {"op": "edit", "block": "p1b1", "bbox": [100, 100, 300, 200]}).json()
    assert box["page"]["blocks"][0]["bbox"] == [100, 100, 300, 200]
    width = box["page"]["width"]
    again = server.client.post(f"{tab.at}/retry", json={"dpi": 288})
    assert again.status_code == 202
    assert over(server, job)["state"] == "done"
    page = server.client.get(tab.at).json()
    assert page["width"] == 2 * width
    assert page["blocks"][0]["text"] == "First page. Total 12"
    assert page["blocks"][0]["bbox"] == [200, 200, 600, 400]
    late = tab.send(edit("of the older reading"))
    assert code(late) == (409, "job.corrections_conflict"), "its author saw another page"
    assert tab.fetch()["revision"] == 2
    assert "Total 12" in tab.result("text").text


# ------------------------------------------------------------------------------------ who, and what there is


def test_only_the_owner_and_only_pages_that_are_there() -> None:
    anna, bert = new_key("anna"), new_key("bert")
    with running(FakeService, ApiConfig(keys=parse_keys(f"{anna[1]}\n{bert[1]}\n"))) as server:
        server.client.headers["Authorization"] = f"Bearer {anna[0]}"
        id = server.job().json()["id"]
        over(server, id)
        body = {"revision": 0, "corrections": []}
        theirs = {"Authorization": f"Bearer {bert[0]}"}
        at = f"/v1/jobs/{id}/pages/1/corrections"
        for method, json_body in (("GET", None), ("PUT", body)):
            answer = server.client.request(method, at, json=json_body, headers=theirs)
            assert code(answer) == (404, "job.not_found")
            answer = server.client.request(method, at.replace("/1/", "/9/"), json=json_body)
            assert code(answer) == (422, "range.invalid")
        evil = server.client.put(at, json=body, headers={"Origin": "http://evil.example"})
        assert code(evil) == (403, "access.origin")
        assert server.client.put(at, json=body).json()["revision"] == 1


def test_a_page_that_is_not_read_cannot_be_corrected() -> None:
    with running(FakeService, ApiConfig()) as server:
        id = server.job(b"%PDF-1.7\npages=2 slow=5").json()["id"]
        until = 50
        while not server.client.get(f"/v1/jobs/{id}/pages").json()["pages"] and until:
            until -= 1
        at = f"/v1/jobs/{id}/pages/2/corrections"
        assert code(server.client.get(at)) == (409, "job.not_ready")
        assert code(server.client.put(at, json={"revision": 0, "corrections": []})) == (409, "job.not_ready")


def test_the_answers_are_what_openapi_says(server: Running, job: str) -> None:
    parts = create_app(FakeService(), ApiConfig()).openapi()["components"]  # type: ignore[arg-type]

    def fits(data: Any, name: str) -> None:
        jsonschema.Draft202012Validator({"$ref": f"#/components/schemas/{name}", "components": parts}).validate(data)

    tab = Corrections(server, job)
    new = {"type": "table", "bbox": [1, 2, 30, 40], "cells": [{"row": 0, "col": 0, "text": "a"}]}
    for each in (edit("x"), {"op": "move", "block": "p1b1", "to": 0}, {"op": "confirm"}):
        fits(each, "SentCorrection")
    said = (
        edit("x"),
        {"op": "add", "at": 0, "block": new},
        {"op": "move", "block": "p1b1", "to": 0},
        {"op": "confirm"},
    )
    fits(tab.send(*said).json(), "CorrectedPage")
    fits(tab.fetch(), "PageCorrections")
    fits(tab.result("json").json(), "Document")


# ------------------------------------------------------------------------------------ how they are kept

PAGE = Page(1, 100, 100, blocks=(Block("paragraph", BBox(0, 0, 50, 10), (Run("one"),)),))
READ = PageRecord(1, "read")


def said(words: str) -> list[Correction]:
    return [Correction("edit", 1, "p1b1", text=words)]


@pytest.fixture(params=["folder", "memory"])
def files(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[StoredFiles]:
    url = tmp_path / "data" if request.param == "folder" else f"memory://corrections-{tmp_path.name}"
    made = StoredFiles(url)
    yield made
    made.close()


def test_of_changes_at_once_one_is_taken(files: StoredFiles) -> None:
    job = new_id()
    ready = threading.Barrier(6)
    taken: list[str] = []
    refused: list[str] = []

    def change(words: str) -> None:
        pages = CorrectedPages(files)
        ready.wait()
        try:
            pages.put(job, PAGE, READ, 0, said(words))
            taken.append(words)
        except CorrectionsConflict:
            refused.append(words)

    threads = [threading.Thread(target=change, args=(f"by {n}",)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(taken), len(refused)) == (1, 5)
    layer = CorrectedPages(files).layer(job, PAGE, READ)
    assert (layer.revision, layer.page.text) == (1, taken[0])


def test_few_of_the_old_ones_are_kept(files: StoredFiles) -> None:
    job, pages = new_id(), CorrectedPages(files)
    for n in range(5):
        assert pages.put(job, PAGE, READ, n, said(str(n))).revision == n + 1
    assert [n for n in range(9) if files.corrections(job, 1, n) is not None] == [4, 5]
    assert files.corrected(job) == {1: 5}
    assert pages.document(job, Document((PAGE,))).text == "4"
    assert files.corrected(new_id()) == {}


def test_a_job_that_goes_takes_them_along(files: StoredFiles) -> None:
    upload = files.receive(iter([b"%PDF-1.7 x"]), name="a.pdf", max_bytes=100)
    job, pages = new_id(), CorrectedPages(files)
    pages.put(job, PAGE, READ, 0, said("x"))
    files.remove(job, upload)
    assert files.corrected(job) == {}


def test_corrections_that_cannot_be_read_are_not_taken_for_none(tmp_path: Path) -> None:
    files, job = StoredFiles(tmp_path), new_id()
    CorrectedPages(files).put(job, PAGE, READ, 0, said("x"))
    (path,) = tmp_path.glob("jobs/*/corrections/*")
    path.write_text('{"attempt": 1, "size"')
    pages = CorrectedPages(files)  # one that has to read them
    with pytest.raises(StoreUnavailable, match="as_read"):
        pages.document(job, Document((PAGE,)))
    with pytest.raises(StoreUnavailable):
        pages.put(job, PAGE, READ, 1, said("y"))
    files.close()


def test_they_survive_a_restart(tmp_path: Path) -> None:
    files, job = StoredFiles(tmp_path), new_id()
    CorrectedPages(files).put(job, PAGE, READ, 0, said("x"))
    files.close()
    again = CorrectedPages(StoredFiles(tmp_path))
    layer = again.layer(job, PAGE, READ)
    assert (layer.page.text, layer.revision) == ("x", 1)
    read_again = PageRecord(1, "read", attempt=3)
    other = Page(1, 100, 100, blocks=(Block("paragraph", BBox(0, 0, 50, 10), (Run("two"),)),))
    layer = again.layer(job, other, read_again)
    assert (layer.page, layer.revision) == (other, 3)
    assert layer.dropped == ((0, "p1b1 says something else than what was corrected."),)
    assert from_dict(json.loads(json.dumps({"pages": []}))).corrections == ()


def test_the_service_itself(tmp_path: Path) -> None:
    """Without HTTP: what was begun before a change is not taken for what comes after."""
    from docparse.api.job import JobSpec

    async def run() -> None:
        made = service(tmp_path)
        made.start()

        async def pieces() -> Any:
            yield pdf(text("First page."))

        upload = await made.receive(pieces(), name="a.pdf", owner="ann")
        job = await made.submit(upload, JobSpec(), owner="ann")
        assert (await made.wait(job.id, owner="ann", seconds=60)).state == "done"
        before = asyncio.ensure_future(made.result(job.id, "text", owner="ann"))
        await asyncio.sleep(0)
        layer = await made.correct(job.id, 1, 0, [Correction("edit", 1, "p1b1", text="now")], owner="ann")
        assert layer.page.text == "now"
        await before
        for _ in range(2):
            assert (await made.result(job.id, "text", owner="ann")).data.decode().startswith("now")
        made.stop(drain=0)
        made.close()

    asyncio.run(run())


# ------------------------------------------------------------------------------------ what they may cost


def test_corrections_that_keep_a_long_text_many_times_are_refused(server: Running, job: str) -> None:
    tab = Corrections(server, job)
    moved = [{"op": "edit", "block": "p1b1", "bbox": [0, 0, 50 + n, 50]} for n in range(100)]
    answer = tab.send(edit("x" * 400_000), *moved)
    assert code(answer) == (413, "request.too_large")
    assert tab.fetch()["revision"] == tab.revision, "nothing is kept of it"


def test_a_body_without_a_file_is_short(server: Running, job: str) -> None:
    # Nine million empty objects are a gigabyte in memory.
    empty = b"[" + b"{}," * 4_000_000 + b"{}]"
    wanted = [
        ("PUT", "/pages/1/corrections", b'{"revision":0,"corrections":' + empty + b"}"),
        ("POST", "/fields", b'{"schema":{"a":' + empty + b"}}"),
        ("POST", "/pages/1/readings", b'{"prompt":' + empty + b"}"),
        ("POST", "/pages/1/retry", b'{"engine":' + empty + b"}"),
    ]
    for method, path, body in wanted:
        answer = server.client.request(
            method, f"/v1/jobs/{job}{path}", content=body, headers={"Content-Type": "application/json"}
        )
        assert code(answer) == (413, "request.too_large"), path


# ------------------------------------------------------------------------------------ two at once


def test_pages_that_are_corrected_at_once_leave_what_is_known_of_the_document(server: Running) -> None:
    sent = server.job(pdf(*(text(f"Page {n}.") for n in range(1, 7))), name="six.pdf").json()
    over(server, sent["id"])
    before = Corrections(server, sent["id"]).result("json").json()["engine"]
    tabs = [Corrections(server, sent["id"], number) for number in range(1, 7)]

    def often(tab: Corrections, number: int) -> None:
        for n in range(8):
            assert tab.send(edit(f"Said {n}", f"p{number}b1")).status_code == 200

    threads = [threading.Thread(target=often, args=(tab, n)) for n, tab in enumerate(tabs, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # A selection of pages needs the head of the document.
    assert Corrections(server, sent["id"]).result("json", pages="1-6").json()["engine"] == before
    assert "Said 7" in tabs[0].result("md").text
