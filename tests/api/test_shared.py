"""One engine for the pages of all requests: numbers that collide, pages that go wrong, who waits for whom."""

from __future__ import annotations

import dataclasses
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import docparse
from docparse.api.job import USUAL, JobSpec
from docparse.api.ports import PageTask
from docparse.api.readers import PageReaders
from docparse.convert import Options
from docparse.document import EngineInfo
from docparse.engines.base import Answer, PageMarkup, is_ready
from docparse.engines.choose import choose
from docparse.engines.options import ModelOptions
from docparse.errors import EngineError, EngineUnavailable
from docparse.limits import Limits
from docparse.raster import PageImage
from tests import small_checkpoint
from tests.fake_engine import MEMORY, RAISE, SILENT, STOP, FakeEngine, markup_of
from tests.making import pdf, text
from tests.test_isolation import slow_pdf

pytestmark = pytest.mark.skipif(os.name == "nt", reason="process groups and memory limits are POSIX")

Make = Callable[..., PageReaders]


@pytest.fixture
def make() -> Iterator[Make]:
    """Makes readers whose shared engine is the one given, and ends them."""
    made: list[PageReaders] = []

    def readers(engine: Any, **limits: float) -> PageReaders:
        maker = engine if callable(engine) else lambda: engine
        options = Options(engine="model", limits=Limits(**limits))  # type: ignore[arg-type]
        made.append(PageReaders(options, workers=1, models={"model": maker}))
        return made[-1]

    yield readers
    for one in made:
        one.close()


def files(folder: Path, count: int, pages: int = 2) -> list[Path]:
    """Files whose pages say where they are: ``File 1 page 2``."""
    paths = []
    for n in range(1, count + 1):
        paths.append(folder / f"file{n}.pdf")
        paths[-1].write_bytes(pdf(*(text(f"File {n} page {page}") for page in range(1, pages + 1))))
    return paths


def task(path: Path, number: int, *, kind: Any = "parse", **how: Any) -> PageTask:
    spec = how.pop("spec", JobSpec(kind=kind))
    return PageTask(path.stem, "client", USUAL, path, number, spec, path.name, **how)


@dataclass
class Reads:
    """An engine that reads what the page itself says, ``batch`` pages at a time, as a model would: in steps, going on
    with what it has in hand where no page is ready. ``seen``: batches it had in hand."""

    name: str = "model"
    batch: int = 4
    steps: int = 3
    seen: list[int] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    gate: threading.Event | None = None

    def info(self) -> EngineInfo:
        return EngineInfo(self.name, "1", model="reader")

    def read_pages(self, pages: Iterable[PageImage]) -> Iterator[PageMarkup]:
        coming, hand, more = iter(pages), [], True
        while more or hand:
            while hand and (not more or len(hand) >= self.batch or not is_ready(coming)):
                self.seen.append(len(hand))
                time.sleep(0.01)
                for entry in list(hand):
                    entry[1] -= 1
                    if entry[1] <= 0 and (self.gate is None or self.gate.is_set()):
                        hand.remove(entry)
                        yield self._markup(entry[0])
            image = next(coming, None) if more else None
            if image is None:
                more = False
                continue
            self.numbers.append(image.number)
            assert image.pixels().size == (image.width, image.height)
            hand.append([image, self.steps])

    def _markup(self, image: PageImage) -> PageMarkup:
        words = image.text.words() if image.text is not None else []
        said = " ".join(word.text for word in words)
        box = f"0 0 {image.width} {image.height}"
        html = f'<html><body><p data-bbox="{box}">{said}</p></body></html>'
        return PageMarkup(image.number, html, origin="model", witness=tuple(words))

    def ask(self, picture: Image.Image, question: str, **_: Any) -> Answer:
        self.asked.append(threading.current_thread().name)
        if question == "fail":
            raise EngineError("no idea.")
        return Answer(f"{question}: {picture.size}", *picture.size)


def test_pages_of_three_jobs_with_the_same_numbers_side_by_side(make: Make, tmp_path: Path) -> None:
    engine = Reads(gate=threading.Event())
    readers = make(engine)
    paths = files(tmp_path, 3)
    reads = {(path, n): readers.read(task(path, n)) for n in (1, 2) for path in paths}
    while max(engine.seen, default=0) < 4:
        time.sleep(0.01)
    assert engine.gate is not None
    engine.gate.set()
    for (path, n), future in reads.items():
        read = future.result(60)
        assert read.page.text == f"File {path.stem[-1]} page {n}"
        assert (read.page.number, read.record.number) == (n, n)
        assert [block.id for block in read.page.blocks] == [f"p{n}b1"]
        assert read.page.verdict.status == "ok", read.page.verdict
        assert [word.text for word in read.words] == read.page.text.split()
        assert (read.engine.name, read.engine.model, read.engine.reason) == ("model", "reader", "chosen")
        assert read.record.engine == "model reader"
    assert len(set(engine.numbers)) == 6
    assert readers.load()["engine_pages"] == 6
    assert readers.load()["pages_in_hand"] == 0


def test_a_page_that_comes_later_joins_those_in_hand(make: Make, tmp_path: Path) -> None:
    """The engine is at one page and there is no other: it neither waits for one, nor does a new one wait for it."""
    engine = Reads(gate=threading.Event())
    readers = make(engine)
    (path,) = files(tmp_path, 1, pages=3)
    first = readers.read(task(path, 1))
    while 1 not in engine.seen:
        time.sleep(0.01)
    second = readers.read(task(path, 2))
    while 2 not in engine.seen:
        time.sleep(0.01)
    assert not first.done()
    assert engine.gate is not None
    engine.gate.set()
    assert [future.result(60).page.number for future in (first, second)] == [1, 2]
    assert readers.read(task(path, 3)).result(60).page.number == 3, "and the engine is still there when all are read"


def test_the_model_in_this_repository(tmp_path: Path) -> None:
    """A model of random weights, for jobs whose pages have the same numbers: what it writes is what it writes alone."""
    checkpoint = small_checkpoint.put(tmp_path / "small")
    model = ModelOptions(path=str(checkpoint), device="cpu", batch=3, pixels=28 * 28 * 16, max_tokens=24)
    paths = files(tmp_path, 3, pages=1)
    engine, _ = choose("qwen", model=model)
    alone = {path: docparse.parse(path, engine=engine) for path in paths}
    readers = PageReaders(Options(engine="qwen", model=model), workers=1)
    try:
        source, numbers = readers.open(paths[0], JobSpec(), name="file1.pdf").result(60)
        assert source == alone[paths[0]].source
        assert numbers == (1,)
        reads = {path: readers.read(task(path, 1)) for path in paths}
        for path, future in reads.items():
            read = future.result(120)
            assert (read.page,) == alone[path].pages
            assert read.engine == dataclasses.replace(alone[path].engine, reason="chosen")
        embedded = readers.read(task(paths[0], 1, spec=JobSpec(engine="embedded"))).result(60)
        assert embedded.page.text == "File 1 page 1"
        states = {state.name: state for state in readers.engines()}
        assert (states["qwen"].default, states["qwen"].answers, states["qwen"].model) == (True, True, "small")
        asker = readers.asker(JobSpec())
        assert asker is not None

        def ask(model: Any) -> None:
            model.ask(Image.new("RGB", (56, 56)), "?", max_new_tokens=8)

        answers = [threading.Thread(target=ask, args=(asker,)) for _ in range(3)]
        for thread in answers:
            thread.start()
        for thread in answers:
            thread.join(60)
            assert not thread.is_alive()
    finally:
        readers.close()


@pytest.mark.parametrize(("trouble", "code"), [(RAISE, "engine.failed"), (MEMORY, "engine.out_of_memory")])
def test_a_page_that_makes_the_engine_fail_fails_alone(trouble: str, code: str, make: Make, tmp_path: Path) -> None:
    class Picky(Reads):
        def _markup(self, image: PageImage) -> PageMarkup:
            if image.text is not None and "page 2" in " ".join(word.text for word in image.text.words()):
                raise MemoryError if trouble == MEMORY else RuntimeError("out of ideas")
            return super()._markup(image)

    readers = make(Picky())
    paths = files(tmp_path, 3)
    reads = {(path, n): readers.read(task(path, n)) for path in paths for n in (1, 2)}
    for (_, n), future in reads.items():
        read = future.result(60)
        assert read.record.status == ("failed" if n == 2 else "ok")
        assert n == 1 or read.record.reasons[0][0] == code


def test_an_engine_that_ends_is_begun_again(make: Make, tmp_path: Path) -> None:
    class Stops(FakeEngine):
        def _answers(self, pages: list[PageImage]) -> Iterator[PageMarkup]:
            for page in pages:
                if page.text is not None and page.text.words()[-1].text == "2":
                    self.trouble[page.number] = STOP
                    continue
                yield PageMarkup(page.number, markup_of(page))

    readers = make(Stops())
    (path,) = files(tmp_path, 1, pages=4)
    reads = [readers.read(task(path, n)) for n in range(1, 5)]
    assert [read.result(60).record.status for read in reads] == ["ok", "failed", "ok", "ok"]
    assert "said nothing" in reads[1].result().record.reasons[0][1]


def test_a_page_that_is_never_answered_for_is_given_up(make: Make, tmp_path: Path) -> None:
    class Forgets(FakeEngine):
        def _answers(self, pages: list[PageImage]) -> Iterator[PageMarkup]:
            for page in pages:
                if page.text is not None and page.text.words()[-1].text != "1":
                    yield PageMarkup(page.number, markup_of(page))

    readers = make(Forgets(trouble={1: SILENT}), model_page_seconds=2)
    (path,) = files(tmp_path, 1)
    silent, sound = readers.read(task(path, 1)), readers.read(task(path, 2))
    assert sound.result(60).record.status == "ok"
    assert silent.result(60).record.reasons[0][0] == "engine.timeout"


def test_an_engine_that_cannot_be_had_says_so_to_all(make: Make, tmp_path: Path) -> None:
    tries = []

    def broken() -> Any:
        tries.append(1)
        if len(tries) < 2:
            raise EngineUnavailable("the weights are gone.")
        return Reads()

    readers = make(broken)
    (path,) = files(tmp_path, 1)
    reads = [readers.read(task(path, n)) for n in (1, 2)]
    reasons = {read.result(60).record.reasons for read in reads}
    assert (("engine.unavailable", "the weights are gone."),) in reasons
    while readers.read(task(path, 1)).result(60).record.status != "ok":
        assert len(tries) < 3
    assert readers.engines()[-1].available or readers.engines()[-1].name != "model"


def test_questions_are_asked_in_the_thread_of_the_engine(make: Make, tmp_path: Path) -> None:
    engine = Reads(gate=threading.Event())
    readers = make(engine)
    (path,) = files(tmp_path, 1)
    reading = readers.read(task(path, 1))
    asker = readers.asker(JobSpec())
    assert asker is not None
    assert asker.ask(Image.new("RGB", (30, 20)), "where?").text == "where?: (30, 20)"
    with pytest.raises(EngineError, match="no idea"):
        asker.ask(Image.new("RGB", (30, 20)), "fail")
    assert set(engine.asked) == {"docparse-model"}
    assert not reading.done()
    assert engine.gate is not None
    engine.gate.set()
    assert reading.result(60).record.status == "ok"
    mute = make(FakeEngine()).asker(JobSpec())
    assert mute is not None
    with pytest.raises(EngineError, match="answers no questions"):
        mute.ask(Image.new("RGB", (30, 20)), "where?")


def test_a_file_that_is_slow_to_draw_holds_nobody_up(make: Make, tmp_path: Path) -> None:
    slow = tmp_path / "slow.pdf"
    slow.write_bytes(slow_pdf())
    readers = make(Reads(), page_seconds=3)
    (path,) = files(tmp_path, 1)
    late = readers.read(task(slow, 1))
    assert readers.read(task(path, 1)).result(60).record.status == "ok"
    assert not late.done()
    assert late.result(60).record.reasons[0][0] == "source.timeout"
    assert readers.read(task(slow, 2)).result(60).page.verdict.status != "failed"


def test_cancelled_pages_never_reach_the_engine(make: Make, tmp_path: Path) -> None:
    engine = Reads(batch=1, gate=threading.Event())
    readers = make(engine)
    (path,) = files(tmp_path, 1, pages=12)
    gone = threading.Event()
    first = readers.read(task(path, 1))
    while not engine.seen:
        time.sleep(0.01)
    reads = [readers.read(task(path, n, cancelled=gone.is_set)) for n in range(2, 13)]
    time.sleep(0.3)  # some are drawn already
    gone.set()
    assert engine.gate is not None
    engine.gate.set()
    assert first.result(60).record.status == "ok"
    for read in reads:
        with pytest.raises(CancelledError):
            read.result(60)
    assert len(engine.numbers) == 1


def test_closing_waits_for_pages_in_hand_as_long_as_it_may(make: Make, tmp_path: Path) -> None:
    engine = Reads()
    readers = make(engine)
    (path,) = files(tmp_path, 1, pages=12)
    reads = [readers.read(task(path, n)) for n in range(1, 13)]
    reads[0].result(60)
    readers.close(drain=30)
    assert all(read.done() for read in reads)
    ended = [read.cancelled() or isinstance(read.exception(), CancelledError) for read in reads]
    assert ended.count(False) == len(engine.numbers)
    stuck = make(Reads(gate=threading.Event()))
    read = stuck.read(task(path, 1))
    while not stuck.load()["engine_batch"]:
        time.sleep(0.01)
    stuck.close(drain=0.1)
    with pytest.raises(CancelledError):
        read.result(5)
