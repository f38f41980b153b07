"""Documents come in and go out over a real socket: parse, extract, ground."""

from __future__ import annotations

import base64
import json
import time
import zipfile
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import httpx
import pytest

from docparse import json_form
from docparse.api.config import ApiConfig
from docparse.api.job import URGENT, USUAL
from docparse.exporters import FORMATS
from tests.api.fake_service import FakeService
from tests.api.loopback import PDF, Running, running


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    config = ApiConfig(sync_seconds=5, sync_pages=5, schemas={"slip": {"title": "Slip", **SCHEMA}})
    with running(FakeService, config) as it:
        yield it


@pytest.fixture(autouse=True)
def nothing_is_left(request: pytest.FixtureRequest) -> Iterator[None]:
    """Every test removes what it made; what HTTP should have removed is gone by itself."""
    yield
    if "server" in request.fixturenames:
        server: Running = request.getfixturevalue("server")
        for job in server.client.get("/v1/jobs").json()["jobs"]:
            assert server.client.delete(f"/v1/jobs/{job['id']}").status_code in (204, 404)  # it was removed already
        eventually(lambda: not server.service.uploads and not server.service.jobs_kept)


def eventually(true: Any) -> None:
    until = time.monotonic() + 10
    while not true():
        assert time.monotonic() < until, "it never came"
        time.sleep(0.01)


SCHEMA: dict[str, Any] = {"type": "object", "properties": {"total": {"type": "number", "title": "Total"}}}


def code(answer: httpx.Response) -> str:
    body = answer.json()
    assert set(body) == {"error", "request_id"}
    assert set(body["error"]) == {"code", "message", "details"}
    assert body["request_id"] == answer.headers["x-request-id"]
    return str(body["error"]["code"])


# ------------------------------------------------------------------------------------ parse


def test_a_small_document_is_answered_with_its_content(server: Running) -> None:
    answer = server.parse(PDF + b"pages=2", name="report.pdf")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    document = json_form.from_json(answer.text)
    assert [page.number for page in document.pages] == [1, 2]
    assert document.source.name == "report.pdf"
    assert answer.headers["content-disposition"] == (
        "attachment; filename=\"report.json\"; filename*=UTF-8''report.json"
    )
    assert server.service.asked[-1][2] == URGENT
    eventually(lambda: not server.service.jobs_kept)


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_comes_as_what_it_is(server: Running, name: str) -> None:
    answer = server.parse(params={"to": name})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].partition(";")[0] == FORMATS[name].media_type
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    assert answer.headers["content-disposition"].startswith("attachment;")
    assert answer.headers["cache-control"] == "no-store"
    if FORMATS[name].media_type.startswith("text/"):
        assert answer.headers["content-type"].endswith("charset=utf-8")
        assert "alert(1)" in answer.text
        assert ("<script>alert" in answer.text) == (name in ("text",))


def test_aliases_and_archives(server: Running) -> None:
    assert server.parse(params={"to": "md"}).headers["content-type"].startswith("text/markdown")
    answer = server.parse(params={"to": "zip"}, name="a b.pdf")
    assert zipfile.ZipFile(BytesIO(answer.content)).namelist() == ["a b.json"]


def test_options_of_the_form_reach_the_job(server: Running) -> None:
    options = {"to": "md", "engine": "embedded", "pages": "1-3, r1", "dpi": "200", "password": "geheim"}
    assert server.parse(data=options).status_code == 200
    spec = server.service.asked[-1][1]
    assert (spec.engine, spec.pages, spec.dpi, spec.password) == ("embedded", "1-3,r1", 200.0, "geheim")


def test_options_of_the_address_reach_the_job(server: Running) -> None:
    assert server.parse(params={"engine": "auto", "pages": "all", "dpi": "native"}).status_code == 200
    spec = server.service.asked[-1][1]
    assert (spec.engine, spec.pages, spec.dpi, spec.password) == ("", None, None, None)


def test_a_file_in_json(server: Running) -> None:
    body = {"file": {"name": "x/../y.pdf", "content": base64.b64encode(PDF).decode()}, "to": "text", "dpi": 150}
    answer = server.client.post("/v1/parse", json=body)
    assert answer.status_code == 200
    assert 'filename="y.txt"' in answer.headers["content-disposition"]
    assert server.service.asked[-1][1].dpi == 150


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("to", "docx"),
        ("engine", "tesseract"),
        ("pages", "1-"),
        ("pages", "1;2"),
        ("pages", "9" * 2000),
        ("dpi", "0"),
        ("dpi", "-1"),
        ("dpi", "nan"),
        ("dpi", "inf"),
        ("dpi", "1e9"),
        ("password", "x" * 1000),
        ("nonsense", "1"),
    ],
)
def test_options_that_mean_nothing_are_named(server: Running, name: str, value: str) -> None:
    answer = server.parse(data={name: value})
    assert (answer.status_code, code(answer)) == (422, "request.invalid")
    assert answer.json()["error"]["details"]["fields"][0]["where"] == f"body.{name}"
    if name != "password":  # which has no place in an address
        answer = server.parse(params={name: value})
        assert (answer.status_code, code(answer)) == (422, "request.invalid")
        assert answer.json()["error"]["details"]["fields"][0]["where"] == f"query.{name}"


def test_a_value_that_was_refused_is_not_repeated(server: Running) -> None:
    answer = server.parse(data={"password": "hunter2" * 100, "dpi": "hunter2"})
    assert answer.status_code == 422
    assert "hunter2" not in answer.text


def test_an_option_is_said_once(server: Running) -> None:
    answer = server.parse(params={"dpi": "100"}, data={"dpi": "200"})
    assert (answer.status_code, code(answer)) == (422, "request.invalid")
    assert "dpi" in answer.json()["error"]["message"]
    assert server.parse(params={"dpi": "200", "to": "md"}, data={"dpi": "200", "to": "markdown"}).status_code == 200


def test_why_a_document_cannot_be_read(server: Running) -> None:
    answer = server.parse(PDF + b"broken", name="bad.pdf")
    assert (answer.status_code, code(answer)) == (422, "source.corrupt")
    assert answer.json()["error"]["details"] == {"file": "bad.pdf"}  # and nothing that is ours alone
    answer = server.parse(b"PK\x03\x04 a word document", name="bad.docx")
    assert (answer.status_code, code(answer)) == (415, "source.unsupported")
    answer = server.parse(b"", name="empty.pdf")
    assert (answer.status_code, code(answer)) == (422, "source.empty")


def test_a_long_document_becomes_a_job(server: Running) -> None:
    answer = server.parse(PDF + b"pages=6 slow=0.2")
    assert answer.status_code == 202
    job = answer.json()
    assert answer.headers["location"] == f"/v1/jobs/{job['id']}"
    assert int(answer.headers["retry-after"]) >= 1
    assert job["pages"]["total"] == 6
    assert server.client.get(answer.headers["location"]).json()["id"] == job["id"]


def test_a_slow_document_becomes_a_job(server: Running) -> None:
    answer = server.parse(PDF + b"slow=30", headers={"Prefer": "wait=1"})
    assert answer.status_code == 202
    assert answer.json()["state"] == "running"


def test_a_client_may_want_a_job(server: Running) -> None:
    answer = server.parse(headers={"Prefer": "respond-async"})
    assert answer.status_code == 202
    assert answer.headers["preference-applied"] == "respond-async"
    assert server.service.asked[-1][2] == USUAL
    eventually(lambda: server.client.get(answer.headers["location"]).json()["state"] == "done")


def test_a_client_that_goes_leaves_nothing(server: Running) -> None:
    with pytest.raises(httpx.ReadTimeout):
        server.parse(PDF + b"slow=30", timeout=0.7)
    eventually(lambda: not server.service.jobs_kept and not server.service.uploads)


def test_the_same_request_again_is_read_once(server: Running) -> None:
    headers = {"Idempotency-Key": "abc-1"}
    before = len(server.service.asked)
    first = server.parse(headers=headers)
    again = server.parse(headers=headers)
    assert first.status_code == again.status_code == 200
    assert first.content == again.content
    assert len(server.service.asked) == before + 1
    other = server.parse(PDF + b"other", headers=headers)
    assert (other.status_code, code(other)) == (422, "job.idempotency")
    assert len(server.service.uploads) == 1


@pytest.mark.parametrize("key", ["", "a b", "x" * 300, "\u00e4".encode()])
def test_idempotency_keys_that_are_none(server: Running, key: Any) -> None:
    answer = server.parse(headers={"Idempotency-Key": key})
    assert (answer.status_code, code(answer)) == (422, "request.invalid")


# ------------------------------------------------------------------------------------ extract


def test_fields_of_an_invoice(server: Running) -> None:
    answer = server.client.post("/v1/extract", files={"file": ("i.pdf", PDF)})
    assert answer.status_code == 200
    assert answer.json()["schema"] == "invoice"
    assert server.service.asked[-1][1].schema == "invoice"
    assert server.service.asked[-1][1].kind == "extract"


@pytest.mark.parametrize("where", ["params", "data"])
@pytest.mark.parametrize("name", ["receipt", "slip"])
def test_a_schema_by_its_name(server: Running, where: str, name: str) -> None:
    answer = server.client.post("/v1/extract", files={"file": ("i.pdf", PDF)}, **{where: {"schema": name}})
    assert answer.status_code == 200, answer.text
    assert answer.json()["schema"].lower() == name


def test_a_schema_of_the_clients_own(server: Running) -> None:
    body = {"file": {"content": base64.b64encode(PDF).decode()}, "schema": SCHEMA}
    in_json = server.client.post("/v1/extract", json=body)
    in_form = server.client.post("/v1/extract", files={"file": ("d", PDF)}, data={"schema": json.dumps(SCHEMA)})
    assert in_json.status_code == in_form.status_code == 200
    assert in_json.json()["fields"] == in_form.json()["fields"] == {"total": None}


@pytest.mark.parametrize(
    "schema",
    [
        "nonsense",
        "/etc/passwd",
        "../../../etc/passwd",
        "docparse/schema.json",
        "{",
        "[1]",
        '{"type": "object"}',
        '{"type": "object", "properties": {"a": {"type": "string", "pattern": "("}}}',
        "{" + '"a":{' * 5000,
        '{"type": "object", "properties": {"a": {"not": {}}}}',
    ],
)
def test_schemas_that_are_none(server: Running, schema: str) -> None:
    answer = server.client.post("/v1/extract", files={"file": ("i.pdf", PDF)}, data={"schema": schema})
    assert (answer.status_code, code(answer)) == (422, "schema.invalid")
    assert "root:" not in answer.text
    assert "properties" in answer.text or "no such file" not in answer.text.lower()


def test_fields_are_of_extractions_only(server: Running) -> None:
    answer = server.parse(params={"to": "fields"})
    assert (answer.status_code, code(answer)) == (422, "request.invalid")
    extracted = server.client.post("/v1/extract", params={"to": "md"}, files={"file": ("i.pdf", PDF)})
    assert extracted.headers["content-type"].startswith("text/markdown")


# ------------------------------------------------------------------------------------ ground


def test_ground_without_a_model_says_so_before_the_file_is_sent(server: Running) -> None:
    answer = server.client.post("/v1/ground", files={"file": ("i.pdf", PDF)}, data={"question": "the total"})
    assert (answer.status_code, code(answer)) == (409, "engine.unavailable")


def test_ground() -> None:
    with running(lambda: FakeService(model=True)) as server:
        form = {"question": "the total", "bbox": "1,2,300,400", "page": "2"}
        answer = server.client.post("/v1/ground", files={"file": ("i.pdf", PDF)}, data=form)
        assert answer.status_code == 200, answer.text
        assert answer.json()["places"] == [
            {"label": "total", "bbox": [10, 20, 110, 40], "point": None, "confidence": 0.75}
        ]
        assert answer.json()["page"] == 2
        body = {"file": {"content": base64.b64encode(PDF).decode()}, "question": "x", "bbox": [1, 2, 3, 4]}
        assert server.client.post("/v1/ground", json=body).status_code == 200
        nothing = server.client.post("/v1/ground", files={"file": ("i.pdf", PDF)})
        assert (nothing.status_code, code(nothing)) == (422, "settings.invalid")
        bad = server.client.post("/v1/ground", files={"file": ("i.pdf", PDF)}, data={"bbox": "1,2,3"})
        assert (bad.status_code, code(bad)) == (422, "request.invalid")
        assert not server.service.uploads
