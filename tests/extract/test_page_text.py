"""The text of a page in rows: words, segments, spans, and what stands beside and below."""

from __future__ import annotations

import dataclasses
import itertools
import math
from pathlib import Path

import pytest

import docparse
from docparse.document import Block, Cell, Document, Page, Run
from docparse.extract.page_text import PageText, document_text, page_text
from docparse.geometry import BBox
from docparse.textlayer import Style, Word

SAMPLES = Path(__file__).parents[2] / "samples"


def word(text: str, x: float, y: float, *, size: float = 20, confidence: float | None = None) -> Word:
    """A word as wide as its letters: half an em each."""
    box = BBox(x, y, x + len(text) * size / 2, y + size)
    return Word(text, box, ((text, Style(size)),), confidence)


def page(*blocks: Block) -> Page:
    return Page(1, 1000, 1400, blocks=blocks)


def rows(text: PageText) -> list[str]:
    return [" | ".join(s.text for s in row.segments) for row in text.rows]


def test_words_of_one_line_are_a_row_and_a_gap_parts_it() -> None:
    text = page_text(page(), [word("Total:", 100, 50), word("12.00", 800, 52), word("due", 170, 51)])
    assert rows(text) == ["Total: due | 12.00"]


def test_rows_come_from_top_to_bottom_whatever_the_order_of_the_words() -> None:
    text = page_text(page(), [word("b", 100, 90), word("a", 100, 50), word("c", 100, 130)])
    assert rows(text) == ["a", "b", "c"]


def test_a_line_that_slopes_stays_one_row() -> None:
    slope = math.tan(math.radians(2.5))
    words = [word("wwww", 60 * i, 100 + 60 * i * slope) for i in range(15)]
    words += [word("vvvv", 60 * i, 130 + 60 * i * slope) for i in range(15)]
    assert words[14].box.y1 > words[15].box.y1  # the end of the first stands lower than the start of the second
    assert [row.text.split() for row in page_text(page(), words).rows] == [["wwww"] * 15, ["vvvv"] * 15]


def test_a_tall_word_beside_two_lines_does_not_join_them() -> None:
    words = [word("LOGO", 100, 40, size=60), word("first", 400, 40), word("second", 400, 75)]
    assert len(page_text(page(), words).rows) == 2


def test_words_know_their_element_and_their_cell() -> None:
    cells = (
        Cell(0, 0, runs=(Run("Qty"),), bbox=BBox(90, 40, 200, 80)),
        Cell(0, 1, runs=(Run("3"),), bbox=BBox(200, 40, 300, 80)),
    )
    table = Block("table", BBox(90, 40, 300, 80), cells=cells)
    text = page_text(page(table), [word("Qty", 100, 50), word("3", 205, 50)])
    first, second = text.segments
    assert (first.block, first.cell, second.cell) == ("p1b1", (0, 0), (0, 1))
    assert text.blocks["p1b1"].kind == "table"


def test_cells_part_a_row_even_without_a_gap() -> None:
    cells = (Cell(0, 0, bbox=BBox(90, 40, 150, 80)), Cell(0, 1, bbox=BBox(150, 40, 300, 80)))
    table = Block("table", BBox(90, 40, 300, 80), cells=cells)
    assert rows(page_text(page(table), [word("12345", 95, 50), word("67", 155, 50)])) == ["12345 | 67"]


def test_the_smallest_element_is_a_words_home() -> None:
    item = Block("list_item", BBox(100, 100, 300, 130), inline("point"))
    whole = Block("list", BBox(90, 90, 400, 300), items=(item,))
    text = page_text(page(whole), [word("point", 110, 105)])
    assert text.segments[0].block == "p1b1.1"


def inline(text: str) -> tuple[Run, ...]:
    return (Run(text),)


def test_a_span_is_the_words_of_its_characters() -> None:
    row = page_text(page(), [word("Total", 100, 50), word("EUR", 160, 50), word("12.00", 200, 50)]).rows[0]
    span = row.span(row.text.index("EUR"), len(row.text))
    assert (span.text, len(span.words), span.box) == ("EUR 12.00", 2, BBox(160, 50, 250, 70))


def test_a_span_may_cut_a_word_and_its_box() -> None:
    row = page_text(page(), [word("nok7250", 100, 50)]).rows[0]
    assert row.span(3, 7).box == BBox(130, 50, 170, 70)
    assert row.span(3, 7).words[0].text == "7250"
    assert row.span(1, 3).box == BBox(110, 50, 130, 70)


def test_a_mark_cut_off_a_word_takes_less_of_its_box_than_a_digit() -> None:
    text = page_text(page(), [word("DE75123456780000001234,", 100, 50)])
    box = text.rows[0].span(0, 22).box
    assert box.x1 == 100
    assert 330 - 8 < box.x2 < 330  # the word ends at 330; an equal share of 23 would leave 10 for the comma


def test_all_of_a_word_in_parts_is_its_whole_width() -> None:
    row = page_text(page(), [word("Wi.l:M", 100, 50)]).rows[0]
    edges = [row.span(i, i + 1).box for i in range(6)]
    assert edges[0].x1 == 100
    assert edges[-1].x2 == pytest.approx(160)
    assert all(a.x2 == pytest.approx(b.x1) for a, b in itertools.pairwise(edges))


@pytest.mark.parametrize(("start", "end", "text"), [(5, 9, "EUR"), (0, 99, "Total EUR"), (6, None, "EUR")])
def test_spaces_at_the_ends_of_a_span_are_no_part_of_it(start: int, end: int | None, text: str) -> None:
    row = page_text(page(), [word("Total", 100, 50), word("EUR", 160, 50)]).rows[0]
    assert row.span(start, end).text == text


def test_there_is_no_span_of_nothing() -> None:
    row = page_text(page(), [word("Total", 100, 50), word("EUR", 160, 50)]).rows[0]
    for start, end in ((0, 0), (5, 6), (50, 60)):
        with pytest.raises(ValueError, match="no words"):
            row.span(start, end)


def test_a_span_is_as_sure_as_its_least_sure_word() -> None:
    words = [word("Total", 100, 50, confidence=0.9), word("12", 160, 50, confidence=0.4)]
    text = page_text(page(), words)
    assert text.ocr
    assert text.rows[0].span().confidence == 0.4
    assert page_text(page(), [word("Total", 100, 50)]).rows[0].span().confidence is None


def test_what_stands_right_of_and_below_a_segment() -> None:
    words = [
        word("No.", 100, 50),
        word("Date", 300, 50),
        word("17", 105, 90),
        word("today", 300, 92),
        word("x", 100, 400),
    ]
    text = page_text(page(), words)
    number, day = text.rows[0].segments
    assert [s.text for s in text.right_of(number)] == ["Date"]
    assert [s.text for s in text.below(number.box, within=60)] == ["17"]
    assert [s.text for s in text.below(day.box, within=60)] == ["today"]
    assert [s.text for s in text.below(number.box, within=900)] == ["17", "x"]
    assert [s.text for s in text.above(text.rows[1].segments[0].box, within=60)] == ["No."]


def test_without_words_they_are_made_from_the_elements() -> None:
    block = Block("paragraph", BBox(100, 100, 300, 160), inline("Invoice 17\nof today"))
    text = page_text(page(block))
    assert rows(text) == ["Invoice 17", "of today"]
    assert all(BBox(100, 100, 300, 160).covers(w.box, slack=0.01) for row in text.rows for w in row.words)


def test_words_of_a_table_without_boxes_of_cells_stand_in_their_column() -> None:
    cells = (Cell(0, 0, runs=inline("a")), Cell(0, 1, runs=inline("b")), Cell(1, 0, runs=inline("c")), Cell(1, 1))
    text = page_text(page(Block("table", BBox(0, 0, 200, 100), cells=cells)))
    assert rows(text) == ["a | b", "c"]
    assert text.rows[0].segments[1].box.x1 >= 100


def test_of_a_page_with_nothing_there_are_no_rows() -> None:
    assert page_text(page()).rows == ()
    assert page_text(page(), [word("  ", 1, 1)]).rows == ()


def test_a_real_invoice_has_the_same_rows_from_words_and_nearly_from_its_elements() -> None:
    """The elements' own text must do where no words are there: a document from JSON."""
    document = docparse.parse(SAMPLES / "invoice.pdf")
    made = document_text(document)
    said = {w for row in made.rows for w in row.text.split()}
    assert {w for w in document.text.split() if w.isalnum()} <= said
    part = made.part([1])
    assert part.pages == made.pages[:1]
    assert part.page(1) is made.pages[0]


def test_many_words_take_no_quadratic_time() -> None:
    """A hostile page of one-word lines: each word looks at the rows near it, not at all of them."""
    words = [word("x", 10 + (i % 50), 3.0 * i, size=2) for i in range(20_000)]
    assert len(page_text(dataclasses.replace(page(), height=60_100), words).rows) == 20_000


def test_a_document_of_no_pages_has_no_text() -> None:
    assert document_text(Document()).rows == []
