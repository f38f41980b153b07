"""Tables led by a row of headings: entries under them, further lines, titles, sums; and what wins over them."""

from __future__ import annotations

import pytest
from drawn import EM, cells, flush, heads, lattice, prose, row, said, segment

from docparse.engines.embedded.segments import Segment
from docparse.engines.embedded.tables.grid import Grid, GridCell
from docparse.engines.embedded.tables.headed import headed_tables, preferred
from docparse.engines.embedded.tables.ruled import ruled_tables
from docparse.geometry import BBox

HEAD = row(100, (50, "Item"), (250, "Qty"), (350, "Price"), (450, "Amount"))
"""The headings of an invoice; values are set flush right with the ends of the last three."""
RIGHTS = (265.0, 375.0, 480.0)


def entry(y: float, name: str, *values: str) -> list[Segment]:
    return [segment(name, 50, y), *[flush(v, right, y) for v, right in zip(values, RIGHTS, strict=False) if v]]


def tables(*found: list[Segment]) -> list[list[list[str]]]:
    return [cells(grid) for grid in headed_tables([s for part in found for s in part], EM)]


HEADINGS = ["Item", "Qty", "Price", "Amount"]
TWO = [*entry(116, "Blue paint", "2", "5.00", "10.00"), *entry(130, "Brush", "1", "3.00", "3.00")]
ROWS = [["Blue paint", "2", "5.00", "10.00"], ["Brush", "1", "3.00", "3.00"]]


# Where headings make a table


def test_entries_under_their_headings() -> None:
    assert tables(HEAD, TWO) == [[HEADINGS, *ROWS]]


def test_one_entry_is_enough() -> None:
    (grid,) = headed_tables(HEAD + TWO[:4], EM)
    assert (cells(grid), heads(grid), grid.ruled) == ([HEADINGS, ROWS[0]], 1, False)
    assert grid.box.covers(BBox.around(s.box for s in HEAD + TWO[:4]))


def test_further_lines_of_an_entry_are_in_its_cell() -> None:
    more = [segment("for walls and doors", 50, 128), segment("washable", 50, 140)]
    last = entry(156, "Brush", "1", "3.00", "3.00")
    assert tables(HEAD, TWO[:4], more, last) == [
        [HEADINGS, ["Blue paint for walls and doors washable", "2", "5.00", "10.00"], ROWS[1]]
    ]


def test_an_entry_without_one_of_its_values_leaves_that_cell_empty() -> None:
    assert tables(HEAD, TWO, entry(144, "Postage", "", "", "4.50"))[0][3] == ["Postage", "", "", "4.50"]


def test_a_title_between_entries_is_a_row_across() -> None:
    title = [segment("Tools", 50, 150)]
    last = entry(166, "Hammer", "1", "8.00", "8.00")
    assert tables(HEAD, TWO, title, last)[0][3:] == [["Tools", "<", "<", "<"], ["Hammer", "1", "8.00", "8.00"]]


@pytest.mark.parametrize(
    ("found", "cells_"),
    [
        ([segment("Subtotal", 350, 150), flush("13.00", 480, 150)], ["", "", "Subtotal", "13.00"]),
        ([segment("Subtotal", 50, 150), flush("13.00", 480, 150)], ["Subtotal", "", "", "13.00"]),
        ([flush("Subtotal $ 13.00", 480, 150)], ["", "", "Subtotal", "$ 13.00"]),
    ],
    ids=["called beside its value", "called at the left", "name and value in one piece"],
)
def test_a_sum_stands_in_the_column_it_is_flush_with(found: list[Segment], cells_: list[str]) -> None:
    assert tables(HEAD, TWO, found)[0][3] == cells_


def test_headings_of_two_lines_are_one_row() -> None:
    second = row(112, (250, "(pcs)"), (350, "per unit"))
    (grid,) = tables(HEAD, second, entry(130, "Brush", "1", "3.00", "3.00"))
    assert grid[0] == ["Item", "Qty (pcs)", "Price per unit", "Amount"]


def test_what_stands_between_two_headings_on_another_line_is_a_heading_of_its_own() -> None:
    between = [segment("Tax", 300, 110)]
    values = [*entry(126, "Brush", "1", "3.00", "3.00"), flush("19 %", 325, 126)]
    (grid,) = tables(HEAD, between, values)
    assert grid == [["Item", "Qty", "Tax", "Price", "Amount"], ["Brush", "1", "19 %", "3.00", "3.00"]]


def test_a_heading_of_two_words_with_two_entries_under_it_was_two_headings() -> None:
    head = row(100, (50, "Item"), (250, "Qty Price"), (450, "Amount"))
    values = [segment("Brush", 50, 116), segment("1", 250, 116), segment("3.00", 275, 116), flush("3.00", 480, 116)]
    assert tables(head, values) == [[HEADINGS, ["Brush", "1", "3.00", "3.00"]]]


def test_a_second_table_begins_with_headings_in_bold() -> None:
    again = row(150, (50, "Item"), (250, "Qty"), (350, "Price"), (450, "Amount"), bold=True)
    found = tables(HEAD, TWO, again, entry(166, "Hammer", "1", "8.00", "8.00"))
    assert [len(t) for t in found] == [3, 2]


def test_a_value_set_a_little_lower_belongs_to_the_row_above() -> None:
    low = [segment("Lamp", 50, 116), flush("1", 265, 116), flush("9.00", 375, 116), flush("9.00", 480, 121)]
    (grid,) = tables(HEAD, low)
    assert grid[1] == ["Lamp", "1", "9.00", "9.00"]


def test_an_entry_wider_than_its_heading_begins_where_the_heading_does() -> None:
    long = "Blue paint for walls and doors, washable, in tins"
    assert tables(HEAD, entry(116, long, "", "5.00", "10.00")) == [[HEADINGS, [long, "", "5.00", "10.00"]]]


def test_an_entry_under_two_headings_belongs_to_the_one_that_has_no_other() -> None:
    wide = row(100, (50, "Kind"), (110, "Name of it"), (250, "Price"))
    found = [segment("a", 50, 116), segment("Blue paint for walls and doors", 80, 116), flush("5.00", 275, 116)]
    assert tables(wide, found) == [[["Kind", "Name of it", "Price"], ["a", "Blue paint for walls and doors", "5.00"]]]


def test_a_text_under_two_headings_that_begins_at_neither_is_no_entry() -> None:
    between = [
        segment("all of it for the walls and the doors outside", 60, 116),
        flush("5.00", 375, 116),
        flush("10.00", 480, 116),
    ]
    assert tables(HEAD, between) == []


def test_further_lines_stand_where_the_text_of_their_column_begins() -> None:
    more = row(128, (50, "for walls"), (250, "pcs"))
    assert tables(HEAD, TWO[:4], more)[0][1] == ["Blue paint for walls", "2 pcs", "5.00", "10.00"]


def test_a_line_set_elsewhere_is_no_further_line() -> None:
    aside = [segment("for walls", 120, 128)]
    assert tables(HEAD, TWO[:4], aside, entry(144, "Brush", "1", "3.00", "3.00"))[0][1] == ROWS[0]


# Where the table ends


def test_two_lines_of_something_else_end_a_table() -> None:
    aside = [segment("something else", 120, 144), segment("and more of it", 120, 156)]
    assert tables(HEAD, TWO, aside, entry(170, "Hammer", "1", "8.00", "8.00")) == [[HEADINGS, *ROWS]]


def test_a_number_set_as_no_other_of_its_column_is_no_value_of_it() -> None:
    assert tables(HEAD, TWO, row(146, (90, "see page"), (300, "12"))) == [[HEADINGS, *ROWS]]


def test_text_below_a_table_is_no_row() -> None:
    text = prose(50, 150, 4, 430)
    assert tables(HEAD, TWO, text) == [[HEADINGS, *ROWS]]


def test_a_wide_blank_ends_a_table() -> None:
    assert tables(HEAD, TWO, entry(200, "Hammer", "1", "8.00", "8.00")) == [[HEADINGS, *ROWS]]


def test_notes_after_the_last_entry_are_no_rows() -> None:
    """A line that might be a title between entries is one only if an entry follows."""
    assert tables(HEAD, TWO, [segment("Thank you", 50, 150)]) == [[HEADINGS, *ROWS]]


# Where headings make none


@pytest.mark.parametrize(
    "head",
    [
        row(100, (50, "Item"), (450, "Amount")),
        row(100, (50, "Item"), (250, "Qty"), (350, "5.00"), (450, "Amount")),
        row(100, (50, "Ship to:"), (250, "Qty"), (350, "Price"), (450, "Amount")),
        row(100, (50, "Item of a rather long name"), (250, "Qty"), (350, "Price"), (450, "Amount")),
        row(100, (50, "#"), (250, "–"), (350, "–"), (450, "Amount")),
    ],
    ids=["two headings", "a value among them", "a label with a colon", "a sentence among them", "no words"],
)
def test_rows_that_lead_no_table(head: list[Segment]) -> None:
    assert tables(head, TWO) == []


def test_headings_of_columns_of_prose_lead_no_table() -> None:
    head = row(100, (50, "News"), (230, "Sports"), (410, "Weather"))
    assert tables(head, [s for x in (50, 230, 410) for s in prose(x, 116, 10, 150)]) == []


def test_words_under_words_are_no_entries_without_a_value() -> None:
    assert tables(HEAD, row(116, (50, "one"), (250, "two"), (350, "three"), (450, "four"))) == []


def test_entries_that_stand_under_no_heading_are_no_entries() -> None:
    far = row(116, (50, "Brush"), (600, "3.00"), (700, "3.00"))
    assert tables(HEAD, far) == []


# Beside other finders


def grid_of(box: tuple[float, float, float, float], filled: int) -> Grid:
    chunks = [GridCell(i, 0, chunks=[segment("a", 0, 0)]) for i in range(filled)]
    return Grid(BBox.of(*box), filled, 1, chunks)


BOX = (50.0, 100.0, 450.0, 300.0)


@pytest.mark.parametrize(
    ("headed", "others", "chosen", "left"),
    [
        (grid_of(BOX, 12), [], 1, 0),
        (grid_of(BOX, 12), [grid_of((50, 400, 450, 500), 12)], 1, 1),
        (grid_of(BOX, 12), [grid_of((50, 100, 450, 300), 12)], 0, 1),
        (grid_of(BOX, 16), [grid_of((50, 100, 450, 300), 12)], 1, 0),
        (grid_of(BOX, 16), [grid_of((50, 100, 450, 180), 4), grid_of((50, 220, 450, 290), 4)], 1, 0),
        (grid_of(BOX, 16), [grid_of((50, 100, 450, 600), 8)], 0, 1),
    ],
    ids=[
        "alone",
        "apart from others",
        "no better than a ruled one in its place",
        "says clearly more",
        "takes two parts in",
        "the other reaches far beyond it",
    ],
)
def test_which_of_two_tables_in_one_place_stands(headed: Grid, others: list[Grid], chosen: int, left: int) -> None:
    stands, beside = preferred([headed], others)
    assert (len(stands), len(beside)) == (chosen, left)


def test_a_lattice_wins_over_the_headings_in_it() -> None:
    page = HEAD + TWO
    rules = lattice([45, 200, 300, 400, 490], [88, 105, 120, 135])
    ruled = ruled_tables(page, rules, [], EM)
    headed, others = preferred(headed_tables(page, EM), ruled)
    assert (headed, others) == ([], ruled)
    assert cells(ruled[0]) == [HEADINGS, *ROWS]


def test_headings_with_their_entries_win_over_a_ruled_head_alone() -> None:
    """Lines around the sums only: the entries above them are no part of that grid."""
    sums = [segment("Subtotal", 350, 150), flush("13.00", 480, 150), segment("Tax", 350, 166), flush("2.47", 480, 166)]
    page = HEAD + TWO + sums
    ruled = ruled_tables(page, lattice([340, 420, 490], [140, 155, 172]), [], EM)
    assert [cells(g) for g in ruled] == [[["Subtotal", "13.00"], ["Tax", "2.47"]]]
    headed, others = preferred(headed_tables(page, EM), ruled)
    assert (len(headed), others) == (1, [])
    assert cells(headed[0])[-1] == ["", "", "Tax", "2.47"]
    assert said(page)[:4] == HEADINGS
