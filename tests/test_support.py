"""Words that a model wrote and the page does not have."""

from __future__ import annotations

import pytest

from docparse.document import Block, Cell, Kind, Run
from docparse.geometry import BBox
from docparse.support import squeezed, unsupported, unsupported_words
from docparse.textlayer import Word


def page(text: str) -> list[Word]:
    return [Word(word, BBox(10 * n, 0, 10 * n + 9, 10)) for n, word in enumerate(text.split())]


def block(text: str, kind: Kind = "paragraph") -> Block:
    return Block(kind, BBox(0, 0, 100, 20), (Run(text),))


@pytest.mark.parametrize(
    ("said", "seen", "odd"),
    [
        ("Total 1,204.50 EUR", "Total 1,204.50 EUR", []),
        ("Total 1,204.60 EUR", "Total 1,204.50 EUR", ["1,204.60"]),
        ("Muller & Sons", "Müller & Sons", ["Muller"]),
        ("the war", "the warehouse", []),  # part of a word: no witness against it
        ("warehouse", "ware- house", []),  # broken over two lines
        ("eﬃcient", "efficient", []),
        ("On, or: to!", "nothing", []),  # too short to say anything
        ("17 of 23", "17 of 24", ["23"]),
        ("１７ items", "17 items", []),
        ("合計 金額", "合計 円", []),  # two signs are short
        ("合計金額 一覧表", "合計金額", ["一覧表"]),
    ],
)
def test_words(said: str, seen: str, odd: list[str]) -> None:
    assert unsupported(block(said), squeezed(word.text for word in page(seen))) == odd


def test_each_block_is_told_by_itself() -> None:
    table = Block("table", BBox(0, 0, 9, 9), cells=(Cell(0, 0, runs=(Run("Paper"),)), Cell(0, 1, runs=(Run("9.50"),))))
    blocks = [block("Invoice 2024"), table, block("one two three four five six seven eight nine")]
    found = unsupported_words(blocks, page("Invoice 2024 Paper 9.00"))
    assert [issue.message for issue in found] == [
        "Words that are nowhere on the page: 9.50.",
        "Words that are nowhere on the page: one, two, three, four, five, six and 3 more.",
    ]
    assert {issue.severity for issue in found} == {"warning"}


def test_what_is_drawn_is_in_another_notation() -> None:
    assert not unsupported_words(
        [block(r"\frac{1}{2}", "formula"), block("a chart of sales", "chart")], page("one half")
    )


def test_a_page_of_which_nothing_is_known_says_nothing() -> None:
    assert unsupported_words([block("anything at all")], []) == []
