"""Figures and bar charts: drawings told from frames around text, strips joined, labels taken in."""

from __future__ import annotations

import pytest
from drawn import BLACK, EM, PAGE, centred, curve, elements, framed, prose, said, segment, shaded, shape
from making import Draw, encoded, picture, text, together

from docparse.engines.embedded.bars import bar_charts
from docparse.engines.embedded.figures import CAPTION, find_figures
from docparse.engines.embedded.segments import Segment
from docparse.geometry import BBox
from docparse.textlayer import Picture, Shape

# Bars


def bars(*heights: float, x: float = 100, wide: float = 20, step: float = 30, floor: float = 400) -> list[Shape]:
    """Filled bars side by side that stand on ``floor``."""
    return [shaded(x + step * i, floor - h, x + step * i + wide, floor) for i, h in enumerate(heights)]


def lying(*lengths: float) -> list[Shape]:
    return [shaded(100, 100 + 30 * i, 100 + n, 120 + 30 * i) for i, n in enumerate(lengths)]


@pytest.mark.parametrize(
    ("shapes", "found"),
    [
        (bars(40, 80, 60), [BBox(100, 320, 180, 400)]),
        (lying(40, 80, 60), [BBox(100, 100, 180, 180)]),
        (bars(40, 80), []),
        (bars(60, 60, 60), []),
        (bars(60, 61, 62), []),
        (bars(40, 80, 60, wide=2, step=5), []),
        (bars(40, 80, 60, step=0), []),
        (bars(40, 80, 60, step=90), []),
        ([shaded(100, 300, 120, 400), shaded(150, 350, 250, 400), shaded(300, 380, 303, 400)], []),
        ([framed(*s.box.as_tuple()) for s in bars(40, 80, 60)], []),
        ([shaded(*s.box.as_tuple(), fill=0xFFFFFF) for s in bars(40, 80, 60)], []),
    ],
    ids=[
        "three bars that stand",
        "three bars that lie",
        "two are none",
        "equal ones are the cells of a table",
        "nearly equal ones too",
        "lines are none",
        "bars in one place are none",
        "cards that stand far apart are none",
        "boxes of all widths are none",
        "frames are none",
        "white on white is none",
    ],
)
def test_bars_that_make_a_chart(shapes: list[Shape], found: list[BBox]) -> None:
    assert bar_charts(shapes, [], EM) == found


def on(shapes: list[Shape], *texts: str) -> list[Segment]:
    """A text in the middle of each shape."""
    return [centred(t, s.box.center[0], s.box.y2 - 5, size=8) for s, t in zip(shapes, texts, strict=False) if t]


@pytest.mark.parametrize(
    ("heights", "texts", "charts"),
    [
        ((40, 80, 60), ("12", "24", "18"), 1),
        ((40, 80, 60), ("Name", "Town", "Date"), 0),
        ((40, 80, 60, 50), ("", "", "", "Town"), 1),
        ((40, 80, 80, 80, 80), ("1", "2", "3", "4", "5"), 0),
    ],
    ids=["values in bars", "words in boxes", "one word is a label", "numbers in cells of one height"],
)
def test_bars_that_bear_text(heights: tuple[float, ...], texts: tuple[str, ...], charts: int) -> None:
    shapes = bars(*heights)
    assert len(bar_charts(shapes, on(shapes, *texts), EM)) == charts


def test_a_chart_within_another_is_told_once() -> None:
    """Bars in two tones, the inner ones a little above the floor of the others."""
    whole, inner = bars(40, 80, 60), bars(20, 60, 40, floor=390)
    for shapes in (whole + inner, inner + whole):
        assert bar_charts(shapes, [], EM) == [BBox(100, 320, 180, 400)]


def test_charts_side_by_side_are_two() -> None:
    assert len(bar_charts(bars(40, 80, 60) + bars(30, 90, 50, x=400, floor=500), [], EM)) == 2


# Drawings


def figures(shapes: list[Shape], *texts: Segment, pictures: list[Picture] | None = None, **how: object) -> list[BBox]:
    boxes = find_figures(
        pictures or [],
        shapes,
        how.get("charts", []),  # type: ignore[arg-type]
        list(texts),
        [],
        how.get("tables", []),  # type: ignore[arg-type]
        PAGE,
        EM,
    )
    return [figure.box for figure in boxes]


PLOT = [framed(100, 100, 300, 250), curve(100, 120, 300, 240), curve(100, 140, 300, 200)]
MANY = [curve(100 + 20 * i, 100 + 15 * i, 130 + 20 * i, 125 + 15 * i) for i in range(7)]
FLOW = [
    shaded(100 + 45 * i, 100 + 20 * j, 150 + 45 * i, 125 + 20 * j, fill=0xAA0000 + i)
    for i in range(2)
    for j in range(3)
]


@pytest.mark.parametrize(
    ("shapes", "found"),
    [
        (PLOT, [BBox(100, 100, 300, 250)]),
        (MANY, [BBox(100, 100, 250, 215)]),
        (FLOW, [BBox(100, 100, 195, 165)]),
        (PLOT[:2], []),
        ([framed(100, 100, 300, 250)], []),
        ([curve(100 + i, 100, 102 + i, 102) for i in range(20)], []),
        ([curve(0, 0, 600, 800)] * 8, []),
        ([shape("path", c.box.as_tuple(), None, 0xFFFFFF) for c in MANY], []),
    ],
    ids=[
        "a frame with two curves",
        "many slanted lines",
        "boxes of several colours",
        "one curve is an ornament",
        "a frame is none",
        "scratches smaller than text",
        "a ground as large as the page",
        "white on white",
    ],
)
def test_drawings(shapes: list[Shape], found: list[BBox]) -> None:
    assert figures(shapes) == found


def test_cards_with_text_on_them_are_no_drawing() -> None:
    """The text is the content; the round corners are paths."""
    cards = [shaded(100, 100 + 60 * i, 400, 150 + 60 * i) for i in range(6)]
    corners = [curve(100, 100 + 60 * i, 108, 108 + 60 * i) for i in range(6)]
    written = [s for i in range(6) for s in prose(110, 115 + 60 * i, 2, 260)]
    assert figures([*cards, *corners], *written) == []


def test_a_plot_with_a_line_of_explanation_in_it_is_a_drawing() -> None:
    note = segment("measured at noon in the shade of trees", 105, 115, size=8)
    assert len(figures(PLOT, note)) == 1


def test_shapes_of_a_table_are_no_drawing() -> None:
    assert figures(MANY, tables=[BBox(90, 90, 260, 230)]) == []


def test_a_chart_by_its_bars_is_a_figure_even_where_the_bars_alone_would_be_none() -> None:
    three = bars(40, 80, 60)
    assert figures(three) == []
    assert figures(three, charts=bar_charts(three, [], EM)) == [BBox(100, 320, 180, 400)]


# Pictures


def photo(*box: float, size: tuple[int, int] = (200, 100)) -> Picture:
    return Picture(BBox.of(*box), *size)


@pytest.mark.parametrize(
    ("pictures", "found"),
    [
        ([photo(100, 100, 300, 200)], [BBox(100, 100, 300, 200)]),
        ([photo(100, 100, 300, 150), photo(100, 150, 300, 200)], [BBox(100, 100, 300, 200)]),
        ([photo(100, 100, 300, 150), photo(100, 152, 300, 200)], [BBox(100, 100, 300, 200)]),
        ([photo(100, 100, 300, 150), photo(100, 170, 300, 200)], [BBox(100, 100, 300, 150), BBox(100, 170, 300, 200)]),
        ([photo(100, 100, 110, 110)], []),
        ([photo(100, 100, 300, 200, size=(4, 4))], []),
        ([photo(0, 0, 600, 800)], []),
        ([photo(-50, 100, 100, 200)], [BBox(0, 100, 100, 200)]),
    ],
    ids=[
        "a picture",
        "strips that touch are one",
        "strips a hair apart are one",
        "pictures apart are two",
        "a bullet drawn as a picture is none",
        "a colour stretched to a ground is none",
        "a ground as large as the page is none",
        "a picture that runs off the page ends at its edge",
    ],
)
def test_placed_pictures(pictures: list[Picture], found: list[BBox]) -> None:
    assert figures([], pictures=pictures) == found


def test_pictures_are_not_joined_across_running_text() -> None:
    """Two that overlap at a corner, with text in the other corner of the box around them."""
    pair = [photo(100, 100, 200, 300), photo(190, 290, 500, 400)]
    assert len(figures([], pictures=pair)) == 1
    assert len(figures([], *prose(220, 150, 4, 250), pictures=pair)) == 2


# Labels


def labelled(
    *texts: Segment, box: tuple[float, float, float, float] = (100, 100, 300, 250)
) -> tuple[list[str], list[str]]:
    """What a picture takes in, and what it leaves."""
    left = list(texts)
    (figure,) = find_figures([photo(*box)], [], [], left, [], [], PAGE, EM)
    return said(figure.lines), said(left)


@pytest.mark.parametrize(
    ("label", "own"),
    [
        (centred("Time in hours", 200, 262), True),
        (segment("Output", 120, 150), True),
        (segment("100", 80, 150), True),
        (centred("Time in hours", 200, 290), False),
        (segment("Figure 1", 150, 262), False),
        (segment("A text of six words below it", 100, 262), False),
        (segment("Title", 100, 96, size=20), False),
    ],
    ids=["below", "inside", "beside", "too far", "a caption", "running text", "a heading"],
)
def test_the_labels_of_a_figure(label: Segment, own: bool) -> None:
    assert labelled(label) == (([label.text], []) if own else ([], [label.text]))


def test_the_title_of_an_axis_beyond_its_ticks_is_a_label_too() -> None:
    tick, title = centred("50", 200, 260), centred("Time in hours", 200, 275)
    assert labelled(title, tick)[0] == ["50", "Time in hours"]


def test_an_address_beside_a_logo_is_no_label() -> None:
    assert labelled(segment("12 Mill Road", 145, 120), box=(100, 100, 140, 140)) == ([], ["12 Mill Road"])


def test_the_last_line_of_a_paragraph_above_a_figure_is_no_label() -> None:
    above = segment("It was seen in the year before", 100, 84)
    last = segment("and after that.", 100, 96)
    assert labelled(above, last)[0] == []
    assert labelled(last)[0] == [last.text]


def test_a_short_word_in_a_line_of_running_text_is_no_label() -> None:
    found = segment("runs on beside the figure with it", 320, 150), segment("text", 303, 150, size=9)
    assert "text" not in labelled(*found)[0]


# The words of captions


@pytest.mark.parametrize("string", ["Figure 1: x", "Fig. 2a x", "Table IV x", "Tab. 3", "Abbildung 1.2 x", "图 3 系统"])
def test_words_that_begin_a_caption(string: str) -> None:
    assert CAPTION.match(string)


@pytest.mark.parametrize("string", ["Figures of it", "Tables in it", "Graphic design", "figure it out", "Map of Leeds"])
def test_words_that_only_look_like_it(string: str) -> None:
    assert not CAPTION.match(string)


# Whole pages


def placed(*box: float) -> Draw:
    return lambda page: page.insert_image(box, stream=encoded(picture((200, 100))), keep_proportion=False)


def test_a_picture_of_a_page_has_its_place_and_its_caption() -> None:
    found = elements(
        together(
            *[text("It goes on and on in the text of this page of ours", (60, 100 + 14 * i), 10) for i in range(8)],
            placed(60, 230, 260, 330),
            text("Figure 1: The box that was found", (60, 345), 9),
            *[text("It goes on and on in the text of this page of ours", (60, 380 + 14 * i), 10) for i in range(8)],
        )
    )
    assert [e.kind for e in found] == ["paragraph", "image", "caption", "paragraph"]
    assert found[1].box.iou(BBox(120, 460, 520, 660)) > 0.99


def test_a_bar_chart_is_a_figure_with_its_values_and_no_table() -> None:
    def chart(page: object) -> None:
        for i, h in enumerate((40, 90, 65, 120)):
            box = (100 + 40 * i, 300 - h, 125 + 40 * i, 300)
            page.draw_rect(box, color=None, fill=(0.2, 0.4, 0.8))  # type: ignore[attr-defined]
            page.insert_text((105 + 40 * i, 295 - h), str(h), fontsize=9)  # type: ignore[attr-defined]
            page.insert_text((103 + 40 * i, 312), f"Q{i + 1}", fontsize=9)  # type: ignore[attr-defined]

    (figure,) = elements(together(chart, text("Sales by quarter of the year that ended", (60, 400), 10)))[:1]
    assert figure.kind == "image"
    assert sorted(said(figure.lines)) == ["120", "40", "65", "90", "Q1", "Q2", "Q3", "Q4"]


def test_black_is_a_colour() -> None:
    assert bar_charts([shape("rect", b.box.as_tuple(), None, BLACK) for b in bars(40, 80, 60)], [], EM)


# What a figure must not take


def labels_of(pictures: list[Picture], segments: list[Segment]) -> list[tuple[BBox, list[str]]]:
    found = find_figures(pictures, [], [], segments, [], [], PAGE, EM)
    return [(f.box, said(f.lines)) for f in found]


def test_the_ground_of_a_card_is_no_picture() -> None:
    card = photo(40, 80, 300, 200)
    text_on_it = prose(50, 100, 3, 230)
    assert labels_of([card], text_on_it) == []
    assert labels_of([card], [text_on_it[0], segment("Fig.", 50, 180)]) != []


def test_pictures_on_either_side_of_a_gutter_are_not_joined_across_the_text_above_one_of_them() -> None:
    left, right = photo(50, 400, 299, 600), photo(298, 200, 550, 600)
    text_above = prose(50, 220, 10, 240)
    assert [box for box, _ in labels_of([left, right], text_above)] == [left.box, right.box]


def test_a_label_that_would_draw_running_text_in_is_left_out() -> None:
    right = photo(310, 200, 550, 600)
    label = segment("Flexible locking nut case", 183, 590)
    long = [segment("as wide as it is and no more", 180, 400)]
    assert labels_of([right], [*long, label]) == [(right.box, [])]
    assert labels_of([right], [label]) == [(right.box.union(label.box), ["Flexible locking nut case"])]
