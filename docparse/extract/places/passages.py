"""The text of a page as it is read on: lines that go on below, whole elements, whole rows.

A value may be broken over lines (an address, a long description) or over columns (a label's row). A
``Passage`` is text with its way back to the words; the same words come in several passages. What this
file is not: a search (``anchor``).
"""

from __future__ import annotations

import unicodedata
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import reduce

from docparse.extract.page_text import PageText, Segment, Span

_NEXT_LINE = 2.6
"""Letter heights between two lines of one text, at most: addresses have blank lines in them."""
_ALIGNED = 0.8
"""Letter heights that their left, right or middle may be apart."""


def squeezed(text: str) -> tuple[str, list[int]]:
    """Letters and digits only, folded (no case, no accents, full-width forms as ASCII), and where each came from."""
    if text.isascii():
        lower = text.lower()
        where = [at for at, letter in enumerate(lower) if letter.isalnum()]
        return "".join(lower[at] for at in where), where
    letters: list[str] = []
    where = []
    for at, letter in enumerate(text):
        for part in unicodedata.normalize("NFKD", letter.casefold()):
            if part.isalnum():
                letters.append(part)
                where.append(at)
    return "".join(letters), where


@dataclass(eq=False)
class Passage:
    """Segments read one after the other, joined by single spaces. ``folded``: its ``squeezed`` text."""

    segments: tuple[Segment, ...]
    text: str = field(init=False)
    folded: str = field(init=False)
    _where: list[int] = field(init=False, repr=False)
    _starts: list[int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.text = " ".join(segment.text for segment in self.segments)
        self.folded, self._where = squeezed(self.text)
        at, self._starts = 0, []
        for segment in self.segments:
            self._starts.append(at)
            at += len(segment.text) + 1

    def place(self, start: int, end: int) -> tuple[int, int]:
        """Characters of ``folded`` as characters of ``text``."""
        return self._where[start], self._where[end - 1] + 1

    def span(self, start: int, end: int) -> Span:
        """The words that hold these characters of ``text``, of which one at least is no space."""
        first = bisect_right(self._starts, start) - 1
        last = bisect_right(self._starts, end - 1) - 1
        parts = []
        for at in range(first, last + 1):
            segment, begin = self.segments[at], self._starts[at]
            a, b = max(start - begin, 0), min(end - begin, len(segment.text))
            if segment.text[a:b].strip():
                parts.append(segment.span(a, b))
        return reduce(Span.__add__, parts)


def passages(page: PageText) -> list[Passage]:
    """Columns of lines that go on below, then elements, then rows; none that says what one before it said."""
    found: list[tuple[Segment, ...]] = [tuple(chain) for chain in _chains(page)]
    elements: dict[tuple[str | None, tuple[int, int] | None], list[Segment]] = {}
    for segment in page.segments:
        if segment.block is not None:
            elements.setdefault((segment.block, segment.cell), []).append(segment)
    found += [tuple(part) for part in elements.values()]
    found += [row.segments for row in page.rows]
    return [Passage(segments) for segments in dict.fromkeys(found)]


def _chains(page: PageText) -> list[list[Segment]]:
    """Segments that stand under each other as the lines of one text do; each is in one chain."""
    done: list[list[Segment]] = []
    going: list[list[Segment]] = []
    for row in page.rows:
        for segment in row.segments:
            above = [c for c in going if c[-1].row != segment.row and _goes_on(c[-1], segment)]
            if above:
                min(above, key=lambda c: segment.box.y1 - c[-1].box.y2).append(segment)
            else:
                chain = [segment]
                done.append(chain)
                going.append(chain)
        going = [chain for chain in going if chain[-1].box.y2 > row.box.y1 - 3 * chain[-1].size]
    return done


def _goes_on(above: Segment, below: Segment) -> bool:
    size = max(above.size, below.size, 1.0)
    if min(above.size, below.size) < 0.7 * size:
        return False
    if not -0.6 * size <= below.box.y1 - above.box.y2 <= _NEXT_LINE * size:
        return False
    a, b = above.box, below.box
    apart = min(abs(a.x1 - b.x1), abs(a.x2 - b.x2), abs(a.center[0] - b.center[0]))
    return apart <= _ALIGNED * size


def in_reading_order(pages: Sequence[PageText]) -> list[Passage]:
    """The passages of all pages, page by page."""
    return [passage for page in pages for passage in passages(page)]
