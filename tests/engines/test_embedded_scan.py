"""Lines of an OCR and regions of a layout model as elements: no model runs here, both are given by hand."""

from __future__ import annotations

import numpy as np
import pytest
from drawn import EM, cells, centred, flush, kinds, line_of, lines, prose, row, rows, said, segment
from PIL import Image, ImageDraw

from docparse.document import Kind
from docparse.engines.embedded.element import Element
from docparse.engines.embedded.regions import Region
from docparse.engines.embedded.scan import arrange_scan, moved
from docparse.engines.embedded.segments import Segment
from docparse.geometry import BBox

SIZE = (600, 800)
SURE = {"confidence": 0.95}


def region(kind: Kind, *box: float, score: float = 0.9, title: bool = False) -> Region:
    return Region(kind, BBox.of(*box), score, title)


def around(kind: Kind, *found: Segment, **how: float) -> Region:
    """A region drawn closely around lines, as the model does it."""
    return region(kind, *BBox.around(s.box for s in found).grown(2).as_tuple(), **how)


def arranged(
    found: list[Segment], *regions: Region, rules: tuple[tuple[int, int, int, int], ...] = (), paper: int = 255
) -> list[Element]:
    """``rules``: lines of ink from (x1, y1) to (x2, y2), two pixels thick."""
    image = Image.new("RGB", SIZE, (paper,) * 3)
    for rule in rules:
        ImageDraw.Draw(image).line(rule, fill=(0, 0, 0), width=2)
    return arrange_scan([line_of(s) for s in found], list(regions), image)


def tables(elements: list[Element]) -> list[list[list[str]]]:
    return [cells(e.grid) for e in elements if e.grid is not None]


TEXT = prose(50, 200, 6, 400, **SURE)
TITLE = segment("A large title", 50, 150, size=20, **SURE)


# Regions and lines


def test_lines_have_the_kind_of_the_region_that_holds_them() -> None:
    found = arranged([TITLE, *TEXT], around("heading", TITLE, title=True), around("paragraph", *TEXT))
    assert [(e.kind, e.level) for e in found] == [("heading", 1), ("paragraph", 0)]
    assert said(found[1].lines) == said(TEXT)
    assert found[1].box == BBox.around(s.box for s in TEXT)


def test_lines_in_no_region_are_not_lost() -> None:
    alone = [segment("Something that the model did not see", 50, 500, **SURE)]
    found = arranged([*TEXT, *alone], around("paragraph", *TEXT))
    assert kinds(found)[-1] == ("paragraph", alone[0].text)


def test_a_page_without_regions_is_read_by_its_lines() -> None:
    assert [e.kind for e in arranged([TITLE, *TEXT])] == ["heading", "paragraph"]


def test_a_region_without_lines_is_nothing_unless_it_is_a_picture() -> None:
    found = arranged(TEXT, region("paragraph", 50, 500, 300, 600), region("image", 310, 500, 560, 600))
    assert [e.kind for e in found] == ["paragraph", "image"]


def test_a_table_in_which_nothing_can_be_read_is_shown_as_a_picture() -> None:
    found = arranged(TEXT, around("paragraph", *TEXT), region("table", 50, 400, 300, 500))
    assert [(e.kind, e.box.as_tuple()) for e in found][1:] == [("image", (50, 400, 300, 500))]


def test_of_two_regions_in_one_place_the_surer_one_counts() -> None:
    found = arranged(TEXT, around("paragraph", *TEXT, score=0.9), around("list_item", *TEXT, score=0.6))
    assert [e.kind for e in found] == ["paragraph"]


@pytest.mark.parametrize(
    ("score", "kind"), [(0.8, "table"), (0.4, "paragraph")], ids=["a sure table", "a doubtful one"]
)
def test_a_table_takes_the_text_regions_on_its_cells_if_it_is_surely_one(score: float, kind: str) -> None:
    page = rows(200, [60, 200, 300], ("Town", "2019", "2020"), ("Leeds", "12", "14"), ("York", "7", "9"), **SURE)
    names = around("paragraph", *page[::3], score=0.95)
    found = arranged(page, around("table", *page, score=score), names)
    assert (kind in [e.kind for e in found]) is True


# Pictures


def test_words_in_a_picture_are_its_own() -> None:
    label = segment("Fig", 100, 550, **SURE)
    (picture,) = [e for e in arranged([*TEXT, label], region("image", 50, 500, 300, 700)) if e.kind == "image"]
    assert said(picture.lines) == ["Fig"]


def test_a_page_on_coloured_ground_is_no_picture() -> None:
    ground = region("image", 0, 0, 600, 800)
    found = arranged([TITLE, *TEXT, *prose(50, 400, 10, 400, **SURE)], ground, around("paragraph", *TEXT), paper=230)
    assert "image" not in [e.kind for e in found]
    assert sum(len(e.lines) for e in found) == 17


def test_a_word_set_as_a_logo_is_text() -> None:
    logo = segment("HARPER", 50, 60, size=30, **SURE)
    assert ("image", "HARPER") not in kinds(arranged([logo, *TEXT], around("image", logo)))


# Tables


TABLE = rows(300, [60, 200, 300], ("Town", "2019", "2020"), ("Leeds", "12", "14"), ("York", "7", "9"), pitch=20, **SURE)
FULL = [["Town", "2019", "2020"], ["Leeds", "12", "14"], ["York", "7", "9"]]
GRID = tuple((50, y, 350, y) for y in (286, 306, 326, 346)) + tuple((x, 286, x, 346) for x in (50, 190, 290, 350))


def test_a_table_without_rules_by_its_region() -> None:
    assert tables(arranged([*TEXT, *TABLE], around("paragraph", *TEXT), around("table", *TABLE))) == [FULL]


def test_a_region_that_is_no_grid_is_text() -> None:
    assert [e.kind for e in arranged(TEXT, around("table", *TEXT))] == ["paragraph"]


def test_a_table_that_the_model_missed_is_found_by_its_lines() -> None:
    found = arranged([*TEXT, *TABLE], around("paragraph", *TEXT), rules=GRID)
    assert tables(found) == [FULL]


def test_two_rules_are_no_table() -> None:
    found = arranged(TEXT, around("paragraph", *TEXT), rules=((50, 180, 450, 180), (50, 280, 450, 280)))
    assert [e.kind for e in found] == ["paragraph"]


NARROW = [segment(s.text, 60 + 0.35 * (s.box.x1 - 60), s.baseline, **SURE) for s in TABLE]


def test_an_entry_that_the_box_of_the_model_cuts_off_is_given_back() -> None:
    cut = around("table", *[s for s in NARROW if s.text not in ("14", "9", "2020")])
    assert tables(arranged([*TEXT, *NARROW], around("paragraph", *TEXT), cut)) == [FULL]


def test_a_note_far_beside_a_table_is_no_entry() -> None:
    note = segment("a note", 300, 320, **SURE)
    found = arranged([*TEXT, *NARROW, note], around("paragraph", *TEXT), around("table", *NARROW))
    assert tables(found) == [FULL]


def test_text_right_below_a_table_is_no_entry() -> None:
    below = segment("Source: the office of the town", 60, 358, **SURE)
    found = arranged([*TEXT, *TABLE, below], around("paragraph", *TEXT), around("table", *TABLE))
    assert tables(found) == [FULL]
    assert kinds(found)[-1][1] == below.text


@pytest.mark.parametrize(("score", "found"), [(0.4, [FULL]), (0.8, [])], ids=["a doubtful picture", "a sure one"])
def test_words_that_stand_in_a_grid_make_a_table_of_what_might_be_a_picture(score: float, found: list[object]) -> None:
    box = BBox.around(s.box for s in NARROW).grown(20).as_tuple()
    page = [*TEXT, *[s.cut(s.words) for s in NARROW]]
    assert tables(arranged(page, region("image", *box, score=score), around("paragraph", *TEXT))) == found


# Receipts


HEAD = ("HARPER & SONS", "12 Mill Road", "Leeds 4")
BODY = [
    ("Blue paint", "10.00"),
    ("Brush large", "3.00"),
    ("White spirit", "4.50"),
    ("Sandpaper", "2.20"),
    ("TOTAL", "19.70"),
]
FOOT = ("Thank you", "Call again", "No refunds")


def receipt(head: tuple[str, ...], foot: tuple[str, ...]) -> tuple[list[Segment], list[Segment], list[Segment]]:
    y = 300
    top = [centred(t, 250, y + 14 * i, **SURE) for i, t in enumerate(head)]
    y += 14 * len(head)
    body = [
        s
        for i, (a, b) in enumerate(BODY)
        for s in (segment(a, 150, y + 14 * i, **SURE), flush(b, 350, y + 14 * i, **SURE))
    ]
    y += 14 * len(BODY)
    return top, body, [centred(t, 250, y + 14 * i, **SURE) for i, t in enumerate(foot)]


def test_a_receipt_has_its_shop_on_top_and_its_thanks_at_the_foot() -> None:
    top, body, foot = receipt(HEAD, FOOT)
    found = arranged([*top, *body, *foot], around("table", *top, *body, *foot))
    assert [e.kind for e in found] == ["paragraph", "table", "paragraph"]
    assert tables(found) == [[list(pair) for pair in BODY]]
    assert said(found[0].lines) == list(HEAD)


def test_a_line_or_two_over_a_table_are_a_heading_over_its_columns() -> None:
    top, body, _ = receipt(HEAD[:1], ())
    assert tables(arranged([*top, *body], around("table", *top, *body)))[0][0] == [HEAD[0], "<"]


# Furniture


def test_a_number_beside_a_title_at_the_edge_is_furniture() -> None:
    found = arranged([*row(30, (50, "Annual report"), (500, "17"), **SURE), *TEXT], around("paragraph", *TEXT))
    assert kinds(found)[:2] == [("header", "Annual report"), ("page_number", "17")]


def test_the_last_row_of_a_table_at_the_foot_is_no_page_number() -> None:
    page = rows(740, [60, 200, 300], ("Town", "2019", "2020"), ("Leeds", "12", "14"), ("York", "7", "9"), **SURE)
    found = arranged([*TEXT, *page], around("paragraph", *TEXT), around("table", *page))
    assert tables(found) == [FULL]
    assert "page_number" not in [e.kind for e in found]


def test_a_page_of_one_line_at_its_edge_has_a_text() -> None:
    alone = segment("Left empty on purpose", 50, 30, **SURE)
    assert [e.kind for e in arranged([alone], around("header", alone))] == ["paragraph"]


# Blocks


def test_the_lines_of_an_address_stay_lines_and_those_of_a_paragraph_flow() -> None:
    address = lines(50, 400, "Harper & Sons Limited", "12 Mill Road", "Leeds", "England", **SURE)
    found = arranged([*TEXT, *address], around("paragraph", *TEXT), around("paragraph", *address))
    assert [e.breaks for e in found] == [False, True]


def test_words_that_ocr_found_apart_on_one_line_come_in_order() -> None:
    pair = row(300, (120, "second"), (50, "first"), **SURE)
    found = arranged([*pair, *lines(50, 312, "and the third", **SURE)], region("paragraph", 45, 290, 300, 320))
    assert [e.text for e in found] == ["first second and the third"]


def test_two_columns_are_read_one_after_the_other() -> None:
    left, right = prose(50, 200, 10, 200, **SURE), prose(320, 200, 10, 200, **SURE)
    found = arranged([*right, *left], around("paragraph", *right), around("paragraph", *left))
    assert [e.box.x1 for e in found] == [50, 320]


def test_a_line_of_a_part_of_the_page_is_moved_to_its_place() -> None:
    line = moved(line_of(segment("in the part", 5, 20)), 100, 300)
    assert line.baseline == 320
    assert line.words[0].box.x1 == line.box.x1 == 105


def test_em_is_that_of_most_letters() -> None:
    assert np.median([s.size for s in TEXT]) == EM
