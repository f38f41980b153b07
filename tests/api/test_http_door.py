"""What stands around every route: who may come in, headers, ids, logs, metrics, and errors of one shape."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from docparse import errors
from docparse.api.auth import new_key, parse_keys
from docparse.api.config import ApiConfig
from docparse.api.headers import SECURITY
from docparse.api.logs import JsonLines
from docparse.api.metrics import Metrics
from docparse.api.problems import status_of
from tests.api.fake_service import FakeService
from tests.api.loopback import PDF, Running, running

ANNA = new_key("anna")
SLOW = new_key("slow", rate=3)
KEYED = ApiConfig(keys=parse_keys(f"{ANNA[1]}\n{SLOW[1]}"), origins=("https://app.example",))


@pytest.fixture(scope="module")
def open_server() -> Iterator[Running]:
    with running(FakeService) as it:
        yield it


@pytest.fixture(scope="module")
def keyed_server() -> Iterator[Running]:
    with running(FakeService, KEYED) as it:
        yield it


def code(answer: httpx.Response) -> tuple[int, str]:
    body = answer.json()
    assert set(body) == {"error", "request_id"}
    return answer.status_code, body["error"]["code"]


def eventually(true: Callable[[], bool]) -> None:
    """A line is logged when the answer is on its way already."""
    until = time.monotonic() + 5
    while not true():
        assert time.monotonic() < until, "it never came"
        time.sleep(0.01)


def paths(server: Running) -> list[tuple[str, str]]:
    document = server.app.openapi()
    return [
        (method.upper(), path.replace("{id}", "0" * 32).replace("{number}", "1").replace("{name}", "invoice"))
        for path, methods in document["paths"].items()
        for method in methods
    ]


# ------------------------------------------------------------------------------------ keys


def test_nothing_but_health_is_there_without_a_key(keyed_server: Running) -> None:
    seen = paths(keyed_server)
    assert len(seen) > 15
    for method, path in [*seen, ("GET", "/"), ("GET", "/v1/nothing"), ("GET", "/v1/jobs/"), ("GET", "//v1/jobs")]:
        answer = keyed_server.client.request(method, path)
        if path in ("/healthz", "/readyz"):
            assert answer.status_code == 200
            continue
        assert code(answer) == (401, "access.key_required"), path
        assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    "headers",
    [{"Authorization": f"Bearer {ANNA[0]}"}, {"Authorization": f"bearer  {ANNA[0]}"}, {"X-API-Key": ANNA[0]}],
)
def test_a_key_opens(keyed_server: Running, headers: dict[str, str]) -> None:
    assert keyed_server.client.get("/v1/engines", headers=headers).status_code == 200
    assert keyed_server.client.get("/metrics", headers=headers).status_code == 200


@pytest.mark.parametrize(
    "shown",
    ["Bearer x", f"Basic {ANNA[0]}", ANNA[0], "Bearer", f"Bearer {ANNA[0]}x"],
    ids=["unknown", "basic", "bare", "empty", "longer"],  # a key is another one in each process
)
def test_what_is_no_key_does_not(keyed_server: Running, shown: str) -> None:
    status, _ = code(keyed_server.client.get("/v1/engines", headers={"Authorization": shown}))
    assert status == 401


def test_a_key_in_the_address_is_none(keyed_server: Running) -> None:
    answer = keyed_server.client.get("/v1/engines", params={"key": ANNA[0], "api_key": ANNA[0]})
    assert code(answer) == (401, "access.key_required")


def test_a_rate_is_said_with_when_to_come_back(keyed_server: Running) -> None:
    headers = {"X-API-Key": SLOW[0]}
    answers = [keyed_server.client.get("/v1/engines", headers=headers) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert code(answers[-1]) == (429, "limit.rate")
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 20


def test_metrics_may_be_open() -> None:
    config = ApiConfig(keys=KEYED.keys, open_metrics=True)
    with running(FakeService, config) as server:
        assert server.client.get("/metrics").status_code == 200
        assert server.client.get("/v1/engines").status_code == 401


# ------------------------------------------------------------------------------------ names and origins


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("localhost", True),
        ("localhost:8000", True),
        ("LOCALHOST", True),
        ("127.0.0.1:1", True),
        ("[::1]:80", True),
        ("[::1]", True),
        ("evil.example", False),
        ("localhost.evil.example", False),
        ("evil.example:127.0.0.1", False),
        ("127.0.0.1.nip.io", False),
        ("", False),
        ("10.0.0.1", False),
    ],
)
def test_the_name_that_it_is_asked_by(open_server: Running, host: str, allowed: bool) -> None:
    """A page whose name was pointed at this machine asks by that name (DNS rebinding)."""
    answer = open_server.client.get("/v1/jobs", headers={"Host": host})
    if allowed:
        assert answer.status_code == 200
    else:
        assert code(answer) == (421, "access.host")


def test_names_can_be_allowed() -> None:
    with running(FakeService, ApiConfig(hosts=("docs.example",))) as server:
        assert server.client.get("/v1/jobs", headers={"Host": "Docs.Example:443"}).status_code == 200
        assert server.client.get("/v1/jobs").status_code == 421
    with running(FakeService, KEYED) as server:  # whoever has a key may use any name
        answer = server.client.get("/v1/engines", headers={"Host": "any.example", "X-API-Key": ANNA[0]})
        assert answer.status_code == 200


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost:1", "file://", "http://"])
def test_a_page_of_another_site_sends_nothing(open_server: Running, origin: str) -> None:
    answer = open_server.parse(headers={"Origin": origin})
    assert code(answer) == (403, "access.origin")
    assert "access-control-allow-origin" not in answer.headers
    assert not open_server.service.jobs_kept


def test_a_browser_that_names_no_origin_says_how_far_it_came(open_server: Running) -> None:
    for site, status in (("cross-site", 403), ("same-site", 403), ("same-origin", 200), ("none", 200)):
        assert open_server.parse(headers={"Sec-Fetch-Site": site}).status_code == status, site


def test_a_page_of_ones_own_does(open_server: Running) -> None:
    assert open_server.parse(headers={"Origin": open_server.url}).status_code == 200


def test_cors_is_off_and_can_be_allowed(open_server: Running, keyed_server: Running) -> None:
    asks = {"Origin": "https://app.example", "Access-Control-Request-Method": "POST"}
    answer = open_server.client.options("/v1/parse", headers=asks)
    assert answer.status_code == 405
    assert not [name for name in answer.headers if name.startswith("access-control")]
    answer = keyed_server.client.options("/v1/parse", headers=asks)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == "https://app.example"
    assert "access-control-allow-credentials" not in answer.headers
    sent = keyed_server.parse(headers={"Origin": "https://app.example", "X-API-Key": ANNA[0]})
    assert sent.status_code == 200
    assert sent.headers["access-control-allow-origin"] == "https://app.example"
    other = keyed_server.client.options("/v1/parse", headers={**asks, "Origin": "https://evil.example"})
    assert "access-control-allow-origin" not in other.headers


# ------------------------------------------------------------------------------------ around every answer


def test_every_answer_is_harmless_in_a_browser(open_server: Running) -> None:
    seen = [open_server.client.request(method, path) for method, path in paths(open_server)]
    seen += [open_server.client.get("/nothing"), open_server.client.put("/healthz"), open_server.parse()]
    assert {answer.status_code for answer in seen} >= {200, 404, 405, 415}
    for answer in seen:
        for name, value in SECURITY.items():
            if name == "Content-Security-Policy":
                assert "default-src 'none'" in answer.headers[name]
            else:
                assert answer.headers[name] == value
        assert "server" not in answer.headers
        assert "set-cookie" not in answer.headers


def test_requests_have_ids(open_server: Running) -> None:
    def shown(said: str | None) -> str:
        headers = {} if said is None else {"X-Request-ID": said}
        return str(open_server.client.get("/healthz", headers=headers).headers["x-request-id"])

    assert shown("my-request-7") == "my-request-7"
    for bad in (None, "", "x", "a b c d e f g", "x" * 100, "<script>alert(1)</script>"):
        assert len(shown(bad)) == 24
    assert shown(None) != shown(None)


def test_there_is_nothing_at_other_addresses(open_server: Running) -> None:
    for path in ("/", "/v1", "/v1/jobs/", "/v2/parse", "/v1/schemas/none", "/docs/../etc/passwd", "/%00"):
        assert code(open_server.client.get(path)) == (404, "request.not_found")
    for method in ("PUT", "PATCH", "DELETE", "TRACE", "QUERY"):
        assert code(open_server.client.request(method, "/v1/parse")) == (405, "request.method")


def test_a_fault_of_ours_does_not_show_itself(open_server: Running, caplog: pytest.LogCaptureFixture) -> None:
    async def fails() -> Any:
        raise ValueError("the secret of a document")

    with pytest.MonkeyPatch.context() as patch, caplog.at_level(logging.INFO):
        patch.setattr(open_server.service, "engines", fails)
        answer = open_server.client.get("/v1/engines")
        eventually(lambda: any(record.levelno == logging.ERROR for record in caplog.records))
    assert code(answer) == (500, "docparse.failed")
    assert "secret" not in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"
    (record,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    line = JsonLines().format(record)
    assert "secret" not in line
    assert json.loads(line)["error"] == "ValueError"
    assert any("fails" in place for place in json.loads(line)["places"])


def test_logs_are_json_and_say_nothing_of_documents(open_server: Running) -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    try:
        form = {"password": "hunter2", "pages": "1"}
        open_server.parse(PDF + b" confidential", name="salaries.pdf", params={"to": "text"}, data=form)
        open_server.parse(b"confidential", name="salaries.exe")
        open_server.client.get("/v1/jobs/" + "a" * 32, headers={"Authorization": "Bearer docparse_token"})
        eventually(lambda: stream.getvalue().count('"request"') == 3)
    finally:
        root.removeHandler(handler)
        root.setLevel(before)
    text = stream.getvalue()
    lines = [json.loads(line) for line in text.splitlines()]
    ours = [line for line in lines if line["event"] == "request"]
    assert [(line["route"], line["status"]) for line in ours] == [
        ("/v1/parse", 200),
        ("/v1/parse", 415),
        ("/v1/jobs/{id}", 404),
    ]
    assert ours[1]["code"] == "source.unsupported"
    assert ours[2]["job"] == "a" * 32
    assert all(line["request_id"] and line["seconds"] >= 0 and line["owner"] == "local" for line in ours)
    for word in ("hunter2", "salaries", "confidential", "docparse_token"):
        assert word not in text


def test_a_line_is_one_line() -> None:
    record = logging.LogRecord("x", logging.INFO, "x.py", 1, "a\nb \u2028 \x1b[31m", (), None)
    assert len(JsonLines().format(record).splitlines()) == 1
    assert "\x1b" not in JsonLines().format(record)


# ------------------------------------------------------------------------------------ health and figures


def test_health_and_readiness(open_server: Running) -> None:
    assert open_server.client.get("/healthz").json()["status"] == "ok"
    assert open_server.client.get("/readyz").json() == {
        "ready": True,
        "parts": {"store": "ok", "disk": "ok", "engine": "ok"},
    }
    open_server.service.wrong["disk"] = "the disk /secret/path is full"
    try:
        answer = open_server.client.get("/readyz")
    finally:
        open_server.service.wrong["disk"] = ""
    assert answer.status_code == 503
    assert answer.json() == {"ready": False, "parts": {"store": "ok", "disk": "failed", "engine": "ok"}}
    assert "secret" not in answer.text


def test_figures_have_few_labels(open_server: Running) -> None:
    open_server.parse(PDF + b"pages=2")
    for number in range(50):
        open_server.client.get(f"/v1/jobs/{number:032x}")
        open_server.client.get(f"/nothing/{number}")
    open_server.client.request("BREW", "/v1/jobs")
    answer = open_server.client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    text = answer.text
    for name in (
        'docparse_http_requests_total{method="POST",route="/v1/parse",status="200"}',
        'docparse_http_request_seconds_bucket{le="0.25",route="/v1/parse"}',
        'docparse_http_requests_total{method="GET",route="/v1/jobs/{id}",status="404"}',
        'docparse_pages_total{engine="embedded",status="ok"}',
        'docparse_jobs{state="queued"} 0.0',
        'docparse_refused_total{code="job.not_found"}',
        "docparse_upload_bytes_total",
        "docparse_readers_batch_fill 0.5",
        "docparse_readers_pages_waiting",
        "process_resident_memory_bytes",
    ):
        assert name in text, name
    routes = {line.split('route="')[1].split('"')[0] for line in text.splitlines() if 'route="' in line}
    assert "unmatched" in routes
    assert routes <= {*open_server.app.openapi()["paths"], "unmatched", "/openapi.json"}
    assert "BREW" not in text


def test_each_app_counts_for_itself() -> None:
    first, second = Metrics(), Metrics()
    first.refused("x.y")
    figures = asyncio.run(FakeService().figures())
    assert b'code="x.y"' in first.text(figures)
    assert b'code="x.y"' not in second.text(figures)


# ------------------------------------------------------------------------------------ errors


def test_every_error_has_a_status() -> None:
    found = {kind.code: status_of(kind.code) for kind in errors.all_errors()}
    assert all(400 <= status <= 599 for status in found.values())
    # Only faults of ours and of what stands behind us are 5xx.
    ours = {code for code, status in found.items() if status >= 500 and not code.startswith("service.")}  # the client's
    assert ours == {
        "docparse.failed",
        "engine.failed",
        "engine.timeout",
        "engine.out_of_memory",
        "job.store",
        "output.disk",
        "output.failed",
    }
    assert status_of("unknown.code") == 500
