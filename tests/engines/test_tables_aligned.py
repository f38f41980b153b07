"""Tables without rules, and the lists, leaders and columns of prose that only look like them."""

from __future__ import annotations

import pytest
from drawn import EM, cells, elements, flush, heads, kinds, lines, prose, row, rows, segment
from making import text, together

from docparse.engines.embedded.rules import Rules
from docparse.engines.embedded.segments import Segment
from docparse.engines.embedded.tables.aligned import aligned_tables

XS = [50.0, 200.0, 300.0]
TABLE = [("Town", "2019", "2020"), ("Leeds", "12", "14"), ("York", "7", "9"), ("Bath", "3", "5")]


def tables(*found: list[Segment], rules: Rules | None = None) -> list[list[list[str]]]:
    page = [s for part in found for s in part]
    return [cells(grid) for grid in aligned_tables(page, rules or Rules(), EM)]


def listed(texts: list[tuple[str, ...]]) -> list[list[str]]:
    return [list(t) for t in texts]


# Tables


def test_entries_that_line_up_with_values_are_a_table() -> None:
    (grid,) = aligned_tables(rows(100, XS, *TABLE), Rules(), EM)
    assert cells(grid) == listed(TABLE)
    assert (heads(grid), grid.ruled) == (1, False)


def test_values_flush_right_line_up_too() -> None:
    body = [("Leeds", "1,200.00", "14"), ("York", "7.50", "9"), ("Bath", "12", "1,005")]
    page = [
        s
        for i, (a, b, c) in enumerate(body)
        for s in (segment(a, 50, 100 + 14 * i), flush(b, 250, 100 + 14 * i), flush(c, 340, 100 + 14 * i))
    ]
    assert tables(page) == [listed(body)]


def test_two_columns_of_names_and_amounts_are_a_table() -> None:
    body = [("Blue paint", "$ 10.00"), ("Brush", "$ 3.00"), ("Postage", "$ 4.50")]
    assert tables(rows(100, [50, 200], *body)) == [listed(body)]


@pytest.mark.parametrize(
    "values", [("12 kg", "3 kg", "4.5 kg"), ("12*", "–", "n/a")], ids=["amounts", "signs for none"]
)
def test_whatever_stands_for_a_value_is_one(values: tuple[str, ...]) -> None:
    body = list(zip(("Blue paint", "Brush", "Postage"), values, strict=True))
    assert tables(rows(100, [50, 200], *body)) == [listed(body)]


def test_a_row_of_prose_ends_a_table() -> None:
    below = [
        segment("It goes on and on below", 50, 156),
        segment("and beside it too, in the text that follows it", 250, 156),
    ]
    assert tables(rows(100, XS, *TABLE), below) == [listed(TABLE)]


def test_words_only_are_a_table_where_they_are_short_and_in_three_columns() -> None:
    body = [("Ada", "Leeds", "red"), ("Bea", "York", "blue"), ("Cleo", "Bath", "green"), ("Dora", "Ely", "red")]
    assert tables(rows(100, XS, *body)) == [listed(body)]


def test_a_wrapped_entry_stays_in_its_row() -> None:
    page = [*rows(100, XS, ("Town", "2019", "2020"), ("Leeds and", "12", "14")), segment("around it", 50, 126)]
    page += rows(144, XS, ("York", "7", "9"), ("Bath", "3", "5"), pitch=18)
    assert ["Leeds and around it", "12", "14"] in tables(page)[0]


def test_words_of_a_monospaced_font_have_wide_spaces_between_them() -> None:
    """Its space of 0.6 em would part columns in any other font."""

    def spaced(string: str, x: float, y: float, **how: bool) -> Segment:
        words = []
        for part in string.split():
            words += segment(part, x, y, **how).words
            x = words[-1].box.x2 + 9.5
        return Segment(words, y)

    def page(**how: bool) -> list[Segment]:
        names = ("North of town", "South of town", "Middle of town", "Edges of town")
        return [
            s
            for i, name in enumerate(names)
            for s in (spaced(name, 50, 100 + 14 * i, **how), segment(f"{7 + i}", 300, 100 + 14 * i, **how))
        ]

    assert [len(t[0]) for t in tables(page(mono=True))] == [2]
    assert [len(t[0]) for t in tables(page())] == [4]


def test_a_table_in_one_column_of_prose_does_not_reach_into_the_other() -> None:
    left = prose(50, 100, 22, 230)
    right = prose(310, 100, 6, 230) + rows(190, [310, 430, 490], *TABLE) + prose(310, 262, 9, 230)
    assert tables(left, right) == [listed(TABLE)]


def test_text_that_leads_up_to_a_table_is_no_row_of_it() -> None:
    head = rows(
        58,
        [50, 200, 300],
        ("Sales of", "each year", "by town"),
        ("and then", "some", "more"),
        ("so far", "as", "known"),
    )
    assert tables(head, rows(100, XS, *TABLE))[0][-3:] == listed(TABLE)[1:]
    assert tables(head, rows(100, XS, *TABLE))[0][0] != ["Sales of", "each year", "by town"]


# No tables


@pytest.mark.parametrize(
    "page",
    [
        prose(50, 100, 10, 230) + prose(310, 100, 10, 230),
        [s for x in (40, 220, 400) for s in prose(x, 100, 10, 150)],
        rows(100, [50, 70], *[(f"{i}.", "An item of the list") for i in range(1, 6)]),
        rows(100, [50, 80], *[("•", "An item of the list")] * 5),
        rows(100, [50, 90], *[(f"1.{i}", "A section of it") for i in range(1, 6)]),
        [s for i in range(5) for s in row(100 + 14 * i, (50, f"Chapter {i} .........."), (400, f"{i}"))],
        rows(100, [50, 150], ("From:", "Ada Lovelace"), ("To:", "Charles"), ("About:", "the engine")),
        rows(100, XS, *TABLE[:2]),
        rows(100, XS, *TABLE, pitch=40),
        lines(50, 100, "One entry", "Another", "A third", "A fourth"),
        rows(100, [50, 300], *[("A name", "a text of six words of it")] * 5),
    ],
    ids=[
        "two columns of prose",
        "three columns of prose",
        "a list with its numbers set apart",
        "a list with its bullets set apart",
        "a list of sections",
        "a table of contents",
        "labels and what they say",
        "two rows",
        "rows far apart",
        "one column",
        "names and sentences",
    ],
)
def test_what_lines_up_and_is_no_table(page: list[Segment]) -> None:
    assert tables(page) == []


# Whole pages


def test_two_columns_of_prose_are_read_one_after_the_other() -> None:
    words = "It goes on and on in a column"

    def column(x: float, name: str) -> list[object]:
        return [text(f"{words} {name}", (x, 100 + 13 * i), 9) for i in range(20)]

    found = elements(together(*column(40, "A"), *column(220, "B")))  # type: ignore[arg-type]
    assert [e.kind for e in found] == ["paragraph", "paragraph"]
    assert ("B" in found[0].text, "A" in found[1].text) == (False, False)


def test_a_borderless_table_on_a_page_of_text() -> None:
    lead = [text("It goes on and on in the text of this page of ours today", (60, 100 + 14 * i), 10) for i in range(5)]
    body = [
        text(cell, (x, 200 + 14 * i), 10)
        for i, r in enumerate(TABLE)
        for cell, x in zip(r, (60, 180, 260), strict=True)
    ]
    found = elements(together(*lead, *body))
    assert [e.kind for e in found] == ["paragraph", "table"]
    grid = found[1].grid
    assert grid is not None
    assert cells(grid) == listed(TABLE)


def test_labels_and_their_values_are_lines_of_text() -> None:
    pairs = [("Invoice no:", "2024-17"), ("Due date:", "Jan 31, 2022"), ("Customer:", "Harper & Sons")]
    draws = [text(s, (x, 100 + 14 * i), 10) for i, r in enumerate(pairs) for s, x in zip(r, (60, 140), strict=True)]
    found = elements(together(*draws))
    assert kinds(found) == [("paragraph", " ".join(f"{a} {b}" for a, b in pairs))]
    assert found[0].breaks


@pytest.mark.parametrize(("count", "found"), [(3, 0), (4, 1)])
def test_without_a_value_three_rows_are_too_few(count: int, found: int) -> None:
    texts = [("Ada", "Leeds", "smith"), ("Bea", "York", "baker"), ("Cleo", "Bath", "clerk"), ("Dora", "Hull", "nurse")]
    assert len(tables(rows(100, XS, *texts[:count]))) == found
