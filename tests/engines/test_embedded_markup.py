"""Elements as markup: what the strict validator and the reader make of what the engine writes."""

from __future__ import annotations

import re

import pytest
from drawn import lattice, lines, rows, segment, word

from docparse.document import Block, Kind
from docparse.engines.embedded.element import Element
from docparse.engines.embedded.markup import write_elements
from docparse.engines.embedded.rules import Rules
from docparse.engines.embedded.segments import Segment, rows_of
from docparse.engines.embedded.tables.grid import Grid, build_grid
from docparse.geometry import BBox
from docparse.qwenvl_html import read, validate


def element(kind: Kind, *found: Segment, **how: object) -> Element:
    return Element(kind, BBox.around(s.box for s in found), list(found), **how)  # type: ignore[arg-type]


def blocks(*elements: Element) -> list[Block]:
    """The blocks as read again; fails if the markup is not what the format wants."""
    out = write_elements(list(elements), lambda box: box)
    assert validate(out.markup(), width=600, height=800) == ()
    found = read(out.markup(), width=600, height=800, confidences=out.spans)
    assert found.issues == ()
    return list(found.blocks)


@pytest.mark.parametrize(
    "kind", ["paragraph", "caption", "header", "footer", "footnote", "page_number", "code", "formula"]
)
def test_each_kind_comes_back_with_its_text_and_its_box(kind: Kind) -> None:
    (block,) = blocks(element(kind, segment("if a < b & c > d", 50, 100)))
    assert (block.kind, block.text) == (kind, "if a < b & c > d")
    assert block.bbox == BBox(50, 93, 113, 102)


def test_boxes_are_led_to_the_pixels_of_the_page() -> None:
    out = write_elements([element("paragraph", segment("text", 50, 100))], lambda box: box.moved(100, 200))
    (block,) = read(out.markup()).blocks
    assert block.bbox == BBox(150, 293, 170, 302)


@pytest.mark.parametrize(("level", "written"), [(0, 1), (1, 1), (3, 3), (9, 6)])
def test_levels_of_headings_are_those_there_are(level: int, written: int) -> None:
    (block,) = blocks(element("heading", segment("A title", 50, 100, bold=True), level=level))
    assert (block.level, [run.marks for run in block.runs]) == (written, [()])


def test_line_ends_that_mean_something_are_kept() -> None:
    found = lines(50, 100, "12 Mill Road", "Leeds")
    (kept,) = blocks(element("paragraph", *found, breaks=True))
    (flowing,) = blocks(element("paragraph", *found))
    assert (kept.text, flowing.text) == ("12 Mill Road\nLeeds", "12 Mill Road Leeds")


def test_code_keeps_its_indents_and_its_quotes() -> None:
    found = [segment("def f(x):", 50, 100, mono=True), segment('return "<x>"', 70, 112, mono=True)]
    (block,) = blocks(element("code", *found))
    assert block.text == 'def f(x):\n    return "<x>"'


def test_a_figure_has_the_text_in_it() -> None:
    bare, written = Element("image", BBox(50, 300, 150, 400)), element("image", *lines(50, 100, "50", "100"))
    second, first = blocks(written, bare)
    assert (first.kind, first.text) == ("image", "")
    assert (second.kind, second.text) == ("image", "50\n100")


# Lists


def item(text: str, y: float, marker: str = "•", number: int | None = None, level: int = 1) -> Element:
    return element("list_item", segment(text, 50, y), marker=marker, number=number, level=level)


def lists(*elements: Element) -> list[str]:
    """The markup from one list to the next."""
    out = write_elements(list(elements), lambda box: box)
    assert validate(out.markup(), width=600, height=800) == ()
    return re.findall(r"<[ou]l data-bbox=.*?(?=<[ou]l data-bbox=|<p |\n)", out.markup())


def test_items_in_a_row_are_one_list_without_their_marks() -> None:
    items = [item("• one", 100), item("• two", 112)]
    assert [(b.kind, b.text) for b in blocks(*items)] == [("list_item", "one"), ("list_item", "two")]
    (found,) = lists(*items)
    assert found.startswith('<ul data-bbox="50 93 73 114"><li ')


def test_bullets_and_numbers_are_lists_of_their_own_each_with_the_box_of_its_items() -> None:
    bullets, ordered = lists(item("• one", 100), item("• two", 112), item("1. three", 140, "1.", 1))
    assert bullets.startswith('<ul data-bbox="50 93 73 114">')
    assert ordered.startswith('<ol data-bbox="50 133 88 142">')


def test_numbers_are_those_that_are_printed() -> None:
    found = blocks(item("3. c", 100, "3.", 3), item("4. d", 112, "4.", 4), item("7. g", 124, "7.", 7))
    assert [(b.number, b.text) for b in found] == [(3, "c"), (4, "d"), (7, "g")]


def test_deeper_items_are_inside_the_one_above() -> None:
    items = [item("• one", 100), item("1. inner", 112, "1.", 1, level=2), item("• two", 124)]
    assert [(b.level, b.text) for b in blocks(*items)] == [(1, "one"), (2, "inner"), (1, "two")]
    (found,) = lists(*items)
    assert found.startswith('<ul data-bbox="50 93 88 126">')


def test_text_between_items_parts_two_lists() -> None:
    assert len(lists(item("• one", 100), element("paragraph", segment("text", 50, 112)), item("• two", 124))) == 2


# Tables


def grid(page: list[Segment], rules: Rules) -> Grid:
    made = build_grid(rows_of(page), rules, BBox(50, 100, 350, 160), 10)
    assert made is not None
    return made


def test_cells_have_their_spans_their_boxes_and_their_heads() -> None:
    page = rows(114, [55, 155, 255], ("Town", "Age", "Sign"), ("Leeds", "12", "red"), ("Total", "", "5"), pitch=20)
    full = lattice([50, 150, 250, 350], [100, 120, 140, 160])
    (block,) = blocks(Element("table", BBox(50, 100, 350, 160), grid=grid(page, full)))
    assert [(c.row, c.col, c.text) for c in block.cells if c.header] == [(0, 0, "Town"), (0, 1, "Age"), (0, 2, "Sign")]
    (empty,) = [c for c in block.cells if not c.text]
    assert (empty.row, empty.col, empty.bbox) == (2, 1, None)
    (leeds,) = [c for c in block.cells if c.text == "Leeds"]
    assert leeds.bbox == BBox(55, 127, 80, 136)


def test_a_table_of_values_only_has_no_head() -> None:
    page = rows(114, [55, 155, 255], ("a", "1", "2"), ("b", "3", "4"), ("c", "5", "6"), pitch=20)
    (block,) = blocks(Element("table", BBox(50, 100, 350, 160), grid=grid(page, Rules())))
    assert not any(c.header for c in block.cells)


def test_spans_are_written() -> None:
    page = rows(114, [55, 155, 255], ("Leeds", "12", "14"), ("York", "7", "9"), ("Total", "", "42"), pitch=20)
    full = lattice([50, 150, 250, 350], [100, 120, 140, 160])
    cut = Rules(full.horizontal, tuple(r if r.at != 150 else type(r)(150, 100, 140) for r in full.vertical))
    (block,) = blocks(Element("table", BBox(50, 100, 350, 160), grid=grid(page, cut)))
    assert [(c.text, c.colspan) for c in block.cells if c.row == 2] == [("Total", 2), ("42", 1)]


# Confidence


def test_what_was_read_says_so_and_how_surely() -> None:
    read_, said_ = segment("read", 50, 100, confidence=0.5), segment("said", 50, 112)
    first, second = blocks(element("paragraph", read_), element("paragraph", said_))
    assert (first.origin, first.confidence) == ("ocr", pytest.approx(0.5))
    assert (second.origin, second.confidence) == ("", None)


def test_items_and_tables_that_were_read_say_so_too() -> None:
    item = element("list_item", segment("- read", 50, 100, confidence=0.5), marker="- ", level=1)
    (found,) = blocks(item)
    assert (found.kind, found.origin) == ("list_item", "ocr")
    rows = [[segment(t, x, y, confidence=0.9) for x, t in ((55, "one"), (155, "two"))] for y in (112, 132)]
    table = grid([s for row in rows for s in row], lattice([50, 150, 250], [100, 120, 140]))
    (found,) = blocks(Element("table", BBox(50, 100, 250, 140), grid=table))
    assert (found.kind, found.origin) == ("table", "ocr")
    assert [cell.confidence for cell in found.cells] == pytest.approx([0.9] * 4)


def test_spans_point_at_the_very_letters() -> None:
    words = [word("a&b", 50, 100, confidence=0.9), word("c", 80, 100, confidence=0.4)]
    out = write_elements([element("paragraph", Segment(words, 100))], lambda box: box)
    assert [(out.markup()[a:b].strip(), p) for a, b, p in out.spans] == [("a&amp;b", 0.9), ("c", 0.4)]


def test_a_page_of_nothing_is_a_page() -> None:
    assert blocks() == []
