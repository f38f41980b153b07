"""A conversion takes its files as it goes, and forgets them: of a million, those in hand are in memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import making
import pytest
from fake_engine import FakeEngine

import docparse
from docparse.batch import Conversion, Outcome
from docparse.batch.tally import MOST, Tally
from docparse.convert import Options
from docparse.errors import CorruptSource
from docparse.reading import STRETCH, Job, PageDone, Runner, noted
from docparse.workers import Pool


def a_job(folder: Path, name: str, pages: int = 1, engine: FakeEngine = FakeEngine()) -> Job:  # noqa: B008  (frozen)
    path = folder / f"{name}.pdf"
    path.write_bytes(making.pdf(*[making.nothing] * pages, size=(50, 50)))
    return Job(str(path), str(folder / "out"), name, ("json",), Options(engine=engine))


def test_files_are_found_as_workers_come_free_and_forgotten_when_they_are_over(tmp_path: Path) -> None:
    taken = over = 0
    most_in_hand = most_kept = 0
    told: list[str] = []

    def found() -> Iterator[Job]:
        nonlocal taken
        for n in range(40):
            taken += 1
            yield a_job(tmp_path, f"{n}")

    def ended(index: int, job: Job, outcome: Outcome) -> None:
        nonlocal over
        over += 1
        told.append(f"{index} {job.stem} {len(outcome.outputs)}")

    def watch(_: Outcome) -> None:
        nonlocal most_in_hand, most_kept
        most_in_hand = max(most_in_hand, taken - over)
        most_kept = max(most_kept, len(conversion.outcomes))

    conversion = Conversion(found(), 2, seconds=60, cores=2, watch=watch, ended=ended, files=40, keep=False)
    assert conversion.run() == []
    assert sorted(told) == sorted(f"{n} {n} 1" for n in range(40))
    most = 2 * (1 + Pool(Runner(), 2, seconds=60).ahead)
    assert most_in_hand <= most < 10
    assert most_kept <= most


def test_nothing_to_do(tmp_path: Path) -> None:
    assert Conversion(iter([]), 2, seconds=60, cores=2, watch=lambda _: None, files=0).run() == []


def test_pages_that_were_read_before_are_not_read_again(tmp_path: Path) -> None:
    long = 2 * STRETCH
    engine = FakeEngine(diary=str(tmp_path / "diary"))
    job = a_job(tmp_path, "long", long, engine)
    whole = docparse.parse(job.path, engine=FakeEngine())
    known = {
        page.number: noted(page, whole=True, attempts=3, seconds=2.0, engine="fake 1")
        for page in whole.pages
        if page.number % 2
    }
    opened: list[tuple[int, str, int | None]] = []
    listened: dict[int, PageDone] = {}
    (outcome,) = Conversion(
        [job],
        2,
        seconds=60,
        cores=2,
        watch=lambda _: None,
        listen=lambda _, done: listened.update({done.number: done}),
        opened=lambda index, job, outcome: opened.append((index, outcome.sha256, outcome.total)),
        kept=lambda index, job: known,
    ).run()
    assert sorted(page for page, _ in engine.entries()) == list(range(2, long + 1, 2))
    assert docparse.from_json(Path(outcome.outputs[0]).read_text()) == whole
    assert opened == [(0, whole.source.sha256, long)]
    assert set(listened) == set(range(1, long + 1))
    assert listened[1] == known[1]
    # All of them: it only has to be written.
    everything = {page.number: noted(page, whole=True) for page in whole.pages}
    before = len(engine.entries())
    (again,) = Conversion([job], 2, seconds=60, cores=2, watch=lambda _: None, kept=lambda index, job: everything).run()
    assert len(engine.entries()) == before
    assert docparse.from_json(Path(again.outputs[0]).read_text()) == whole


# ------------------------------------------------------------------------------------ tallies


def outcome(n: int, **pages: int) -> Outcome:
    statuses = [status for status, number in pages.items() for _ in range(number)]
    return Outcome(f"{n}.pdf", pages=dict(enumerate(statuses, 1)), outputs=("x",))  # type: ignore[arg-type]


@pytest.mark.parametrize("files", [0, 1, MOST])
def test_a_few_files_are_all_named_in_their_order(files: int) -> None:
    tally = Tally()
    for n in reversed(range(files)):  # they end in any order
        tally.add(n, outcome(n, ok=n))
    assert [each.path for each in tally.named] == [f"{n}.pdf" for n in range(files)]
    assert (tally.files, tally.lost, tally.pages["ok"]) == (files, 0, sum(range(files)))


def test_of_many_files_the_worst_are_named() -> None:
    tally = Tally()
    for n in range(1000):
        tally.add(n, outcome(n, ok=5))
    lost = Outcome("lost.pdf", error=CorruptSource("it is broken."))
    tally.add(1000, outcome(1000, partial=9))
    tally.add(1001, outcome(1001, ok=3, failed=1))
    tally.add(1002, lost)
    tally.add(1003, outcome(1003, failed=2))
    named = [each.path for each in tally.named]
    assert named[:4] == ["lost.pdf", "1003.pdf", "1001.pdf", "1000.pdf"]
    assert len(named) == MOST
    assert named[4:] == [f"{n}.pdf" for n in range(MOST - 4)]
    assert (tally.files, tally.lost) == (1004, 1)
    assert tally.pages == {"ok": 5003, "partial": 9, "failed": 3}
