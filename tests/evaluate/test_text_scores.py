"""Texts beside the truth: what is levelled, and what a difference costs."""

from __future__ import annotations

import pytest

from docparse.evaluate.plain import letters, levelled, without_marks, words
from docparse.evaluate.text import text_score

TRUE = "The quick brown fox\n\njumps over the lazy dog. It was a fine day."


@pytest.mark.parametrize(
    ("said", "true"),
    [
        ("“Ａ” – b", '"A" - b'),
        ("two  lines\nof it", "two lines of it"),
        ("exam-\nple", "example"),
        ("exam\u00ad \n ple", "example"),
        ("ze\u200bro", "zero"),
        ("你 好 世 界", "你好世界"),
        ("ﬁne", "fine"),
    ],
)
def test_what_looks_the_same_is_the_same(said: str, true: str) -> None:
    assert levelled(said) == levelled(true)
    assert text_score(said, true).ned == 0


def test_a_hyphen_before_a_capital_may_be_meant() -> None:
    assert levelled("Jean-\nPaul") == "Jean- Paul"


@pytest.mark.parametrize(
    ("said", "seen"),
    [
        ("# Title ##x", "Title ##x"),
        ("Some **bold**, *slanted* and ***both***", "Some bold, slanted and both"),
        ("a [link](http://x.y/(z)) and ![picture](p.png)", "a link and"),
        ("- one\n* two\n• three", "one two three"),
        ("> said\n\n---\n\n```python\nx = 1\n```", "said x = 1"),
        ("a_b_c 2 * 3 * 4", "a_b_c 2 * 3 * 4"),
        ("<p>one<br>two</p><script>bad()</script>", "one two"),
        ("5 &lt; 6 \\* 7 costs 3\\$", "5 < 6 * 7 costs 3"),
        ("|a|b|\n|---|---|\n|1|2|\n", "a b 1 2"),
        ("<table><tr><td>a</td><td>b</td></tr></table>", "a b"),
        ("$$x^2$$ and \\(y\\)", "x^2 and y"),
    ],
)
def test_marks_are_taken_off(said: str, seen: str) -> None:
    assert levelled(without_marks(said)) == seen


def test_tables_and_formulas_can_be_left_out() -> None:
    said = "before\n\n|a|b|\n|---|---|\n|1|2|\n\nbetween $$x$$ \n\n<table><tr><td>z</td></tr></table>\n\nafter"
    assert levelled(without_marks(said, tables=False, display_math=False)) == "before between after"


def test_words_and_letters() -> None:
    assert words("你好 world") == ["你", "好", "world"]
    assert letters("It's — 3.50 €!") == "its350"


def test_the_same_text_is_perfect_and_nothing_is_the_worst() -> None:
    same, nothing = text_score(TRUE, TRUE), text_score("", TRUE)
    assert (same.ned, same.cer, same.wer, same.word_f1) == (0, 0, 0, 1)
    assert (nothing.ned, nothing.cer, nothing.wer, nothing.word_f1) == (1, 1, 1, 0)
    empty = text_score("", "")
    assert (empty.ned, empty.wer, empty.word_f1) == (0, 0, 1)


def test_each_wrong_letter_costs_one_edit() -> None:
    one, two = (text_score(text, TRUE) for text in (TRUE.replace("fox", "fax"), TRUE.replace("o", "u", 2)))
    assert (one.edits, two.edits) == (1, 2)
    assert one.ned == one.cer == 1 / len(levelled(TRUE))
    assert one.wer == 1 / len(words(TRUE))


def test_output_that_runs_on_passes_one_by_characters_only() -> None:
    assert text_score(TRUE * 4, TRUE).cer > 1
    assert 0.7 < text_score(TRUE * 4, TRUE).ned <= 1


def test_shuffled_text_keeps_its_words() -> None:
    shuffled = text_score("It was a fine day. jumps over the lazy dog. The quick brown fox", TRUE)
    assert shuffled.word_f1 == 1
    assert shuffled.ned > 0.3


def test_lines_are_found_wherever_they_stand() -> None:
    lines = ["GRAND TOTAL  12.50", "ACME SDN BHD", "10% GST", ""]
    found = text_score("Acme Sdn. Bhd.\nGRAND T0TAL 12.50", "\n".join(lines), lines=lines)
    assert found.line_recall == 2 / 3, "one to the letter, one with a mistake in it, one not at all"
    assert text_score("x", "x").line_recall is None
