"""Batches: a page that kills, hangs or fails costs itself and nothing else, in any number of workers."""

from __future__ import annotations

import errno
import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fake_engine
import making
import pymupdf
import pytest
from fake_engine import FakeEngine

import docparse
from docparse import exporters
from docparse.batch import Conversion, Outcome
from docparse.convert import Options
from docparse.document import Document
from docparse.exporters import ExportOptions
from docparse.reading import STRETCH, Job, Runner, Task

LONG = 2 * STRETCH + 5
"""Pages of a document that is read in three stretches."""


def a_pdf(path: Path, pages: int) -> Path:
    """Small pages: they are drawn to be checked, and there are many."""
    path.write_bytes(making.pdf(*[making.text(path.stem, at=(20, 80), size=12)] * pages, size=(100, 120)))
    return path


def job(path: Path, engine: FakeEngine, *, formats: tuple[str, ...] = ("json",), **options: Any) -> Job:
    out = path.parent / "out"
    out.mkdir(exist_ok=True)
    return Job(str(path), str(out), path.stem, formats, Options(engine=engine, **options), ExportOptions())


def convert(
    *jobs: Job, workers: int = 2, seconds: float = 60.0, watch: Callable[[Outcome], None] = lambda _: None
) -> list[Outcome]:
    return Conversion(jobs, workers, seconds=seconds, cores=2, watch=watch).run()


def written(outcome: Outcome) -> Document:
    (path,) = outcome.outputs
    return docparse.from_json(Path(path).read_text())


def failed(outcome: Outcome) -> dict[int, str]:
    """Pages that failed, with their codes, as they are written; and all others have been read."""
    document = written(outcome)
    assert [page.number for page in document.pages] == list(range(1, len(document.pages) + 1))
    assert {page.number: page.verdict.status for page in document.pages} == outcome.pages
    bad = {}
    for page in document.pages:
        if page.verdict.status == "failed":
            assert not page.blocks
            (issue,) = page.verdict.issues
            bad[page.number] = issue.code
            assert outcome.codes[page.number] == (issue.code,)
        else:
            assert page.text == f"fake page {page.number}"
    return bad


# ------------------------------------------------------------------------------------ what is well


def test_outcomes_are_in_the_order_of_the_jobs(tmp_path: Path) -> None:
    files = [a_pdf(tmp_path / f"{name}.pdf", pages) for name, pages in (("c", 9), ("a", 1), ("b", 4))]
    outcomes = convert(*(job(file, FakeEngine(), formats=("json", "markdown")) for file in files))
    assert [Path(outcome.path).name for outcome in outcomes] == ["c.pdf", "a.pdf", "b.pdf"]
    assert [outcome.total for outcome in outcomes] == [9, 1, 4]
    assert [len(outcome.pages) for outcome in outcomes] == [9, 1, 4]
    assert [[Path(path).name for path in outcome.outputs] for outcome in outcomes] == [
        ["c.json", "c.md"],
        ["a.json", "a.md"],
        ["b.json", "b.md"],
    ]
    assert all(outcome.error is None and outcome.seconds >= 0 for outcome in outcomes)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(
        f"{name}.{ending}" for name in "abc" for ending in ("json", "md")
    )


@pytest.mark.parametrize("workers", [1, 2])
def test_a_long_document_is_read_in_stretches_and_is_one_document(workers: int, tmp_path: Path) -> None:
    path = a_pdf(tmp_path / "long.pdf", LONG)
    engine = FakeEngine(diary=str(tmp_path / "diary"))
    (outcome,) = convert(job(path, engine), workers=workers)
    assert failed(outcome) == {}
    assert len(outcome.pages) == LONG
    assert sorted(page for page, _ in engine.entries()) == list(range(1, LONG + 1))
    assert len({process for _, process in engine.entries()}) == workers
    # Nothing of the cutting can be seen in the result.
    assert written(outcome) == docparse.parse(path, engine=FakeEngine())


def test_a_file_stays_open_between_its_stretches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from docparse import reading

    opened: list[str] = []
    opens = reading.open_for
    monkeypatch.setattr(
        reading, "open_for", lambda path, *rest, **more: opened.append(path) or opens(path, *rest, **more)
    )
    first, second = (job(a_pdf(tmp_path / f"{name}.pdf", 3), FakeEngine()) for name in "ab")
    runner = Runner()
    for numbers in ((1,), (2,), (3,)):
        assert runner(Task(0, first, 1, numbers=numbers), lambda _: None) is None
    assert opened == [first.path]
    runner(Task(1, second, 1), lambda _: None)
    assert opened == [first.path, second.path]
    # And is closed when it is done: somebody may want to move it away.
    assert runner._open is None


def test_a_page_range(tmp_path: Path) -> None:
    path = a_pdf(tmp_path / "long.pdf", LONG)
    (outcome,) = convert(job(path, FakeEngine(), pages="3-5,r1"))
    assert [page.number for page in written(outcome).pages] == [3, 4, 5, LONG]
    assert outcome.total == 4


def test_progress_is_told_page_by_page(tmp_path: Path) -> None:
    seen: list[tuple[int | None, int, bool]] = []
    path = a_pdf(tmp_path / "long.pdf", LONG)
    convert(job(path, FakeEngine()), watch=lambda o: seen.append((o.total, len(o.pages), o.done)))
    assert [count for _, count, _ in seen] == sorted(count for _, count, _ in seen)
    assert {count for _, count, _ in seen} == set(range(LONG + 1))
    assert {total for total, _, _ in seen} == {LONG}
    assert [done for _, _, done in seen].count(True) == 1


def test_a_short_documents_pages_never_leave_their_worker(tmp_path: Path) -> None:
    sent: list[Any] = []
    Runner()(Task(0, job(a_pdf(tmp_path / "a.pdf", 3), FakeEngine()), 1), sent.append)
    assert [message.page for message in sent if hasattr(message, "page")] == [None] * 3


def test_the_parent_lets_go_of_a_document_when_it_is_written(tmp_path: Path) -> None:
    jobs = [job(a_pdf(tmp_path / f"{n}.pdf", LONG), FakeEngine()) for n in range(2)]
    bad = Job(jobs[0].path, jobs[0].folder, "..", ("json",), jobs[0].options)  # cannot be written
    conversion = Conversion([*jobs, bad], 2, seconds=60, cores=2, watch=lambda _: None)
    *good, lost = conversion.run()
    assert [failed(outcome) for outcome in good] == [{}, {}]
    assert lost.error is not None
    assert lost.error.code == "export.failed"
    assert not conversion._long
    assert not conversion._now


# ------------------------------------------------------------------------------------ what goes wrong

CODES = {
    fake_engine.EXIT: "engine.failed",
    fake_engine.KILL: "engine.failed",
    fake_engine.RAISE: "engine.failed",
    fake_engine.UNAVAILABLE: "engine.unavailable",
    fake_engine.SILENT: "engine.failed",
}


def test_a_poisoned_page_costs_only_itself(tmp_path: Path) -> None:
    jobs = [job(a_pdf(tmp_path / f"{t}.pdf", 4), FakeEngine(trouble={2: t})) for t in CODES]
    good = job(a_pdf(tmp_path / "good.pdf", 2), FakeEngine())
    *outcomes, fine = convert(*jobs, good)
    assert [failed(outcome) for outcome in outcomes] == [{2: code} for code in CODES.values()]
    assert failed(fine) == {}


def test_the_verdict_says_what_happened(tmp_path: Path) -> None:
    engine = FakeEngine(trouble={1: fake_engine.KILL, 3: fake_engine.EXIT})
    (outcome,) = convert(job(a_pdf(tmp_path / "a.pdf", 3), engine))
    said = {page.number: [i.message for i in page.verdict.issues] for page in written(outcome).pages}
    assert said == {
        1: ["the page made its reader stop (killed by SIGKILL)."],
        2: [],
        3: ["the page made its reader stop (exit status 7)."],
    }


def test_a_page_that_hangs_is_given_up(tmp_path: Path) -> None:
    engine = FakeEngine(trouble={2: fake_engine.HANG}, diary=str(tmp_path / "diary"))
    (outcome,) = convert(job(a_pdf(tmp_path / "a.pdf", 3), engine), seconds=4.0)
    assert failed(outcome) == {2: "engine.timeout"}
    # It was given two chances, and everything else was read no more than twice.
    pages = [page for page, _ in engine.entries()]
    assert pages.count(2) == 2
    assert all(pages.count(page) <= 2 for page in (1, 3))


def test_when_every_page_kills_every_page_is_told(tmp_path: Path) -> None:
    engine = FakeEngine(trouble={1: fake_engine.EXIT, 2: fake_engine.EXIT})
    one, two = convert(*(job(a_pdf(tmp_path / f"{pages}.pdf", pages), engine) for pages in (1, 2)))
    assert failed(one) == {1: "engine.failed"}
    assert failed(two) == {1: "engine.failed", 2: "engine.failed"}


def test_many_poisoned_pages_cost_no_second_reading_of_all(tmp_path: Path) -> None:
    bad = {4, STRETCH, STRETCH + 1}
    engine = FakeEngine(trouble=dict.fromkeys(bad, fake_engine.EXIT), diary=str(tmp_path / "diary"))
    (outcome,) = convert(job(a_pdf(tmp_path / "a.pdf", LONG), engine), workers=1)
    assert failed(outcome) == dict.fromkeys(sorted(bad), "engine.failed")
    pages = [page for page, _ in engine.entries()]
    assert {page: pages.count(page) for page in range(1, LONG + 1)} == {
        page: 2 if page in bad else 1 for page in range(1, LONG + 1)
    }


@pytest.mark.parametrize("ahead", [3, 50])
def test_an_engine_that_reads_ahead_blames_no_innocent_page(ahead: int, tmp_path: Path) -> None:
    engine = FakeEngine(trouble={4: fake_engine.EXIT}, ahead=ahead)
    (outcome,) = convert(job(a_pdf(tmp_path / "a.pdf", 8), engine))
    assert failed(outcome) == {4: "engine.failed"}


def test_a_crash_that_does_not_come_again_costs_nothing(tmp_path: Path) -> None:
    once = OnceEngine(trouble={2: fake_engine.KILL}, diary=str(tmp_path / "diary"))
    (outcome,) = convert(job(a_pdf(tmp_path / "a.pdf", 3), once))
    assert failed(outcome) == {}


class OnceEngine(FakeEngine):
    """Goes wrong the first time it comes to a page."""

    def _answers(self, pages: list[Any]) -> Any:
        met = {page for page, _ in self.entries()} if Path(self.diary or "").exists() else set()
        calm = {number: what for number, what in self.trouble.items() if number not in met}
        return FakeEngine(self.name, self.markup, calm, self.ahead, self.diary)._answers(pages)


def test_a_file_that_kills_its_reader_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    first, good = job(a_pdf(path, 1), FakeEngine()), job(a_pdf(tmp_path / "b.pdf", 1), FakeEngine())
    killer = Job(first.path, first.folder, "a", ("json",), Options(engine=Poison()))  # type: ignore[arg-type]
    bad, fine = convert(killer, good)
    assert bad.error is not None
    assert (bad.error.code, bad.error.file) == ("source.corrupt", str(path))
    assert "exit status 9" in bad.error.message
    assert not bad.pages
    assert failed(fine) == {}


class Poison(FakeEngine):
    """Kills the process before any page is begun."""

    def read_pages(self, pages: Any) -> Any:
        os._exit(9)


def test_files_that_cannot_be_read_are_errors_and_cost_no_other(tmp_path: Path) -> None:
    (tmp_path / "empty.pdf").write_bytes(b"")
    (tmp_path / "text.pdf").write_bytes(b"no PDF at all")
    (tmp_path / "locked.pdf").write_bytes(making.pdf(making.nothing, password="x"))
    a_pdf(tmp_path / "few.pdf", 2)
    a_pdf(tmp_path / "good.pdf", 5)
    names = ("empty", "text", "locked", "few", "missing", "good")
    outcomes = convert(*(job(tmp_path / f"{name}.pdf", FakeEngine(), pages="3") for name in names))
    assert [outcome.error.code if outcome.error else None for outcome in outcomes] == [
        "source.empty",
        "source.unsupported",
        "source.encrypted",
        "range.invalid",
        "source.unreadable",
        None,
    ]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["good.json"]


def test_a_failed_page_costs_no_picture_of_the_others(tmp_path: Path) -> None:
    engine = FakeEngine(trouble={2: fake_engine.KILL})
    path = a_pdf(tmp_path / "a.pdf", 3)
    (outcome,) = convert(job(path, engine, formats=("overlay",)))
    assert outcome.error is None
    with pymupdf.open(outcome.outputs[0]) as overlay:
        # Below the label with the verdict.
        below = pymupdf.Rect(0, 40, 100, 120)
        darkest = [min(page.get_pixmap(clip=below, colorspace=pymupdf.csGRAY).samples) for page in overlay]
    assert [value < 128 for value in darkest] == [True, False, True]


def test_writing_is_not_taken_for_hanging(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[Any] = []
    Runner()(Task(0, job(a_pdf(tmp_path / "a.pdf", 4), FakeEngine(), formats=("overlay",)), 1), sent.append)
    # A sign of life for each page that is drawn.
    assert [type(message).__name__ for message in sent][-4:] == ["Alive"] * 4


def test_a_fault_of_ours_is_an_error_of_that_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from docparse import reading

    def write_files(*_: object, **__: object) -> list[Path]:
        raise KeyError("a bug")

    monkeypatch.setattr(reading, "write_files", write_files)
    error = Runner()(Task(0, job(a_pdf(tmp_path / "a.pdf", 1), FakeEngine()), 1), lambda _: None)
    assert isinstance(error, docparse.DocparseError)
    assert error.code == "docparse.failed"
    assert error.file == str(tmp_path / "a.pdf")
    assert "KeyError" in error.message
    assert "report" in (error.hint or "")


def test_a_full_disk_leaves_nothing_under_a_final_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    task = Task(0, job(a_pdf(tmp_path / "a.pdf", 1), FakeEngine()), 1)
    monkeypatch.setattr(exporters.files.os, "replace", full)
    error = Runner()(task, lambda _: None)
    assert error.code == "output.disk"
    assert "disk is full" in error.message
    assert list((tmp_path / "out").iterdir()) == []


# ------------------------------------------------------------------------------------ interruption


def test_ctrl_c_keeps_what_is_finished_and_nothing_else(tmp_path: Path) -> None:
    quick = [job(a_pdf(tmp_path / f"{n}.pdf", 1), FakeEngine()) for n in range(3)]
    stuck = job(a_pdf(tmp_path / "stuck.pdf", 2), FakeEngine(trouble={2: fake_engine.HANG}))

    def watch(outcome: Outcome) -> None:
        if all(o.done for o in conversion.outcomes[1:]) and len(conversion.outcomes[0].pages) == 1:
            os.kill(os.getpid(), signal.SIGINT)

    conversion = Conversion([stuck, *quick], 2, seconds=3600, cores=2, watch=watch)
    with pytest.raises(KeyboardInterrupt):
        conversion.run()
    assert [outcome.done for outcome in conversion.outcomes] == [False, True, True, True]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["0.json", "1.json", "2.json"]
    for path in (tmp_path / "out").iterdir():
        json.loads(path.read_text())
    assert not conversion._pool._workers
