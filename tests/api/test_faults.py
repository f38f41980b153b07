"""What an operator's service bears: ``kill -9`` at any moment, signals, clients that dawdle, files that mean harm.

The service is a process of its own, as in production; ``docparse bench api`` does the same for longer.
"""

from __future__ import annotations

import json
import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pymupdf
import pytest

import docparse
from tests.api.hostile import BEGINNINGS, SLOW_FILE, Slow, many_pages, small_and_hostile
from tests.api.killing import kill_at_moments, texts
from tests.api.serving import Served, descendants, gone

SAMPLES = Path(__file__).parents[2] / "samples"
pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals and process groups are POSIX")

Serve = Callable[..., Served]
PAGES = 20
ERRORS = {400, 404, 409, 413, 415, 422, 429}


def said(path: Path) -> list[str]:
    return texts(json.loads(docparse.export(docparse.parse(path, engine="embedded"), "json").text))


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Services on one data folder; what is still there at the end is killed."""
    made: list[Served] = []

    def make(*flags: str, http: bool = True) -> Served:
        made.append(Served(tmp_path / "data", *flags, http=http))
        return made[-1]

    yield make
    for service in made:
        if service.alive:
            service.kill()


@pytest.fixture
def served(serve: Serve) -> Served:
    return serve("--workers", "2", "--max-bytes", "2000000", "--page-seconds", "6").start()


def parse(url: str, path: Path = SAMPLES / "form.pdf", **more: object) -> httpx.Response:
    with path.open("rb") as file:
        return httpx.post(f"{url}/v1/parse", files={"file": (path.name, file)}, timeout=60.0, **more)  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A born-digital document of some pages: a second's work or two, page by page."""
    path = tmp_path_factory.mktemp("book") / "book.pdf"
    with pymupdf.open() as whole, pymupdf.open(SAMPLES / "form.pdf") as part:
        for _ in range(PAGES):
            whole.insert_pdf(part)
        whole.save(path)
    return path


# ------------------------------------------------------------------------------------ kill -9


def test_killed_at_random_moments_it_loses_nothing_and_reads_nothing_twice(serve: Serve, book: Path) -> None:
    documents = [book, SAMPLES / "form.pdf", SAMPLES / "report.pdf"]
    outcome = kill_at_moments(
        serve("--workers", "2"),
        documents,
        {path.name: said(path) for path in documents},
        kills=3,
        rng=random.Random(6),
        longest=3.0,
    )
    assert len(outcome.accepted) >= 9
    assert outcome.resumed
    sizes = {"book.pdf": PAGES, "form.pdf": 1, "report.pdf": 3}
    assert outcome.pages == sum(sizes[name] for name in outcome.accepted.values())
    assert not outcome.lost
    assert not outcome.unfinished
    assert not outcome.twice
    assert not outcome.rewritten
    assert not outcome.half
    assert not outcome.left


def test_workers_end_with_a_service_that_is_killed(serve: Serve, book: Path) -> None:
    served = serve("--workers", "2").start()
    id = submit(served.url, book)
    wait_for(lambda: state(served.url, id) == "running" and len(descendants(served.pid)) >= 2)
    workers = descendants(served.pid)
    served.kill()
    assert not gone(workers, 10.0)


# ------------------------------------------------------------------------------------ the end in order


def test_told_to_end_it_gives_back_what_it_has_not_finished(serve: Serve, book: Path) -> None:
    served = serve("--workers", "1", "--drain", "20").start()
    sent = [submit(served.url, path) for path in (book, book, SAMPLES / "form.pdf")]
    wait_for(lambda: pages_read(served.url, sent[0]) > 0)
    workers = descendants(served.pid)
    assert served.stop() == 0
    assert not gone(workers, 5.0)
    events = [entry["event"] for entry in served.logged()]
    assert "ending" in events
    assert events[-1] == "ended"
    assert not [entry for entry in served.logged() if entry["level"] in ("error", "critical")]
    assert all(line.startswith("{") for line in served.lines)

    with served:
        wait_for(lambda: all(state(served.url, id) == "done" for id in sent), seconds=60)
        for id in sent:
            pages = httpx.get(f"{served.url}/v1/jobs/{id}/pages").json()["pages"]
            assert [page["attempt"] for page in pages] == [1] * len(pages)


def test_a_request_in_hand_is_answered_before_the_end(serve: Serve, book: Path) -> None:
    served = serve("--workers", "1").start()
    answers: list[httpx.Response] = []
    asking = threading.Thread(target=lambda: answers.append(parse(served.url, book, params={"pages": "1-8"})))
    asking.start()
    wait_for(lambda: httpx.get(f"{served.url}/v1/jobs").json()["jobs"])
    assert served.stop() == 0
    asking.join()
    # Its content where its page ended in time, else the job that goes on when the service is there again.
    assert answers[0].status_code in (200, 202)
    if answers[0].status_code == 202:
        id = answers[0].json()["id"]
        with served:
            wait_for(lambda: state(served.url, id) == "done")


def test_a_stream_of_events_does_not_keep_it_from_ending(serve: Serve, book: Path) -> None:
    served = serve("--workers", "1", "--drain", "600").start()
    for _ in range(3):
        id = submit(served.url, book)
    with httpx.stream("GET", f"{served.url}/v1/jobs/{id}/events", timeout=120.0) as stream:
        lines = stream.iter_lines()
        assert next(lines)
        served.signal(signal.SIGTERM)
        for _ in lines:
            pass
    assert served.wait(120.0) == 0  # the pages in hand take a moment; whoever waits for the drain waits ten minutes


def test_a_second_signal_ends_it_at_once(serve: Serve) -> None:
    served = serve("--workers", "1", "--drain", "60").start()
    slow = Slow(served.url, SLOW_FILE)  # keeps the first one waiting
    wait_for(lambda: descendants(served.pid))
    workers = descendants(served.pid)
    served.signal(signal.SIGTERM)
    wait_for(lambda: any(entry["event"] == "ending" for entry in served.logged()))
    served.signal(signal.SIGTERM)
    assert served.wait(10.0) == 128 + signal.SIGTERM
    slow.close()
    assert not gone(workers, 10.0)


def test_ctrl_c_is_an_interruption(serve: Serve) -> None:
    served = serve().start()
    assert httpx.get(f"{served.url}/healthz").status_code == 200
    served.signal(signal.SIGINT)
    assert served.wait(30.0) == 130


# ------------------------------------------------------------------------------------ further workers


def test_a_worker_without_a_door_does_the_jobs_of_one_that_is_gone(serve: Serve) -> None:
    with serve("--workers", "1") as served:
        sent = [submit(served.url, SAMPLES / "form.pdf") for _ in range(3)]
        served.kill()
    worker = serve("--workers", "1", http=False).start()
    assert not worker.url
    with serve("--workers", "1") as served:
        wait_for(lambda: all(state(served.url, id) == "done" for id in sent))
    assert worker.stop() == 0


def test_processes_with_one_queue_in_redis_share_the_work_and_the_loss_of_one(
    serve: Serve, redis_url: str, book: Path
) -> None:
    queue = ("--queue", f"{redis_url.rpartition('/')[0]}/7", "--workers", "1")
    service, worker = serve(*queue).start(), serve(*queue, http=False).start()
    sent = [submit(service.url, path) for path in (book, book, SAMPLES / "form.pdf")]
    wait_for(lambda: pages_read(service.url, sent[0]) > 0)
    worker.kill()
    wait_for(lambda: all(state(service.url, id) == "done" for id in sent))
    for id, pages in zip(sent, (PAGES, PAGES, 1), strict=True):
        found = httpx.get(f"{service.url}/v1/jobs/{id}/pages").json()["pages"]
        assert [page["attempt"] for page in found] == [1] * pages
    assert service.stop() == 0


# ------------------------------------------------------------------------------------ clients that dawdle


def test_clients_that_dawdle_keep_nobody_waiting(served: Served) -> None:
    dawdling = [Slow(served.url, begun) for begun in BEGINNINGS for _ in range(8)]
    try:
        for _ in range(3):
            assert parse(served.url).status_code in (200, 429)
            assert httpx.get(f"{served.url}/healthz").status_code == 200
            for slow in dawdling:
                slow.send(b"x")
    finally:
        for slow in dawdling:
            slow.close()
    assert parse(served.url).status_code == 200
    wait_for(lambda: not list((served.folder / "incoming").iterdir()))


# ------------------------------------------------------------------------------------ files that mean harm


def test_hostile_files_cost_nobody_else_anything(served: Served) -> None:
    done = threading.Event()
    good: list[httpx.Response] = []

    def others() -> None:
        while not done.is_set():
            good.append(parse(served.url))

    asking = threading.Thread(target=others)
    asking.start()
    try:
        for file in [*small_and_hostile()]:
            answer = httpx.post(f"{served.url}/v1/parse?to=json", files={"file": (file.name, file.data)}, timeout=60.0)
            refused = answer.status_code in ERRORS and set(answer.json()["error"]) >= {"code", "message"}
            read = answer.status_code == 200 and answer.json()["pages"]
            assert refused or read, f"{file.kind} {file.name!r}: {answer.status_code} {answer.text[:300]}"
            if refused:
                assert str(served.folder) not in answer.text
        too_large = httpx.post(f"{served.url}/v1/parse", files={"file": ("l.pdf", b"%PDF-1.4\n" + bytes(3_000_000))})
        assert too_large.status_code == 413
        too_long = httpx.post(f"{served.url}/v1/jobs", files={"file": ("p.pdf", many_pages(3_000))})
        wait_for(lambda: state(served.url, too_long.json()["id"]) == "failed")
    finally:
        done.set()
        asking.join()
    assert served.alive
    assert len(good) >= 3
    assert {answer.status_code for answer in good} == {200}
    # The log says nothing of what was in the files, nor what they were called.
    log = "\n".join(served.lines)
    assert "passwd" not in log
    assert "Traceback" not in log


# ------------------------------------------------------------------------------------ helpers


def submit(url: str, path: Path) -> str:
    with path.open("rb") as file:
        answer = httpx.post(f"{url}/v1/jobs", files={"file": (path.name, file)}, timeout=30.0)
    assert answer.status_code == 202, answer.text
    id: str = answer.json()["id"]
    return id


def state(url: str, id: str) -> str:
    found: str = httpx.get(f"{url}/v1/jobs/{id}", timeout=30.0).json()["state"]
    return found


def pages_read(url: str, id: str) -> int:
    found: int = httpx.get(f"{url}/v1/jobs/{id}", timeout=30.0).json()["pages"]["read"]
    return found


def wait_for(condition: Callable[[], object], *, seconds: float = 45.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)
