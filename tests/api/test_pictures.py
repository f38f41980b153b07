"""Pages as pictures: how large, which part, drawn where a file can do no harm, kept, and sent."""

from __future__ import annotations

import asyncio
import io
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from docparse.api import readers as readers_module
from docparse.api.auth import new_key, parse_keys
from docparse.api.config import ApiConfig
from docparse.api.files import StoredFiles
from docparse.api.job import URGENT, Job, JobSpec
from docparse.api.pictures import MOST_SIDE, WIDTHS, Plan, View, checked, encoded, jpeg_size, plan, view
from docparse.api.ports import PageTask
from docparse.api.queue import HueyQueue
from docparse.api.readers import PageReaders
from docparse.api.service import LocalService, ServiceOptions
from docparse.api.store import SqliteStore
from docparse.convert import Options
from docparse.errors import (
    CorruptSource,
    DocparseError,
    EncryptedSource,
    JobNotFound,
    JobNotReady,
    OutputError,
    PageRangeError,
    RequestError,
    SourceTimeout,
)
from docparse.limits import Limits
from docparse.source import open_source
from tests.api.fake_service import FakeService
from tests.api.loopback import PDF, Running, running
from tests.fake_engine import HANG, RAISE, FakeEngine
from tests.making import pdf, scan, text
from tests.test_isolation import slow_pdf

SAMPLES = Path(__file__).parents[2] / "samples"
A4 = (1190, 1684)
processes = pytest.mark.skipif(os.name == "nt", reason="process groups and memory limits are POSIX")


def decoded(data: bytes) -> Image.Image:
    picture = Image.open(io.BytesIO(data), formats=("JPEG",))
    picture.load()
    return picture


def far(a: Image.Image, b: Image.Image) -> float:
    """Mean difference of two pictures, in steps of grey."""
    assert a.size == b.size
    return float(np.abs(np.asarray(a.convert("L"), dtype=float) - np.asarray(b.convert("L"), dtype=float)).mean())


# ------------------------------------------------------------------------------------ sizes


@pytest.mark.parametrize(
    ("own", "width", "crop", "size", "box"),
    [
        (A4, None, None, A4, None),
        (A4, 1, None, (160, 226), None),
        (A4, 161, None, (320, 453), None),
        (A4, 800, None, (800, 1132), None),
        (A4, 1190, None, A4, None),  # the next size would be larger than the page
        (A4, 90_000, None, A4, None),
        ((100, 40), 160, None, (100, 40), None),
        ((20_000, 600), None, None, (16_384, 492), None),
        ((3, 1_000_000), 160, None, (1, 16_384), None),  # a page that is a thread
        (A4, None, "100,200,300,250.5", (200, 51), (100, 200, 300, 251)),
        (A4, None, "300,250.5,100,200", (200, 51), (100, 200, 300, 251)),
        (A4, 160, "100,200,420,520", (160, 160), (50, 100, 210, 260)),
        (A4, 160, "1000,1600,2000,2000", (160, 71), (842, 1347, 1002, 1418)),
        (A4, 320, "10,10,20,20", (10, 10), (10, 10, 20, 20)),
        (A4, None, "1189.2,1683.9,1190,1684", (1, 1), (1189, 1683, 1190, 1684)),
    ],
)
def test_sizes(own: Any, width: int | None, crop: str | None, size: Any, box: Any) -> None:
    planned = plan(own, view(width, crop))
    assert (planned.size, planned.box) == (size, box)


@pytest.mark.parametrize(
    "crop", ["", "1,2,3", "1,2,3,x", "-1,2,3,4", "1,2,3,4,5", "1e9,2,3,4", "nan,1,2,3", "1,2,3,4\n"]
)
def test_what_is_no_crop_is_refused(crop: str) -> None:
    with pytest.raises(RequestError):
        view(None, crop)


@pytest.mark.parametrize("crop", ["1190,0,1300,10", "5,5,5,9", "0,1684,10,99999"])
def test_a_crop_beside_the_page_is_refused(crop: str) -> None:
    with pytest.raises(RequestError, match="beside the page"):
        plan(A4, view(None, crop))


sides = st.integers(1, 30_000)
places = st.floats(0, 40_000, allow_nan=False)


@given(own=st.tuples(sides, sides), width=st.sampled_from((0, *WIDTHS)), crop=st.tuples(places, places, places, places))
@settings(deadline=None)
def test_nothing_is_drawn_larger_than_it_was_read(own: Any, width: int, crop: Any) -> None:
    x1, y1, x2, y2 = crop
    for wanted in (View(width), View(width, (min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2)))):
        try:
            planned = plan(own, wanted)
        except RequestError:
            continue
        assert all(1 <= side <= min(most, MOST_SIDE) for side, most in zip(planned.page, own, strict=True))
        assert width == 0 or planned.size[0] <= width
        left, top, right, bottom = planned.box or (0, 0, *planned.page)
        assert 0 <= left < right <= planned.page[0]
        assert 0 <= top < bottom <= planned.page[1]
        assert planned.size == (right - left, bottom - top)


# ------------------------------------------------------------------------------------ what a process may say is one


def jpeg(width: int = 30, height: int = 20, **how: Any) -> bytes:
    data = io.BytesIO()
    Image.effect_noise((width, height), 60).convert("RGB").save(data, "JPEG", **how)
    return data.getvalue()


def test_a_picture_is_told_by_its_bytes() -> None:
    for how in (
        {},
        {"progressive": True},
        {"comment": b"x" * 60_000},
        {"dpi": (72, 72), "exif": b"Exif\0\0" + b"y" * 99},
    ):
        assert jpeg_size(jpeg(31, 17, **how)) == (31, 17)
    white = encoded(b"\xff" * 3 * 40 * 50, Plan((40, 50), (10, 20, 30, 45), (20, 25)))
    assert checked(white, (20, 25)) == white
    assert checked(white, None) == white
    assert decoded(white).size == (20, 25)


def test_what_is_no_picture_is_not_sent() -> None:
    good = jpeg()
    png = io.BytesIO()
    Image.new("RGB", (30, 20)).save(png, "PNG")
    frame = good.index(b"\xff\xc0")
    huge = good[: frame + 5] + b"\xff\xff\xff\xff" + good[frame + 9 :]
    bad = (b"", b"\xff\xd8\xff", b"<svg onload=alert(1)>", png.getvalue(), good[:-2], good[:frame], b"\xff" * 4000)
    for data in (*bad, huge, b"\xff\xd8\xff\xe0\x00\x00" + good[6:], good[:2] + b"<script>" + good[2:]):
        with pytest.raises(ValueError, match="pictu"):
            checked(data, None)
    with pytest.raises(ValueError, match="size"):
        checked(good, (20, 30))


# ------------------------------------------------------------------------------------ drawn by a process of the pool


Make = Callable[..., PageReaders]


@pytest.fixture
def make() -> Iterator[Make]:
    """Makes readers, and ends them."""
    made: list[PageReaders] = []

    def readers(engine: Any = "embedded", *, workers: int = 1, **limits: Any) -> PageReaders:
        made.append(PageReaders(Options(engine=engine, limits=Limits(**limits)), workers=workers))
        return made[-1]

    yield readers
    for one in made:
        one.close()


def task(path: Path, number: int = 1, *, client: str = "client", password: str | None = None) -> PageTask:
    return PageTask("job", client, URGENT, path, number, JobSpec(password=password), path.name)


@processes
def test_a_page_looks_as_it_was_read(make: Make, tmp_path: Path) -> None:
    readers = make()
    turned = tmp_path / "turned.pdf"
    turned.write_bytes(pdf(text("Sideways"), rotation=90))
    for path in (SAMPLES / "slides.pdf", turned, SAMPLES / "sideways-letter.jpg"):
        with open_source(path) as source:
            page = source.page(1)
            own = page.width, page.height
            small = Image.frombytes("RGB", planned := plan(own, View(320)).size, source.draw(1, *planned))
            whole = page.pixels()
        assert far(decoded(readers.draw(task(path), own, View()).result(60)), whole) < 3
        assert far(decoded(readers.draw(task(path), own, View(320)).result(60)), small) < 3
        box = (own[0] // 4, own[1] // 4, own[0] // 2, own[1] // 2)
        assert far(decoded(readers.draw(task(path), own, View(0, box)).result(60)), whole.crop(box)) < 3
        assert decoded(readers.draw(task(path), None, View(160)).result(60)).size == plan(own, View(160)).size
    with pytest.raises(RequestError):
        readers.draw(task(turned), own, View(0, (90_000, 0, 90_001, 9)))
    with pytest.raises(RequestError, match="beside the page"):
        readers.draw(task(turned), None, View(0, (90_000, 0, 90_001, 9))).result(60)
    assert readers.load()["workers_lost"] == 0


@processes
def test_passwords_and_damage(make: Make, tmp_path: Path) -> None:
    readers = make()
    secret, broken = tmp_path / "secret.pdf", tmp_path / "broken.pdf"
    secret.write_bytes(pdf(text("One"), password="open"))
    broken.write_bytes(b"%PDF-1.7\nnothing follows")
    assert decoded(readers.draw(task(secret, password="open"), (800, 1200), View(160)).result(60)).size
    with pytest.raises(EncryptedSource) as caught:
        readers.draw(task(secret), (800, 1200), View(160)).result(60)
    assert caught.value.file == "secret.pdf"
    with pytest.raises(CorruptSource):
        readers.draw(task(broken), None, View(160)).result(60)


@processes
def test_a_picture_does_not_wait_for_pages(make: Make, tmp_path: Path) -> None:
    """The only process that reads is at a page for ever."""
    path = tmp_path / "book.pdf"
    path.write_bytes(pdf(*(text(f"Page {n}") for n in range(1, 4))))
    readers = make(FakeEngine(trouble={1: HANG}))
    hung = readers.read(task(path, 1))
    while not readers.load()["pages_in_hand"]:
        time.sleep(0.01)
    waiting = readers.read(task(path, 2))
    drawn = [readers.draw(task(path, 3), (800, 1200), View(width)) for width in (160, 320)]
    assert [decoded(each.result(60)).width for each in drawn] == [160, 320]
    assert not hung.done()
    assert not waiting.done()
    load = readers.load()
    assert (load["workers"], load["workers_alive"], load["worker_restarts"]) == (1, 1, 0)


@processes
def test_who_looks_keeps_nobody_from_reading(make: Make, tmp_path: Path) -> None:
    slow, book = tmp_path / "slow.pdf", tmp_path / "book.pdf"
    slow.write_bytes(slow_pdf())
    book.write_bytes(pdf(text("Page 1")))
    readers = make(page_seconds=5)
    looks = [readers.draw(task(slow, 1), (800, 1200), View(160)) for _ in range(6)]
    assert readers.read(task(book, 1, client="other")).result(60).page.text == "Page 1"
    assert sum(look.done() for look in looks) < 6
    with pytest.raises(SourceTimeout) as caught:
        looks[0].result(60)
    assert (caught.value.file, caught.value.page) == ("slow.pdf", 1)
    cancelled = [look.cancel() for look in looks[1:]]
    assert any(cancelled), "those that were not begun are never drawn"


@processes
@pytest.mark.parametrize("lie", [b"", b"<script>alert(1)</script>", jpeg(30, 20), None])
def test_a_process_that_lies_is_replaced(
    lie: bytes | None, make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that a file has taken over may send anything, and as much as it likes."""
    path = tmp_path / "book.pdf"
    path.write_bytes(pdf(text("Page 1")))
    readers = make()

    def lying(real: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
        def say(head: dict[str, Any], blob: bytes, seconds: float, most_bytes: int = 0) -> dict[str, Any]:
            answer = real(head, blob, seconds, most_bytes)
            return {**answer, "bytes": lie} if most_bytes and lie is not None else answer

        return say

    with monkeypatch.context() as patched:
        for slot in readers._pool._slots:
            patched.setattr(slot, "_say", lying(slot._say))
        if lie is None:
            patched.setattr(readers_module, "MOST_BYTES", 100)
        with pytest.raises(CorruptSource, match="made its reader stop"):
            readers.draw(task(path), (800, 1200), View(160)).result(60)
    assert readers.load()["workers_lost"] == 2
    assert decoded(readers.draw(task(path), (800, 1200), View(160)).result(60)).width == 160


# ------------------------------------------------------------------------------------ kept, for whom it is


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Callable[..., LocalService]]:
    made: list[LocalService] = []

    def start(engine: Any = "embedded") -> LocalService:
        options = Options(engine=engine)
        folder = tmp_path / "data"
        made.append(
            LocalService(
                SqliteStore(folder / "jobs.sqlite"),
                HueyQueue(folder / "queue.sqlite"),
                StoredFiles(folder),
                PageReaders(options, workers=1),
                ServiceOptions(options, look_seconds=0.2, housekeeping=0.5),
            )
        )
        made[-1].start()
        return made[-1]

    yield start
    for one in made:
        one.stop(drain=0)
        one.close()


async def begun(service: LocalService, data: bytes, *, name: str = "a.pdf") -> Job:
    async def pieces() -> Any:
        yield data

    upload = await service.receive(pieces(), name=name, owner="ann")
    return await service.submit(upload, JobSpec(), owner="ann")


async def over(service: LocalService, data: bytes, *, name: str = "a.pdf") -> Job:
    return await service.wait((await begun(service, data, name=name)).id, owner="ann", seconds=60)


class Counting:
    """Readers that count what is drawn."""

    def __init__(self, readers: Any) -> None:
        self.drawn: list[tuple[int, View]] = []
        self._draw = readers.draw
        readers.draw = self

    def __call__(self, task: PageTask, own: Any, view: View) -> Future[bytes]:
        self.drawn.append((task.number, view))
        found: Future[bytes] = self._draw(task, own, view)
        return found


async def until(what: Callable[[], Any]) -> None:
    deadline = time.monotonic() + 20
    while not what():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


@processes
def test_pictures_are_kept_and_crops_are_not(service: Callable[..., LocalService], tmp_path: Path) -> None:
    async def run() -> None:
        it = service()
        job = await over(it, pdf(text("One"), text("Two")), name="ann's book.pdf")
        counting = Counting(it._readers)
        kept = tmp_path / "data" / "jobs" / job.id / "pictures"
        first = await it.picture(job.id, 2, View(160), owner="ann")
        assert (first.media_type, first.filename) == ("image/jpeg", "ann-s-book.page-2.jpg")
        assert decoded(first.data).size == (160, 240)
        await until(lambda: kept.is_dir() and len(list(kept.iterdir())) == 1)
        assert await it.picture(job.id, 2, View(160), owner="ann") == first
        assert (await it.picture(job.id, 2, View(800), owner="ann")).data != first.data
        await until(lambda: len(list(kept.iterdir())) == 2)
        # A page of 800 pixels: its own size is one that is kept already.
        assert decoded((await it.picture(job.id, 2, View(), owner="ann")).data).size == (800, 1200)
        for _ in range(2):
            crop = await it.picture(job.id, 2, View(0, (100.0, 200.0, 300.0, 250.0)), owner="ann")
            assert decoded(crop.data).size == (200, 50)
        assert [view.width for _, view in counting.drawn] == [160, 800, 0, 0]
        assert len(list(kept.iterdir())) == 2
        await it.remove(job.id, owner="ann")
        assert not kept.exists()

    asyncio.run(run())


@processes
def test_pictures_are_for_the_owner_and_of_pages_that_were_read(service: Callable[..., LocalService]) -> None:
    async def run() -> None:
        it = service(FakeEngine(trouble={2: HANG}))
        job = await begun(it, pdf(text("One"), text("Two")))
        await until(lambda: it._store.get(job.id).pages_read)
        assert decoded((await it.picture(job.id, 1, View(), owner="ann")).data).size == (800, 1200)
        for look in (it.picture(job.id, 2, View(), owner="ann"), it.evidence(job.id, 2, owner="ann")):
            with pytest.raises(JobNotReady):
                await look
        for look in (it.picture(job.id, 3, View(), owner="ann"), it.evidence(job.id, 3, owner="ann")):
            with pytest.raises(PageRangeError):
                await look
        for look in (it.picture(job.id, 1, View(), owner="bob"), it.evidence(job.id, 1, owner="bob")):
            with pytest.raises(JobNotFound):
                await look
        with pytest.raises(RequestError):
            await it.picture(job.id, 1, View(0, (800, 0, 900, 10)), owner="ann")

    asyncio.run(run())


@processes
def test_a_page_that_nobody_could_read_can_be_looked_at(service: Callable[..., LocalService]) -> None:
    async def run() -> None:
        it = service(FakeEngine(trouble={1: RAISE}))
        wide = Image.new("RGB", (400, 100), "navy")
        job = await over(it, pdf(scan(wide), size=(400, 100)))
        assert (await it.pages(job.id, owner="ann"))[0].status == "failed"
        picture = decoded((await it.picture(job.id, 1, View(160), owner="ann")).data)
        assert picture.size == (160, 40)
        assert picture.getpixel((80, 20))[2] > 100  # type: ignore[index]

    asyncio.run(run())


@processes
def test_a_full_disk_keeps_no_picture_but_shows_it(
    service: Callable[..., LocalService], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: Any) -> None:
        raise OutputError("it cannot be written (no space left).")

    async def run() -> None:
        it = service()
        job = await over(it, pdf(text("One")))
        monkeypatch.setattr(it._files, "put_picture", full)
        for _ in range(2):
            assert decoded((await it.picture(job.id, 1, View(160), owner="ann")).data).size == (160, 240)
        await until(lambda: "is not kept" in caplog.text)

    asyncio.run(run())


@processes
def test_a_service_that_ends_says_so(service: Callable[..., LocalService]) -> None:
    async def run() -> None:
        it = service()
        job = await over(it, pdf(text("One")))
        await asyncio.to_thread(it._readers.close)
        with pytest.raises(DocparseError, match="is ending"):
            await it.picture(job.id, 1, View(160), owner="ann")

    asyncio.run(run())


# ------------------------------------------------------------------------------------ over HTTP


ANNA, BERT = new_key("anna"), new_key("bert")


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    with running(FakeService, ApiConfig(keys=parse_keys(f"{ANNA[1]}\n{BERT[1]}\n"))) as it:
        it.client.headers["Authorization"] = f"Bearer {ANNA[0]}"
        yield it


def read(server: Running, content: bytes = PDF) -> str:
    id: str = server.job(content).json()["id"]
    deadline = time.monotonic() + 10
    while server.client.get(f"/v1/jobs/{id}").json()["state"] != "done":
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return id


def test_a_picture_over_http(server: Running) -> None:
    path = f"/v1/jobs/{read(server)}/pages/1/image"
    answer = server.client.get(path, params={"width": 300})
    assert answer.status_code == 200
    assert decoded(answer.content).size == (320, 453)
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["content-disposition"].startswith("inline; filename=")
    assert answer.headers["cache-control"] == "private, max-age=3600"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "Authorization" in answer.headers["vary"]
    assert decoded(server.client.get(path).content).size == (595, 842)
    assert decoded(server.client.get(path, params={"crop": "10,20,110,60.5"}).content).size == (100, 41)


def test_a_picture_that_the_client_has_is_not_sent_again(server: Running) -> None:
    path = f"/v1/jobs/{read(server)}/pages/1/image"
    tag = server.client.get(path).headers["etag"]
    for known in (tag, f'"other", W/{tag}', "*"):
        again = server.client.get(path, headers={"If-None-Match": known})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
        assert again.headers["cache-control"] == "private, max-age=3600"
    assert server.client.get(path, headers={"If-None-Match": '"other"'}).status_code == 200
    assert server.client.get(path, params={"width": 160}, headers={"If-None-Match": tag}).status_code == 200


def test_what_is_refused(server: Running) -> None:
    def code(path: str, **how: Any) -> tuple[int, str]:
        answer = server.client.get(path, **how)
        return answer.status_code, answer.json()["error"]["code"]

    id = read(server)
    path = f"/v1/jobs/{id}/pages/1/image"
    for wrong in ({"width": 0}, {"width": "wide"}, {"crop": "1,2,3"}, {"crop": "9000,0,9001,1"}):
        assert code(path, params=wrong) == (422, "request.invalid"), wrong
    for kind in ("image", "evidence"):
        assert code(f"/v1/jobs/{'0' * 32}/pages/1/{kind}") == (404, "job.not_found")
        assert code(f"/v1/jobs/{id}/pages/2/{kind}")[0] == 422
        bert = {"Authorization": f"Bearer {BERT[0]}"}
        assert code(f"/v1/jobs/{id}/pages/1/{kind}", headers=bert) == (404, "job.not_found")
        assert code(f"/v1/jobs/{id}/pages/1/{kind}", headers={"Authorization": ""})[0] == 401
    slow = server.job(PDF + b"pages=2 slow=5").json()["id"]
    deadline = time.monotonic() + 10
    while not server.client.get(f"/v1/jobs/{slow}/pages").json()["pages"]:
        assert time.monotonic() < deadline
    assert code(f"/v1/jobs/{slow}/pages/2/image") == (409, "job.not_ready")
    assert server.client.delete(f"/v1/jobs/{slow}").status_code == 204
