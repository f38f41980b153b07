"""Pages kept with their corrections on them: applied once for each revision, never another's, within their bound."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from docparse.api.applied import Applied, AppliedPages
from docparse.api.corrected import CorrectedPages
from docparse.api.files import StoredFiles
from docparse.api.job import PageRecord, new_id
from docparse.correction import CellText, Correction
from docparse.corrections import Corrected, apply
from docparse.document import Block, Cell, Document, Page, Run
from docparse.geometry import BBox

READ = PageRecord(1, "read")


def page(number: int = 1, words: str = "one") -> Page:
    cells = tuple(Cell(n // 2, n % 2, runs=(Run(f"{words} {n}"),)) for n in range(6))
    return Page(number, 100, 100, blocks=(Block("table", BBox(0, 0, 50, 10), cells=cells),))


def said(words: str, number: int = 1) -> list[Correction]:
    return [Correction("edit", number, f"p{number}b1", cells=(CellText(1, 0, words),))]


@pytest.fixture
def files(tmp_path: Path) -> StoredFiles:
    return StoredFiles(tmp_path)


@pytest.fixture
def count(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Pages that corrections are put on, by number."""
    pages: list[int] = []

    def counted(page: Page, corrections: list[Correction]) -> Corrected:
        pages.append(page.number)
        return apply(page, corrections)

    monkeypatch.setattr("docparse.api.corrected.apply", counted)
    return pages


def test_who_asks_again_does_not_have_them_applied_again_and_a_new_revision_does(
    files: StoredFiles, count: list[int]
) -> None:
    job = new_id()
    CorrectedPages(files).put(job, page(), READ, 0, said("x"))
    here = CorrectedPages(files)
    count.clear()
    layers = [here.layer(job, page(), READ) for _ in range(3)]
    document = here.document(job, Document((page(),)))
    assert count == [1]
    assert {layer.revision for layer in layers} == {1}
    assert layers[0].page == layers[2].page == document.pages[0]
    assert layers[0].page.blocks[0].cells[2].text == "x"

    elsewhere = CorrectedPages(files)  # another process of the service
    elsewhere.put(job, page(), READ, 1, said("y"))
    count.clear()
    assert [here.layer(job, page(), READ).page.blocks[0].cells[2].text for _ in range(2)] == ["y", "y"]
    assert count == [1]


def test_what_is_sent_is_what_is_kept(files: StoredFiles, count: list[int]) -> None:
    job, here = new_id(), CorrectedPages(files)
    sent = here.put(job, page(), READ, 0, [*said("x"), *said("y"), Correction("delete", 1, "p1b9")])
    again = here.layer(job, page(), READ)
    assert again == sent
    assert count == [1], "only when it was sent"
    assert CorrectedPages(files).layer(job, page(), READ) == sent, "what another process makes of the files"


def test_a_page_that_was_read_again_has_them_applied_anew(files: StoredFiles, count: list[int]) -> None:
    job, here = new_id(), CorrectedPages(files)
    here.put(job, page(), READ, 0, said("x"))
    count.clear()
    layer = here.layer(job, page(words="two"), PageRecord(1, "read", attempt=2))
    assert (count, layer.revision) == ([1], 2)
    assert layer.page == page(words="two"), "the cell says something else now"
    # The number of the attempt may be there before its page is.
    assert here.layer(job, page(), PageRecord(1, "read", attempt=2)).page.blocks[0].cells[2].text == "x"


def test_a_page_without_corrections_costs_nothing(files: StoredFiles, count: list[int]) -> None:
    here = CorrectedPages(files)
    layer = here.layer(new_id(), page(), READ)
    assert (layer.revision, layer.page, count) == (0, page(), [])


def test_what_is_kept_has_a_bound_and_the_last_asked_for_stays(files: StoredFiles, count: list[int]) -> None:
    job = new_id()
    size = Applied(1, 1, page(), apply(page(), said("x")), 300).bytes
    here = CorrectedPages(files, most_bytes=3 * size)
    for number in (1, 2, 3, 4):
        here.put(job, page(number), READ, 0, said("x", number))
        here.layer(job, page(1), READ)
    count.clear()
    for number in (1, 4, 2):
        here.layer(job, page(number), READ)
    assert count == [2]
    large = CorrectedPages(files, most_bytes=size // 2)
    count.clear()
    for _ in range(2):
        assert large.layer(job, page(1), READ).revision == 1
    assert count == [1, 1], "one that is larger than the bound is not kept"


def test_nothing_is_kept_of_a_job_that_is_removed(files: StoredFiles, count: list[int]) -> None:
    one, other, here = new_id(), new_id(), CorrectedPages(files)
    for job in (one, other):
        here.put(job, page(), READ, 0, said("x"))
    here.forget(one)
    count.clear()
    here.layer(other, page(), READ)
    assert count == []
    here.layer(one, page(), READ)
    assert count == [1]


def test_two_who_ask_at_once_have_it_made_once() -> None:
    kept, job, read = AppliedPages(), new_id(), page()
    begun, go_on = threading.Event(), threading.Event()
    made: list[Applied] = []

    def make() -> Applied:
        begun.set()
        assert go_on.wait(10)
        made.append(Applied(1, 1, read, apply(read, said("x")), 10))
        return made[-1]

    found: list[Applied] = []
    threads = [threading.Thread(target=lambda: found.append(kept.get(job, read, 1, make))) for _ in range(2)]
    threads[0].start()
    assert begun.wait(10)
    threads[1].start()
    go_on.set()
    for thread in threads:
        thread.join(10)
    assert len(made) == 1
    assert found == [made[0], made[0]]
