"""Lines as one text: hyphens at line ends, spaces between scripts, inline marks, raised figures."""

from __future__ import annotations

from typing import Any

import pytest
from drawn import EM, lines, segment, width, word

from docparse.engines.embedded.segments import Segment
from docparse.engines.embedded.text import Marks, Piece, pieces
from docparse.geometry import BBox
from docparse.textlayer import Word


def plain(found: list[Piece]) -> str:
    return "".join(text for text, _, _ in found)


def marked(found: list[Piece]) -> str:
    return "".join(f"<{''.join(marks)}:{text}>" if marks else text for text, marks, _ in found)


def beside(left: Word, text: str, gap: float, y: float = 0, size: float = EM, **style: Any) -> Word:
    return word(text, left.box.x2 + gap, y, size, **style)


# Where one line ends and the next begins


@pytest.mark.parametrize(
    ("first", "second", "joined"),
    [
        ("the inter-", "national court", "the international court"),
        ("the inter\u2010", "national court", "the international court"),
        ("the inter\u00ad", "National court", "the interNational court"),
        ("of non-", "European origin", "of non-European origin"),
        ("the GPT-", "4 model", "the GPT-4 model"),
        ("pages 10-", "12 of it", "pages 10-12 of it"),
        ("and/", "or", "and/or"),
        ("a dash -", "and more", "a dash - and more"),
        ("one line", "the next", "one line the next"),
        ("这是第一", "行文字", "这是第一行文字"),
        ("这是 English", "文字", "这是 English 文字"),
        ("한국어", "문장", "한국어 문장"),
    ],
    ids=[
        "a hyphen before a small letter goes",
        "the typographic hyphen goes too",
        "a soft hyphen always goes",
        "a hyphen before a capital is a part of the word",
        "a hyphen before a figure is a part of the name",
        "a range of numbers goes on",
        "a slash takes no space",
        "a dash by itself is a dash",
        "a space stands for the end of a line",
        "Chinese has no spaces",
        "Latin in Chinese has them",
        "Korean has spaces",
    ],
)
def test_the_end_of_a_line(first: str, second: str, joined: str) -> None:
    assert plain(pieces(lines(0, 0, first, second))) == joined


def test_breaks_that_mean_something_are_kept_hyphens_and_all() -> None:
    assert plain(pieces(lines(0, 0, "Mill Road 3-", "b", "Leeds"), breaks=True)) == "Mill Road 3-\nb\nLeeds"


# Between words


@pytest.mark.parametrize(
    ("left", "right", "gap", "text"),
    [
        ("word", ",", 0.5, "word,"),
        ("word", ",", 6, "word ,"),
        ("word", "next", 0.5, "word next"),
        ("漢字", "仮名", 1, "漢字仮名"),
        ("漢字", "仮名", 12, "漢字 仮名"),
    ],
    ids=[
        "a stop set apart from its word belongs to it",
        "a stop far off does not",
        "words are never run together",
        "Chinese words in a line have no space",
        "but a wide gap between them is one",
    ],
)
def test_the_space_between_two_words(left: str, right: str, gap: float, text: str) -> None:
    first = word(left, 0, 0)
    assert plain(pieces([Segment([first, beside(first, right, gap)], 0)])) == text


# Marks


def test_words_of_one_style_are_one_stretch_with_the_spaces_between_them() -> None:
    first = word("very", 0, 0, bold=True)
    second = beside(first, "bold", 2.5, bold=True)
    third = beside(second, "text", 2.5)
    assert marked(pieces([Segment([first, second, third], 0)])) == "<b:very bold> text"


def test_marks_that_the_place_has_by_nature_are_left_out() -> None:
    line = segment("A Title", 0, 0, bold=True, italic=True)
    assert marked(pieces([line])) == "<bi:A Title>"
    assert marked(pieces([line], marks=Marks(bold=False))) == "<i:A Title>"
    assert marked(pieces([line], marks=Marks(bold=False, italic=False))) == "A Title"


def test_a_small_raised_figure_is_a_superscript_and_a_lowered_one_is_not() -> None:
    base = word("H", 0, 100)
    raised = Segment([base, beside(base, "2", 0.1, y=95, size=6)], 100)
    lowered = Segment([base, beside(base, "2", 0.1, y=102, size=6)], 100)
    assert marked(pieces([raised])) == "H <sup:2>"
    assert marked(pieces([lowered])) == "H 2"


def test_the_font_may_say_itself_that_it_is_raised() -> None:
    assert marked(pieces([segment("2", 0, 0, superscript=True)])) == "<sup:2>"


def test_a_long_word_in_small_print_is_no_superscript() -> None:
    base = word("TheLongTitleOfIt", 0, 100, size=20)
    small: dict[str, Any] = {"y": 92, "size": 10}
    assert marked(pieces([Segment([base, beside(base, "and-its-subtitle", 3, **small)], 100)])).endswith(
        " and-its-subtitle"
    )
    assert marked(pieces([Segment([base, beside(base, "note", 3, **small)], 100)])).endswith("<sup:note>")


def test_a_word_of_unknown_style_is_plain() -> None:
    assert marked(pieces([Segment([Word("plain", BBox(0, 0, 25, 10), (), 0.5)], 8)])) == "plain"


# Confidence and what is left out


def test_each_word_keeps_its_confidence() -> None:
    found = pieces([Segment([word("sure", 0, 0, confidence=0.9), word("unsure", 40, 0, confidence=0.4)], 0)])
    assert [(text.strip(), confidence) for text, _, confidence in found] == [("sure", 0.9), ("unsure", 0.4)]
    assert plain(found) == "sure unsure"


@pytest.mark.parametrize(
    ("text", "skip", "left"),
    [("• an item", 1, "an item"), ("12. an item", 3, "an item"), ("•item", 1, "item"), ("1.item", 2, "item")],
)
def test_the_marker_of_an_item_is_left_out_with_its_space(text: str, skip: int, left: str) -> None:
    assert plain(pieces([segment(text, 0, 0)], skip=skip)) == left


def test_a_marker_on_a_line_of_its_own_leaves_no_empty_line() -> None:
    assert plain(pieces(lines(0, 0, "1.", "an item"), skip=2, breaks=True)) == "an item"


def test_words_are_read_from_the_right_in_hebrew() -> None:
    line = Segment([word("עולם", 0, 0), word("שלום", width("עולם") + 3, 0)], 0)
    assert plain(pieces([line])) == "שלום עולם"
