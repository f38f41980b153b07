"""Reading order: columns, what spans them, captions, forms; and the gutters that part the columns."""

from __future__ import annotations

import pytest
from drawn import EM, lines, prose, rows, said, segment

from docparse.document import Kind
from docparse.engines.embedded.element import Element
from docparse.engines.embedded.gutters import find_gutters, lines_of
from docparse.engines.embedded.order import in_order, reading_order
from docparse.engines.embedded.segments import Segment
from docparse.geometry import BBox

# Boxes in the order in which they are read; each test gives them shuffled.

TITLE = BBox(50, 20, 550, 50)
LEFT, RIGHT = BBox(50, 100, 290, 700), BBox(310, 100, 550, 700)


def assert_read_as(boxes: list[BBox], **how: object) -> None:
    """``boxes`` come out in the order they stand in here, however they are given."""
    for shuffled in (boxes, boxes[::-1], boxes[1::2] + boxes[::2]):
        found = [shuffled[i] for i in reading_order(shuffled, **how)]  # type: ignore[arg-type]
        assert found == boxes


@pytest.mark.parametrize(
    "boxes",
    [
        [LEFT, RIGHT],
        [TITLE, LEFT, RIGHT, BBox(50, 720, 550, 780)],
        [BBox(20, 100, 200, 700), BBox(210, 100, 390, 700), BBox(400, 100, 580, 700)],
        [BBox(50, 100, 290, 300), BBox(50, 310, 290, 700), BBox(310, 90, 550, 250), BBox(310, 260, 550, 690)],
        [
            BBox(50, 100, 290, 300),
            BBox(310, 100, 550, 300),
            BBox(50, 320, 550, 350),
            BBox(50, 370, 290, 700),
            BBox(310, 370, 550, 700),
        ],
        [BBox(50, 100, 300, 120), BBox(50, 130, 300, 150), BBox(50, 160, 300, 180)],
        [BBox(50, 100, 300, 300), BBox(295, 100, 550, 300)],
        [],
        [TITLE],
    ],
    ids=[
        "two columns",
        "a title over two columns and a line below them",
        "three columns",
        "blocks of two columns at heights of their own",
        "a heading across between two pairs of columns",
        "one below the other",
        "columns that overlap by a sliver",
        "nothing",
        "one box",
    ],
)
def test_boxes_are_read_in_this_order(boxes: list[BBox]) -> None:
    assert_read_as(boxes)


def test_columns_are_read_from_the_right_where_the_script_is() -> None:
    assert_read_as([RIGHT, LEFT], right_to_left=True)


def test_a_side_column_that_begins_further_down_comes_after_what_is_beside_its_top() -> None:
    """A date at the right of a letter's head, and a list of contacts far below at the left."""
    head, low = BBox(350, 40, 550, 80), BBox(50, 500, 200, 700)
    assert_read_as([head, low], reach=25)


def test_a_side_column_that_stands_beside_the_other_is_read_first() -> None:
    side, low = BBox(50, 60, 200, 300), BBox(50, 320, 200, 700)
    main = BBox(220, 40, 550, 690)
    assert_read_as([side, low, main], reach=25)


def test_boxes_that_overlap_in_a_circle_are_all_read_once() -> None:
    boxes = [BBox(0, 0, 100, 100), BBox(90, 50, 190, 150), BBox(0, 0, 190, 150)]
    assert sorted(reading_order(boxes)) == [0, 1, 2]


# Captions


def element(kind: Kind, *box: float) -> Element:
    return Element(kind, BBox.of(*box), [segment(kind, box[0], box[3])])


def names(elements: list[Element], fields: list[BBox] | None = None) -> list[str]:
    return [f"{e.kind}@{e.box.y1:g}" for e in in_order(elements, EM, fields or [])]


@pytest.mark.parametrize("kind", ["image", "table", "chart"])
def test_a_caption_stays_with_its_figure_though_a_column_comes_between(kind: Kind) -> None:
    figure = element(kind, 310, 100, 550, 300)
    caption = element("caption", 310, 310, 550, 322)
    text = element("paragraph", 50, 100, 290, 700)
    below = element("paragraph", 310, 340, 550, 700)
    assert names([caption, below, figure, text]) == ["paragraph@100", f"{kind}@100", "caption@310", "paragraph@340"]


def test_a_caption_above_its_table_comes_first() -> None:
    table, caption = element("table", 50, 130, 290, 300), element("caption", 50, 110, 290, 122)
    assert names([table, caption]) == ["caption@110", "table@130"]


def test_a_caption_between_two_figures_belongs_to_the_nearer_one() -> None:
    upper, lower = element("image", 50, 100, 290, 200), element("image", 50, 240, 290, 400)
    caption = element("caption", 50, 205, 290, 217)
    beside = element("image", 300, 100, 550, 200)
    assert names([lower, caption, upper, beside]) == ["image@100", "caption@205", "image@240", "image@100"]


def test_a_caption_far_from_every_figure_stands_by_itself() -> None:
    figure, caption = element("image", 50, 100, 290, 200), element("caption", 50, 400, 290, 412)
    text = element("paragraph", 50, 250, 290, 380)
    assert names([figure, caption, text]) == ["image@100", "paragraph@250", "caption@400"]


def test_a_caption_is_not_joined_to_a_figure_across_a_text() -> None:
    figure, caption = element("image", 50, 100, 290, 200), element("caption", 50, 222, 290, 234)
    text = element("paragraph", 50, 205, 290, 217)
    assert names([caption, figure, text]) == ["image@100", "paragraph@205", "caption@222"]


def test_a_form_is_read_row_by_row_and_the_rest_column_by_column() -> None:
    boxes = [BBox(x, y, x + 200, y + 20) for y in (100, 140, 180) for x in (50, 300)]
    own = [element("paragraph", b.x1 + 2, b.y1 + 2, b.x2 - 2, b.y2 - 2) for b in boxes]
    order = in_order(own[::-1], EM, boxes)
    assert [(e.box.x1, e.box.y1) for e in order] == [(e.box.x1, e.box.y1) for e in own]
    columns = in_order(own[::-1], EM)
    assert [e.box.x1 for e in columns] == [52, 52, 52, 302, 302, 302]


def test_what_stands_outside_of_a_form_is_no_part_of_it() -> None:
    boxes = [BBox(x, y, x + 200, y + 20) for y in (100, 140, 180) for x in (50, 300)]
    own = [element("paragraph", b.x1 + 2, b.y1 + 2, b.x2 - 2, b.y2 - 2) for b in boxes]
    title, text = element("heading", 50, 40, 500, 60), element("paragraph", 50, 240, 500, 400)
    order = in_order([text, *own, title], EM, boxes)
    assert [e.box.y1 for e in order] == [40, *[e.box.y1 for e in own], 240]


def test_a_caption_beside_a_figure_or_under_its_neighbour_is_not_its_own() -> None:
    figure, caption = element("image", 50, 100, 290, 200), element("caption", 240, 205, 500, 217)
    text = element("paragraph", 50, 210, 200, 400)
    assert names([caption, figure, text]) == ["image@100", "paragraph@210", "caption@205"]


# Panels


def on_panel(kind: Kind = "paragraph") -> list[Element]:
    """A title over two texts side by side, to be read before what stands to the right of the panel."""
    return [element("heading", 60, 110, 280, 130), element(kind, 60, 140, 160, 290), element(kind, 180, 140, 280, 290)]


PANEL = BBox(50, 100, 290, 300)


def ordered_on(panels: list[BBox], elements: list[Element]) -> list[tuple[float, float]]:
    return [(e.box.x1, e.box.y1) for e in in_order(elements, EM, (), panels)]


def test_what_stands_on_a_coloured_ground_is_read_together() -> None:
    """Without the ground, the text that runs beside and below it would come in between."""
    across = element("paragraph", 60, 310, 550, 400)
    beside = [element("paragraph", 310, 90, 550, 300), across]
    right = BBox(310, 320, 560, 500)
    assert ordered_on([PANEL], [*beside, *on_panel()]) == [(60, 110), (60, 140), (180, 140), (310, 90), (60, 310)]
    assert ordered_on([PANEL, right], on_panel()) == ordered_on([], on_panel())


def test_two_panels_side_by_side_are_read_one_after_the_other_though_their_lines_are_level() -> None:
    left = [element("paragraph", 60, y, 280, y + 20) for y in (110, 150, 190)]
    right = [element("paragraph", 320, y, 540, y + 20) for y in (110, 150, 190)]
    panels = [BBox(50, 100, 290, 300), BBox(310, 100, 550, 300)]
    order = in_order([*right, *left, element("heading", 50, 40, 550, 60)], EM, (), panels)
    assert [e.box.x1 for e in order] == [50, 60, 60, 60, 320, 320, 320]


def test_a_ground_under_all_of_the_page_or_one_text_orders_nothing() -> None:
    page = [element("paragraph", 60, 110, 280, 200), element("paragraph", 320, 110, 540, 200)]
    assert ordered_on([BBox(0, 0, 600, 800)], page) == ordered_on([], page)
    assert ordered_on([BBox(50, 100, 290, 210)], page) == ordered_on([], page)


# Gutters


def columns_of_prose() -> list[Segment]:
    return prose(50, 100, 8) + prose(280, 100, 8)


def test_the_white_between_two_columns_is_one_gutter() -> None:
    (gutter,) = find_gutters(columns_of_prose(), EM)
    left, right = columns_of_prose()[:8], columns_of_prose()[8:]
    assert max(s.box.x2 for s in left) == gutter.x1 < gutter.x2 == min(s.box.x1 for s in right)
    assert (gutter.count, gutter.prose(EM)) == (8, True)


def test_a_heading_across_ends_a_gutter() -> None:
    across = segment("A heading that runs across both of the columns of text on the page", 50, 200, size=12)
    page = prose(50, 100, 7) + prose(280, 100, 7) + [across] + prose(50, 220, 5) + prose(280, 220, 5)
    assert [g.count for g in find_gutters(page, EM)] == [7, 5]


def test_a_gutter_between_entries_is_not_one_of_prose() -> None:
    (gutter,) = find_gutters(rows(100, [50, 200], *[("Item", "12.00")] * 5), EM)
    assert not gutter.prose(EM)


def test_a_gap_in_one_line_only_is_no_gutter() -> None:
    assert find_gutters([segment("one", 50, 100), segment("two", 200, 100)], EM) == []


# Lines


def joined(*parts: Segment) -> list[str]:
    return said(lines_of(list(parts), find_gutters(list(parts), EM), EM))


@pytest.mark.parametrize(
    ("left", "right", "gap", "whole"),
    [
        ("These words", "go on here", 20, True),
        ("These words", "stand apart", 40, False),
        ("1.", "An item", 38, True),
        ("•", "An item", 38, True),
        ("Total", "7.00", 300, True),
        ("Total", "$ 1,042.00", 300, True),
        ("A text of rather many words here", "7.00", 300, False),
        ("5.00", "7.00", 300, False),
        ("Due Date:", "Jan 31, 2022", 100, True),
        ("Due Date:", "Jan 31, 2022", 400, True),
        ("Due Date:", "the last day of the month", 100, True),
        ("Due Date:", "the last day of the month", 300, False),
        ("Due Date:", "the last day but one of the month", 100, False),
        ("On the day of the meeting:", "all of them", 100, False),
        ("Total", "–", 300, True),
        ("Name:", "Date:", 100, False),
    ],
    ids=[
        "a gap of two ems is a gap between words",
        "a gap of four is not",
        "a number belongs to its item",
        "a bullet belongs to its item",
        "a value far to the right belongs to its label",
        "so does an amount with its currency",
        "but not to a line of text",
        "two values are two",
        "what follows a colon belongs to it",
        "a date is a value wherever it stands",
        "so does a text that is not too far away",
        "one too far away does not",
        "nor does a long one",
        "nor does any to a line that is no label",
        "a dash is a value that says none",
        "two labels are two",
    ],
)
def test_texts_of_one_row_as_lines(left: str, right: str, gap: float, whole: bool) -> None:
    first = segment(left, 50, 100)
    second = segment(right, first.box.x2 + gap, 100)
    assert joined(first, second) == ([f"{left} {right}"] if whole else [left, right])


def test_a_narrow_gutter_keeps_two_columns_apart() -> None:
    page = prose(50, 100, 6, 200) + prose(270, 100, 6, 200)
    found = lines_of(page, find_gutters(page, EM), EM)
    assert len(found) == 12
    # The same gaps without a gutter to say so: words of one line.
    assert len(lines_of(page, [], EM)) < 12


def test_a_label_and_a_value_on_both_sides_of_a_gutter_of_prose_stay_apart() -> None:
    page = prose(50, 100, 6) + prose(300, 100, 6)
    page += [segment("In all", 50, 172), segment("7.00", 300, 172)]
    page += prose(50, 184, 3) + prose(300, 184, 3)
    found = said(lines_of(page, find_gutters(page, EM), EM))
    assert {"In all", "7.00"} <= set(found)


def test_a_raised_number_first_does_not_lower_the_line_it_begins() -> None:
    mark, text = segment("1", 50, 95, size=6), segment("See the appendix", 54, 100)
    (line,) = lines_of([mark, text], [], EM)
    assert (line.text, line.baseline) == ("1 See the appendix", 100)


def test_a_number_that_begins_a_text_is_no_value_of_the_label_to_its_left() -> None:
    parts = [segment("Total", 50, 100), segment("12", 300, 100), segment("months after that", 314, 100)]
    assert joined(*parts) == ["Total", "12 months after that"]
    assert joined(*parts[:2]) == ["Total 12"]


def test_lines_of_one_column_come_from_top_to_bottom() -> None:
    assert said(lines_of(lines(50, 100, "one", "two", "three")[::-1], [], EM)) == ["one", "two", "three"]


# What stands at the right and is no column

ADDRESS, DATE, SUBJECT, LETTER = (
    BBox(50, 100, 200, 160),
    BBox(450, 185, 550, 197),
    BBox(50, 210, 300, 222),
    BBox(50, 240, 440, 500),
)


def test_a_date_on_its_own_at_the_right_is_read_at_its_height() -> None:
    assert_read_as([ADDRESS, DATE, SUBJECT, LETTER], reach=25)


def test_a_line_of_a_column_at_the_right_is_not_read_between_the_lines_at_the_left() -> None:
    column = [BBox(450, 185, 550, 197), BBox(450, 205, 550, 217), BBox(450, 225, 550, 400)]
    assert_read_as([ADDRESS, SUBJECT, LETTER, *column], reach=25)


def test_the_authors_across_two_columns_are_read_before_the_heading_of_the_first() -> None:
    authors, heading = BBox(220, 60, 380, 90), BBox(120, 105, 180, 117)
    left, right = BBox(50, 120, 290, 700), BBox(310, 105, 550, 700)
    assert_read_as([authors, heading, left, right], reach=25)


def test_a_note_far_below_does_not_pull_the_second_column_before_the_first() -> None:
    left, right, note = BBox(50, 100, 290, 140), BBox(310, 40, 550, 90), BBox(60, 600, 400, 620)
    first = BBox(50, 40, 290, 90)
    assert_read_as([first, left, right, note], reach=25)


def test_what_stands_on_a_panel_is_read_together() -> None:
    steps = [element("paragraph", x, y, x + 100, y + 15) for x in (50, 200, 350) for y in (100, 130)]
    panel = [element("paragraph", 60, 210, 160, 225), element("paragraph", 60, 240, 480, 255)]
    found = in_order([panel[1], *steps, panel[0]], EM, panels=[BBox(50, 200, 500, 270)])
    assert [e.box for e in found] == [e.box for e in steps + panel]


def test_a_ground_under_everything_is_no_panel() -> None:
    elements = [Element("paragraph", box) for box in (TITLE, LEFT, RIGHT)]
    assert [e.box for e in in_order(elements[::-1], EM, panels=[BBox(0, 0, 600, 800)])] == [TITLE, LEFT, RIGHT]


def test_the_clear_margin_of_a_picture_does_not_put_it_into_two_columns() -> None:
    left = [element("paragraph", 50, 100, 290, 300), element("image", 50, 310, 330, 600)]
    right = [element("paragraph", 310, 100, 550, 330), element("image", 300, 340, 550, 600)]
    assert in_order([*right, *left], EM) == left + right
