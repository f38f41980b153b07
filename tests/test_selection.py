"""Some pages or blocks of a document as a document of its own."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docparse.correction import Correction
from docparse.corrections import as_read, correct
from docparse.document import Block, Document, Issue, Page, Run, Verdict
from docparse.errors import ExportError
from docparse.exporters import FORMATS, export
from docparse.geometry import BBox
from docparse.json_form import from_json
from docparse.selection import Selection, select
from tests.strategies import documents, modest

BOX = BBox(10, 10, 90, 20)


def paragraph(text: str, **more: Any) -> Block:
    return Block("paragraph", BOX, (Run(text),), **more)


@pytest.fixture
def document() -> Document:
    items = tuple(Block("list_item", BOX, (Run(text),)) for text in ("one", "two", "three"))
    issues = (Issue("a", "of the page"), Issue("b", "of p1b2", block="p1b2"), Issue("c", "of p1b1", block="p1b1"))
    first = Page(
        1, 100, 100, blocks=(paragraph("A"), Block("list", BOX, items=items)), verdict=Verdict("partial", issues)
    )
    return Document((first, Page(2, 100, 100, blocks=(paragraph("B"), paragraph("C"))), Page(3, 100, 100)))


def test_pages(document: Document) -> None:
    found = select(document, pages=[3, 1])
    assert found.pages == (document.pages[0], document.pages[2])
    assert select(document, pages=[]).pages == ()


def test_blocks(document: Document) -> None:
    found = select(document, blocks=["p2b2", "p1b1"])
    assert [(page.number, page.text) for page in found.pages] == [(1, "A"), (2, "C")]
    assert found.pages[0].verdict.status == "partial"
    assert [issue.code for issue in found.pages[0].verdict.issues] == ["a", "c"]
    assert found.source == document.source
    assert select(document, pages=[2], blocks=["p2b1"]).text == "B"


def test_items_of_a_list(document: Document) -> None:
    (page,) = select(document, blocks=["p1b2.3", "p1b2.1"]).pages
    assert [item.text for item in page.blocks[0].items] == ["one", "three"]
    whole = select(document, blocks=["p1b2.3", "p1b2"])
    assert whole.pages[0].blocks == document.pages[0].blocks[1:]


def test_a_block_that_is_not_there(document: Document) -> None:
    with pytest.raises(ExportError, match="no block p9b9"):
        select(document, blocks=["p1b1", "p9b9"])
    with pytest.raises(ExportError, match="no block p1b1"):
        select(document, pages=[2], blocks=["p1b1"])


def test_corrections_go_with_their_pages(document: Document) -> None:
    said = {number: [Correction("edit", number, f"p{number}b1", text="Z")] for number in (1, 2)}
    corrected = correct(document, said)
    found = select(corrected, pages=[2])
    assert [each.page for each in found.corrections] == [2]
    assert as_read(found).pages == document.pages[1:2]
    part = select(corrected, blocks=["p1b1"])
    assert (part.text, part.corrections) == ("Z", ())


def test_whether_anything_was_chosen() -> None:
    assert not Selection()
    assert Selection(pages="all")
    assert Selection(blocks=("p1b1",))


@modest
@given(documents(), st.data())
def test_any_selection_is_a_document(document: Document, data: st.DataObject) -> None:
    ids = [part.id for page in document.pages for block in page.blocks for part in (block, *block.items)]
    wanted = data.draw(st.lists(st.sampled_from(ids), max_size=4)) if ids else []
    found = select(document, blocks=wanted)
    left = {part.id for page in found.pages for block in page.blocks for part in (block, *block.items)}
    assert set(wanted) <= left
    assert from_json(export(found, "json").data).pages == found.pages
    for name, known in FORMATS.items():
        if known.images != "required":
            export(found, name)
    json.loads(export(found, "json").data)
