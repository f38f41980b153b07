"""A born-digital page as a whole: what is taken from what, and which part has the first say."""

from __future__ import annotations

import pymupdf
import pytest
from drawn import EM, PAGE, elements, framed, kinds, line_of, lines, prose, row, rows, said, segment, shaded
from making import Draw, text, together

from docparse.engines.embedded.digital import read_digital, take
from docparse.engines.embedded.element import Element
from docparse.engines.embedded.profile import Profile
from docparse.engines.embedded.rules import Rules
from docparse.engines.embedded.segments import Segment, rows_of
from docparse.engines.embedded.tables.grid import build_grid
from docparse.geometry import BBox
from docparse.textlayer import Line, Picture, Shape, TextLayer, Word

TEXT = prose(50, 200, 20, 400)


def read(*found: Segment | Line, shapes: tuple[Shape, ...] = (), pictures: tuple[Picture, ...] = ()) -> list[Element]:
    layer = TextLayer(tuple(f if isinstance(f, Line) else line_of(f) for f in found), shapes, pictures)
    return read_digital(layer, int(PAGE.x2), int(PAGE.y2), Profile(body=EM)).elements


# What is left out, and what is taken apart


def test_hidden_lines_are_not_read() -> None:
    assert kinds(read(*TEXT, line_of(segment("not to be seen", 50, 500), visible=False))) == kinds(read(*TEXT))


def test_a_rule_drawn_with_characters_is_no_text_but_parts_nothing_else() -> None:
    found = read(*TEXT, segment("_" * 40, 50, 460), segment("Signed by the chairman", 50, 480))
    assert [e.text for e in found][1:] == ["Signed by the chairman"]


def test_words_in_a_table_are_taken_from_the_lines_they_stood_in() -> None:
    page = rows(300, [50, 150, 250], ("a", "1", "2"), ("b", "3", "4"), ("c", "5", "6"))
    grid = build_grid(rows_of(page), Rules(), BBox(46, 290, 300, 332), EM)
    assert grid is not None
    mixed = page[0].cut([*page[0].words, *segment("beside", 400, 300).words])
    left = [mixed, *page[1:], *TEXT]
    take(left, [grid])
    assert said(left) == ["beside", *said(TEXT)]


def test_a_drop_cap_begins_its_paragraph() -> None:
    first = lines(68, 200, "he committee met again in the spring", "and agreed on what had been left open")
    found = read(segment("T", 50, 212, size=30), *first, *prose(50, 224, 10, 200))
    assert found[0].text.startswith("The committee met again in the spring and agreed")


# Text at an angle


def sideways(string: str, x: float, y: float) -> Line:
    """Text that runs up the page, 10 wide."""
    box = BBox(x, y, x + 10, y + 5 * len(string))
    word = Word(string, box, ((string, segment("x", 0, 0).words[0].style),))
    return Line((word,), box, 0, 270)


def test_a_note_along_the_edge_is_furniture() -> None:
    found = read(*TEXT, sideways("arXiv:1234.5678", 10, 300))
    assert kinds(found)[0] == ("header", "arXiv:1234.5678")


def test_the_title_of_an_axis_belongs_to_its_figure() -> None:
    picture = Picture(BBox(150, 500, 400, 700), 500, 400)
    (figure,) = [e for e in read(*TEXT, sideways("Height", 136, 560), pictures=(picture,)) if e.kind == "image"]
    assert said(figure.lines) == ["Height"]
    assert figure.box.x1 == 136


def test_other_text_at_an_angle_is_text() -> None:
    assert ("paragraph", "DRAFT") in kinds(read(*TEXT, sideways("DRAFT", 300, 600)))


# Right to left


def hebrew(x: float, y: float, count: int) -> list[Segment]:
    made = []
    for i in range(count):
        line = segment("אבגדה וזחטי כלמנס עפצקר שתאבג", x, y + 12 * i)
        made.append(line)
    return made


def test_hebrew_columns_are_read_from_the_right() -> None:
    left, right = hebrew(60, 200, 8), hebrew(340, 200, 8)
    found = read(*left, *right)
    back = read_digital(TextLayer(tuple(line_of(s) for s in left + right)), 600, 800, Profile(body=EM))
    assert back.upright.mirrored
    assert [back.upright.back(e.box).x1 for e in found] == [340, 60]


# Who has the first say


def test_bars_of_a_chart_are_no_shaded_rows_of_a_table() -> None:
    bars = tuple(shaded(100 + 40 * i, 600 - h, 125 + 40 * i, 600) for i, h in enumerate((50, 90, 70)))
    found = read(*TEXT, *row(612, (105, "Q1"), (145, "Q2"), (185, "Q3")), shapes=bars)
    assert [e.kind for e in found] == ["paragraph", "image"]
    assert said(found[1].lines) == ["Q1", "Q2", "Q3"]


def test_boxes_to_be_filled_in_are_no_table() -> None:
    places = [(50 + 200 * (i % 2), 500 + 40 * (i // 2)) for i in range(6)]
    boxes = tuple(framed(x, y, x + 150, y + 18) for x, y in places)
    names = [segment(f"Field {c}", b.box.x1 + 2, b.box.y1 - 3) for b, c in zip(boxes, "ABCDEF", strict=True)]
    found = read(*TEXT, *names, shapes=boxes)
    assert [e.text for e in found if e.kind == "paragraph"][-6:] == [f"Field {c}" for c in "ABCDEF"]
    assert "table" not in [e.kind for e in found]


def test_words_read_in_a_picture_are_its_own_and_no_table() -> None:
    """The ticks of an axis line up in columns as the entries of a table do."""
    ticks = rows(540, [170, 250, 330], ("10", "20", "30"), ("40", "50", "60"), ("70", "80", "90"), confidence=0.95)
    found = read(*TEXT, *ticks, pictures=(Picture(BBox(150, 520, 400, 700), 500, 400),))
    assert [e.kind for e in found] == ["paragraph", "image"]
    assert len(found[1].lines) == 9


# Pages


def body(x: float, y: float, count: int, string: str = "It goes on and on in the text of this page") -> Draw:
    return together(*[text(string, (x, y + 14 * i), 10) for i in range(count)])


def test_a_page_with_a_bit_of_everything_is_read_in_order() -> None:
    def rule(page: pymupdf.Page) -> None:
        for y in (300, 316, 364):
            page.draw_line((60, y), (340, y))

    entries = [("Town", "2019", "2020"), ("Leeds", "12", "14"), ("York", "7", "9"), ("Bath", "3", "5")]
    table = [
        text(cell, (x, 312 + 16 * i), 10)
        for i, cells in enumerate(entries)
        for x, cell in zip((62, 180, 280), cells, strict=True)
    ]
    found = elements(
        together(
            text("A Report", (60, 80), 18, fontname="hebo"),
            body(60, 110, 5),
            text("1. The first of three items", (60, 200), 10),
            text("2. The second of them", (60, 214), 10),
            text("Table 1: Towns by year", (60, 290), 9),
            rule,
            *table,
            body(60, 400, 5),
            text("1 A note in small print.", (60, 545), 7),
            text("17", (200, 580), 9),
        )
    )
    assert [e.kind for e in found] == [
        "heading",
        "paragraph",
        "list_item",
        "list_item",
        "caption",
        "table",
        "paragraph",
        "footnote",
        "page_number",
    ]


@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_a_turned_page_is_read_as_it_was_written(rotation: int) -> None:
    """/Rotate turns what is shown; the text is read along its own direction."""
    page = together(text("A Report", (60, 80), 18, fontname="hebo"), body(60, 110, 5))
    assert kinds(elements(page, rotation=rotation)) == kinds(elements(page))


def test_code_is_kept_in_its_lines() -> None:
    commands = ["make all", "make test", "make clean"]
    code = [text(line, (60, 250 + 12 * i), 9, fontname="cour") for i, line in enumerate(commands)]
    (block,) = [e for e in elements(together(body(60, 110, 5), *code)) if e.kind == "code"]
    assert (said(block.lines), block.breaks) == (commands, True)


def test_nothing_is_nothing() -> None:
    assert read() == []
