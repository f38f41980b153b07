"""Running headers, footers and page numbers, and what a document's pages have in common."""

from __future__ import annotations

from typing import Any

import pytest
from drawn import EM, PAGE, elements, flush, kinds, lines, prose, row, said, segment
from making import Draw, text, together

from docparse.engines.embedded.element import Element
from docparse.engines.embedded.furniture import is_page_number, take_furniture
from docparse.engines.embedded.profile import SAMPLE, Profile, learn, normal, sample_numbers
from docparse.engines.embedded.segments import Segment
from docparse.raster import RawPage

TEXT = prose(50, 120, 50, 450)
"""The text of a page: from well below the top to well above the foot."""


@pytest.mark.parametrize(
    "string", ["7", "- 7 -", "[12]", "iv", "Page 3", "Seite 3 von 7", "3 / 7", "p. 12", "第 3 页", "A-12", "2.14"]
)
def test_page_numbers(string: str) -> None:
    assert is_page_number(string)


@pytest.mark.parametrize("string", ["Chapter 3", "12345", "7 apples", "-", "", "Page 3 of the annual report"])
def test_no_page_numbers(string: str) -> None:
    assert not is_page_number(string)


def taken(*found: Segment, running: tuple[str, ...] = (), sure: bool = False) -> list[tuple[str, str]]:
    """The furniture of a page with ``TEXT``; fails if anything was lost."""
    page = [*found, *TEXT]
    profile = Profile(body=EM, running=frozenset(running))
    furniture = take_furniture(page, profile, PAGE, EM, sure=sure)
    words = [w for e in furniture for s in e.lines for w in s.words] + [w for s in page for w in s.words]
    assert len(words) == sum(len(s.words) for s in (*found, *TEXT))
    return sorted(kinds(furniture))


# What stands alone at the edge


@pytest.mark.parametrize(
    ("found", "furniture"),
    [
        ([segment("Annual report", 50, 30)], [("header", "Annual report")]),
        ([segment("17", 300, 780)], [("page_number", "17")]),
        ([segment("Printed in Leeds", 50, 780)], [("footer", "Printed in Leeds")]),
        (
            row(30, (50, "Annual report"), (500, "17")),
            [("header", "Annual report"), ("page_number", "17")],
        ),
        (
            lines(50, 760, "Harper & Sons Limited", "12 Mill Road Leeds"),
            [("footer", "Harper & Sons Limited 12 Mill Road Leeds")],
        ),
    ],
    ids=[
        "a line on top",
        "a number at the foot",
        "a line at the foot",
        "a title with a number",
        "lines of an address are one block",
    ],
)
def test_lines_at_the_edge_apart_from_the_text(found: list[Segment], furniture: list[tuple[str, str]]) -> None:
    assert taken(*found) == furniture


@pytest.mark.parametrize(
    "found",
    [
        [segment("Annual report", 50, 30, bold=True)],
        [segment("Annual report", 50, 30, size=12)],
        [segment("Annual report", 50, 90)],
        [segment("The last line of the text", 50, 724)],
        [segment("Table 3: Sales by year", 50, 30)],
        row(30, (50, "Name"), (150, "Street"), (250, "Town"), (350, "Country"), (450, "Code")),
        [segment("word " * 50, 5, 30, size=5)],
    ],
    ids=[
        "bold on top is a title",
        "large print on top is a title",
        "not near enough to the edge",
        "too near to the text",
        "the caption of a table that goes on",
        "the headings of a table that goes on",
        "too long",
    ],
)
def test_lines_at_the_edge_that_belong_to_the_text(found: list[Segment]) -> None:
    assert taken(*found) == []


def test_what_follows_closely_belongs_to_the_text() -> None:
    """Two lines of a letter at the very top, the text right below them."""
    page = lines(50, 30, "Dear Sir or Madam", "thank you for writing", "to us about it") + prose(50, 66, 40, 450)
    assert take_furniture(page, Profile(body=EM), PAGE, EM) == []


# What repeats


def test_what_runs_through_the_document_is_furniture_however_it_looks() -> None:
    large = segment("Annual report 2024", 50, 80, size=16, bold=True)
    assert taken(large) == []
    assert taken(large, running=("annual report #",)) == [("header", "Annual report 2024")]


def test_only_the_part_of_a_row_that_repeats_is_furniture() -> None:
    found = row(95, (50, "Annual report"), (400, "Chapter of this page"))
    assert taken(*found) == []
    assert taken(*found, running=("annual report",)) == [("header", "Annual report")]


@pytest.mark.parametrize("repeated", ["Table 3: Sales by year", "Fig. 2 The plan"])
def test_a_caption_is_none_though_it_repeats(repeated: str) -> None:
    assert taken(segment(repeated, 50, 30), running=(normal(repeated),)) == []


# Pages of which nothing is known but their words


def test_on_a_scan_a_line_alone_is_no_proof_but_a_number_beside_it_is() -> None:
    assert taken(segment("Annual report", 50, 30), sure=True) == []
    both = [("header", "Annual report"), ("page_number", "17")]
    assert taken(*row(30, (50, "Annual report"), (500, "17")), sure=True) == both
    assert taken(*row(30, (50, "17"), (400, "Annual report")), sure=True) == both


# Profiles


def test_numbers_of_pages_do_not_make_two_lines_differ() -> None:
    assert normal("Page 12  of 30") == normal("page 3 of 30") == "page # of #"
    assert normal("Part iv") == normal("Part ii")
    assert normal("Mixed law") == "mixed law"


@pytest.mark.parametrize("pages", [1, SAMPLE, SAMPLE + 1, 1000])
def test_a_sample_is_small_sorted_and_within_the_document(pages: int) -> None:
    numbers = sample_numbers(pages)
    assert numbers == sorted(set(numbers))
    assert 1 <= len(numbers) <= SAMPLE
    assert numbers[0] == 1
    assert numbers[-1] <= pages
    if pages > SAMPLE:
        # Left and right pages have running lines of their own: neighbours are looked at in pairs.
        assert {n % 2 for n in numbers} == {0, 1}


def raw(*pieces: tuple[str, float, float], size: float = 10, bold: bool = False, rotation: Any = 0) -> RawPage:
    """A page of 600 x 800 points with these texts at (x, y)."""
    made = []
    for string, x, y in pieces:
        span = [string, size, 16 if bold else 0, 0, "Body", 0, 1.0, x, y]
        words = [[word, [x, y - 8, x + 40, y]] for word in string.split()]
        made.append([[x, y - 8, x + 5 * len(string), y + 2], [1, 0], [span], words])
    shape = (800.0, 600.0) if rotation in (90, 270) else (600.0, 800.0)
    return RawPage(shape, rotation, raw={"lines": made, "shapes": [], "pictures": []})


def profile(*pages: RawPage | None) -> Profile:
    return learn(len(pages), lambda number: pages[number - 1])


LONG = ("text of the page " * 20, 50.0, 400.0)


def test_lines_in_one_place_on_several_pages_run() -> None:
    pages = [raw(("Annual report", 50, 30), (f"{n}", 300, 780), LONG) for n in range(1, 4)]
    assert profile(*pages).running == {"annual report", "#"}


@pytest.mark.parametrize(
    "pages",
    [
        [raw(("Annual report", 50, 30), LONG)],
        [raw(("Annual report", 50, 30), LONG), raw(("Annual report", 50, 95), LONG)],
        [raw(("Annual report", 50, 300), LONG), raw(("Annual report", 50, 300), LONG)],
        [raw(("1", 300, 780), LONG), raw(("2", 300, 780), LONG)],
    ],
    ids=["once", "in two places", "in the middle of the page", "numbers twice might be values"],
)
def test_lines_that_do_not_run(pages: list[RawPage]) -> None:
    assert profile(*pages).running == frozenset()


def test_a_running_line_may_move_by_a_hair_and_come_in_pieces() -> None:
    pages = [raw(("Annual", 50, y), ("report", 85, y), LONG) for y in (31.9, 32.1, 32.4)]
    assert "annual report" in profile(*pages).running


def test_the_place_is_that_of_the_page_as_shown() -> None:
    """A page turned by a quarter is as high as it was wide: what stands at 560 is not at its foot."""
    pages = [raw(("Annual report", 50, 560), ("Confidential", 50, 780), LONG, rotation=90) for _ in range(2)]
    assert profile(*pages).running == {"confidential"}


def test_texts_far_apart_on_one_height_are_two_lines() -> None:
    pages = [raw(("Annual report", 50, 30), (name, 400, 30), LONG) for name in ("Leeds", "York")]
    assert profile(*pages).running == {"annual report"}


def test_a_page_that_cannot_be_read_costs_nothing() -> None:
    page = raw(("Annual report", 50, 30), LONG)
    assert profile(page, None, page).running == {"annual report"}
    assert profile(None) == Profile()


def test_sizes_larger_than_the_body_are_the_levels_of_headings() -> None:
    one = raw(LONG, ("A chapter", 50, 200))
    large = raw(("A title", 50, 100), size=20)
    nearly = raw(("A title", 50, 100), size=19.5)
    small = raw(("A section", 50, 100), size=14)
    found = profile(one, large, nearly, small, raw(("fine print", 50, 100), size=7))
    assert (found.body, found.headings) == (10, (2.0, 1.4))
    assert not found.bold_body
    assert profile(raw(LONG, bold=True)).bold_body


# Whole documents


def paged(number: int, *more: Draw) -> Draw:
    body = [text("It goes on and on in the text of this page", (60, 120 + 14 * i), 10) for i in range(25)]
    return together(text("THE ANNUAL REPORT", (60, 40), 14), text(f"{number}", (200, 570), 9), *body, *more)


def seen(found: list[Element], *wanted: str) -> list[tuple[str, str]]:
    return [(kind, said) for kind, said in kinds(found) if kind in wanted]


def test_a_large_running_title_is_furniture_because_other_pages_have_it() -> None:
    found = elements(paged(1), paged(2), paged(3), number=2)
    assert seen(found, "header", "heading", "page_number") == [("header", "THE ANNUAL REPORT"), ("page_number", "2")]
    (alone,) = [e for e in elements(paged(1)) if e.text == "THE ANNUAL REPORT"]
    assert alone.kind == "heading"


def test_a_page_with_nothing_but_a_line_at_its_edge_has_a_text() -> None:
    assert kinds(elements(text("Left empty on purpose", (60, 40), 10))) == [("paragraph", "Left empty on purpose")]


def test_flush_right_numbers_are_numbers_too() -> None:
    assert taken(flush("Page 3 of 7", 550, 780)) == [("page_number", "Page 3 of 7")]
    assert said([flush("x", 10, 0)]) == ["x"]


@pytest.mark.parametrize(
    ("x", "found"),
    [(297, [("page_number", "7")]), (50, [])],
    ids=["a number in the middle", "a number at the side"],
)
def test_the_lowest_line_may_be_a_page_number_far_above_the_edge(x: float, found: list[tuple[str, str]]) -> None:
    page = [*prose(50, 120, 30, 450), segment("7", x, 560)]
    assert kinds(take_furniture(page, Profile(body=EM), PAGE, EM)) == found
