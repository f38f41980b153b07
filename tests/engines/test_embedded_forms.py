"""Forms: boxes that stand by themselves, each with its label, read row by row."""

from __future__ import annotations

from typing import Any

import pytest
from drawn import EM, elements, framed, kinds, said, segment, shaded
from making import text, together

from docparse.engines.embedded.forms import form_fields, is_field, take_fields
from docparse.geometry import BBox
from docparse.textlayer import Shape


def boxes(*places: tuple[float, float], wide: float = 150, high: float = 18) -> list[Shape]:
    return [framed(x, y, x + wide, y + high) for x, y in places]


FOUR = boxes((50, 100), (250, 100), (50, 140), (250, 140))


@pytest.mark.parametrize(
    ("shapes", "count"),
    [
        (FOUR, 4),
        (FOUR[:3], 0),
        (boxes((50, 100), (200, 100), (350, 100), (50, 118), (200, 118), (350, 118)), 0),
        (boxes(*[(50, 100 + 60 * i) for i in range(5)], high=50), 0),
        (boxes(*[(50, 100 + 60 * i) for i in range(5)], wide=20), 0),
        ([shaded(*s.box.as_tuple()) for s in FOUR], 0),
        ([*FOUR, *[shaded(*s.box.as_tuple()) for s in FOUR]], 4),
        ([*FOUR, *[framed(*s.box.grown(-0.5).as_tuple()) for s in FOUR]], 8),
    ],
    ids=[
        "boxes that stand by themselves",
        "three are none",
        "cells share their borders",
        "cards are too high",
        "boxes to be ticked are too narrow",
        "shaded areas have no border",
        "a ground in the same place changes nothing",
        "a frame drawn twice stands alone all the same",
    ],
)
def test_boxes_of_a_form(shapes: list[Shape], count: int) -> None:
    assert len(form_fields(shapes, EM)) == count


@pytest.mark.parametrize(
    ("shape", "own"),
    [
        (FOUR[0], True),
        (framed(20, 100, 32, 112), True),
        (framed(20, 300, 320, 330), False),
        (Shape("rule", BBox(50, 118, 200, 118), 0), False),
    ],
    ids=["a box", "one to be ticked", "another frame", "a line"],
)
def test_sides_of_boxes_are_no_rules_of_a_table(shape: Shape, own: bool) -> None:
    fields = form_fields(FOUR, EM)
    assert is_field(shape, fields, EM) is own
    assert not is_field(shape, [], EM)


FIELD = BBox(50, 100, 200, 118)


@pytest.mark.parametrize(
    ("label", "own"),
    [
        (segment("Name", 52, 94), True),
        (segment("Name", 52, 80), False),
        (segment("Name", 10, 94), False),
        (segment("A line of text that is wider than the box", 50, 94), False),
        (segment("Name", 52, 130), False),
    ],
    ids=["right above", "too far above", "left of the box", "wider than the box", "below"],
)
def test_the_label_of_a_box_stands_right_above_it(label: Any, own: bool) -> None:
    value = segment("Ada Lovelace", 54, 113)
    page = [label, value]
    (entry,) = take_fields([FIELD], page, EM)
    assert entry.breaks
    assert said(entry.lines) == (["Name", "Ada Lovelace"] if own else ["Ada Lovelace"])
    assert said(page) == ([] if own else [label.text])


def test_an_empty_box_without_a_label_is_nothing() -> None:
    assert take_fields([FIELD], [], EM) == []
    page = [segment("Name", 52, 94)]
    assert [e.text for e in take_fields([FIELD], page, EM)] == ["Name"]


def test_words_of_one_line_in_a_box_are_one_line() -> None:
    page = [segment("12", 54, 113), segment("Mill Road", 100, 113)]
    (entry,) = take_fields([FIELD], page, EM)
    assert said(entry.lines) == ["12 Mill Road"]


NAMES = ("Family name", "Given name", "Street", "Town", "Country", "Date of birth")
VALUES = ("Lovelace", "Ada", "Mill Road 3", "Leeds", "England", "10 Dec 1815")


def form(page: Any) -> None:
    for i, (name, value) in enumerate(zip(NAMES, VALUES, strict=True)):
        x, y = 40 + 170 * (i % 2), 100 + 50 * (i // 2)
        page.draw_rect((x, y, x + 150, y + 20))
        page.insert_text((x + 1, y - 4), name, fontsize=9)
        page.insert_text((x + 5, y + 14), value, fontsize=10)


def test_a_form_is_read_row_by_row_each_value_under_its_label() -> None:
    page = elements(together(text("Application", (40, 60), 16), form))
    assert kinds(page) == [
        ("heading", "Application"),
        *[("paragraph", f"{name} {value}") for name, value in zip(NAMES, VALUES, strict=True)],
    ]


def test_cells_of_a_table_are_no_form() -> None:
    def table(page: Any) -> None:
        for i, (name, value) in enumerate(zip(NAMES, VALUES, strict=True)):
            for k, words in enumerate((name, value)):
                page.draw_rect((40 + 150 * k, 100 + 20 * i, 190 + 150 * k, 120 + 20 * i))
                page.insert_text((45 + 150 * k, 114 + 20 * i), words, fontsize=10)

    assert [e.kind for e in elements(table)] == ["table"]
