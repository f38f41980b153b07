"""Pages of all requests: what the pool and the shared engine read, for whom, and what they survive."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import docparse
from docparse.api.job import URGENT, USUAL, JobSpec
from docparse.api.ports import PageRead, PageTask
from docparse.api.readers import PageReaders
from docparse.convert import Options
from docparse.errors import CorruptSource, EncryptedSource, EngineUnavailable, PageRangeError, SourceTimeout
from docparse.limits import Limits
from tests.fake_engine import EXIT, HANG, KILL, MEMORY, RAISE, FakeEngine
from tests.making import pdf, text

SAMPLES = Path(__file__).parents[2] / "samples"
pytestmark = pytest.mark.skipif(os.name == "nt", reason="process groups and memory limits are POSIX")

Make = Callable[..., PageReaders]


@pytest.fixture
def make() -> Iterator[Make]:
    """Makes readers, and ends them."""
    made: list[PageReaders] = []

    def readers(engine: Any = "embedded", *, workers: int = 1, **how: Any) -> PageReaders:
        models = how.pop("models", None)
        made.append(PageReaders(Options(engine=engine, **how), workers=workers, models=models))
        return made[-1]

    yield readers
    for one in made:
        one.close()


@pytest.fixture
def book(tmp_path: Path) -> Path:
    """Sixty pages."""
    path = tmp_path / "book.pdf"
    path.write_bytes(pdf(*(text(f"Page {n}") for n in range(1, 61))))
    return path


def task(path: Path, number: int, *, job: str = "job", client: str = "client", **how: Any) -> PageTask:
    return PageTask(job, client, how.pop("priority", USUAL), path, number, how.pop("spec", JobSpec()), path.name, **how)


def test_a_page_is_what_parse_makes_of_it(make: Make) -> None:
    readers = make()
    path = SAMPLES / "invoice.pdf"
    known = docparse.parse(path, engine="embedded")
    source, numbers = readers.open(path, JobSpec(), name="invoice.pdf").result(60)
    assert source == known.source
    assert numbers == tuple(range(1, known.source.pages + 1))
    read = readers.read(task(path, 1)).result(60)
    assert read.page == known.pages[0]
    assert read.engine == known.engine or read.engine == replace(known.engine, reason=read.engine.reason)
    assert read.record.state == "read"
    assert read.record.status == known.pages[0].verdict.status
    assert read.record.engine == "embedded"
    assert {word.text for word in read.words} >= {"Invoice"} or read.words
    assert any(part[1].bold for word in read.words for part in word.parts)


def test_pages_and_passwords(make: Make, tmp_path: Path) -> None:
    readers = make()
    path = tmp_path / "secret.pdf"
    path.write_bytes(pdf(text("One"), text("Two"), text("Three"), password="open"))
    with pytest.raises(EncryptedSource) as caught:
        readers.open(path, JobSpec(), name="the client's name.pdf").result(60)
    assert caught.value.file == "the client's name.pdf"
    spec = JobSpec(password="open", pages="2-")
    with pytest.raises(PageRangeError):
        readers.open(path, spec, name="a.pdf").result(60)
    assert readers.open(path, replace(spec, pages="2-r1"), name="a.pdf").result(60)[1] == (2, 3)
    assert readers.read(task(path, 3, spec=spec)).result(60).page.text == "Three"


def test_a_resolution_of_ones_own(make: Make, book: Path) -> None:
    readers = make()
    page = readers.read(task(book, 1, spec=JobSpec(dpi=72))).result(60).page
    assert (page.width, page.height) == (400, 600)
    assert readers.read(task(book, 1)).result(60).page.width == 800


def test_what_is_no_document_is_said(make: Make, tmp_path: Path) -> None:
    readers = make()
    path = tmp_path / "broken.pdf"
    path.write_bytes(b"%PDF-1.7\nnothing follows")
    with pytest.raises(CorruptSource):
        readers.open(path, JobSpec(), name="broken.pdf").result(60)
    read = readers.read(task(path, 1)).result(60)
    assert read.page.verdict.status == "failed"
    assert read.record.reasons[0][0] == "source.corrupt"


@pytest.mark.parametrize(("trouble", "code"), [(EXIT, "engine.failed"), (KILL, "engine.failed")])
def test_a_page_that_kills_its_process_fails_alone(
    trouble: str, code: str, make: Make, book: Path, tmp_path: Path
) -> None:
    engine = FakeEngine(trouble={3: trouble}, diary=str(tmp_path / "diary"))
    readers = make(engine, workers=2)
    reads = [readers.read(task(book, n)) for n in range(1, 7)]
    found = {n: read.result(60) for n, read in enumerate(reads, 1)}
    assert [found[n].page.verdict.status == "failed" for n in range(1, 7)] == [n == 3 for n in range(1, 7)]
    assert found[3].record.reasons[0][0] == code
    assert "made its reader stop" in found[3].record.reasons[0][1]
    turns = [page for page, _ in engine.entries()]
    assert sorted(turns) == [1, 2, 3, 3, 4, 5, 6], "twice the one that kills, once each other one"
    assert readers.load()["workers_lost"] == 2


def test_a_page_that_hangs_is_given_up_and_the_next_ones_are_read(make: Make, book: Path) -> None:
    readers = make(FakeEngine(trouble={1: HANG}), limits=Limits(page_seconds=5))
    hung, sound = readers.read(task(book, 1)), readers.read(task(book, 2))
    assert sound.result(60).page.text == "fake page 2"
    page = hung.result(60).page
    assert page.verdict.issues[0].code == "engine.timeout"


def test_a_page_that_hangs_is_given_up_as_soon_as_nobody_wants_it(make: Make, book: Path, tmp_path: Path) -> None:
    engine = FakeEngine(trouble={1: HANG}, diary=str(tmp_path / "diary"))
    readers = make(engine, limits=Limits(page_seconds=600))
    gone = threading.Event()
    hung, sound = readers.read(task(book, 1, cancelled=gone.is_set)), readers.read(task(book, 2))
    while not (tmp_path / "diary").exists():
        time.sleep(0.05)
    gone.set()
    assert sound.result(60).page.text == "fake page 2"
    with pytest.raises(CancelledError):
        hung.result(60)


@pytest.mark.parametrize(("trouble", "code"), [(RAISE, "engine.failed"), (MEMORY, "engine.out_of_memory")])
def test_a_page_that_raises_costs_no_process(trouble: str, code: str, make: Make, book: Path) -> None:
    readers = make(FakeEngine(trouble={1: trouble}))
    assert readers.read(task(book, 1)).result(60).record.reasons[0][0] == code
    assert readers.load()["workers_lost"] == 0


def test_a_process_that_somebody_kills_is_replaced(make: Make, book: Path) -> None:
    readers = make(FakeEngine())
    assert readers.read(task(book, 1)).result(60).record.status == "ok"
    slot = readers._pool._slots[0]
    assert slot.process is not None
    os.kill(slot.process.pid, signal.SIGKILL)
    assert readers.read(task(book, 2)).result(60).record.status == "ok"


def slow_to_open() -> bytes:
    """A PDF whose first page keeps MuPDF busy for hours."""
    from tests.test_isolation import slow_pdf

    return slow_pdf()


def test_a_file_that_is_slow_costs_its_own_pages(make: Make, tmp_path: Path, book: Path) -> None:
    path = tmp_path / "slow.pdf"
    path.write_bytes(slow_to_open())
    readers = make(limits=Limits(page_seconds=5))
    slow = readers.read(task(path, 1))
    assert readers.read(task(book, 1, client="other")).result(60).page.text == "Page 1"
    page = slow.result(60).page
    assert page.verdict.status == "failed"
    assert page.verdict.issues[0].code in ("engine.timeout", "source.timeout")


def test_small_jobs_do_not_wait_for_a_large_one(make: Make, book: Path, tmp_path: Path) -> None:
    """Sixty pages of one client; then ten clients with a page each: they are next."""
    engine = FakeEngine(diary=str(tmp_path / "diary"))
    readers = make(engine)
    order: list[str] = []

    def noted(who: str) -> Callable[[Future[PageRead]], None]:
        return lambda _: order.append(who)

    readers.read(task(book, 1, job="large")).result(60)
    large = [readers.read(task(book, n, job="large")) for n in range(2, 61)]
    for future in large:
        future.add_done_callback(noted("large"))
    small = [readers.read(task(book, 1, job=f"small{n}", client=f"client{n}")) for n in range(10)]
    for future in small:
        future.add_done_callback(noted("small"))
    urgent = readers.read(task(book, 1, job="urgent", client="client", priority=URGENT))
    urgent.add_done_callback(noted("urgent"))
    for future in (*large, *small, urgent):
        assert future.result(60).record.status == "ok"
    last_small = max(i for i, who in enumerate(order) if who == "small")
    assert order[: last_small + 1].count("large") <= 30
    assert order.index("urgent") <= order.index("small") + 3
    assert order[-20:] == ["large"] * 20


def test_cancelled_pages_are_never_begun(make: Make, book: Path, tmp_path: Path) -> None:
    engine = FakeEngine(diary=str(tmp_path / "diary"))
    readers = make(engine)
    gone = threading.Event()
    readers.read(task(book, 1)).result(60)
    reads = [readers.read(task(book, n, cancelled=gone.is_set)) for n in range(2, 40)]
    gone.set()
    ended = 0
    for read in reads:
        try:
            read.result(60)
        except CancelledError:
            ended += 1
    assert ended >= 30
    assert len(engine.entries()) == 1 + 38 - ended


def test_closing_drains_what_is_in_hand(book: Path, tmp_path: Path) -> None:
    readers = PageReaders(Options(engine=FakeEngine(diary=str(tmp_path / "diary"))), workers=1)
    reads = [readers.read(task(book, n)) for n in range(1, 41)]
    reads[0].result(60)
    readers.close(drain=30)
    assert all(read.done() for read in reads)
    assert any(read.cancelled() for read in reads)
    with pytest.raises(CancelledError):
        readers.read(task(book, 1)).result(1)


def test_closing_does_not_wait_for_what_hangs(book: Path) -> None:
    readers = PageReaders(Options(engine=FakeEngine(trouble={1: HANG})), workers=1)
    hung = readers.read(task(book, 1))
    while not readers.load()["pages_in_hand"]:
        time.sleep(0.01)
    time.sleep(0.2)
    readers.close(drain=0.1)
    with pytest.raises(CancelledError):
        hung.result(5)


def test_engines_that_are_not_here(make: Make, book: Path) -> None:
    readers = make()
    with pytest.raises(EngineUnavailable, match="needs a model"):
        readers.open(book, JobSpec(engine="qwen"), name="a.pdf").result(1)
    assert readers.read(task(book, 1, spec=JobSpec(engine="remote"))).result(1).record.status == "failed"
    states = {state.name: state for state in readers.engines()}
    assert states["embedded"].default
    assert states["embedded"].available
    assert not states["qwen"].available
    assert "model" in states["qwen"].reason
    assert readers.asker(JobSpec()) is None


def test_an_answer_that_makes_no_sense_is_no_page(make: Make, book: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that a file has taken over may say anything."""
    readers = make(FakeEngine())
    slot = readers._pool._slots[0]
    real = slot._say
    lies = iter([{"document": {"pages": "none"}}, {"document": 3, "words": [], "seconds": 0}])

    def say(head: dict[str, Any], blob: bytes, seconds: float, most_bytes: int = 0) -> dict[str, Any]:
        answer = real(head, blob, seconds, most_bytes)
        return next(lies, answer) if head else answer

    monkeypatch.setattr(slot, "_say", say)
    lied = readers.read(task(book, 1)).result(60)
    assert lied.record.reasons[0] == (
        "engine.failed",
        "the page made its reader stop (it gave no sensible answer).",
    )
    assert readers.read(task(book, 2)).result(60).page.text == "fake page 2"


def test_a_file_that_takes_too_long_to_open(make: Make, book: Path) -> None:
    readers = make(FakeEngine(), limits=Limits(page_seconds=0.000001))
    with pytest.raises(SourceTimeout):
        readers.open(book, JobSpec(), name="a.pdf").result(60)
