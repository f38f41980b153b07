"""Corrections: put on a page, taken back, put on another reading of it, and in the JSON."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from golden_documents import INVOICE, KINDS
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from strategies import blocks, documents, texts

from docparse.correction import CellText, Correction
from docparse.corrections import Corrected, apply, as_read, correct, digest, scaled
from docparse.document import KINDS as ALL_KINDS
from docparse.document import Block, Cell, Document, Page, Run
from docparse.errors import SchemaError
from docparse.geometry import BBox
from docparse.json_form import correction_from_dict, correction_to_dict, from_json, to_json
from docparse.qwenvl_html import read_document, write, write_block
from docparse.schema import document_schema

VALIDATOR = Draft202012Validator(document_schema())
PAGE = INVOICE.pages[0]
TABLE = "p1b5"


def said(**parts: Any) -> Correction:
    return correction_from_dict(parts, page=1)


def on(page: Page, *corrections: dict[str, Any] | Correction) -> Corrected:
    return apply(page, [said(**each) if isinstance(each, dict) else each for each in corrections])


def block(page: Page, id: str) -> Block:
    return next(part for one in page.blocks for part in (one, *one.items) if part.id == id)


def ids(page: Page) -> list[str]:
    return [one.id for one in page.blocks]


# ------------------------------------------------------------------------------------ each of them


def test_an_edited_text_is_plain_and_the_users() -> None:
    found = on(PAGE, {"op": "edit", "block": "p1b3", "text": "To: <b>Example</b> & Co.\nLondon"})
    new = block(found.page, "p1b3")
    assert new.runs == (Run("To: <b>Example</b> & Co.\nLondon"),)
    assert (new.kind, new.bbox) == ("paragraph", BBox(40, 100, 400, 160))
    assert (new.origin, new.confidence, new.agreement) == ("user", 1.0, None)
    assert "&lt;b&gt;" in write_block(new)
    assert found.dropped == ()
    was = found.corrections[0].was
    assert was is not None
    assert was.block == block(PAGE, "p1b3")
    assert ids(found.page) == ids(PAGE)


def test_kind_and_level() -> None:
    found = on(PAGE, {"op": "edit", "block": "p1b3", "type": "heading", "level": 2})
    new = block(found.page, "p1b3")
    assert (new.kind, new.level) == ("heading", 2)
    assert new.runs == block(PAGE, "p1b3").runs, "the bold words stay bold where only the kind is another"
    (only,) = on(PAGE, {"op": "edit", "block": "p1b3", "level": 2}).corrections
    assert (only.applied, only.reason) == (False, "a paragraph has no level.")


@pytest.mark.parametrize("to", ALL_KINDS)
def test_every_kind_becomes_every_other_with_its_text(to: str) -> None:
    for page in KINDS.pages:
        for one in page.blocks:
            if one.kind in ("chart", to):
                continue  # a chart has its words and its cells: see the next test
            found = apply(page, [replace(said(op="edit", block=one.id, type=to), page=page.number)])
            assert found.dropped == ()
            assert block(found.page, one.id).kind == to
            assert block(found.page, one.id).text.split() == one.text.split()
            assert as_read(correct(KINDS, {page.number: found.corrections})) == KINDS


def test_a_chart_keeps_its_cells_as_a_table() -> None:
    chart = next(one for one in KINDS.pages[0].blocks if one.kind == "chart")
    found = apply(KINDS.pages[0], [said(op="edit", block=chart.id, type="table")])
    assert [cell.text for cell in block(found.page, chart.id).cells] == [cell.text for cell in chart.cells]


def test_a_box_is_cut_to_the_page_and_one_outside_is_refused() -> None:
    found = on(PAGE, {"op": "edit", "block": "p1b2", "bbox": [-5, 50.4, 700, 90]})
    assert block(found.page, "p1b2").bbox == BBox(0, 50, 600, 90)
    for box in ([610, 10, 700, 20], [10, 10, 10, 20], [0, 900, 10, 950]):
        found = on(PAGE, {"op": "edit", "block": "p1b2", "bbox": box})
        assert found.page == PAGE
        assert "no area on the page, which is 600 x 800" in found.dropped[0][1]


def test_cells() -> None:
    edit = {
        "op": "edit",
        "block": TABLE,
        "cells": [{"row": 1, "col": 1, "text": "3"}, {"row": 2, "col": 1, "text": "1"}],
    }
    found = on(PAGE, edit)
    table = block(found.page, TABLE)
    assert [cell.text for cell in table.rows()[1]] == ["Desk | oak", "3", "$1,200.00"]
    assert table.rows()[1][1].confidence == 1
    assert table.rows()[1][1].bbox == BBox(300, 215, 380, 240)
    assert table.origin == "user"
    assert table.confidence is not None
    assert 0.9 < table.confidence < 1, "the rest of the table was not vouched for"
    was = found.corrections[0].was
    assert was is not None
    assert [cell.text for cell in was.cells] == ["2", ""]
    assert was.block is not None
    assert was.block.cells == (), "a table is not kept once for each of its cells that is edited"
    nowhere = on(PAGE, {"op": "edit", "block": TABLE, "cells": [{"row": 9, "col": 1, "text": "3"}]})
    assert nowhere.dropped == ((0, "no cell begins at row 9, column 1."),)
    none = on(PAGE, {"op": "edit", "block": "p1b2", "cells": [{"row": 0, "col": 0, "text": "3"}]})
    assert none.dropped == ((0, "a heading has no cells."),)


def test_the_text_of_a_table_is_its_cells() -> None:
    old = block(PAGE, TABLE)
    same = block(on(PAGE, {"op": "edit", "block": TABLE, "text": old.text.replace("90.50", "95.00")}).page, TABLE)
    assert [c for c, o in zip(same.cells, old.cells, strict=True) if c != o] == [same.rows()[2][2]]
    assert same.rows()[2][2].bbox == old.rows()[2][2].bbox
    other = block(on(PAGE, {"op": "edit", "block": TABLE, "text": "a\tb\nc"}).page, TABLE)
    assert [[c.text for c in row] for row in other.rows()] == [["a", "b"], ["c", ""]]
    assert [c.header for c in other.cells] == [True, True, False, False]


def test_delete_and_move() -> None:
    found = on(PAGE, {"op": "delete", "block": "p1b1"}, {"op": "move", "block": "p1b10", "to": 0})
    assert ids(found.page) == ["p1b10", *[f"p1b{n}" for n in range(2, 10)]]
    end = on(PAGE, {"op": "move", "block": "p1b1", "to": 99})
    assert ids(end.page)[-1] == "p1b1"
    gone = on(PAGE, {"op": "delete", "block": "p1b1"}, {"op": "edit", "block": "p1b1", "text": "x"})
    assert gone.dropped == ((1, "the page has no block p1b1."),)


def test_add() -> None:
    new = {
        "type": "table",
        "bbox": [10, 10, 9000, 90],
        "cells": [{"row": 0, "col": 1, "text": "x", "bbox": [1, 1, 900, 2]}],
    }
    found = on(
        PAGE,
        {"op": "add", "at": 1, "block": new},
        {"op": "add", "at": 1, "block": {"id": "p1b3", "type": "paragraph", "text": "hello"}},
        {"op": "edit", "block": "p1u1", "text": "a\tb"},
    )
    assert found.dropped == ()
    assert ids(found.page)[:4] == ["p1b1", "p1u2", "p1u1", "p1b2"]
    table = block(found.page, "p1u1")
    assert table.bbox == BBox(10, 10, 600, 90)
    assert [cell.text for cell in table.cells] == ["a", "b"]
    assert table.cells[1].bbox == BBox(1, 1, 600, 2)
    hello = block(found.page, "p1u2")
    assert (hello.origin, hello.confidence) == ("user", 1.0)
    again = on(found.page, {"op": "add", "at": 0, "block": {"type": "paragraph", "text": "hello"}})
    assert again.dropped == ((0, "the page has this already: p1u2."),)


def test_confirm_changes_nothing_and_holds_for_what_was_seen() -> None:
    found = on(PAGE, {"op": "confirm", "by": "user"})
    assert found.page == PAGE
    assert found.corrections[0].was is not None
    assert found.corrections[0].was.digest == digest(PAGE)
    assert apply(PAGE, found.corrections) == found
    other = on(PAGE, {"op": "edit", "block": "p1b2", "text": "another"}).page
    assert apply(other, found.corrections).dropped == ((0, "the page says something else than what was confirmed."),)


def test_items_of_a_list() -> None:
    page = Page(
        1,
        100,
        100,
        blocks=(Block("list", BBox(0, 0, 90, 90), items=tuple(Block("list_item", runs=(Run(t),)) for t in "abc")),),
    )
    found = on(
        page,
        {"op": "edit", "block": "p1b1.2", "text": "B"},
        {"op": "move", "block": "p1b1.3", "to": 0},
        {"op": "delete", "block": "p1b1.1"},
    )
    assert found.page.text == "c\nB"
    assert as_read(correct(Document((page,)), {1: found.corrections})) == Document((page,))
    assert on(page, {"op": "edit", "block": "p1b1.2", "type": "heading"}).dropped[0][1].startswith("an item of a list")
    one = on(page, *({"op": "delete", "block": f"p1b1.{n}"} for n in (1, 2, 3)))
    assert one.dropped == ((2, "it is the only item of its list: delete the list."),)
    typed = on(page, {"op": "edit", "block": "p1b1", "text": "a\nx\nc"})
    assert [item.text for item in typed.page.blocks[0].items] == ["a", "x", "c"]
    assert [item.origin for item in typed.page.blocks[0].items] == ["", "user", ""]


# ------------------------------------------------------------------------------------ another reading


def test_put_on_the_same_reading_again_they_do_the_same() -> None:
    found = on(
        PAGE,
        {"op": "edit", "block": "p1b2", "text": "Invoice 2024-018"},
        {"op": "edit", "block": "p1b2", "level": 3},
        {"op": "add", "at": 0, "block": {"type": "list", "bbox": [1, 1, 9, 9], "text": "one\ntwo"}},
        {"op": "edit", "block": "p1u1.1", "text": "ONE"},
        {"op": "move", "block": TABLE, "to": 0},
        {"op": "delete", "block": "p1b8"},
        {"op": "confirm"},
    )
    assert found.dropped == ()
    assert apply(PAGE, found.corrections) == found


def test_on_another_reading_a_block_is_found_by_what_it_said() -> None:
    found = on(
        PAGE,
        {"op": "edit", "block": "p1b3", "text": "To: somebody"},
        {"op": "edit", "block": TABLE, "cells": [{"row": 1, "col": 1, "text": "3"}]},
        {"op": "delete", "block": "p1b8"},  # an image with text
        {"op": "move", "block": "p1b10", "to": 0},
    )
    shifted = Page(
        1, 600, 800, blocks=tuple(replace(b, id="") for b in (Block("paragraph", runs=(Run("new"),)), *PAGE.blocks))
    )
    again = apply(shifted, found.corrections)
    assert again.dropped == ()
    assert [each.block for each in again.corrections] == ["p1b4", "p1b6", "p1b9", "p1b11"]
    assert block(again.page, "p1b4").text == "To: somebody"
    assert block(again.page, "p1b6").rows()[1][1].text == "3"
    assert ids(again.page)[0] == "p1b11"


def test_what_does_not_fit_another_reading_is_told_and_touches_nothing() -> None:
    found = on(
        PAGE,
        {"op": "edit", "block": "p1b3", "text": "To: somebody"},
        {"op": "delete", "block": "p1b9"},
        {"op": "edit", "block": TABLE, "cells": [{"row": 1, "col": 1, "text": "3"}]},
        {"op": "confirm"},
    )
    other = Page(1, 600, 800, blocks=(*PAGE.blocks[:2], Block("paragraph", runs=(Run("else"),)), *PAGE.blocks[3:4]))
    again = apply(other, found.corrections)
    assert again.page == other
    assert [index for index, _ in again.dropped] == [0, 1, 2, 3]
    assert again.dropped[0][1] == "p1b3 says something else than what was corrected."
    assert again.dropped[1][1] == "the page has no block p1b9 any more."
    assert [each.text for each in again.corrections] == ["To: somebody", None, None, None], "none is lost"


def test_what_was_set_aside_stays_aside() -> None:
    aside = said(op="edit", block="p1b2", text="x", applied=False, reason="of an older reading")
    assert apply(PAGE, [aside]) == Corrected(PAGE, (aside,))


def test_scaled_to_a_page_of_other_pixels() -> None:
    found = on(
        PAGE,
        {"op": "edit", "block": "p1b2", "bbox": [40, 60, 320, 90]},
        {"op": "add", "at": 0, "block": {"type": "table", "bbox": [1, 2, 3, 4], "text": "a\tb"}},
        {"op": "delete", "block": "p1b8"},
    )
    (larger,) = [
        Page(1, 1200, 1600, blocks=tuple(replace(b, bbox=b.bbox and b.bbox.scaled(2), cells=()) for b in PAGE.blocks))
    ]
    again = apply(larger, [scaled(each, 2, 2) for each in found.corrections])
    assert again.dropped == ()
    assert block(again.page, "p1b2").bbox == BBox(80, 120, 640, 180)
    assert block(again.page, "p1u1").bbox == BBox(2, 4, 6, 8)


# ------------------------------------------------------------------------------------ any document


def _one(number: int, names: list[str]) -> st.SearchStrategy[Correction]:
    """Any correction of page ``number``; it may fit or not."""
    name, kinds = st.sampled_from([*names, "p1b99", "p1u1"]), st.sampled_from(ALL_KINDS)
    cell = st.builds(CellText, st.integers(0, 3), st.integers(0, 3), texts())
    cells = st.lists(cell, min_size=1, max_size=2, unique_by=lambda cell: (cell.row, cell.col)).map(tuple)
    start, size = st.integers(-50, 6000), st.integers(0, 900)
    box = st.builds(lambda x, y, w, h: BBox(x, y, x + w, y + h), start, start, size, size)
    edit, page, index = st.just("edit"), st.just(number), st.integers(0, 6)
    return (
        st.builds(Correction, edit, page, name, text=texts(), kind=st.none() | kinds)
        | st.builds(Correction, edit, page, name, kind=kinds, level=st.none() | st.integers(1, 9))
        | st.builds(Correction, edit, page, name, cells=cells)
        | st.builds(Correction, edit, page, name, bbox=box)
        | st.builds(Correction, st.just("delete"), page, name)
        | st.builds(Correction, st.just("move"), page, name, to=index)
        | st.builds(Correction, st.just("add"), page, added=blocks(), to=index)
        | st.just(Correction("confirm", number, by="user", time="2026-11-21T09:30:00Z"))
    )


@st.composite
def corrected(draw: st.DrawFn) -> tuple[Document, Document]:
    """A document as it was read, and with corrections, some of which do not fit."""
    document = draw(documents())
    by_page = {}
    for page in document.pages:
        names = [part.id for one in page.blocks for part in (one, *one.items)]
        by_page[page.number] = draw(st.lists(_one(page.number, names), max_size=6))
    return document, correct(document, by_page)


@given(corrected())
@settings(max_examples=150, deadline=None)
def test_any_corrected_document_reads_back_and_is_what_was_read_when_they_are_taken_back(
    pair: tuple[Document, Document],
) -> None:
    document, now = pair
    text = to_json(now)
    back = from_json(text)
    assert back == now
    assert as_read(back) == document
    assert read_document(write(now))[0] == replace(now, corrections=())
    by_page = {page.number: [c for c in back.corrections if c.page == page.number] for page in document.pages}
    assert correct(document, by_page) == now
    VALIDATOR.validate(json.loads(to_json(now, html=write_block)))


@given(corrected())
@settings(max_examples=60, deadline=None)
def test_a_box_that_a_person_drew_is_inside_the_page(pair: tuple[Document, Document]) -> None:
    _, now = pair
    drawn = {(c.page, c.block) for c in now.corrections if c.applied and c.bbox is not None}
    for page in now.pages:
        for one in page.blocks:
            if (page.number, one.id) in drawn and one.bbox is not None:
                assert one.bbox == one.bbox.clamped(page.width, page.height)
                assert one.bbox.area > 0


# ------------------------------------------------------------------------------------ the JSON


def test_the_json_of_a_document_says_who_wins() -> None:
    now = correct(
        INVOICE, {1: [said(op="edit", block="p1b2", text="Invoice 18", by="user"), said(op="delete", block="no")]}
    )
    data = json.loads(to_json(now, html=write_block))
    assert data["pages"][0]["blocks"][1]["text"] == "Invoice 18"
    first, second = data["corrections"]
    assert (first["page"], first["op"], first["block"], first["by"]) == (1, "edit", "p1b2", "user")
    assert first["was"]["block"]["text"] == "Invoice 2024-017"
    assert "applied" not in first
    assert second == {"page": 1, "op": "delete", "block": "no", "applied": False, "reason": "the page has no block no."}
    assert "corrections" not in json.loads(to_json(INVOICE))


@pytest.mark.parametrize(
    ("data", "why"),
    [
        ({"op": "paint"}, "there is no correction 'paint'"),
        ({}, "op: expected a string"),
        ({"op": "edit", "block": "p1b1"}, "says what it changes"),
        ({"op": "edit", "text": "x"}, "give its id"),
        ({"op": "edit", "block": "p1b1", "text": 3}, "text: expected a string"),
        ({"op": "edit", "block": "p1b1", "type": "title"}, "unknown kind of block: title"),
        ({"op": "edit", "block": "p1b1", "bbox": [5, 5, 1, 1]}, "not a box"),
        ({"op": "edit", "block": "p1b1", "text": "x", "cells": [{"row": 0, "col": 0, "text": ""}]}, "as well"),
        ({"op": "edit", "block": "p1b1", "cells": [{"row": 0, "col": 0, "text": "a"}] * 2}, "a cell once"),
        ({"op": "edit", "block": "p1b1", "cells": [{"row": 0, "col": 0}]}, r"cells\[0\]\.text: expected a string"),
        ({"op": "delete", "block": "p1b1", "text": "x"}, "an edit does"),
        ({"op": "move", "block": "p1b1"}, "move and the index None"),
        ({"op": "move", "block": "p1b1", "to": -1}, "the index -1"),
        ({"op": "add", "block": {"type": "paragraph"}}, "at: expected a whole number"),
        ({"op": "add", "at": 0, "block": "p1b1"}, "block: expected an object"),
        ({"op": "add", "at": 0}, "block.type: expected a string"),
        ({"op": "confirm", "block": "p1b1"}, "no block"),
    ],
)
def test_what_is_no_correction_is_refused(data: dict[str, Any], why: str) -> None:
    with pytest.raises(SchemaError, match=why):
        correction_from_dict(data, page=1, at="corrections[0]")


def test_corrections_that_are_not_of_the_document_cannot_be_taken_back() -> None:
    now = correct(INVOICE, {1: [said(op="edit", block="p1b2", text="Invoice 18")]})
    strange = replace(now, pages=(replace(PAGE, blocks=PAGE.blocks[:1]),))
    with pytest.raises(SchemaError, match=r"page 1: a correction \(edit p1b2\) is not of this page"):
        as_read(strange)


def test_a_correction_in_json_is_what_it_was() -> None:
    cell = Cell(0, 0, runs=(Run("x"),))
    for one in (
        Correction("edit", 2, "p2b1", kind="heading", level=2, bbox=BBox(1, 2, 3, 4), by="reading embedded 300 dpi"),
        Correction("add", 2, to=3, added=Block("table", cells=(cell,), id="p2u1"), time="2026-11-21T09:30:00Z"),
        Correction("move", 2, "p2b1", to=0, applied=False, reason="gone"),
    ):
        assert correction_from_dict(json.loads(json.dumps(correction_to_dict(one))), page=2) == one


# ------------------------------------------------------------------------------------ what they cost


def test_corrections_that_change_too_much_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("docparse.corrections.MOST_EFFORT", 10_000)
    cells = tuple(Cell(row, col, runs=(Run("x"),)) for row in range(100) for col in range(40))
    page = Page(1, 900, 900, blocks=(Block("table", BBox(0, 0, 900, 900), cells=cells),))
    found = on(page, *({"op": "edit", "block": "p1b1", "cells": [{"row": n, "col": 0, "text": "y"}]} for n in range(9)))
    assert [index for index, _ in found.dropped] == [3, 4, 5, 6, 7, 8], "each costs the 4,001 parts of the page"
    assert {reason for _, reason in found.dropped} == {"the corrections before it change too much for one page."}


def test_a_text_does_not_become_any_number_of_parts() -> None:
    for kind, mark in (("table", "\t"), ("table", "\n"), ("list", "x\n")):
        found = on(PAGE, {"op": "edit", "block": "p1b3", "type": kind, "text": mark * 100_000})
        assert [reason for _, reason in found.dropped] == ["the text has more than 100,000 parts."], kind


def test_added_blocks_without_ids_have_one_each() -> None:
    added = [{"op": "add", "at": 0, "block": {"type": "paragraph", "text": f"new {n}"}} for n in range(300)]
    taken = {"op": "add", "at": 0, "block": {"type": "paragraph", "text": "named", "id": "p1u2"}}
    found = on(PAGE, *added, taken)
    assert found.dropped == ()
    assert sorted(set(ids(found.page))) == sorted(ids(found.page))
    assert block(found.page, "p1u2").text == "named"
