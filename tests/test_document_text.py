"""The text of a block: one form, whatever characters it came with."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from docparse.document import Block, Run, clean, clean_verbatim, inline
from tests.strategies import modest, texts

PROSE = {
    "a\u2028b": "a\nb",
    "a \u2029 b": "a\nb",
    "a\x85b\x0bc": "a\nb\nc",
    "a\r\nb": "a\nb",
    "a\rb\fc\td\u00a0e": "a b c d e",
    "a\x00b\x1cc\x7fd\x9fe": "abcde",
    "a\ufeffb\ufffec\ud800d": "abcd",
    "  a   b  ": " a b ",
    "\u200bzero\u200dwidth\u2003wide": "\u200bzero\u200dwidth\u2003wide",
    "plain": "plain",
}
VERBATIM = {
    "a\u2028b": "a\nb",
    "a\x85b\x0bc\fd": "a\nb\nc\nd",
    "a\r\n  b\rc": "a\n  b\nc",
    "\n\ta\t b \n": "a\t b",
    "a\x00\x1e\ufeffb": "ab",
}


@pytest.mark.parametrize("text", PROSE)
def test_clean(text: str) -> None:
    assert clean(text) == PROSE[text]


@pytest.mark.parametrize("text", VERBATIM)
def test_clean_verbatim(text: str) -> None:
    assert clean_verbatim(text) == VERBATIM[text]


@modest
@given(texts() | st.text())
@example("\u2028")
@example("a\x1c\x1d\x1e\x85b")
def test_no_separator_and_no_control_is_left(text: str) -> None:
    for cleaned in (clean(text), clean_verbatim(text)):
        assert {unicodedata.category(char) for char in cleaned} & {"Cc", "Cs", "Zl", "Zp"} <= {"Cc"}
        assert {char for char in cleaned if unicodedata.category(char) == "Cc"} <= {"\n", "\t"}
        assert cleaned.splitlines() == cleaned.removesuffix("\n").split("\n") or not cleaned
    assert clean(clean(text)) == clean(text)
    assert clean_verbatim(clean_verbatim(text)) == clean_verbatim(text)


def test_blocks_are_clean() -> None:
    assert Block("paragraph", runs=(Run("a\u2028"), Run("b\x85", ("b",)))).text == "a\nb"
    assert Block("code", runs=(Run("a\u2029b"),)).text == "a\nb"
    assert inline("\u2028a\u2029") == (Run("a"),)
