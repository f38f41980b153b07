"""Two readings of a page: elements matched, changes told, texts compared by words."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docparse import compare as module
from docparse.compare import Change, compare, diff
from docparse.convert import read_source
from docparse.document import Block, Cell, Page, Run
from docparse.engines.embedded.engine import EmbeddedEngine
from docparse.geometry import BBox
from docparse.mapping import resized
from docparse.source import open_source

SAMPLES = Path(__file__).parents[1] / "samples"


def block(text: str, y: float = 0, *, x: float = 0, w: float = 400, h: float = 40, **how: Any) -> Block:
    kind = how.pop("kind", "paragraph")
    return Block(kind, BBox(x, y, x + w, y + h), (Run(text),) if text else (), **how)


def page(*blocks: Block, width: int = 800, height: int = 1000) -> Page:
    return Page(1, width, height, blocks=blocks)


def kinds(changes: tuple[Change, ...]) -> list[tuple[str, str | None, str | None]]:
    return [(c.change, c.block, c.other) for c in changes]


FIRST = page(block("The title of it", 0), block("A first paragraph of text", 100), block("A second one, longer", 200))


# ------------------------------------------------------------------------ what became of the elements


def test_a_page_is_the_same_as_itself() -> None:
    changes = compare(FIRST, FIRST)
    assert kinds(changes) == [("same", f"p1b{n}", f"p1b{n}") for n in (1, 2, 3)]
    assert all(c.similarity == 1 and not c.pieces for c in changes)
    assert compare(page(), page()) == ()


def test_another_resolution_is_no_change() -> None:
    assert {c.change for c in compare(FIRST, resized(FIRST, 2400, 3000))} == {"same"}
    # The same boxes in other pixels are elsewhere.
    small = dataclasses.replace(resized(FIRST, 80, 100), width=800, height=1000)
    assert {c.change for c in compare(FIRST, small)} == {"same", "moved"}


def test_marks_confidence_and_white_space_are_no_change() -> None:
    other = page(
        Block(
            "paragraph", BBox(0, 2, 398, 41), (Run("The title", ("b",)), Run(" of\nit")), confidence=0.4, origin="ocr"
        ),
        *FIRST.blocks[1:],
    )
    assert {c.change for c in compare(FIRST, other)} == {"same"}


def test_a_changed_text_by_words() -> None:
    other = page(FIRST.blocks[0], block("A first paragraph of TeXt here", 100), FIRST.blocks[2])
    change = compare(FIRST, other)[1]
    assert change.change == "changed"
    assert change.pieces == (("=", "A first paragraph of "), ("-", "text"), ("+", "TeXt here"))
    assert 0.8 < change.similarity < 1


@pytest.mark.parametrize(
    ("was", "now"),
    [
        (block("Title"), block("Title", kind="heading", level=1)),
        (block("Title", kind="heading", level=1), block("Title", kind="heading", level=2)),
        (block("Item", kind="list_item", level=1, number=3), block("Item", kind="list_item", level=1, number=4)),
        (block("x^2", kind="formula", notation="text"), block("x^2", kind="formula", notation="latex")),
        (block("a  b", kind="code"), block("a b", kind="code")),
    ],
)
def test_the_same_words_as_something_else(was: Block, now: Block) -> None:
    (change,) = compare(page(was), page(now))
    assert change.change == "changed"
    assert change.similarity == 1
    assert {mark for mark, _ in change.pieces} == {"="}


def table(*cells: Cell) -> Block:
    return Block("table", BBox(0, 0, 400, 200), cells=cells)


def cell(row: int, col: int, text: str, **how: Any) -> Cell:
    return Cell(row, col, runs=(Run(text),), **how)


def test_tables_are_compared_cell_by_cell() -> None:
    was = table(cell(0, 0, "Item"), cell(0, 1, "Price"), cell(1, 0, "Tea"), cell(1, 1, "2.50"))
    price = table(cell(0, 0, "Item"), cell(0, 1, "Price"), cell(1, 0, "Tea"), cell(1, 1, "2.80"))
    (change,) = compare(page(was), page(price))
    assert change.change == "changed"
    assert change.pieces == (("=", "Item\tPrice\nTea\t"), ("-", "2.50"), ("+", "2.80"))
    header = table(cell(0, 0, "Item", header=True), *was.cells[1:])
    assert compare(page(was), page(header))[0].change == "changed", "a header cell is another table"
    assert compare(page(was), page(dataclasses.replace(was, style="td {}")))[0].change == "same"


def test_added_and_removed_stand_where_they_were() -> None:
    extra = block("Something that was overlooked before", 600)
    changes = compare(FIRST, page(extra, FIRST.blocks[0], FIRST.blocks[2]))
    assert kinds(changes) == [
        ("added", None, "p1b1-2"),
        ("same", "p1b1", "p1b1"),
        ("removed", "p1b2", None),
        ("same", "p1b3", "p1b3"),
    ]
    assert [c.similarity for c in changes] == [0, 1, 0, 1]
    after = compare(FIRST, page(FIRST.blocks[0], extra, *FIRST.blocks[1:]))
    assert [c.change for c in after] == ["same", "added", "same", "same"]


def test_another_reading_order_is_told_of_the_fewest() -> None:
    blocks = [block(f"Paragraph number {n} of the page", 60 * n, id=f"b{n}") for n in range(6)]
    shuffled = [blocks[n] for n in (1, 2, 3, 0, 4, 5)]
    changes = compare(page(*blocks), page(*shuffled))
    assert {c.block: c.change for c in changes if c.change != "same"} == {"b0": "moved"}


def test_the_same_text_elsewhere_on_the_page() -> None:
    other = page(FIRST.blocks[0], block("A first paragraph of text", 800), FIRST.blocks[2])
    assert [c.change for c in compare(FIRST, other)] == ["same", "moved", "same"]
    nearly = page(FIRST.blocks[0], block("A first paragraph of texts", 800), FIRST.blocks[2])
    assert [c.change for c in compare(FIRST, nearly)] == ["same", "changed", "same"]


def test_equal_elements_keep_their_neighbours() -> None:
    lines = [block("Yes", 50 * n, h=20) for n in range(8)]
    assert {c.change for c in compare(page(*lines), page(*lines))} == {"same"}
    changes = compare(page(*lines), page(*lines[:3], *lines[4:]))
    assert [c.change for c in changes].count("removed") == 1
    assert changes[3].change == "removed", "the one whose place is empty"


def test_what_shares_a_place_and_little_text_is_one_element() -> None:
    (change,) = compare(page(block("Rechnung", h=30)), page(block("R€chmmq", h=32)))
    assert change.change == "changed"
    assert 0 < change.similarity < 0.8


def test_elements_without_text_or_place() -> None:
    picture, note = Block("image", BBox(0, 0, 100, 100)), Block("paragraph", None, (Run("Nobody knows where"),))
    assert [c.change for c in compare(page(picture, note), page(picture, note))] == ["same", "same"]
    labelled = Block("image", BBox(0, 0, 101, 99), (Run("axis"),))
    (change, *_) = compare(page(picture), page(labelled))
    assert (change.change, change.similarity, change.pieces) == ("changed", 0.0, (("+", "axis"),))


def test_a_paragraph_that_was_split() -> None:
    whole = page(block("First half of the text. Second half of the text.", 0, h=80))
    halves = page(block("First half of the text.", 0), block("Second half of the text.", 40))
    changes = compare(whole, halves)
    assert sorted(c.change for c in changes) == ["added", "changed"]
    assert {c.other for c in changes} == {"p1b1", "p1b2"}


def test_of_a_region_only_what_stands_in_it() -> None:
    reading = page(block("A first PARAGRAPH of text", 100))
    changes = compare(FIRST, reading, region=BBox(0, 90, 800, 150))
    assert kinds(changes) == [("changed", "p1b2", "p1b1")]
    assert [c.change for c in compare(FIRST, reading)] == ["removed", "changed", "removed"]
    # An element that is mostly outside is not missed.
    assert compare(FIRST, page(), region=BBox(0, 130, 800, 190)) == ()


def test_the_other_way_round() -> None:
    other = page(block("A second one, LONGER", 200), block("New and different in every word", 700), FIRST.blocks[0])
    there, back = compare(FIRST, other), compare(other, FIRST)
    turned = {"added": "removed", "removed": "added"}
    assert {(turned.get(c.change, c.change), c.other, c.block) for c in there if c.change != "moved"} >= {
        (c.change, c.block, c.other) for c in back if c.change in ("added", "removed", "changed")
    }


def test_what_ocr_reads_of_a_page_is_compared_with_its_text_layer() -> None:
    engine = EmbeddedEngine(threads=1)
    with open_source(SAMPLES / "invoice.pdf", dpi=150) as source:
        (digital,) = read_source(source, engine, [1])
        image = source.page(1)
        scanned = dataclasses.replace(digital, blocks=())
        markup = engine.read_page(dataclasses.replace(image, text=None))
    from docparse.qwenvl_html import read

    scanned = dataclasses.replace(scanned, blocks=read(markup.html, width=image.width, height=image.height).blocks)
    changes = compare(digital, scanned)
    paired = [c for c in changes if c.block and c.other]
    assert len(paired) >= 0.6 * len(digital.blocks)
    (the_table,) = [b.id for b in digital.blocks if b.kind == "table"]
    assert next(c for c in paired if c.block == the_table).similarity > 0.8
    assert {c.block for c in changes if c.block} == {b.id for b in digital.blocks}, "each is told once"
    assert {c.other for c in changes if c.other} == {b.id for b in scanned.blocks}


# ------------------------------------------------------------------------ words


@pytest.mark.parametrize(
    ("text", "other", "pieces"),
    [
        ("a b c", "a b c", (("=", "a b c"),)),
        ("", "", ()),
        ("", "new", (("+", "new"),)),
        ("old", "", (("-", "old"),)),
        ("one two three", "one 2 three", (("=", "one "), ("-", "two "), ("+", "2 "), ("=", "three"))),
        ("one\ntwo", "one two", (("=", "one\ntwo"),)),
        ("東京都港区", "東京都渋区", (("=", "東京都"), ("-", "港"), ("+", "渋"), ("=", "区"))),
    ],
)
def test_words_that_differ(text: str, other: str, pieces: tuple[tuple[str, str], ...]) -> None:
    assert diff(text, other) == pieces


@given(st.text("ab \n東", max_size=30), st.text("ab \n東", max_size=30))
def test_pieces_are_both_texts(text: str, other: str) -> None:
    pieces = diff(text, other)
    assert "".join(t for mark, t in pieces if mark != "+") == text
    assert "".join("".join(t for mark, t in pieces if mark != "-").split()) == "".join(other.split())
    assert all(a[0] != b[0] for a, b in zip(pieces, pieces[1:], strict=False)), "neighbours are one piece"
    assert all(t for _, t in pieces)


@given(st.lists(st.sampled_from("abcdefgh"), max_size=12), st.lists(st.sampled_from("abcdefgh"), max_size=12))
def test_each_element_is_told_once(ours: list[str], theirs: list[str]) -> None:
    def of(words: list[str]) -> Page:
        return page(*(block(f"{word * 9} text", 80 * n, h=60) for n, word in enumerate(words)))

    changes = compare(of(ours), of(theirs))
    assert sorted(c.block for c in changes if c.block) == sorted(b.id for b in of(ours).blocks)
    assert sorted(c.other for c in changes if c.other) == sorted(b.id for b in of(theirs).blocks)
    assert [c.block for c in changes if c.block] == [b.id for b in of(ours).blocks], "in the page's order"
    for c in changes:
        assert bool(c.pieces) == (c.change == "changed")
        assert (c.similarity == 1) <= (c.change in ("same", "moved", "changed"))


def test_long_texts_that_have_nothing_in_common_are_one_change(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_CELLS", 50)
    ours, theirs = " ".join("abcdefghij"), " ".join("klmnopqrst")
    assert diff(f"x {ours} z", f"x {theirs} z") == (("=", "x "), ("-", f"{ours} "), ("+", f"{theirs} "), ("=", "z"))


def test_a_page_where_everything_stands_on_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_EFFORT", 100_000)
    ours = page(*(block(f"{n} of the page", 0) for n in range(40)))
    theirs = page(*(block(f"{n} of a page", 0) for n in range(40)))
    changes = compare(ours, theirs)
    assert len([c for c in changes if c.block and c.other]) == 40, "matched by place"
