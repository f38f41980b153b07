"""Token probabilities become the confidence of blocks and cells."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docparse.document import Block
from docparse.qwenvl_html import read
from docparse.qwenvl_html.confidence import Confidences

Spans = list[tuple[int, int, float]]


def spans(markup: str, sure: dict[str, float]) -> Spans:
    """One token for each character; ``sure`` says the probability of those inside of a word, else 0.1."""
    found = [0.1] * len(markup)
    for word, probability in sure.items():
        start = markup.index(word)
        found[start : start + len(word)] = [probability] * len(word)
    return [(at, at + 1, probability) for at, probability in enumerate(found)]


def blocks(markup: str, sure: dict[str, float]) -> tuple[Block, ...]:
    return read(markup, confidences=spans(markup, sure)).blocks


def test_only_the_text_counts_not_the_tags() -> None:
    markup = '<p data-bbox="1 2 3 4">abcd</p>'
    assert blocks(markup, {"abcd": 0.9})[0].confidence == 0.9
    assert blocks(markup, {"ab": 1, "cd": 0.25})[0].confidence == 0.5  # the geometric mean


def test_an_element_without_text_has_that_of_its_tags() -> None:
    markup = '<div class="image" data-bbox="1 2 3 4"><img data-bbox="1 2 3 4"/></div>'
    assert blocks(markup, {markup: 0.8})[0].confidence == 0.8


def test_cells_and_items_have_their_own() -> None:
    markup = '<table data-bbox="1 2 30 40"><tr><td>aaaa</td><td>zz</td><td></td></tr></table>'
    table = blocks(markup, {"aaaa": 0.9, "zz": 0.3})[0]
    assert [cell.confidence for cell in table.cells] == [0.9, 0.3, 0.1]
    assert table.confidence == pytest.approx((0.9**4 * 0.3**2) ** (1 / 6), abs=1e-4)
    markup = '<ul data-bbox="1 2 30 40"><li>yy</li><li>zz</li></ul>'
    lists = blocks(markup, {"yy": 0.9, "zz": 0.3})[0]
    assert [item.confidence for item in lists.items] == [0.9, 0.3]


def test_what_the_markup_says_goes_first() -> None:
    markup = '<p data-bbox="1 2 3 4" data-confidence="0.7">abcd</p>'
    assert blocks(markup, {"abcd": 0.9})[0].confidence == 0.7


def test_without_tokens_nobody_knows() -> None:
    assert read('<p data-bbox="1 2 3 4">a</p>').blocks[0].confidence is None
    assert read('<p data-bbox="1 2 3 4">a</p>', confidences=[(900, 901, 0.5)]).blocks[0].confidence is None


@pytest.mark.parametrize(
    "markup",
    [
        *("# abcd", "- abcd", "abcd\n\nmore", "```\nabcd\n```", "$$\nabcd\n$$"),
        '[{"bbox_2d": [1, 2, 3, 4], "text_content": "abcd"}]',
    ],
)
def test_in_every_format(markup: str) -> None:
    assert blocks(markup, {"abcd": 0.9})[0].confidence == 0.9


def test_odd_probabilities_do_no_harm() -> None:
    markup = '<p data-bbox="1 2 3 4">abcd</p>'
    odd: Spans = [(23, 24, float("nan")), (24, 25, -1.0), (25, 26, 0.0), (26, 27, 7.0), (27, 27, 0.5), (30, 29, 0.5)]
    confidence = read(markup, confidences=odd).blocks[0].confidence
    assert confidence is not None
    assert 0 <= confidence <= 1


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 5), st.floats(0.01, 1)), max_size=12), st.data())
def test_as_if_counted_by_hand(parts: list[tuple[int, int, float]], data: st.DataObject) -> None:
    tokens: Spans = []
    at = 0
    for gap, length, probability in parts:
        tokens.append((at + gap, at + gap + length, probability))
        at += gap + length
    cuts = sorted(data.draw(st.lists(st.integers(0, at + 2), max_size=6, unique=True)))
    stretches = list(pairwise(cuts))[::2]
    logs = [
        math.log(probability)
        for start, end in stretches
        for place in range(start, end)
        for first, last, probability in tokens
        if first <= place < last
    ]
    expected = math.exp(sum(logs) / len(logs)) if logs else None
    found = Confidences(tokens).of(stretches)
    assert found == (None if expected is None else pytest.approx(expected))
