"""The numbers of a row with their places: what totals, tax lines and line items are made of.

Two columns that stand close are one segment of text, and "1 278.61" in it would read as one number; so
numbers are searched in runs of words that stand as close as the words of one number do. What this file is
not: the reading of a number (``values``), and its meaning.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise

from docparse.extract.page_text import DocumentText, PageText, Row, Span, TextWord
from docparse.extract.values import Amount, Mark, amounts, decimal_mark
from docparse.geometry import BBox

ONE_NUMBER = 1.3
"""Letter widths between two words above which they belong to two numbers: a space in any font is narrower."""

SPACE = 1.05
"""Letter widths of a space, at most: as wide as a letter where all are."""


@dataclass(frozen=True, slots=True, eq=False)
class Number:
    """A number on a page. ``start``, ``end``: its characters in ``row.text``."""

    amount: Amount
    row: Row
    start: int
    end: int

    @property
    def value(self) -> Decimal:
        return self.amount.value

    @property
    def span(self) -> Span:
        return self.row.span(self.start, self.end)

    @property
    def box(self) -> BBox:
        return self.span.box

    @property
    def text(self) -> str:
        """As it stands in the row."""
        return self.row.text[self.start : self.end]

    @property
    def is_money(self) -> bool:
        """Whether it is printed as amounts of money are: with a currency, or with cents."""
        return not self.amount.percent and (self.amount.decimals == 2 or self.amount.currency is not None)

    def __repr__(self) -> str:
        return f"Number({self.amount.text!r}, row {self.row.index})"


@dataclass(frozen=True, slots=True)
class Reading:
    """How numbers are to be read in one document."""

    decimal: Mark | None = None
    ocr: bool = False

    def numbers(self, row: Row) -> list[Number]:
        """All numbers of a row, left to right."""
        found = []
        for first, last, start in _runs(row):
            text = _joined(row.words[first:last])
            for amount in amounts(text, decimal=self.decimal, ocr=self.ocr):
                begin = amount.start + len(amount.text) - len(amount.text.lstrip())
                end = amount.start + len(amount.text.rstrip())
                found.append(Number(amount, row, start + begin, start + end))
        return found


def reading(text: DocumentText) -> Reading:
    """How the document writes its numbers."""
    return Reading(decimal_mark(page.text for page in text.pages), text.ocr)


def numbers_by_row(page: PageText, how: Reading) -> list[list[Number]]:
    return [how.numbers(row) for row in page.rows]


def _runs(row: Row) -> list[tuple[int, int, int]]:
    """Words that stand together: the first, the one after the last, and the character where the first begins."""
    cut = [0]
    for at, (a, b) in enumerate(pairwise(row.words), 1):
        if _apart(a, b):
            cut.append(at)
    found, start, at = [], 0, 0
    for first, last in pairwise([*cut, len(row.words)]):
        while at < first:
            start += len(row.words[at].text) + 1
            at += 1
        found.append((first, last, start))
    return found


def _joined(words: Sequence[TextWord]) -> str:
    """The words with spaces; one between digits that is as narrow as a space in a number is a tight one."""
    text = words[0].text
    for a, b in pairwise(words):
        digits = a.text[-1:].isdigit() and b.text[:3].isdigit() and not b.text[3:4].isdigit()
        tight = digits and b.box.x1 - a.box.x2 <= SPACE * _letter(a, b)
        text += ("\u00a0" if tight else " ") + b.text
    return text


def _letter(a: TextWord, b: TextWord) -> float:
    """The width of a letter of two words."""
    return max(*(word.box.width / len(word.text) for word in (a, b)), 0.4 * min(a.size, b.size))


def _apart(a: TextWord, b: TextWord) -> bool:
    if a.block == b.block and a.cell != b.cell:
        return True
    return b.box.x1 - a.box.x2 > ONE_NUMBER * _letter(a, b)


def total(values: Sequence[Decimal]) -> Decimal:
    return sum(values, Decimal(0))
