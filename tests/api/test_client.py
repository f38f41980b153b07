"""docparse.Client and AsyncClient against the real HTTP side, over real sockets, with lines that break.

What both do is asked of both: ``client`` is either, the asynchronous one behind ``Awaited``.
"""

from __future__ import annotations

import _thread
import asyncio
import http.server
import inspect
import json
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import docparse
from docparse.api import problems
from docparse.api.auth import new_key, parse_keys
from docparse.api.config import ApiConfig
from docparse.api.job import Upload
from docparse.client import Job, JobEvent
from docparse.client.operations import schema_text
from docparse.errors import (
    AccessError,
    CorruptSource,
    DocparseError,
    EngineUnavailable,
    IdempotencyMismatch,
    JobNotFound,
    JobNotReady,
    KeyRefused,
    KeyRequired,
    PageRangeError,
    QueueFull,
    RequestError,
    SchemaError,
    ServiceError,
    ServiceTimeout,
    ServiceUnreachable,
    SettingsError,
    TooLargeSource,
    UnreadableSource,
    UnsupportedSource,
)
from docparse.extract import Invoice
from tests.api.broken_line import BrokenLine
from tests.api.fake_service import FakeService
from tests.api.loopback import PDF, Running, running

SCHEMA: dict[str, Any] = {"type": "object", "properties": {"total": {"type": "number", "title": "Total"}}}


class Awaited:
    """An ``AsyncClient``, or a job of it, that is asked as the other one is."""

    def __init__(self, inner: Any, loop: asyncio.AbstractEventLoop) -> None:
        self._inner = inner
        self._loop = loop

    def __getattr__(self, name: str) -> Any:
        what = getattr(self._inner, name)
        if not callable(what):
            return what

        def call(*words: Any, **how: Any) -> Any:
            found = what(*words, **how)
            if inspect.iscoroutine(found):
                found = self._loop.run_until_complete(found)
            if isinstance(found, AsyncIterator):
                return self._each(found)
            return Awaited(found, self._loop) if isinstance(found, docparse.client.AsyncJob) else found

        return call

    def _each(self, found: AsyncIterator[Any]) -> Iterator[Any]:
        while True:
            try:
                yield self._loop.run_until_complete(anext(found))
            except StopAsyncIteration:
                return


KINDS = ("sync", "async")


@contextmanager
def client_of(kind: str, url: str, **how: Any) -> Iterator[Any]:
    how = {"timeout": 20.0, "patience": 5.0, **how}
    if kind == "sync":
        with docparse.Client(url, **how) as client:
            yield client
        return
    with asyncio.Runner() as runner:
        inner = docparse.AsyncClient(url, **how)
        yield Awaited(inner, runner.get_loop())
        runner.run(inner.close())


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    config = ApiConfig(sync_seconds=5, sync_pages=5, schemas={"slip": {"title": "Slip", **SCHEMA}}, heartbeat=0.2)
    with running(lambda: FakeService(model=True), config) as it:
        yield it


@pytest.fixture(autouse=True)
def nothing_is_left(request: pytest.FixtureRequest) -> Iterator[None]:
    """Every test sees a service without jobs."""
    yield
    if "server" in request.fixturenames:
        server: Running = request.getfixturevalue("server")
        for job in server.client.get("/v1/jobs").json()["jobs"]:
            server.client.delete(f"/v1/jobs/{job['id']}")


@pytest.fixture(params=KINDS)
def client(request: pytest.FixtureRequest, server: Running) -> Iterator[Any]:
    with client_of(request.param, server.url) as it:
        yield it


def eventually(true: Any) -> None:
    until = time.monotonic() + 10
    while not true():
        assert time.monotonic() < until, "it never came"
        time.sleep(0.01)


# ------------------------------------------------------------------------------------ documents


def test_a_document_comes_back_as_a_document(client: Any, tmp_path: Path) -> None:
    path = tmp_path / "two pages.pdf"
    path.write_bytes(PDF + b"pages=2")
    document = client.parse(path)
    assert isinstance(document, docparse.Document)
    assert document.source.name == "two pages.pdf"
    assert [page.blocks[0].text for page in document.pages] == [
        "Page 1 <script>alert(1)</script>",
        "Page 2 <script>alert(1)</script>",
    ]
    assert client.parse(PDF, name="b.pdf").source.name == "b.pdf"


def test_options_reach_the_service(client: Any, server: Running) -> None:
    client.parse(PDF, engine="embedded", pages="1-3, r1", dpi=150.5, password="geheim ü")
    _, spec, _ = server.service.asked[-1]
    assert (spec.engine, spec.pages, spec.dpi, spec.password) == ("embedded", "1-3,r1", 150.5, "geheim ü")


def test_a_name_that_is_no_unicode_is_sent_all_the_same(client: Any, tmp_path: Path) -> None:
    path = tmp_path / "r\udce9sum\udce9.pdf"
    path.write_bytes(PDF)
    assert client.parse(path).source.name == "r?sum?.pdf"


def test_a_long_document_becomes_a_job_that_is_gone_afterwards(client: Any, server: Running) -> None:
    document = client.parse(PDF + b"pages=9 slow=0.1")
    assert len(document.pages) == 9
    assert server.service.jobs_kept == []


def test_a_long_document_that_fails_raises_why(client: Any, server: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("docparse.client.operations.WAIT", 0)  # the service then makes a job of anything
    with pytest.raises(CorruptSource, match=r"bad\.pdf: the file is damaged"):
        client.parse(PDF + b"broken", name="bad.pdf")
    assert server.service.jobs_kept == []


def test_fields_come_back_as_an_extraction(client: Any, server: Running) -> None:
    found = client.extract(PDF)
    assert found.schema == "invoice"
    assert isinstance(found.data, Invoice)
    assert found["line_items"] == []
    assert found.verdict.status == "empty"
    assert found.verdict.issues[0].code == "not-invoice"
    assert client.extract(PDF, "slip").schema == "Slip"  # the operator's own
    assert server.service.asked[-1][1].schema["title"] == "Slip"
    assert client.extract(PDF, SCHEMA)["total"] == client.extract(PDF, "slip")["total"]


def test_a_question_about_a_page(client: Any) -> None:
    found = client.ground(PDF, "the total", page=1, bbox=(1, 2, 300, 400), dpi=100)
    assert found.question == "the total"
    (place,) = found.places
    assert (place.label, place.bbox, place.confidence) == ("total", docparse.BBox(10, 20, 110, 40), 0.75)


def test_engines_and_schemas(client: Any) -> None:
    engines = {engine.name: engine for engine in client.engines()}
    assert engines["embedded"].default
    assert engines["qwen"].answers
    assert {"invoice", "receipt", "slip"} <= {schema.name for schema in client.schemas() if schema.use == "extract"}


# ------------------------------------------------------------------------------------ jobs


def test_a_job_from_its_making_to_its_removal(client: Any, server: Running) -> None:
    job = client.submit(PDF + b"pages=3", name="three.pdf", to="md", bulk=True)
    status = job.wait()
    assert (status.state, status.over, status.name) == ("done", True, "three.pdf")
    assert (status.pages, status.pages_read, dict(status.verdicts)) == (3, 3, {"ok": 3})
    assert [page.number for page in job.pages()] == [1, 2, 3]
    assert job.page(2).number == 2
    assert len(job.document().pages) == 3
    assert job.result("markdown").text.startswith("Page 1")
    assert job.result("zip").data[:2] == b"PK"
    assert client.job(job.id).status() == job.status()
    assert [one.id for one in client.jobs()] == [job.id]
    job.delete()
    job.delete()  # it is gone already, which is what is asked for
    assert server.service.jobs_kept == []
    with pytest.raises(JobNotFound):
        job.status()


def test_all_jobs_are_listed_however_many_are_asked_for_at_a_time(client: Any) -> None:
    made = [client.submit(PDF).id for _ in range(5)]
    assert [one.id for one in client.jobs(limit=2)] == made[::-1]


def test_events_tell_everything_once(client: Any) -> None:
    job = client.submit(PDF + b"pages=3 bad=2 slow=0.05")
    events: list[JobEvent] = list(job.events())
    assert [event.number for event in events] == list(range(1, len(events) + 1))
    assert [(e.kind, e.state, e.pages, e.page and e.page.status) for e in events] == [
        ("state", "running", None, None),
        ("opened", None, 3, None),
        ("page", None, None, "ok"),
        ("page", None, None, "failed"),
        ("page", None, None, "ok"),
        ("state", "done", None, None),
    ]
    assert events[-1].last
    assert [event.number for event in job.events(after=4)] == [5, 6]
    assert list(job.events(after=6)) == []
    (content,) = [event.content for event in job.events(content=True) if event.page and event.page.number == 3]
    assert content is not None
    assert content.blocks[0].text.startswith("Page 3")


def test_a_page_that_is_read_again_opens_the_job_again(client: Any) -> None:
    job = client.submit(PDF + b"pages=2 bad=1 slow=0.1")
    assert job.wait().verdicts == {"ok": 1, "failed": 1}
    assert job.retry(1, dpi=300).state in ("queued", "running")
    # From the beginning: the end in the middle is not the end.
    assert [event.state for event in job.events() if event.kind == "state"] == [
        "running",
        "done",
        "queued",
        "running",
        "done",
    ]
    assert job.status().verdicts == {"ok": 2}
    with pytest.raises(PageRangeError):
        job.retry(7)


def test_a_job_can_be_cancelled(client: Any) -> None:
    job = client.submit(PDF + b"wait")
    assert job.cancel().state == "cancelled"
    assert [event.state for event in job.events()] == ["cancelled"]


def test_waiting_has_an_end(client: Any) -> None:
    job = client.submit(PDF + b"wait", name="slow.pdf")
    with pytest.raises(JobNotReady, match=r"slow\.pdf: the job was not over within 0\.3 seconds"):
        job.wait(0.3)
    with pytest.raises(JobNotReady):
        job.result("json")


def test_the_same_key_is_the_same_job(client: Any) -> None:
    first = client.submit(PDF, idempotency_key="order-17")
    assert client.submit(PDF, idempotency_key="order-17").id == first.id
    assert client.submit(PDF).id != client.submit(PDF).id
    with pytest.raises(IdempotencyMismatch):
        client.submit(PDF + b"other", idempotency_key="order-17")


def test_a_job_with_a_schema_has_fields(client: Any) -> None:
    job = client.submit(PDF, schema=Invoice)
    assert job.wait().kind == "extract"
    assert isinstance(job.extraction().data, Invoice)


def test_both_clients_have_the_same_calls() -> None:
    for one, other in ((docparse.Client, docparse.AsyncClient), (Job, docparse.client.AsyncJob)):
        for name, call in inspect.getmembers(one, inspect.isfunction):
            if not name.startswith("_"):
                assert list(inspect.signature(call).parameters.values()) == list(
                    inspect.signature(getattr(other, name)).parameters.values()
                )


# ------------------------------------------------------------------------------------ errors


def test_what_the_service_refuses_is_raised_as_what_it_is(client: Any) -> None:
    with pytest.raises(CorruptSource) as corrupt:
        client.parse(PDF + b"broken", name="bad.pdf")
    assert str(corrupt.value) == "bad.pdf: the file is damaged."
    with pytest.raises(UnsupportedSource):
        client.parse(b"PK\x03\x04 no document", name="a.docx")
    with pytest.raises(SchemaError):
        client.extract(PDF, "no-such-schema")
    with pytest.raises(JobNotFound):
        client.job("f" * 32).status()
    with pytest.raises(JobNotFound):
        client.job("../../metrics").status()
    with pytest.raises(RequestError) as wrong:
        client.parse(PDF, dpi=-1)
    assert [where for where, _ in wrong.value.fields] == ["body.dpi"]


def test_what_is_wrong_here_is_said_before_anything_is_sent(client: Any, server: Running, tmp_path: Path) -> None:
    with pytest.raises(UnreadableSource, match="no such file"):
        client.parse(tmp_path / "none.pdf")
    with pytest.raises(UnreadableSource, match="not a regular file"):
        client.parse(tmp_path)
    with pytest.raises(SchemaError):
        client.extract(PDF, tmp_path / "none.json")
    assert server.service.jobs_kept == []


@pytest.mark.parametrize("url", ["localhost:8000", "ftp://host", "http://", "http://u:secret@host", "http://h/?a=1"])
def test_an_address_that_is_none(url: str) -> None:
    with pytest.raises(SettingsError) as wrong:
        docparse.Client(url)
    assert "secret" not in str(wrong.value)


@pytest.mark.parametrize("kind", KINDS)
def test_keys(kind: str) -> None:
    key, line = new_key("anna")
    with running(FakeService, ApiConfig(keys=parse_keys(line))) as it:
        with client_of(kind, it.url, api_key=key) as client:
            assert client.parse(PDF).pages
            assert key not in repr(client)
        with client_of(kind, it.url) as client, pytest.raises(KeyRequired):
            client.engines()
        with client_of(kind, it.url, api_key="docparse_wrong") as client, pytest.raises(KeyRefused):
            client.engines()
    with pytest.raises(SettingsError):
        docparse.Client("http://localhost", api_key="two words")


@pytest.mark.parametrize("kind", KINDS)
def test_a_full_queue_is_met_with_patience(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(problems.AGAIN, 429, 1.0)  # type: ignore[arg-type]  # seconds that it asks for
    with running(lambda: FakeService(most_waiting=1)) as it:
        it.job(PDF + b"wait")
        with client_of(kind, it.url, patience=0.0) as client, pytest.raises(QueueFull):
            client.submit(PDF)
        threading.Timer(0.5, lambda: it.call(it.service.go.set)).start()
        with client_of(kind, it.url, patience=15.0) as client:
            assert client.submit(PDF).wait().state == "done"


@pytest.mark.parametrize("kind", KINDS)
def test_nobody_is_there(kind: str) -> None:
    with client_of(kind, "http://127.0.0.1:9", patience=0.3) as client:
        with pytest.raises(ServiceUnreachable, match=r"no connection to the service at http://127\.0\.0\.1:9"):
            client.parse(PDF)
        with pytest.raises(ServiceUnreachable):
            list(client.job("f" * 32).events())


# ------------------------------------------------------------------------------------ lines that break


@pytest.mark.parametrize("kind", KINDS)
def test_a_job_that_is_sent_twice_is_made_once(kind: str, server: Running) -> None:
    with BrokenLine(server.port) as line, client_of(kind, line.url) as client:
        line.refuse()
        line.cut(after=60)  # the job was made, and its answer is lost
        job = client.submit(PDF + b"pages=2")
        assert line.connections == 3
        assert [one.id for one in server.service.jobs_kept] == [job.id]


@pytest.mark.parametrize("kind", KINDS)
def test_what_counts_each_time_is_not_sent_twice(kind: str, server: Running) -> None:
    id = server.job(PDF + b"slow=0.01").json()["id"]
    with client_of("sync", server.url) as direct:
        direct.job(id).wait()
    with BrokenLine(server.port) as line, client_of(kind, line.url) as client:
        line.cut(after=60)
        with pytest.raises(ServiceUnreachable):
            client.job(id).retry(1)
        assert line.connections == 1
        assert client.job(id).wait().over
        assert client.job(id).pages()[0].attempt == 2


@pytest.mark.parametrize("kind", KINDS)
def test_events_go_on_where_the_line_broke(kind: str, server: Running) -> None:
    id = server.job(PDF + b"pages=12 slow=0.03").json()["id"]
    with BrokenLine(server.port) as line, client_of(kind, line.url) as client:
        line.cut(after=700)
        line.cut(after=1100)
        line.refuse()
        line.cut(after=900)
        events = list(client.job(id).events())
        assert line.connections >= 5
    assert [event.number for event in events] == list(range(1, 16))
    assert events[-1].state == "done"


@pytest.mark.parametrize("kind", KINDS)
def test_a_service_that_ends_in_between_is_waited_for(kind: str, server: Running) -> None:
    id = server.job(PDF + b"pages=3 slow=0.6").json()["id"]
    with BrokenLine(server.port) as line, client_of(kind, line.url) as client:
        seen = []
        for event in client.job(id).events():
            seen.append(event.number)
            if event.number == 3:  # it ends every stream that is open, in order
                ending = server.app.state.desk.ending
                ending.set()
                threading.Timer(0.7, ending.clear).start()
        assert seen == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("kind", KINDS)
def test_a_job_that_is_removed_ends_its_events(kind: str, server: Running) -> None:
    job = server.job(PDF + b"wait").json()["id"]
    threading.Timer(0.3, lambda: server.client.delete(f"/v1/jobs/{job}")).start()
    with client_of(kind, server.url) as client, pytest.raises(JobNotFound):
        list(client.job(job).events())


def test_who_goes_leaves_no_job_behind(server: Running) -> None:
    async def run() -> None:
        async with docparse.AsyncClient(server.url) as client:
            task = asyncio.ensure_future(client.parse(PDF + b"pages=50 slow=0.1"))
            while not server.service.jobs_kept or server.service.jobs_kept[0].num_pages is None:
                await asyncio.sleep(0.01)
            await asyncio.sleep(1.0)  # by now it has a job, and looks at it
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(run())
    eventually(lambda: server.service.jobs_kept == [])
    threading.Timer(1.5, _thread.interrupt_main).start()
    with docparse.Client(server.url) as client, pytest.raises(KeyboardInterrupt):
        client.parse(PDF + b"pages=50 slow=0.1")
    eventually(lambda: server.service.jobs_kept == [])


# ------------------------------------------------------------------------------------ large files


class Counting(FakeService):
    """Keeps no more of a file than its beginning."""

    came = 0

    async def receive(self, data: AsyncIterator[bytes], *, name: str, owner: str) -> Upload:
        async def head() -> AsyncIterator[bytes]:
            self.came = 0
            async for piece in data:
                if not self.came:
                    yield piece[:4096]
                self.came += len(piece)

        return await super().receive(head(), name=name, owner=owner)


UPLOAD = """
import resource, sys
import docparse
with docparse.Client(sys.argv[1]) as client:
    client.parse(b"%PDF-1.7")  # all that is imported is
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    client.submit(sys.argv[2])
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_a_large_file_is_never_held_as_a_whole(tmp_path: Path) -> None:
    path, size = tmp_path / "large.pdf", 96 * 1024**2
    with open(path, "wb") as file:
        file.write(PDF)
        file.truncate(size)
    with running(Counting) as it:
        done = subprocess.run(
            [sys.executable, "-c", UPLOAD, it.url, str(path)], capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stderr
        assert it.service.came >= size
    assert int(done.stdout) < 16 * 1024  # KiB


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_that_is_refused_half_way_raises_why(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "large.pdf"
    with open(path, "wb") as file:
        file.write(PDF)
        file.truncate(32 * 1024**2)
    with running(lambda: FakeService(max_bytes=1024**2)) as it, client_of(kind, it.url) as client:
        with pytest.raises(TooLargeSource, match=r"large\.pdf"):
            client.submit(path)
        assert it.service.uploads == {}


# ------------------------------------------------------------------------------------ what is no service


@contextmanager
def speaking(status: int, headers: dict[str, str], body: bytes, *, silent: float = 0.0) -> Iterator[str]:
    """A web server that is none of docparse's."""
    over = threading.Event()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            over.wait(silent)
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        over.set()
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("status", "headers", "body", "said"),
    [
        (200, {"Content-Type": "text/html"}, b"<h1>Hello</h1>", r"none of a docparse service \(it is not JSON\)"),
        (200, {}, b"[1]", r"none of a docparse service"),
        (200, {}, b'{"engines": [{}]}', r"engines\[0\]\.name"),
        (404, {}, b"<h1>no</h1>", r"answered with HTTP 404"),
        (404, {}, b'{"detail": "Not Found"}', r'HTTP 404: {"detail": "Not Found"}'),
        (418, {}, b'{"error": {"code": "tea.pot", "message": "I am one."}}', r"I am one\."),
        (307, {"Location": "http://elsewhere/SECRET"}, b"", r"redirects to http://elsewhere/\*\*\*"),
        (500, {}, b"\x1b[31mSECRET\xff", r"HTTP 500: \?\[31m\*\*\*"),
    ],
)
def test_what_answers_is_no_service(kind: str, status: int, headers: dict[str, str], body: bytes, said: str) -> None:
    with (
        speaking(status, headers, body) as url,
        client_of(kind, url, api_key="SECRET") as client,
        pytest.raises(DocparseError, match=said) as wrong,
    ):
        client.engines()
    assert type(wrong.value) in (ServiceError, DocparseError)
    assert "SECRET" not in str(wrong.value)


@pytest.mark.parametrize("kind", KINDS)
def test_a_proxy_without_its_service_is_met_with_patience(kind: str) -> None:
    with (
        speaking(503, {"Retry-After": "1"}, b"no server is available") as url,
        client_of(kind, url, patience=1.5) as client,
    ):
        began = time.monotonic()
        with pytest.raises(ServiceError, match="HTTP 503: no server is available"):
            client.engines()
        assert time.monotonic() - began > 0.9  # it was tried again when it said
    with (
        speaking(200, {}, b"", silent=20) as url,
        client_of(kind, url, timeout=0.3, patience=0.2) as client,
        pytest.raises(ServiceTimeout, match="does not answer"),
    ):
        client.engines()


@pytest.mark.parametrize(("code", "kind"), [("access.expired", AccessError), ("engine.unavailable", EngineUnavailable)])
def test_codes_of_a_newer_service_are_of_their_group(code: str, kind: type[DocparseError]) -> None:
    body = {"error": {"code": code, "message": "too old.", "details": {"hint": "Get another."}}}
    with (
        speaking(403, {}, json.dumps(body).encode()) as url,
        docparse.Client(url) as client,
        pytest.raises(kind, match=r"too old\. Get another\."),
    ):
        client.engines()


def test_without_httpx_it_is_said_what_to_install() -> None:
    code = (
        "import sys; sys.modules['httpx'] = None\nimport docparse\nassert docparse.Client\n"
        "try:\n    docparse.Client('http://localhost')\nexcept docparse.DocparseError as error:\n    print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert "pip install 'docparse[remote]'" in done.stdout


def test_classes_that_come_from_ours_are_read_as_ours() -> None:
    class Mine(Invoice):
        pass

    assert schema_text(Mine) == ("invoice", docparse.extract.schemas.load_schema(Mine))
    text, known = schema_text(SCHEMA)
    assert json.loads(text) == SCHEMA
    assert known is not None
