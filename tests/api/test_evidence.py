"""What speaks for a page: the words seen on it, which of them an element covers, what elements say beyond them."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docparse.api.evidence import evidence
from docparse.api.files import StoredFiles
from docparse.api.job import JobSpec
from docparse.api.queue import HueyQueue
from docparse.api.readers import PageReaders
from docparse.api.service import LocalService, ServiceOptions
from docparse.api.store import SqliteStore
from docparse.convert import Options
from docparse.correction import Correction
from docparse.corrections import apply
from docparse.document import Block, Cell, Page, Run
from docparse.geometry import BBox
from docparse.json_form import from_json
from docparse.source import open_source
from docparse.support import squeezed, unsupported, unsupported_stretches
from docparse.textlayer import Word
from tests.api.fake_service import FakeService
from tests.api.loopback import PDF, Running, running
from tests.making import pdf, text

SAMPLES = Path(__file__).parents[2] / "samples"


def seen(string: str, y: float = 10, x: float = 10) -> list[Word]:
    return [Word(word, BBox(x + 50 * n, y, x + 50 * n + 40.123, y + 10)) for n, word in enumerate(string.split())]


def said(string: str, box: tuple[float, float, float, float] = (0, 0, 600, 30)) -> Block:
    return Block("paragraph", BBox(*box), (Run(string),))


# ------------------------------------------------------------------------------------ words


def test_words_that_stand_in_no_element() -> None:
    page = Page(1, 600, 800, blocks=(said("Total 12.50"),))
    found = evidence(page, [*seen("Total 12.50"), *seen("....... Signed by", y=500)])
    assert found.words is not None
    assert [(word[0], word[5]) for word in found.words] == [
        ("Total", True),
        ("12.50", True),
        (".......", True),  # dots are nobody's text
        ("Signed", False),
        ("by", False),
    ]
    assert found.words[1][1:5] == (60, 10, 100.1, 20)
    assert found.unsupported == {}


def test_two_words_that_are_alike_are_two() -> None:
    page = Page(1, 600, 800, blocks=(said("Same"),))
    found = evidence(page, [*seen("Same"), *seen("Same", y=500)])
    assert found.words is not None
    assert [word[5] for word in found.words] == [True, False]


def test_nobody_knows_the_words() -> None:
    found = evidence(Page(1, 600, 800, blocks=(said("whatever"),)), ())
    assert (found.words, found.unsupported) == (None, {})


# ------------------------------------------------------------------------------------ what is nowhere on the page


def test_stretches_of_text_that_is_nowhere() -> None:
    table = Block(
        "table", BBox(0, 100, 600, 200), cells=(Cell(0, 0, runs=(Run("Item"),)), Cell(0, 1, runs=(Run("9.99"),)))
    )
    points = Block(
        "list",
        BBox(0, 300, 600, 400),
        items=(Block("list_item", None, (Run("first point"),)), Block("list_item", None, (Run("secret point"),))),
    )
    page = Page(1, 600, 800, blocks=(said("Total due today: 13.50 EUR"), table, points, said("fine")))
    found = evidence(page, seen("Total 12.50 EUR Item first second point fine"))
    texts = {b.id: b.text for block in page.blocks for b in (block.items or (block,))}
    pieces = {id: [texts[id][a:b] for a, b in stretches] for id, stretches in found.unsupported.items()}
    assert pieces == {"p1b1": ["due today: 13.50"], "p1b2": ["9.99"], "p1b3.2": ["secret"]}


def test_stretches_end_with_their_line_and_cell() -> None:
    block = said("known odd\nstrange known odd strange")
    found = unsupported_stretches(block, squeezed(["known"]))
    assert [block.text[a:b] for a, b in found] == ["odd", "strange", "odd strange"]


@given(
    st.lists(st.sampled_from(["known", "odd", "12", "𝑥𝑦𝑧", "a", "...", "（注）strange"]), max_size=12),
    st.sampled_from([" ", "\n", "  "]),
)
@settings(deadline=None)
def test_stretches_hold_the_words_that_an_issue_names(words: list[str], between: str) -> None:
    block, page = said(between.join(words)), squeezed(["known"])
    pieces = [block.text[a:b] for a, b in unsupported_stretches(block, page)]
    named = unsupported(block, page)
    assert [word for piece in pieces for word in piece.split() if word in named] == named
    assert all(word in named for piece in pieces for word in piece.split())


# ------------------------------------------------------------------------------------ what a person wrote


def pieces(page: Page, words: list[Word], *said: Correction) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Of the page with corrections: what is nowhere on it, and what of that a person wrote."""
    done = apply(page, said)
    assert not done.dropped
    found = evidence(done.page, words, read=page)
    texts = {b.id: b.text for block in done.page.blocks for b in (block.items or (block,))}

    def named(odd: Mapping[str, Sequence[tuple[int, int]]]) -> dict[str, list[str]]:
        return {id: [texts[id][a:b] for a, b in stretches] for id, stretches in odd.items()}

    return named(found.unsupported), named(found.by_person)


def test_what_a_person_wrote_is_not_on_the_page_and_is_theirs() -> None:
    page = Page(1, 600, 800, blocks=(said("Total 13.50 EUR"), said("Paid in full"), said("Nothing more")))
    words = seen("Total 12.50 EUR Paid in full")
    assert pieces(page, words) == ({"p1b1": ["13.50"], "p1b3": ["Nothing more"]}, {})
    fixed = Correction("edit", 1, "p1b1", text="Total 12.50 EUR")
    assert pieces(page, words, fixed) == ({"p1b3": ["Nothing more"]}, {})
    beside = Correction("edit", 1, "p1b1", text="Total 12.50 EUR net of Skonto")
    odd, theirs = pieces(page, words, beside)
    assert odd == {"p1b1": ["net", "Skonto"], "p1b3": ["Nothing more"]}
    assert theirs == {"p1b1": ["net", "Skonto"]}


def test_a_word_of_the_reading_stays_in_doubt_beside_those_of_a_person() -> None:
    page = Page(1, 600, 800, blocks=(said("Total 13.50 EUR"), said("Paid")))
    words = seen("Total 12.50 EUR Paid")
    odd, theirs = pieces(page, words, Correction("edit", 1, "p1b1", text="Total circa 13.50 perhaps EUR"))
    assert odd == {"p1b1": ["circa", "13.50", "perhaps"]}, "a stretch is of one author"
    assert theirs == {"p1b1": ["circa", "perhaps"]}
    odd, theirs = pieces(page, words, Correction("edit", 1, "p1b2", text="Paid 13.50"))
    assert theirs == {"p1b2": ["13.50"]}, "that the reading has it elsewhere does not make it the reading's here"
    moved = Correction("edit", 1, "p1b1", bbox=BBox(0, 0, 500, 40))
    assert pieces(page, words, moved) == ({"p1b1": ["13.50"]}, {}), "whoever moves a box has not written its text"


def test_what_a_person_added_or_typed_as_items_is_theirs() -> None:
    points = Block(
        "list",
        BBox(0, 300, 600, 400),
        items=(Block("list_item", None, (Run("first point"),)), Block("list_item", None, (Run("secret point"),))),
    )
    page = Page(1, 600, 800, blocks=(said("Total"), points))
    words = seen("Total first second point")
    added = Correction("add", 1, to=5, added=said("A note of ours", (0, 500, 600, 530)))
    retyped = Correction("edit", 1, "p1b2", text="first point\nsecret point\nthird point")
    odd, theirs = pieces(page, words, added, retyped)
    assert sorted(text for each in odd.values() for text in each) == ["note", "ours", "secret", "third"]
    assert sorted(text for each in theirs.values() for text in each) == ["note", "ours", "third"]


@given(st.lists(st.sampled_from(["known", "odd", "made", "new"]), max_size=8), st.sampled_from([" ", "\n"]))
@settings(deadline=None)
def test_stretches_of_either_author_are_all_there_is(words: list[str], between: str) -> None:
    page = Page(1, 600, 800, blocks=(said("known odd made"),))
    now = Page(1, 600, 800, blocks=(said(between.join(words)),))
    plain = evidence(now, seen("known"))
    found = evidence(now, seen("known"), read=page)
    text = now.blocks[0].text

    def said_in(odd: Mapping[str, Sequence[tuple[int, int]]]) -> list[str]:
        return [word for a, b in odd.get("p1b1", ()) for word in text[a:b].split()]

    assert said_in(found.unsupported) == said_in(plain.unsupported)
    assert said_in(found.by_person) == [word for word in words if word == "new"]
    assert set(found.by_person.get("p1b1", ())) <= set(found.unsupported.get("p1b1", ()))


# ------------------------------------------------------------------------------------ of jobs


@pytest.fixture
def service(tmp_path: Path) -> Iterator[LocalService]:
    options = Options(engine="embedded")
    made = LocalService(
        SqliteStore(tmp_path / "jobs.sqlite"),
        HueyQueue(tmp_path / "queue.sqlite"),
        StoredFiles(tmp_path),
        PageReaders(options, workers=1),
        ServiceOptions(options, look_seconds=0.2, housekeeping=0.5),
    )
    made.start()
    yield made
    made.stop(drain=0)
    made.close()


@pytest.mark.skipif(os.name == "nt", reason="process groups and memory limits are POSIX")
def test_words_are_kept_for_every_job(service: LocalService) -> None:
    """Though nobody asked for fields."""
    scanned = open_source(SAMPLES / "slides.pdf").page(1).pixels().resize((960, 540))

    async def run() -> None:
        for data, name in ((pdf(text("Invoice 2026-118")), "a.pdf"), (_png(scanned), "scan.png")):

            async def pieces(data: bytes = data) -> AsyncIterator[bytes]:
                yield data

            upload = await service.receive(pieces(), name=name, owner="ann")
            job = await service.submit(upload, JobSpec(), owner="ann")
            assert (await service.wait(job.id, owner="ann", seconds=60)).state == "done"
            found = await service.evidence(job.id, 1, owner="ann")
            assert found.words
            assert all(0 <= x1 < x2 <= 2000 and 0 <= y1 < y2 <= 2000 for _, x1, y1, x2, y2, _ in found.words)
            assert any(covered for *_, covered in found.words)
            if name == "a.pdf":
                assert [word[0] for word in found.words] == ["Invoice", "2026-118"]
                assert found.unsupported == {}

    asyncio.run(run())


def _png(picture: object) -> bytes:
    import io

    data = io.BytesIO()
    picture.save(data, "PNG")  # type: ignore[attr-defined]
    return data.getvalue()


@pytest.mark.skipif(os.name == "nt", reason="process groups and memory limits are POSIX")
def test_a_corrected_page_says_who_wrote_what_is_not_on_it(service: LocalService) -> None:
    async def run() -> None:
        async def data() -> AsyncIterator[bytes]:
            yield pdf(text("Invoice 2026-118"))

        upload = await service.receive(data(), name="a.pdf", owner="ann")
        job = await service.submit(upload, JobSpec(), owner="ann")
        assert (await service.wait(job.id, owner="ann", seconds=60)).state == "done"
        edit = Correction("edit", 1, "p1b1", text="Invoice 2026-118, paid by Theodora")
        await service.correct(job.id, 1, 0, [edit], owner="ann")
        found = await service.evidence(job.id, 1, owner="ann")
        assert found.unsupported == found.by_person == {"p1b1": [(18, 22), (26, 34)]}
        # The export says both: that a person wrote it, and what the reading said.
        document = from_json((await service.result(job.id, "json", owner="ann")).data)
        assert [(block.text, block.origin) for block in document.pages[0].blocks] == [(edit.text, "user")]
        (correction,) = document.corrections
        assert correction.was is not None
        assert correction.was.block is not None
        assert correction.was.block.text == "Invoice 2026-118"

    asyncio.run(run())


# ------------------------------------------------------------------------------------ over HTTP


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    with running(FakeService) as it:
        yield it


def test_evidence_over_http(server: Running) -> None:
    id = server.job(PDF).json()["id"]
    deadline = time.monotonic() + 10
    while server.client.get(f"/v1/jobs/{id}").json()["state"] != "done":
        assert time.monotonic() < deadline
        time.sleep(0.01)
    answer = server.client.get(f"/v1/jobs/{id}/pages/1/evidence")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    # The fake's page says "Page 1 <script>alert(1)</script>"; "Page" and "unseen" were seen on it.
    assert answer.json() == {
        "words": [["Page", 10, 10, 60, 40, True], ["unseen", 10, 700, 90, 730, False]],
        "unsupported": {"p1b1": [[7, 32]]},
        "by_person": {},
    }
