"""Listings in a monospaced font: one block with its indents; what is quoted or typewritten is none."""

from __future__ import annotations

import pytest
from drawn import EM, lines, prose, rows, segment

from docparse.engines.embedded.listings import printed, take_listings
from docparse.engines.embedded.segments import Segment

TEXT = prose(50, 300, 12, 400)
# A character is 5 wide, so that 20 are an indent of four.
CODE = [
    segment("def f(x):", 50, 100, mono=True),
    segment("return x", 70, 112, mono=True),
    segment("f(1)", 50, 136, mono=True),
]


def taken(*found: Segment) -> list[list[str]]:
    page = [*found, *TEXT]
    made = take_listings(page, EM)
    left = [w for s in [*page, *(line for e in made for line in e.lines)] for w in s.words]
    assert len(left) == sum(len(s.words) for s in [*found, *TEXT])
    assert all((e.kind, e.breaks) == ("code", True) for e in made)
    return [printed(e.lines) for e in made]


def test_a_listing_keeps_its_indents_and_its_blank_lines() -> None:
    assert taken(*CODE) == [["def f(x):", "    return x", "", "f(1)"]]


def test_what_stands_under_one_another_in_a_line_stays_there() -> None:
    found = [
        segment("a = 1", 50, 100, mono=True),
        segment("# one", 100, 100, mono=True),
        *lines(50, 112, "b", mono=True),
    ]
    found += lines(50, 124, "c = 3", "d = 4", mono=True)
    assert taken(*found) == [["a = 1     # one", "b", "c = 3", "d = 4"]]


@pytest.mark.parametrize(
    "found",
    [
        pytest.param([segment("return x", 50, 100, mono=True)], id="one line"),
        pytest.param(lines(50, 100, "def f(x):", "return x"), id="no monospaced font"),
        pytest.param(
            [
                *(segment("Call it with f(x), or", 50, 100), segment("f(y)", 148, 100, mono=True)),
                *(segment("if it must be, with f(z) or", 50, 112), segment("f(q)", 168, 112, mono=True)),
            ],
            id="names at the ends of lines of prose",
        ),
        pytest.param(
            rows(
                100,
                (50, 150, 250),
                ("Name", "Price", "Sum"),
                ("One", "2.00", "2.00"),
                ("Two", "3.00", "6.00"),
                mono=True,
            ),
            id="a table",
        ),
        pytest.param([segment("f(x)", 50, 100, mono=True), segment("f(y)", 50, 150, mono=True)], id="lines far apart"),
    ],
)
def test_what_is_no_listing(found: list[Segment]) -> None:
    assert taken(*found) == []


def test_a_page_set_in_a_monospaced_font_is_no_listing() -> None:
    page = prose(50, 100, 12, 400, mono=True)
    assert take_listings(page, EM) == []
    assert len(page) == 12


def test_two_listings_far_apart_are_two() -> None:
    assert len(taken(*CODE, *lines(50, 200, "g(1)", "g(2)", mono=True))) == 2
