"""How deep an item of a list stands: by its indent from those before it."""

from __future__ import annotations

import pytest
from drawn import EM, segment

from docparse.engines.embedded.element import Element
from docparse.engines.embedded.lists import as_item, nest_items


def item(x: float, y: float, text: str = "• an item of the list") -> Element:
    line = segment(text, x, y)
    return Element("list_item", line.box, [line], level=1)


def levels(*places: tuple[float, float]) -> list[int]:
    items = [item(x, y) for x, y in places]
    nest_items(items, EM)
    return [i.level for i in items]


@pytest.mark.parametrize(
    ("places", "found"),
    [
        pytest.param([(50, 100), (50, 115), (50, 130)], [1, 1, 1], id="one level"),
        pytest.param([(50, 100), (70, 115), (70, 130), (50, 145)], [1, 2, 2, 1], id="two levels and back"),
        pytest.param([(50, 100), (70, 115), (90, 130), (50, 145)], [1, 2, 3, 1], id="three levels, back to the first"),
        pytest.param([(50, 100), (54, 115), (50, 130)], [1, 1, 1], id="an edge that is not quite straight"),
        pytest.param([(70, 100), (50, 115), (70, 130)], [1, 1, 2], id="the first item is indented"),
        pytest.param([(50, 400), (320, 100), (340, 115)], [1, 1, 2], id="the next column begins anew"),
        pytest.param([(50, 100), (200, 115)], [1, 1], id="too far to be an indent"),
    ],
)
def test_levels(places: list[tuple[float, float]], found: list[int]) -> None:
    assert levels(*places) == found


def test_a_paragraph_ends_the_list() -> None:
    line = segment("A paragraph in between", 50, 115)
    elements = [item(50, 100), Element("paragraph", line.box, [line]), item(70, 130)]
    nest_items(elements, EM)
    assert [e.level for e in elements] == [1, 0, 1]


@pytest.mark.parametrize(
    ("text", "kind"),
    [("✓ Adult", "paragraph"), ("✓ No weights and no network needed", "list_item"), ("• Adult", "list_item")],
)
def test_a_tick_before_a_few_words_is_somebodys_choice(text: str, kind: str) -> None:
    line = segment(text, 50, 100)
    element = Element("paragraph", line.box, [line])
    as_item(element)
    assert element.kind == kind
    assert element.marker == ("" if kind == "paragraph" else text[0])
