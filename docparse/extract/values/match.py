"""What every search for typed values gives back, and the one form of the text it searches."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Match(Generic[T]):
    """A typed value found in a text.

    ``text`` is the value as printed, ``text_searched[start:end]``. ``sure`` (0 to 1) says how surely
    this is such a value by its form alone: nothing around it has been read.
    """

    value: T
    text: str
    start: int
    end: int
    sure: float


# One character for one character, so that a place in the plain text is the same place in the text as printed.
_PLAIN: dict[int, str] = {
    **{0xFF01 + i: chr(0x21 + i) for i in range(94)},  # full-width forms
    **dict.fromkeys(map(ord, "\u00a0\u2007\u2009\u202f\u3000\u2002\u2003\u2008\u200a"), " "),
    **dict.fromkeys(map(ord, "\u2019\u2018\u02bc\u00b4\u2032`"), "'"),
    **dict.fromkeys(map(ord, "\u2212\u2010\u2011\ufe63"), "-"),
    **dict.fromkeys(map(ord, "\u066b"), "."),
    **dict.fromkeys(map(ord, "\u066c"), ","),
    0x3002: ".",
    0x3001: ",",
    0xFFE5: "¥",
    0xFFE1: "£",
    0xFFE0: "¢",
    0x2215: "/",
    0x2044: "/",
}
# Every script's decimal digits (Arabic-Indic, Devanagari, ...) read as 0 to 9.
_DIGITS = {ord(digit) for digit in "٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹०१२३४५६७८९"}
_PLAIN.update({code: str(unicodedata.digit(chr(code))) for code in _DIGITS})


def plain(text: str) -> str:
    """The text with full-width forms, odd spaces, dashes and digits as ASCII; the same length."""
    return text.translate(_PLAIN)


# A space that belongs to a number in print: it never breaks a line, unlike the space between two columns.
TIGHT_SPACES = frozenset("\u00a0\u2007\u2009\u202f\u200a\u2008")
