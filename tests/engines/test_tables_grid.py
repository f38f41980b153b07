"""From rows of text to cells: chunks, columns, spans, headings, and which text rows are one table row."""

from __future__ import annotations

import pytest
from drawn import EM, across, cells, centred, heads, lattice, row, rows, segment, word

from docparse.engines.embedded.rules import Rule, Rules
from docparse.engines.embedded.segments import Segment, rows_of
from docparse.engines.embedded.tables.columns import chunk_rows, find_columns, separators, spanning
from docparse.engines.embedded.tables.grid import Grid, build_grid
from docparse.geometry import BBox

XS = [50.0, 150.0, 250.0]


def build(page: list[Segment], rules: Rules | None = None) -> Grid:
    box = BBox.around(s.box for s in page).grown(4)
    if rules:
        edges = [BBox(r.start, r.at, r.stop, r.at) for r in rules.horizontal]
        box = BBox.around([box, *edges])
    grid = build_grid(rows_of(page), rules or Rules(), box, EM)
    assert grid is not None
    return grid


def table(page: list[Segment], rules: Rules | None = None) -> list[list[str]]:
    return cells(build(page, rules))


# Chunks


def spaced(*words: str, gap: float, confidence: float | None = None, **style: bool) -> Segment:
    made, x = [], 0.0
    for one in words:
        made.append(word(one, x, 100, confidence=confidence, **style))
        x = made[-1].box.x2 + gap
    return Segment(made, 100)


@pytest.mark.parametrize(
    ("line", "chunks"),
    [
        (spaced("one", "two", gap=2.5), 1),
        (spaced("one", "two", gap=7), 2),
        (spaced("one", "two", gap=7, mono=True), 1),
        (spaced("one", "two", gap=12, mono=True), 2),
        (spaced("one", "two", gap=12, confidence=0.9), 1),
        (spaced("one", "two", gap=20, confidence=0.9), 2),
        (spaced("•", "two", gap=20), 1),
    ],
    ids=[
        "a word space",
        "a gap of half an em and more",
        "the space of a monospaced font",
        "a gap in a monospaced font",
        "words that OCR found in one line stand only roughly",
        "a gap in a line of OCR",
        "a bullet and its item",
    ],
)
def test_where_a_row_is_cut(line: Segment, chunks: int) -> None:
    assert [len(r) for r in chunk_rows([[line]], (), EM)] == [chunks]


def test_lines_that_ocr_found_apart_are_cut_at_a_small_gap() -> None:
    pair = [segment("one", 0, 100, confidence=0.9), segment("two", 25, 100, confidence=0.9)]
    assert [len(r) for r in chunk_rows([pair], (), EM)] == [2]


def test_a_drawn_rule_cuts_where_it_runs_and_only_there() -> None:
    line = spaced("one", "two", gap=2.5)
    at = 16.0
    assert len(chunk_rows([[line]], (Rule(at, 80, 120),), EM)[0]) == 2
    assert len(chunk_rows([[line]], (Rule(at, 200, 300),), EM)[0]) == 1


# Columns


BODY = rows_of(rows(100, XS, ("Leeds", "12", "14"), ("York", "7", "9"), ("Bath", "3", "5")))


def test_separators_are_the_white_between_columns() -> None:
    first, second = separators(BODY, set(), EM)
    assert 75 < first < 150 < 160 < second < 250


def test_a_heading_over_two_columns_is_told_by_the_rows_below_it() -> None:
    heading = centred("All the years of the count", 205, 86)
    page = [[heading], *BODY]
    assert spanning(page, EM) == {id(heading)}
    assert separators(page, spanning(page, EM), EM) == separators(BODY, set(), EM)


def test_a_gap_that_other_rows_write_over_is_no_border() -> None:
    page = rows_of(
        rows(100, [50, 200], ("A town of the north", "12"), ("A town of the south", "7"), ("A village", "3"))
    )
    loose = row(142, (50, "Ely"), (100, "and all"), (200, "5"))
    assert len(separators([*page, loose], set(), EM)) == 1


def test_drawn_borders_count_more_than_white_space() -> None:
    box = BBox(40, 88, 300, 132)
    drawn = (Rule(140, 88, 132), Rule(40, 88, 132), Rule(300, 88, 132))
    columns = find_columns(BODY, drawn, box, EM)
    # The white between the second and third text column is a border too: every row says so.
    assert (columns[0].left, columns[0].right) == (40, 140)
    assert len(columns) == 3
    two_rows = find_columns(BODY[:2], drawn, box, EM)
    assert len(two_rows) == 2


def test_a_rule_and_the_white_around_it_are_one_border() -> None:
    columns = find_columns(BODY, (Rule(115, 88, 132),), BBox(40, 88, 300, 132), EM)
    assert [c.left for c in columns][:2] == [40, 115]
    assert len(columns) == 3


def test_white_space_inside_a_drawn_column_is_a_border_only_where_most_of_its_rows_have_it() -> None:
    names = ["Northam", "Southam", "Westham", "Eastham", "Upham"]
    loose = [s for i in range(3) for s in row(100 + 14 * i, (50, "Ely"), (90, "all"), (250, "7"))]
    whole = [s for i, n in enumerate(names) for s in row(142 + 14 * i, (50, n), (250, "7"))]
    drawn = tuple(Rule(x, 88, 210) for x in (40, 200, 300))
    box = BBox(40, 88, 300, 210)
    assert [c.left for c in find_columns(rows_of(loose + whole), drawn, box, EM)] == [40, 200]
    assert len(find_columns(rows_of(loose), drawn, box, EM)) == 3


# Cells


def test_chunks_of_one_column_are_one_text() -> None:
    """A gap that is no border: two words set far apart in one entry."""
    page = rows(100, XS, ("Leeds", "12", "14"), ("York", "7", "9"), ("Bath", "3", "5"))
    page.append(segment("in", 56, 142))
    page += row(142, (66 + 8, "all"), (150, "22"), (250, "28"))
    assert table(page)[3] == ["in all", "22", "28"]


def test_a_text_wider_than_its_column_spans_the_next() -> None:
    page = rows(100, XS, ("Leeds", "12", "14"), ("York", "7", "9"), ("Bath", "3", "5"), ("Ely", "1", "2"))
    page += [segment("Towns that are by the sea", 50, 156), segment("40", 250, 156)]
    assert table(page)[4] == ["Towns that are by the sea", "<", "40"]


def test_a_border_left_out_in_one_row_makes_one_cell_of_two() -> None:
    page = rows(114, [55, 155, 255], ("Leeds", "12", "14"), ("York", "7", "9"), ("Total", "", "42"), pitch=20)
    full = lattice([50, 150, 250, 350], [100, 120, 140, 160])
    assert table(page, full)[2] == ["Total", "", "42"]
    cut = Rules(full.horizontal, tuple(Rule(150, 100, 140) if r.at == 150 else r for r in full.vertical))
    assert table(page, cut)[2] == ["Total", "<", "42"]


# Headings


@pytest.mark.parametrize(
    ("head", "found"),
    [
        ([("Town", "2019", "2020")], [["Town", "2019", "2020"]]),
        ([("Town", "First", "Second"), ("", "count", "count")], [["Town", "First count", "Second count"]]),
        ([], []),
    ],
    ids=["years are headings, not values", "two lines of headings", "values from the first row on"],
)
def test_rows_above_the_first_values_are_headings(head: list[tuple[str, ...]], found: list[list[str]]) -> None:
    body = [("Leeds", "12", "14"), ("York", "7", "9"), ("Bath", "3", "5"), ("Ely", "1", "2")]
    grid = build(rows(100, XS, *head) + rows(100 + 14 * len(head), XS, *body))
    assert cells(grid) == [*found, *[list(r) for r in body]]
    assert heads(grid) == len(found)


def test_a_rule_near_the_top_closes_the_heading() -> None:
    body = [("Leeds", "old", "red"), ("York", "new", "blue"), ("Bath", "old", "red"), ("Ely", "new", "blue")]
    page = rows(100, XS, ("Town", "Age", "Sign"), *body)
    assert heads(build(page)) == 0
    assert heads(build(page, across(50, 300, 90, 104, 162))) == 1


def test_bold_rows_on_top_are_headings_where_there_are_no_values() -> None:
    page = rows(100, XS, ("Town", "Age", "Sign"), bold=True)
    page += rows(114, XS, ("Leeds", "old", "red"), ("York", "new", "blue"), ("Bath", "old", "red"))
    assert heads(build(page)) == 1


def test_where_every_row_is_ruled_the_first_is_the_heading() -> None:
    page = rows(
        114, [55, 155, 255], ("Town", "Age", "Sign"), ("Leeds", "old", "red"), ("York", "new", "blue"), pitch=20
    )
    page += rows(174, [55, 155, 255], ("Bath", "old", "red"), ("Ely", "new", "red"), pitch=20)
    assert heads(build(page, lattice([50, 150, 250, 350], [100, 120, 140, 160, 180, 200]))) == 1


def test_a_heading_is_spread_over_the_columns_in_whose_middle_it_stands() -> None:
    page = [segment("Town", 50, 114), centred("Count", 207, 100), *row(114, (150, "Men"), (250, "Women"))]
    page += rows(128, XS, ("Leeds", "12", "14"), ("York", "7", "9"), ("Bath", "3", "5"), ("Ely", "1", "2"))
    grid = build(page)
    assert cells(grid)[:2] == [["Town", "Count", "<"], ["^", "Men", "Women"]]
    assert heads(grid) == 2


# Which text rows are one


def test_a_line_that_begins_small_goes_on_and_one_with_a_value_does_not() -> None:
    page = rows(
        100, XS, ("Town", "Men", "Women"), ("Leeds and the", "12", "14"), ("places around", "", ""), ("York", "7", "9")
    )
    page += rows(156, XS, ("Bath", "3", "5"), ("Ely", "1", "2"))
    assert table(page)[1:3] == [["Leeds and the places around", "12", "14"], ["York", "7", "9"]]


def test_a_line_goes_on_after_a_word_that_cannot_end_it() -> None:
    page = rows(
        100, XS, ("Town", "Men", "Women"), ("Leeds and", "12", "14"), ("South York", "", ""), ("Bath", "7", "9")
    )
    page += rows(156, XS, ("Ely", "3", "5"), ("Hull", "1", "2"))
    assert table(page)[1] == ["Leeds and South York", "12", "14"]


def test_a_line_that_begins_large_is_a_row_of_its_own() -> None:
    page = rows(100, XS, ("Town", "Men", "Women"), ("Leeds", "12", "14"), ("South", "", ""), ("York", "7", "9"))
    page += rows(156, XS, ("Bath", "3", "5"), ("Ely", "1", "2"))
    assert table(page)[2] == ["South", "", ""]


def test_lines_set_closer_than_rows_are_further_lines() -> None:
    page = rows(100, XS, ("Town", "Men", "Women"), ("Leeds", "12", "14"))
    page += [
        segment("Harbour", 50, 125),
        *rows(148, XS, ("York", "7", "9"), ("Bath", "3", "5"), ("Ely", "1", "2"), pitch=24),
    ]
    assert table(page)[1] == ["Leeds Harbour", "12", "14"]


def test_values_that_come_with_the_last_line_of_a_name_belong_to_all_of_it() -> None:
    page = rows(
        100, XS, ("Cause", "Men", "Women"), ("Other", "3", "5"), ("Years of", "", ""), ("life lost", "12", "14")
    )
    page += rows(156, XS, ("Years lived", "7", "9"), ("None", "1", "2"))
    assert table(page)[2:4] == [["Years of life lost", "12", "14"], ["Years lived", "7", "9"]]


def test_a_value_beside_the_middle_of_two_lines_is_in_their_row() -> None:
    page = rows(100, XS, ("Town", "Men", "Women"), ("Leeds", "12", "14"))
    page += [segment("A town", 50, 132), *row(138, (150, "7"), (250, "9")), segment("By the sea", 50, 144)]
    page += rows(162, XS, ("Bath", "3", "5"), ("Ely", "1", "2"))
    assert table(page)[2] == ["A town By the sea", "7", "9"]


def test_a_group_of_rows_between_rules_shares_its_label() -> None:
    groups = [("North", "Leeds", "12"), ("", "York", "7"), ("South", "Bath", "3"), ("", "Ely", "5")]
    page = rows(100, XS, ("Area", "Town", "Count"), *groups)
    rules = across(50, 300, 90, 104, 132, 160)
    assert table(page, rules) == [
        ["Area", "Town", "Count"],
        ["North", "Leeds", "12"],
        ["^", "York", "7"],
        ["South", "Bath", "3"],
        ["^", "Ely", "5"],
    ]
    # Without rules an empty place is an empty place.
    assert table(page)[2] == ["", "York", "7"]


def test_nothing_and_one_column_make_no_grid() -> None:
    assert build_grid([], Rules(), BBox(0, 0, 100, 100), EM) is None
    one = rows(100, [50], ("a",), ("b",), ("c",))
    assert build_grid(rows_of(one), Rules(), BBox(40, 90, 100, 140), EM) is None
