"""Displayed formulas: the pieces a text layer gives them in are one element; nothing else is drawn in."""

from __future__ import annotations

import pytest
from drawn import EM, prose, segment

from docparse.engines.embedded.element import Element
from docparse.engines.embedded.formulas import join_formulas
from docparse.engines.embedded.segments import Segment
from docparse.geometry import BBox

MATH = {"font": "CMMI10"}


def block(*found: Segment) -> Element:
    return Element("paragraph", BBox.around(s.box for s in found), list(found))


def joined(*blocks: Element) -> list[tuple[str, str]]:
    elements = list(blocks)
    join_formulas(elements, EM)
    return [(e.kind, " | ".join(line.text for line in e.lines)) for e in elements]


ABOVE, BELOW = block(*prose(50, 60, 3, 400)), block(*prose(50, 180, 3, 400))


def test_a_fraction_and_its_number_are_one_formula() -> None:
    found = joined(
        ABOVE,
        block(segment("y = ", 100, 120, **MATH)),
        block(segment("a b", 130, 113, **MATH)),
        block(segment("a + b", 126, 127, **MATH)),
        block(segment("(1)", 430, 120)),
        BELOW,
    )
    assert [kind for kind, _ in found] == ["paragraph", "formula", "paragraph"]
    assert found[1][1] == "y = | a + b | a b | (1)"


@pytest.mark.parametrize(
    "pieces",
    [
        pytest.param([segment("12 = 7 + 5", 100, 120)], id="a formula in one piece is left to the other rule"),
        pytest.param([segment("a", 100, 120, **MATH), segment("b", 130, 120, **MATH)], id="no relation"),
        pytest.param([segment("x = 1", 100, 120), segment("7.50", 180, 120)], id="neither its fonts nor a number"),
        pytest.param(
            [segment("x = the whole sum", 100, 120, **MATH), segment("+ 1", 220, 120, **MATH)], id="words of a sentence"
        ),
        pytest.param([segment("x =", 100, 120, **MATH), segment("1 + y", 100, 145, **MATH)], id="a line apart"),
        pytest.param([segment("x =", 50, 120, **MATH), segment("1 + y", 300, 120, **MATH)], id="far to the side"),
        pytest.param([segment("Sum = 1", 100, 120, bold=True), segment("+ y", 140, 120, **MATH)], id="a bold word"),
    ],
)
def test_what_is_not_put_together(pieces: list[Segment]) -> None:
    found = joined(ABOVE, *(block(piece) for piece in pieces), BELOW)
    assert [kind for kind, _ in found] == ["paragraph"] * (len(pieces) + 2)


def test_text_between_the_pieces_keeps_them_apart() -> None:
    pieces = [block(segment("x =", 100, 120, **MATH)), block(segment("1 + y", 170, 120, **MATH))]
    between = block(segment("which is", 120, 120))
    assert [kind for kind, _ in joined(*pieces, between)] == ["paragraph"] * 3
