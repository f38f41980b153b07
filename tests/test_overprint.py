"""Text printed twice to look bold or to cast a shadow is there once; what only touches stays."""

from __future__ import annotations

import pytest
from making import page_pdf

from docparse.source import open_source
from docparse.textlayer import TextLayer


def content(operators: str) -> TextLayer:
    with open_source(page_pdf(f"BT /F1 20 Tf {operators} ET".encode()), renderer="pymupdf") as source:
        found = source.page(1).text
    assert found is not None
    return found


def lines(layer: TextLayer) -> list[str]:
    return [line.text for line in layer.lines]


def test_a_line_printed_again_beside_itself_is_one_line_and_bold() -> None:
    layer = content("1 0 0 1 100 450 Tm (Annual report) Tj 1 0 0 1 100.6 449.5 Tm (Annual report) Tj")
    assert lines(layer) == ["Annual report"]
    assert all(word.style.bold for word in layer.words())


@pytest.mark.parametrize(
    "operators",
    [
        "1 0 0 1 100 450 Tm (7.50) Tj 1 0 0 1 100 425 Tm (7.50) Tj",
        "1 0 0 1 100 450 Tm (7.50) Tj 1 0 0 1 160 450 Tm (7.50) Tj",
    ],
    ids=["below", "beside"],
)
def test_the_same_text_elsewhere_is_another(operators: str) -> None:
    layer = content(operators)
    assert " ".join(lines(layer)).split() == ["7.50", "7.50"]
    assert not any(word.style.bold for word in layer.words())


def test_letters_printed_twice_one_by_one_are_letters_once() -> None:
    shown = "".join(
        f"1 0 0 1 {100 + 12 * i} 450 Tm ({c}) Tj 1 0 0 1 {100.5 + 12 * i} 450 Tm ({c}) Tj "
        for i, c in enumerate("Annex")
    )
    assert lines(content(shown)) == ["Annex"]


@pytest.mark.parametrize("word", ["1122334455", "bookkeeper", "aaaaaaaaaa", "MMXXCCII"])
def test_words_that_only_look_like_it(word: str) -> None:
    assert lines(content(f"100 450 Td ({word}) Tj")) == [word]


def test_a_full_stop_that_touches_the_letter_before_it_stays() -> None:
    layer = content("100 450 Td [(i) 220 (.) 0 (e) 220 (.)] TJ")
    assert "".join(lines(layer)).replace(" ", "") == "i.e."


@pytest.mark.parametrize("order", [(3, 0), (0, 3)], ids=["hidden first", "shown first"])
def test_text_that_is_shown_is_not_dropped_for_the_same_text_hidden_under_it(order: tuple[int, int]) -> None:
    layer = content(" ".join(f"{mode} Tr 1 0 0 1 100 450 Tm (Annual report) Tj" for mode in order))
    assert [line.text for line in layer.lines if line.visible] == ["Annual report"]
    assert [line.text for line in layer.lines if not line.visible] == ["Annual report"]
    assert not any(word.style.bold for word in layer.words())
