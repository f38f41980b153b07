"""Segments: what is a value or a marker, words put together again, rows of one baseline, turned pages."""

from __future__ import annotations

import pytest
from drawn import EM, framed, line_of, lines, row, said, segment, width, word

from docparse.engines.embedded.segments import (
    Segment,
    Upright,
    body_em,
    drop_caps_joined,
    is_leader,
    is_marker,
    is_numeric,
    is_rtl,
    is_value,
    main_turn,
    read_order,
    rows_of,
    segments_of,
    unspaced,
)
from docparse.geometry import BBox, Rotation
from docparse.textlayer import Line, Word

# Values


@pytest.mark.parametrize(
    "text",
    ["7", "-3.5", "1,234.56", "1.234,56", "12 345", "(42)", "45 %", "3.1 ± 0.2", "<0.05", "$5", "US$ 12"],
)
def test_one_entry_of_a_column_of_numbers(text: str) -> None:
    assert is_numeric(text)


@pytest.mark.parametrize("text", ["Rs. 40", "0.91*", "12†", "3 (1.2)", "–", "n/a", "..."])
def test_so_is_one_with_a_mark_and_one_that_says_none(text: str) -> None:
    assert is_numeric(text)


@pytest.mark.parametrize("text", ["Total", "3 apples", "Table 4", "v1.2", "page 3", "", "1" * 41, "Rs."])
def test_what_has_a_word_in_it_is_no_number(text: str) -> None:
    assert not is_numeric(text)


@pytest.mark.parametrize("text", ["1.00 kg", "19 %", "$ 42.00", "€3", "EUR 12,50", "(5.00)", "12 €/h", "7.00 A", "-4"])
def test_an_amount_may_have_a_currency_a_unit_and_a_tax_mark(text: str) -> None:
    assert is_value(text)


@pytest.mark.parametrize("text", ["12 apples here", "June 31", "A", "kg", "12 kilograms", "1" * 25])
def test_a_number_among_words_is_no_amount(text: str) -> None:
    assert not is_value(text)


@pytest.mark.parametrize("text", ["•", "-", "o", "1.", "12)", "(a)", "iv.", "[3]", "\uf0b7"])
def test_marker_of_a_list(text: str) -> None:
    assert is_marker(text)


@pytest.mark.parametrize("text", ["a", "12", "1234.", "No.", "x1.", "and)"])
def test_no_marker_of_a_list(text: str) -> None:
    assert not is_marker(text)


@pytest.mark.parametrize(
    ("text", "leader"),
    [
        ("........", True),
        ("_ _ _ _ _", True),
        ("- - - - - -", True),
        (".....", False),
        ("*-+*-+*-+", False),
        ("....... 7", False),
    ],
)
def test_a_rule_drawn_with_characters(text: str, leader: bool) -> None:
    assert is_leader(text) is leader


# Words and their styles


def mixed(*parts: tuple[Word, bool]) -> Segment:
    return Segment([w for w, _ in parts], 100)


def test_two_characters_without_spaces_between_count_as_one_word() -> None:
    assert segment("two words", 0, 0).length == 2
    assert segment("第一章总则说明", 0, 0).length == 3


@pytest.mark.parametrize(("heavy", "light", "bold"), [("Heading", "a", True), ("Total", "of it", False)])
def test_a_line_is_bold_where_four_fifths_of_its_letters_are(heavy: str, light: str, bold: bool) -> None:
    found = Segment([word(heavy, 0, 100, bold=True), word(light, 60, 100)], 100)
    assert found.bold is bold


def test_a_line_is_italic_only_as_a_whole() -> None:
    assert segment("all of it", 0, 0, italic=True).italic
    assert not Segment([word("not", 0, 0, italic=True), word("all", 20, 0)], 0).italic
    assert not Segment([Word("nothing known", BBox(0, 0, 50, 10))], 0).italic


def test_the_size_of_a_line_is_that_of_most_of_its_letters() -> None:
    assert Segment([word("A", 0, 0, size=30), word("paragraph", 20, 0)], 0).size == EM


def test_the_body_size_is_that_of_most_letters_of_the_page() -> None:
    page = [segment("A TITLE", 0, 30, size=24), *lines(0, 60, "body text", "of a page", "goes on")]
    assert body_em(page) == EM
    assert body_em([]) == 20.0


@pytest.mark.parametrize(
    ("gaps", "whole"),
    [([2, 2, 2, 9, 2, 2], "ABCD EFG"), ([2, 2, 2, 2, 2, 2], "ABCDEFG")],
    ids=["wider gaps part words", "one word"],
)
def test_letterspaced_words_are_put_together(gaps: list[float], whole: str) -> None:
    words, x = [], 0.0
    for letter, gap in zip("ABCDEFG", [*gaps, 0], strict=True):
        words.append(word(letter, x, 0))
        x += 5 + gap
    joined = unspaced(words)
    assert " ".join(w.text for w in joined) == whole
    assert joined[-1].box.x2 == words[-1].box.x2
    assert all("".join(part for part, _ in w.parts) == w.text for w in joined)


@pytest.mark.parametrize("text", ["A B C D", "I saw a cat", "1 2 3 4 5 6"])
def test_short_words_and_numbers_are_left_alone(text: str) -> None:
    words = segment(text, 0, 0).words
    assert unspaced(words) == words


# Drop caps


def test_a_drop_cap_begins_the_word_beside_its_top() -> None:
    cap = segment("T", 0, 120, size=40)
    text = lines(24, 100, "he first line", "and the second")
    first, second = drop_caps_joined([cap, *text], EM)
    assert said([first, second]) == ["The first line", "and the second"]
    assert "".join(part for part, _ in first.words[0].parts) == "The"


@pytest.mark.parametrize(
    ("cap", "line"),
    [
        (segment("T", 0, 120, size=12), segment("he line", 8, 120)),
        (segment("T", 0, 120, size=40), segment("far off", 60, 100)),
        (segment("T", 0, 120, size=40), segment("12 pieces", 24, 100)),
        (segment("3", 0, 120, size=40), segment("pieces", 24, 100)),
        (segment("T", 0, 120, size=40), segment("below", 24, 120)),
    ],
    ids=["no larger than text", "far from any word", "beside a number", "a figure", "beside its foot only"],
)
def test_a_large_letter_elsewhere_stays_by_itself(cap: Segment, line: Segment) -> None:
    assert drop_caps_joined([cap, line], EM) == [cap, line]


# Rows


def test_texts_on_one_baseline_are_a_row_from_left_to_right() -> None:
    right, left, below = segment("right", 200, 101), segment("left", 0, 100), segment("below", 0, 112)
    assert [said(found) for found in rows_of([right, below, left])] == [["left", "right"], ["below"]]


def test_a_raised_mark_is_in_the_row_of_the_word_it_follows() -> None:
    text, mark = segment("growth", 0, 100), segment("2", 31, 95, size=6)
    assert [said(found) for found in rows_of([mark, text])] == [["growth", "2"]]


def test_small_print_that_follows_nothing_has_a_row_of_its_own() -> None:
    text, small = segment("growth", 0, 100), segment("note", 200, 95, size=6)
    assert len(rows_of([text, small])) == 2


# Scripts written from right to left


@pytest.mark.parametrize(
    ("text", "rtl"), [("שלום עולם", True), ("مرحبا 123", True), ("plain text", False), ("abc שלום defghi", False)]
)
def test_direction_is_that_of_most_letters(text: str, rtl: bool) -> None:
    assert is_rtl(text) is rtl


def test_numbers_and_foreign_words_keep_their_direction_in_a_line_from_right_to_left() -> None:
    # As seen: "2.5 version  <- גרסה  <- זוהי", read from the right.
    seen = [word("version", 0, 0), word("2.5", 40, 0), word("גרסה", 60, 0), word("זוהי", 90, 0)]
    assert [w.text for w in read_order(seen)] == ["זוהי", "גרסה", "version", "2.5"]


def test_a_latin_line_is_read_from_the_left() -> None:
    seen = [word("b", 20, 0), word("a", 0, 0)]
    assert [w.text for w in read_order(seen)] == ["a", "b"]
    assert [w.text for w in read_order(seen, mirrored=True)] == ["b", "a"]


# Turned pages


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("turn", [0, 90, 180, 270])
def test_there_and_back_is_the_same_place(turn: Rotation, mirrored: bool) -> None:
    upright = Upright(turn, 600, 800, mirrored=mirrored)
    box = BBox(10, 20, 110, 60)
    moved = upright.to(box)
    assert upright.back(moved) == box
    assert (moved == box) is upright.same
    assert (upright.width, upright.height) == ((800, 600) if turn in (90, 270) else (600, 800))
    assert BBox(0, 0, upright.width, upright.height).covers(moved)


def turned_line(text: str, angle: int) -> Line:
    return line_of(segment(text, 100, 100), angle=angle)


def test_the_main_direction_is_that_of_most_letters_and_slanted_text_has_no_say() -> None:
    assert main_turn([turned_line("short", 0), turned_line("a longer text", 90)]) == 90
    assert main_turn([turned_line("short", 180), turned_line("a stamp across the page", -1)]) == 180
    assert main_turn([]) == 0


def test_text_at_another_angle_is_kept_apart() -> None:
    main, other = segments_of([turned_line("level", 0), turned_line("axis", 270)], Upright(0, 600, 800))
    assert (said(main), said(other)) == (["level"], ["axis"])


def test_lines_of_a_page_on_its_side_are_read_along_their_own_direction() -> None:
    """Clockwise text runs down the page: its first word is the upper one."""
    words = (
        Word("first", BBox(300, 100, 310, 125), word("first", 0, 0).parts),
        Word("second", BBox(300, 130, 310, 160), word("second", 0, 0).parts),
    )
    upright = Upright(90, 600, 800)
    (found,), other = segments_of([Line(words, BBox(300, 100, 310, 160), 0, 90)], upright)
    assert not other
    assert found.text == "first second"
    assert found.box.width > found.box.height
    assert upright.back(found.box) == BBox(300, 100, 310, 160)


def test_helpers_place_what_they_say() -> None:
    """The ruler of all tests in this folder."""
    found = segment("four five", 100, 50)
    assert found.box.width == width("four five") == pytest.approx(42.5)
    assert found.box.y1 < found.baseline < found.box.y2
    assert said(row(50, (0, "a"), (20, "b"))) == ["a", "b"]
    assert framed(0, 0, 5, 5).fill is None
