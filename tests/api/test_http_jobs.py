"""Jobs over a real socket: made, listed, followed, fetched, retried, ended, forgotten; nobody sees another's."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from docparse.api.auth import new_key, parse_keys
from docparse.api.config import ApiConfig
from docparse.api.job import BULK, USUAL
from tests.api.fake_service import FakeService
from tests.api.loopback import PDF, Running, running

ANNA, BERT = new_key("anna"), new_key("bert")
KEYS = parse_keys(f"{ANNA[1]}\n{BERT[1]}\n")


@pytest.fixture(scope="module")
def shared() -> Iterator[Running]:
    config = ApiConfig(keys=KEYS, heartbeat=0.2, webhook_hosts=("hooks.example", "other.example:8443"))
    with running(FakeService, config) as it:
        it.client.headers["Authorization"] = f"Bearer {ANNA[0]}"
        yield it


@pytest.fixture
def server(shared: Running) -> Iterator[Running]:
    yield shared
    for job in shared.service.jobs_kept:
        shared.call(lambda job=job: shared.service.remove(job.id, owner=job.owner))
    assert not shared.service.uploads


def code(answer: httpx.Response) -> tuple[int, str]:
    body = answer.json()
    assert set(body) == {"error", "request_id"}
    return answer.status_code, body["error"]["code"]


def over(server: Running, id: str) -> dict[str, Any]:
    until = time.monotonic() + 10
    while time.monotonic() < until:
        job: dict[str, Any] = server.client.get(f"/v1/jobs/{id}").json()
        if job["state"] in ("done", "failed", "cancelled"):
            return job
        time.sleep(0.01)
    raise AssertionError("the job never ended")


def events(server: Running, id: str, **more: Any) -> list[dict[str, Any]]:
    """The events of a stream that ends by itself."""
    with server.client.stream("GET", f"/v1/jobs/{id}/events", **more) as answer:
        assert answer.status_code == 200, answer.read()
        assert answer.headers["content-type"].startswith("text/event-stream")
        text = "".join(answer.iter_text())
    found = []
    for part in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in part.splitlines() if not line.startswith(":"))
        if "data" in fields:
            data = json.loads(fields["data"])
            assert fields["id"] == str(data["number"])
            assert fields["event"] == data["event"]
            found.append(data)
    return found


# ------------------------------------------------------------------------------------ the life of a job


def test_a_job_from_its_file_to_its_end(server: Running) -> None:
    answer = server.job(PDF + b"pages=3 bad=2", name="report.pdf", data={"to": "json,md", "priority": "bulk"})
    assert answer.status_code == 202
    job = answer.json()
    assert answer.headers["location"] == f"/v1/jobs/{job['id']}"
    owner, spec, priority = server.service.asked[-1]
    assert (owner, spec.formats, priority, spec.kind) == ("anna", ("json", "markdown"), BULK, "parse")
    job = over(server, job["id"])
    assert job["state"] == "done"
    assert job["pages"] == {"total": 3, "read": 3}
    assert job["verdicts"] == {"ok": 2, "repaired": 0, "partial": 0, "fallback": 0, "failed": 1}
    assert job["file"]["name"] == "report.pdf"
    assert job["created"].endswith("Z")
    pages = server.client.get(f"/v1/jobs/{job['id']}/pages").json()["pages"]
    assert [(page["number"], page["status"]) for page in pages] == [(1, "ok"), (2, "failed"), (3, "ok")]
    page = server.client.get(f"/v1/jobs/{job['id']}/pages/3")
    assert page.json()["page"] == 3
    result = server.client.get(job["result"])
    assert [page["page"] for page in result.json()["pages"]] == [1, 2, 3]
    assert server.client.get(job["result"], params={"to": "md"}).text.startswith("Page 1")
    assert server.client.delete(f"/v1/jobs/{job['id']}").status_code == 204
    assert code(server.client.get(f"/v1/jobs/{job['id']}")) == (404, "job.not_found")
    assert not server.service.uploads


def test_a_schema_makes_it_an_extraction(server: Running) -> None:
    job = server.job(data={"schema": "receipt"}).json()
    assert (job["kind"], job["fields_schema"]) == ("extract", "receipt")
    assert server.service.asked[-1][2] == USUAL
    over(server, job["id"])
    assert server.client.get(job["result"]).json()["schema"] == "receipt"
    assert code(server.job(data={"to": "fields"})) == (422, "request.invalid")
    plain = server.job().json()
    over(server, plain["id"])
    assert code(server.client.get(plain["result"], params={"to": "fields"})) == (422, "request.invalid")


def test_a_job_that_fails_says_why(server: Running) -> None:
    job = over(server, server.job(PDF + b"broken", name="x.pdf").json()["id"])
    assert job["state"] == "failed"
    assert job["error"] == {
        "code": "source.corrupt",
        "message": "the file is damaged.",
        "details": {"file": "x.pdf", "page": None, "hint": None, "fields": None, "retry_after": None},
    }


def test_a_result_is_there_when_the_job_is_over(server: Running) -> None:
    job = server.job(PDF + b"wait").json()
    assert job["state"] in ("queued", "running")
    assert code(server.client.get(job["result"])) == (409, "job.not_ready")
    assert code(server.client.get(f"/v1/jobs/{job['id']}/pages/1")) == (409, "job.not_ready")
    assert code(server.client.get(job["result"], params={"to": "docx"})) == (422, "request.invalid")


def test_cancel(server: Running) -> None:
    job = server.job(PDF + b"pages=2 slow=30").json()
    answer = server.client.post(f"/v1/jobs/{job['id']}/cancel")
    assert (answer.status_code, answer.json()["state"]) == (200, "cancelled")
    again = server.client.post(f"/v1/jobs/{job['id']}/cancel")
    assert (again.status_code, again.json()["state"]) == (200, "cancelled")


def test_a_page_is_read_again(server: Running) -> None:
    job = over(server, server.job(PDF + b"pages=2 bad=2").json()["id"])
    url = f"/v1/jobs/{job['id']}/pages"
    answer = server.client.post(f"{url}/2/retry", json={"engine": "embedded", "dpi": 300})
    assert answer.status_code == 202
    assert answer.headers["location"] == f"/v1/jobs/{job['id']}"
    assert over(server, job["id"])["verdicts"]["ok"] == 2
    assert server.client.get(url).json()["pages"][1]["attempt"] == 2
    assert server.client.post(f"{url}/1/retry").status_code == 202
    assert code(server.client.post(f"{url}/9/retry")) == (422, "range.invalid")
    assert code(server.client.post(f"{url}/0/retry")) == (422, "request.invalid")
    assert code(server.client.post(f"{url}/1/retry", json={"dpi": 0})) == (422, "request.invalid")
    assert code(server.client.post(f"{url}/1/retry", json=[1])) == (422, "request.invalid")
    assert code(server.client.post(f"{url}/1/retry", content=b"dpi=3")) == (415, "request.media_type")


def test_jobs_are_listed_newest_first_page_by_page(server: Running) -> None:
    made = [server.job(name=f"{n}.pdf").json()["id"] for n in range(5)]
    seen: list[str] = []
    cursor = None
    for _ in range(3):
        answer = server.client.get("/v1/jobs", params={"limit": 2, **({"cursor": cursor} if cursor else {})}).json()
        seen += [job["id"] for job in answer["jobs"]]
        cursor = answer["next"]
    assert seen == made[::-1]
    assert cursor is None
    assert code(server.client.get("/v1/jobs", params={"cursor": "0" * 32})) == (404, "job.not_found")
    for bad in ({"limit": 0}, {"limit": 1000}, {"cursor": "x"}):
        assert code(server.client.get("/v1/jobs", params=bad)) == (422, "request.invalid")


def test_the_same_job_again(server: Running) -> None:
    headers = {"Idempotency-Key": "k"}
    first, again = server.job(headers=headers), server.job(headers=headers)
    assert first.json()["id"] == again.json()["id"]
    assert len(server.service.uploads) == 1
    assert code(server.job(PDF + b"!", headers=headers)) == (422, "job.idempotency")
    # Another's key of the same name is another's.
    theirs = server.job(headers={**headers, "Authorization": f"Bearer {BERT[0]}"})
    assert theirs.json()["id"] != first.json()["id"]


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://hooks.example/done?x=1", True),
        ("https://HOOKS.example/done", True),
        ("https://other.example:8443/", True),
        ("http://hooks.example/done", False),
        ("https://hooks.example.evil.example/", False),
        ("https://hooks.example@evil.example/", False),
        ("https://evil.example/hooks.example", False),
        ("https://hooks.example:8080/", False),
        ("https://other.example/", False),
        ("https://user:pw@hooks.example/", False),
        ("https://hooks.example\\@evil.example/", False),
        ("https://127.0.0.1/", False),
        ("https://hooks.example:99999/", False),
        ("https://hooks.example/a b", False),
        ("https://hooks.example/\r\nX: y", False),
        ("file:///etc/passwd", False),
        ("", False),
    ],
)
def test_webhooks_go_where_the_operator_allows(server: Running, url: str, allowed: bool) -> None:
    answer = server.job(data={"webhook": url})
    if allowed:
        assert answer.status_code == 202
        assert server.service.asked[-1][1].webhook == url
    else:
        assert code(answer) == (422, "request.invalid")


def test_a_full_queue_is_said_before_the_file_is_sent() -> None:
    with running(lambda: FakeService(most_waiting=0)) as server:
        answer = server.job(b"no document at all: that would be 415")
        assert code(answer) == (429, "job.queue_full")
        assert int(answer.headers["retry-after"]) >= 1
        assert answer.json()["error"]["details"]["retry_after"] >= 1


# ------------------------------------------------------------------------------------ another's


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ""),
        ("DELETE", ""),
        ("POST", "/cancel"),
        ("GET", "/result"),
        ("GET", "/pages"),
        ("GET", "/pages/1"),
        ("POST", "/pages/1/retry"),
        ("GET", "/events"),
    ],
)
def test_anothers_job_is_not_there(server: Running, method: str, path: str) -> None:
    id = server.job().json()["id"]
    over(server, id)
    theirs = {"Authorization": f"Bearer {BERT[0]}"}
    for unknown in (id, "0" * 32, "x", "%2e%2e", id.upper(), f"{id}%0a"):
        answer = server.client.request(method, f"/v1/jobs/{unknown}{path}", headers=theirs)
        assert code(answer) == (404, "job.not_found")
    assert id not in server.client.get("/v1/jobs", headers=theirs).text
    assert server.client.get(f"/v1/jobs/{id}").json()["state"] == "done"


# ------------------------------------------------------------------------------------ events


def test_pages_are_told_as_they_are_read(server: Running) -> None:
    job = server.job(PDF + b"pages=3 slow=0.05").json()
    found = events(server, job["id"])
    assert [event["number"] for event in found] == list(range(1, len(found) + 1))
    assert [event["event"] for event in found] == ["state", "opened", "page", "page", "page", "state"]
    assert found[1]["pages"] == 3
    assert [event["page"]["number"] for event in found[2:5]] == [1, 2, 3]
    assert found[-1]["state"] == "done"
    assert "content" not in found[2]


def test_pages_may_come_with_their_content(server: Running) -> None:
    job = server.job(PDF + b"pages=2").json()
    found = [event for event in events(server, job["id"], params={"content": "true"}) if event["event"] == "page"]
    assert [event["content"]["page"] for event in found] == [1, 2]
    assert found[0]["content"]["blocks"][0]["text"].startswith("Page 1")


def test_a_client_that_lost_the_line_goes_on_where_it_was(server: Running) -> None:
    job = server.job(PDF + b"pages=3").json()
    over(server, job["id"])
    everything = events(server, job["id"])
    assert events(server, job["id"], headers={"Last-Event-ID": "3"}) == everything[3:]
    assert events(server, job["id"], params={"after": "4"}) == everything[4:]
    assert events(server, job["id"], headers={"Last-Event-ID": "99"}) == []
    for bad in ({"headers": {"Last-Event-ID": "x"}}, {"params": {"after": "-1"}}, {"params": {"since": "1"}}):
        assert code(server.client.get(f"/v1/jobs/{job['id']}/events", **bad)) == (422, "request.invalid")


def test_a_quiet_stream_shows_signs_of_life(server: Running) -> None:
    job = server.job(PDF + b"slow=1").json()
    with server.client.stream("GET", f"/v1/jobs/{job['id']}/events") as answer:
        text = "".join(answer.iter_text())
    assert text.count(": still here\n\n") >= 2
    assert text.endswith("\n\n")


def test_a_stream_ends_with_its_job_however_that_ends(server: Running) -> None:
    job = server.job(PDF + b"wait").json()
    with server.client.stream("GET", f"/v1/jobs/{job['id']}/events") as answer:
        lines = answer.iter_lines()
        assert next(lines).startswith("retry")
        with httpx.Client(base_url=server.url, headers=server.client.headers) as other:
            assert other.delete(f"/v1/jobs/{job['id']}").status_code == 204
        assert not any(line.startswith("event: page") for line in lines)
    assert not server.app.state.desk._streams


def test_a_client_that_goes_closes_its_stream(server: Running) -> None:
    job = server.job(PDF + b"wait").json()
    with server.client.stream("GET", f"/v1/jobs/{job['id']}/events") as answer:
        lines = answer.iter_lines()
        next(lines)
        assert server.app.state.desk._streams["anna"] == 1
    until = time.monotonic() + 10
    while server.app.state.desk._streams:
        assert time.monotonic() < until
        time.sleep(0.01)


def test_streams_of_one_key_are_counted() -> None:
    with running(FakeService, ApiConfig(owner_streams=1)) as server:
        job = server.job(PDF + b"wait").json()
        with server.client.stream("GET", f"/v1/jobs/{job['id']}/events") as answer:
            lines = answer.iter_lines()
            next(lines)
            with httpx.Client(base_url=server.url) as other:
                assert code(other.get(f"/v1/jobs/{job['id']}/events")) == (429, "limit.concurrent")
                assert code(other.get(f"/v1/jobs/{'0' * 32}/events")) == (404, "job.not_found")


def test_a_service_that_ends_does_not_wait_for_streams() -> None:
    with running(FakeService) as server:
        job = server.job(PDF + b"wait").json()
        with server.client.stream("GET", f"/v1/jobs/{job['id']}/events") as answer:
            lines = answer.iter_lines()
            next(lines)
            server.app.state.desk.ending.set()
            assert not any(line.startswith("event: page") for line in lines)
        assert server.client.get("/readyz").status_code == 503
    assert server.service.started
    assert server.service.stopped
