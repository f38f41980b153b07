"""Pages read again over a real socket, on a real service: regions, resolutions, prompts, and what is different."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from docparse.api.auth import new_key, parse_keys
from docparse.api.config import ApiConfig
from docparse.api.family import check_room, family, too_many
from docparse.api.files import StoredFiles
from docparse.api.job import URGENT, Job, JobSpec, PageRecord, Upload
from docparse.api.ports import Again
from docparse.api.queue import HueyQueue
from docparse.api.readers import PageReaders
from docparse.api.readings import spec_of
from docparse.api.service import LocalService, ServiceOptions
from docparse.api.store import SqliteStore
from docparse.convert import Options
from docparse.document import EngineInfo, Page
from docparse.engines.base import Answer, PageMarkup
from docparse.errors import EngineError, QueueFull, RequestError
from docparse.geometry import BBox
from docparse.raster import PageImage
from tests.api.loopback import Running, running
from tests.fake_engine import markup_of
from tests.making import pdf, text, together

SAMPLES = Path(__file__).parents[2] / "samples"
pytestmark = pytest.mark.skipif(os.name == "nt", reason="process groups and memory limits are POSIX")

ANNA, BERT = new_key("anna"), new_key("bert")
KEYS = parse_keys(f"{ANNA[1]}\n{BERT[1]}\n")
TWO = pdf(
    together(text("Heading of the page", (60, 100), 22), text("Some text that is here", (60, 200), 12)),
    text("The other page", (60, 100), 12),
)


class Model:
    """A model that reads pages as one paragraph, and says what it is asked."""

    name = "remote"
    says: Callable[[Image.Image, str], str] = staticmethod(lambda picture, question: "")

    def info(self) -> EngineInfo:
        return EngineInfo("remote", "1", "parrot")

    def read_pages(self, pages: Iterable[PageImage]) -> Iterator[PageMarkup]:
        for page in pages:
            yield PageMarkup(page.number, markup_of(page, "model"), origin="model")

    def ask(self, picture: Image.Image, question: str, **how: Any) -> Answer:
        said = Model.says(picture, question)
        if not said:
            raise EngineError("the model has nothing to say.")
        return Answer(said, *picture.size)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("readings")
    options = Options(engine="embedded")
    made: list[LocalService] = []

    def service() -> LocalService:
        made.append(
            LocalService(
                SqliteStore(folder / "jobs.sqlite"),
                HueyQueue(folder / "queue.sqlite"),
                StoredFiles(folder),
                PageReaders(options, workers=1, models={"remote": Model}),
                ServiceOptions(options, look_seconds=0.1),
            )
        )
        return made[-1]

    with running(service, ApiConfig(keys=KEYS)) as it:
        it.client.headers["Authorization"] = f"Bearer {ANNA[0]}"
        it.client.timeout = httpx.Timeout(60)
        it.folder = folder  # type: ignore[attr-defined]
        yield it
    made[0].close()


@pytest.fixture(scope="module")
def invoice(server: Running) -> dict[str, Any]:
    """A job that is over, and its page."""
    job = over(server, server.job((SAMPLES / "invoice.pdf").read_bytes(), name="invoice.pdf").json()["id"])
    job["page"] = server.client.get(f"/v1/jobs/{job['id']}/pages/1").json()
    return job


def over(server: Running, id: str) -> dict[str, Any]:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        job: dict[str, Any] = server.client.get(f"/v1/jobs/{id}").json()
        if job["state"] in ("done", "failed", "cancelled"):
            return job
        time.sleep(0.02)
    raise AssertionError("the job never ended")


def read_again(server: Running, id: str, number: int = 1, **how: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """The job of the reading, and what it says."""
    answer = server.client.post(f"/v1/jobs/{id}/pages/{number}/readings", json=how)
    assert answer.status_code == 202, answer.text
    assert answer.headers["location"] == f"/v1/jobs/{answer.json()['id']}"
    job = over(server, answer.json()["id"])
    assert job["state"] == "done", job
    found = server.client.get(f"/v1/jobs/{id}/pages/{number}/readings/{job['id']}")
    assert found.status_code == 200, found.text
    return job, found.json()


def refusal(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def files_of(server: Running) -> list[str]:
    folder: Path = server.folder  # type: ignore[attr-defined]
    return sorted(path.name for path in (folder / "uploads").iterdir())


# ------------------------------------------------------------------------ what is read


def test_the_same_page_again_is_the_same(server: Running, invoice: dict[str, Any]) -> None:
    job, found = read_again(server, invoice["id"])
    assert {change["change"] for change in found["changes"]} == {"same"}
    assert found["page"] == invoice["page"]
    assert job["reading"] == {"job": invoice["id"], "page": 1, "bbox": None, "dpi": None, "prompt": ""}
    assert job["file"] == invoice["file"]
    assert invoice["reading"] is None


def test_a_reading_at_another_resolution_comes_in_pixels_of_the_page(server: Running, invoice: dict[str, Any]) -> None:
    page = invoice["page"]
    job, found = read_again(server, invoice["id"], dpi=page["dpi"] * 1.5)
    own = server.client.get(f"/v1/jobs/{job['id']}/pages/1").json()
    assert own["width"] == pytest.approx(1.5 * page["width"], abs=1)
    assert (found["page"]["width"], found["page"]["height"]) == (page["width"], page["height"])
    boxes = {block["id"]: BBox(*block["bbox"]) for block in page["blocks"]}
    theirs = {block["id"]: BBox(*block["bbox"]) for block in found["page"]["blocks"]}
    same = [change for change in found["changes"] if change["change"] == "same"]
    assert len(same) >= 0.8 * len(page["blocks"])
    assert all(boxes[c["block"]].iou(theirs[c["other"]]) > 0.8 for c in same)


def test_a_region_has_its_blocks_where_they_stand(server: Running, invoice: dict[str, Any]) -> None:
    page = invoice["page"]
    table = next(block for block in page["blocks"] if block["type"] == "table")
    x1, y1, x2, y2 = table["bbox"]
    job, found = read_again(server, invoice["id"], bbox=[x1 - 6, y1 - 6, x2 + 6, y2 + 2], dpi=220)
    assert job["reading"]["bbox"] == [x1 - 6, y1 - 6, x2 + 6, y2 + 2]
    (change,) = [change for change in found["changes"] if change["block"] == table["id"]]
    assert change["change"] == "same"
    assert {c["block"] for c in found["changes"] if c["block"]} == {table["id"]}, "nothing else was in it"
    again = next(block for block in found["page"]["blocks"] if block["id"] == change["other"])
    assert BBox(*again["bbox"]).iou(BBox(*table["bbox"])) > 0.9
    assert again["origin"] == "text-layer"
    own = server.client.get(f"/v1/jobs/{job['id']}/pages/1").json()
    assert own["verdict"]["status"] == "ok", "the rest of the page is not missed"
    assert "region" in {issue["code"] for issue in own["verdict"]["issues"]}
    assert own["width"] > page["width"], "it was read at 220 dpi"


def test_a_region_of_a_scan(server: Running) -> None:
    job = over(server, server.job((SAMPLES / "receipt.jpg").read_bytes(), name="receipt.jpg").json()["id"])
    page = server.client.get(f"/v1/jobs/{job['id']}/pages/1").json()
    block = max((b for b in page["blocks"] if b["type"] != "image"), key=lambda b: len(b.get("text") or ""))
    x1, y1, x2, y2 = block["bbox"]
    bbox = [max(x1 - 10, 0), max(y1 - 10, 0), min(x2 + 10, page["width"]), min(y2 + 10, page["height"])]
    _, found = read_again(server, job["id"], bbox=bbox)
    change = next(change for change in found["changes"] if change["block"] == block["id"])
    assert change["change"] in ("same", "changed")
    assert change["similarity"] > 0.5
    inside = BBox(*bbox).grown(1)
    assert all(inside.covers(BBox(*b["bbox"])) for b in found["page"]["blocks"])


def test_another_engine(server: Running, invoice: dict[str, Any]) -> None:
    job, found = read_again(server, invoice["id"], engine="remote")
    kinds = [change["change"] for change in found["changes"]]
    assert set(kinds) <= {"removed", "added", "changed"}
    (block,) = found["page"]["blocks"]
    assert "model page" in block["text"]
    # What is not said is as it was: the reading itself is read again by the same engine.
    again, same = read_again(server, job["id"])
    assert again["engine"] == "remote"
    assert "model page" in same["page"]["blocks"][0]["text"]


# ------------------------------------------------------------------------ prompts


def test_a_prompt_is_for_engines_that_can_be_asked(server: Running, invoice: dict[str, Any]) -> None:
    answer = server.client.post(f"/v1/jobs/{invoice['id']}/pages/1/readings", json={"prompt": "Read it"})
    assert refusal(answer) == (409, "engine.unavailable")
    assert "embedded" in answer.json()["error"]["message"]
    assert "/v1/engines" in answer.json()["error"]["details"]["hint"]


def test_a_prompt_is_asked_of_the_region(server: Running, invoice: dict[str, Any]) -> None:
    heading = next(b for b in invoice["page"]["blocks"] if "Rechnung" in (b.get("text") or ""))
    x1, y1, x2, y2 = heading["bbox"]
    asked: list[tuple[str, tuple[int, int]]] = []

    def says(picture: Image.Image, question: str) -> str:
        asked.append((question, picture.size))
        return f'<html><body><h2 data-bbox="8 8 {x2 - x1 + 8} {y2 - y1 + 8}">{heading["text"]}</h2></body></html>'

    Model.says = staticmethod(says)
    bbox = [x1 - 8, y1 - 8, x2 + 8, y2 + 8]
    job, found = read_again(server, invoice["id"], engine="remote", prompt="  What is the heading? ", bbox=bbox)
    assert asked == [("What is the heading?", (x2 - x1 + 16, y2 - y1 + 16))]
    assert job["reading"]["prompt"] == "What is the heading?"
    (change,) = [c for c in found["changes"] if c["block"] == heading["id"]]
    assert (change["change"], change["similarity"]) == ("changed", 1.0), "a heading now"
    (block,) = found["page"]["blocks"]
    assert block["bbox"] == heading["bbox"]
    (record,) = server.client.get(f"/v1/jobs/{job['id']}/pages").json()["pages"]
    assert record["engine"] == "remote parrot"


def test_a_model_that_says_nothing_is_a_fallback(server: Running, invoice: dict[str, Any]) -> None:
    Model.says = staticmethod(lambda picture, question: "")
    job, found = read_again(server, invoice["id"], engine="remote", prompt="plain")
    (record,) = server.client.get(f"/v1/jobs/{job['id']}/pages").json()["pages"]
    assert record["status"] == "fallback"
    assert "nothing to say" in record["reasons"][0]["message"]
    assert {change["change"] for change in found["changes"]} == {"same"}, "the embedded engine read it"


# ------------------------------------------------------------------------ what is refused


@pytest.mark.parametrize(
    ("how", "status", "code"),
    [
        ({"bbox": [10, 10, 12, 400]}, 422, "request.invalid"),
        ({"bbox": [90000, 10, 90500, 400]}, 422, "request.invalid"),
        ({"bbox": [1, 2, 3]}, 422, "request.invalid"),
        ({"bbox": ["a", 2, 3, 4]}, 422, "request.invalid"),
        ({"dpi": 0}, 422, "request.invalid"),
        ({"dpi": 1e9}, 422, "request.invalid"),
        ({"engine": "nobody"}, 422, "request.invalid"),
        ({"prompt": "x" * 2001}, 422, "request.invalid"),
        ({"pages": "2"}, 422, "request.invalid"),
    ],
)
def test_what_cannot_be_read_is_refused(
    server: Running, invoice: dict[str, Any], how: dict[str, Any], status: int, code: str
) -> None:
    before = files_of(server)
    assert refusal(server.client.post(f"/v1/jobs/{invoice['id']}/pages/1/readings", json=how)) == (status, code)
    assert files_of(server) == before, "no file is left for it"


def test_an_engine_that_is_not_here(server: Running, invoice: dict[str, Any]) -> None:
    before = files_of(server)
    answer = server.client.post(f"/v1/jobs/{invoice['id']}/pages/1/readings", json={"engine": "qwen"})
    assert refusal(answer) == (409, "engine.unavailable")
    assert files_of(server) == before


def test_nobody_elses_pages(server: Running, invoice: dict[str, Any]) -> None:
    job, _ = read_again(server, invoice["id"])
    theirs = {"Authorization": f"Bearer {BERT[0]}"}
    at = f"/v1/jobs/{invoice['id']}/pages/1/readings"
    assert refusal(server.client.post(at, json={}, headers=theirs)) == (404, "job.not_found")
    assert refusal(server.client.get(f"{at}/{job['id']}", headers=theirs)) == (404, "job.not_found")
    assert refusal(server.client.get(f"{at}/{'0' * 32}")) == (404, "job.not_found")
    assert refusal(server.client.get(f"{at}/nonsense")) == (404, "job.not_found")
    assert refusal(server.client.get(f"{at}/{invoice['id']}")) == (404, "job.not_found"), "it is no reading of itself"
    assert server.client.post(f"/v1/jobs/{invoice['id']}/pages/9/readings", json={}).status_code == 422


def test_a_reading_is_of_one_page(server: Running) -> None:
    job = over(server, server.job(TWO).json()["id"])
    second, found = read_again(server, job["id"], 2)
    assert [block["text"] for block in found["page"]["blocks"]] == ["The other page"]
    assert second["pages"] == {"total": 1, "read": 1}
    answer = server.client.get(f"/v1/jobs/{job['id']}/pages/1/readings/{second['id']}")
    assert refusal(answer) == (404, "job.not_found")


# ------------------------------------------------------------------------ jobs of their own


def test_lists_leave_readings_out_unless_they_are_asked_for(server: Running, invoice: dict[str, Any]) -> None:
    job, _ = read_again(server, invoice["id"])
    plain = server.client.get("/v1/jobs").json()["jobs"]
    assert invoice["id"] in {one["id"] for one in plain}
    assert all(one["reading"] is None for one in plain)
    found = {one["id"]: one for one in server.client.get("/v1/jobs?readings=true").json()["jobs"]}
    assert found[job["id"]]["reading"]["job"] == invoice["id"]
    assert set(found) > {one["id"] for one in plain}


def test_a_reading_that_is_removed_takes_nothing_with_it(server: Running) -> None:
    before = files_of(server)
    job = over(server, server.job(TWO).json()["id"])
    reading, _ = read_again(server, job["id"])
    assert len(files_of(server)) == len(before) + 2
    assert server.client.delete(f"/v1/jobs/{reading['id']}").status_code == 204
    assert len(files_of(server)) == len(before) + 1
    again, _ = read_again(server, job["id"], dpi=100)
    assert server.client.get(f"/v1/jobs/{job['id']}/pages/1/image").status_code == 200, "its file is still there"
    # Of both, the reading goes with its job: nobody would find it.
    assert server.client.delete(f"/v1/jobs/{job['id']}").status_code == 204
    assert refusal(server.client.get(f"/v1/jobs/{again['id']}")) == (404, "job.not_found")
    assert files_of(server) == before


def test_readings_of_readings_go_with_the_job(tmp_path: Path) -> None:
    store, files = SqliteStore(tmp_path / "jobs.sqlite"), StoredFiles(tmp_path / "data")
    queue, options = HueyQueue(tmp_path / "queue.sqlite"), Options(engine="embedded")
    service = LocalService(store, queue, files, PageReaders(options, workers=1), ServiceOptions(options))
    upload = files.receive(iter([pdf(text("x"))]), name="x.pdf", max_bytes=10_000)
    chain = [store.add(Job(f"{0:032x}", "anna", JobSpec(), upload, URGENT))]
    for n in range(1, 1200):
        chain.append(
            store.add(Job(f"{n:032x}", "anna", JobSpec(of=chain[-1].id), replace(upload, key=f"{n:032x}"), URGENT))
        )
    try:
        asyncio.run(service.remove(chain[0].id, owner="anna"))
        assert store.kept() == (set(), set())
        assert not any((tmp_path / "data" / "uploads").iterdir())
    finally:
        service.stop(drain=0)
        service.close()
        files.close()


def test_of_a_page_the_last_readings_are_kept(server: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("docparse.api.family.MOST_READINGS", 2)
    before = files_of(server)
    job = over(server, server.job(TWO).json()["id"])
    other, _ = read_again(server, job["id"], 2)
    first, second, third = [read_again(server, job["id"])[0] for _ in range(3)]
    assert refusal(server.client.get(f"/v1/jobs/{first['id']}")) == (404, "job.not_found")
    answer = server.client.get(f"/v1/jobs/{job['id']}/pages/1/readings/{first['id']}")
    assert refusal(answer) == (404, "job.not_found")
    for kept, number in ((second, 1), (third, 1), (other, 2)):
        answer = server.client.get(f"/v1/jobs/{job['id']}/pages/{number}/readings/{kept['id']}")
        assert answer.status_code == 200, "each page has its own"
    assert len(files_of(server)) == len(before) + 4
    again, _ = read_again(server, third["id"])
    for id, status in ((second["id"], 404), (third["id"], 200), (again["id"], 200)):
        assert server.client.get(f"/v1/jobs/{id}").status_code == status, "a reading of a reading is one of the page"
    answer = server.client.post(f"/v1/jobs/{again['id']}/pages/1/readings", json={})
    assert refusal(answer) == (429, "job.queue_full"), "one goes before another that was made of it"


def test_readings_that_are_not_over_are_not_for_others_to_remove(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("docparse.api.family.MOST_READINGS", 2)
    store = SqliteStore(tmp_path / "jobs.sqlite")
    upload = Upload("0" * 32, "a.pdf", 1, "", "")
    job = store.add(Job(f"{0:032x}", "anna", JobSpec(), upload))
    specs = [JobSpec(of=job.id, pages="1"), JobSpec(of=job.id, pages="1"), JobSpec(of=job.id, pages="2")]
    one, two, _ = [store.add(Job(f"{n:032x}", "anna", spec, upload)) for n, spec in enumerate(specs, 1)]
    with pytest.raises(QueueFull, match="page 1 is being read again 2 times already"):
        check_room(store, job, 1)
    check_room(store, job, 2)
    store.set_state(two.id, "done")
    check_room(store, job, 1)
    assert too_many(store, job, 1) == []
    three = store.add(Job(f"{4:032x}", "anna", specs[0], upload))
    assert [each.id for each in too_many(store, job, 1)] == [two.id], "the other one is still wanted"
    assert [each.id for each in family(store, job)][-1] == job.id
    assert {each.id for each in family(store, job)} >= {one.id, two.id, three.id}
    store.close()


def test_a_page_that_is_corrected_is_compared_as_it_stands(server: Running) -> None:
    job = over(server, server.job(TWO).json()["id"])
    page = server.client.get(f"/v1/jobs/{job['id']}/pages/1").json()
    block = page["blocks"][-1]
    said = server.client.get(f"/v1/jobs/{job['id']}/pages/1/corrections").json()
    edit = {"op": "edit", "block": block["id"], "text": "Some text that was here"}
    put = server.client.put(
        f"/v1/jobs/{job['id']}/pages/1/corrections", json={"revision": said["revision"], "corrections": [edit]}
    )
    assert put.status_code == 200, put.text
    _, found = read_again(server, job["id"])
    change = next(change for change in found["changes"] if change["block"] == block["id"])
    assert change["pieces"] == [["=", "Some text that "], ["-", "was "], ["+", "is "], ["=", "here"]]


# ------------------------------------------------------------------------ what is asked for


def test_what_is_not_said_is_as_it_was() -> None:
    job = Job("a", "ann", JobSpec(engine="", dpi=None, password="pw"), Upload("k", "a.pdf", 1, "", ""))
    page = Page(3, 800, 1000)
    spec = spec_of(job, page, PageRecord(3, "read", engine="remote parrot", dpi=200.0), Again())
    assert spec == JobSpec(engine="remote", pages="3", dpi=200.0, password="pw", of="a")
    assert spec_of(job, page, PageRecord(3, "read"), Again()).engine == "", "nobody read it: the operator's choice"
    told = Again("qwen", 300.0, " html ", (700.0, 900.4, 100.2, 2000.0))
    spec = spec_of(job, page, PageRecord(3, "read", engine="remote parrot"), told)
    assert (spec.engine, spec.dpi, spec.prompt) == ("qwen", 300.0, "html")
    assert (spec.region, spec.page_size) == ((100, 900, 700, 1000), (800, 1000)), "in order, and on the page"
    for bbox in ((0.0, 0.0, float("nan"), 5.0), (0.0, 0.0, float("inf"), 500.0), (-50.0, 0.0, 0.0, 900.0)):
        with pytest.raises(RequestError):
            spec_of(job, page, PageRecord(3, "read"), Again(bbox=bbox))


def test_somebody_waits_for_it(server: Running, invoice: dict[str, Any]) -> None:
    answer = server.client.post(f"/v1/jobs/{invoice['id']}/pages/1/readings").json()
    job = server.call(lambda: server.service.job(answer["id"], owner="anna"))
    assert job.priority == URGENT
    over(server, answer["id"])
