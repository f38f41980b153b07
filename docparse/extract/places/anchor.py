"""From a value to its places in the document: the other way round than reading it.

A model says "1234.5", an invoice's XML says 2024-03-01, and the page says "1.234,50 €" and "1 March 2024":
``Places`` finds the words. A value that stands nowhere has no place, and none is made up for it. Digits are
never nearly right: only letters may be misspelt. What this file is not: it does not say whether the value is
the right one.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property
from typing import Any, Literal

from docparse.extract.page_text import PageText, Span
from docparse.extract.places.passages import Passage, in_reading_order, squeezed
from docparse.extract.places.typed import Reading, TypedKind, TypedPlaces, agreement, as_kind

Kind = Literal["text", "code"] | TypedKind
How = Literal["exact", "normalised", "rounded", "unsigned", "fuzzy"]
_RANKS: dict[How, int] = {"exact": 0, "normalised": 0, "rounded": 1, "unsigned": 1, "fuzzy": 2}

MOST_PLACES = 50
LONGEST = 600
"""Characters of a text that is looked for; of a longer one its beginning is."""
FUZZY_FROM = 5
"""Letters that a text has at least, to be found by likeness."""
FUZZY = 0.86
"""Likeness from which words are taken for the same, misread or misspelt."""
_CODE_WITH_SPACES = 8
"""Letters and digits that a code has at least, to be found with spaces that it has not."""
_FUZZY_CHARACTERS = 400_000
"""Of the document, that are compared by likeness: some hundred pages."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """One place of a value.

    span    its words
    how     ``exact``: printed just so. ``normalised``: other spaces, case, punctuation, number or date format.
            ``rounded``: the page has fewer decimals. ``unsigned``: the page has no minus, or only the page has one.
            ``fuzzy``: words that are nearly the same.
    score   0 to 1: how surely this place says the value, by its form
    places  how many places say it as well as this one: of several, nobody knows which was meant
    """

    span: Span
    how: How
    score: float
    places: int = 1


def anchor(
    value: Any, pages: Sequence[PageText], *, kind: Kind | None = None, near: Sequence[Span] = ()
) -> list[Anchor]:
    """The places of one value, best first. For many values make one ``Places`` of the pages."""
    return Places(pages).find(value, kind=kind, near=near)


def kind_of(value: Any) -> Kind:
    """The kind of a value by its type; what a string is cannot be known, and it is text."""
    if isinstance(value, datetime.date):
        return "date"
    if isinstance(value, datetime.time):
        return "time"
    return "amount" if isinstance(value, Decimal | int | float) and not isinstance(value, bool) else "text"


class Places:
    """Pages to find values on. What was read of them for one value is kept for the next."""

    def __init__(self, pages: Sequence[PageText]) -> None:
        self._pages = tuple(pages)
        self._typed = TypedPlaces(self._pages)

    @cached_property
    def _passages(self) -> list[Passage]:
        return in_reading_order(self._pages)

    def find(
        self, value: Any, *, kind: Kind | None = None, near: Sequence[Span] = (), taken: Sequence[Span] = ()
    ) -> list[Anchor]:
        """The places of a value, best first, at most ``MOST_PLACES``.

        ``kind``: ``text`` (words; may be misspelt), ``code`` (numbers and ids; spaces and punctuation may differ),
        ``amount`` and ``percent`` (``Decimal``, ``int``, ``float``, or such a string), ``date``, ``time``,
        ``currency`` (ISO code). ``near``: its label, or values beside it; of places that are as good, the one nearest
        to any of them comes first. ``taken``: places that say something else already, such as the row before; they come
        after the free ones. A value that cannot be of its kind has no place.
        """
        kind = kind or kind_of(value)
        if kind == "text" or kind == "code":
            words = " ".join(str(value).split())
            short = words if len(words) <= LONGEST else words[:LONGEST].rpartition(" ")[0] or words[:LONGEST]
            found = self._words(short, fuzzy=kind == "text")
        else:
            found = self._values(value, kind)
        return _ranked(found, near, taken)

    def _words(self, value: str, *, fuzzy: bool) -> list[Anchor]:
        folded, _ = squeezed(value)
        if not value:
            return []
        found = [a for passage in self._passages for a in _same(passage, value, folded, code=not fuzzy)]
        if not found and fuzzy and len(folded) >= FUZZY_FROM:
            found = list(self._alike(folded))
        return found

    def _alike(self, folded: str) -> Iterator[Anchor]:
        left = _FUZZY_CHARACTERS
        for passage in self._passages:
            left -= len(passage.folded)
            if left < 0:
                return
            if len(passage.folded) >= 0.8 * len(folded):
                yield from _nearly(passage, folded)

    def _values(self, value: Any, kind: TypedKind) -> list[Anchor]:
        wanted = as_kind(value, kind)
        if wanted is None:
            return []
        second: list[Anchor] = []
        for readings in self._typed.readings(kind):
            found = [a for reading in readings if (a := _as_anchor(wanted, reading)) is not None]
            best = [a for a in found if not _RANKS[a.how]]
            if best:
                return best
            second = second or found
        return second


def _as_anchor(wanted: Any, reading: Reading) -> Anchor | None:
    how = agreement(wanted, reading.value, reading.span.text)
    return None if how is None else Anchor(reading.span, how, reading.sure)


def _same(passage: Passage, value: str, folded: str, *, code: bool) -> Iterator[Anchor]:
    """Where the passage says it letter for letter, or but for case, accents, spaces and punctuation."""
    for start in _all(passage.text, value):
        whole = _wholeness(passage.text, start, start + len(value))
        if whole:
            yield Anchor(passage.span(start, start + len(value)), "exact", whole)
    # A single letter or digit says nothing without what stands around it.
    for at in _all(passage.folded, folded) if len(folded) > 1 else ():
        start, end = passage.place(at, at + len(folded))
        there = passage.text[start:end]
        whole = _wholeness(passage.text, start, end)
        if not whole or there == value:
            continue
        if (code or not any(c.isalpha() for c in folded)) and not _one_code(passage, value, folded, start, end):
            continue
        yield Anchor(passage.span(start, end), "normalised", 0.95 * whole)


def _one_code(passage: Passage, value: str, folded: str, start: int, end: int) -> bool:
    """Whether this is one code, with spaces in it or not: two numbers side by side, or below each other, are none."""
    if len(folded) >= _CODE_WITH_SPACES:
        return True
    first, *others = passage.span(start, end).words
    one_line = all(min(first.box.y2, w.box.y2) - max(first.box.y1, w.box.y1) > 0 for w in others)
    return one_line and (" " in value or " " not in passage.text[start:end])


def _nearly(passage: Passage, folded: str) -> Iterator[Anchor]:
    """Where the passage says nearly this, in whole words and with the same digits."""
    from rapidfuzz import fuzz

    near = fuzz.partial_ratio_alignment(folded, passage.folded, score_cutoff=100 * (FUZZY - 0.08))
    if near is None or near.dest_start >= near.dest_end:
        return
    text = passage.text
    start, end = passage.place(near.dest_start, near.dest_end)
    options = []
    for first in {text.rfind(" ", 0, start + 1) + 1, text.find(" ", start) + 1}:
        for last in {text.rfind(" ", 0, end), text.find(" ", end - 1) if " " in text[end - 1 :] else len(text)}:
            if first < last:
                there, _ = squeezed(text[first:last])
                options.append((fuzz.ratio(folded, there) / 100, first, last, there))
    likeness, start, end, there = max(options, default=(0.0, 0, 0, ""))
    if likeness >= FUZZY and _digits(there) == _digits(folded):
        yield Anchor(passage.span(start, end), "fuzzy", 0.9 * likeness)


def _digits(text: str) -> str:
    return "".join(letter for letter in text if letter.isdigit())


def _all(text: str, wanted: str) -> Iterator[int]:
    at = text.find(wanted)
    while at >= 0:
        yield at
        at = text.find(wanted, at + len(wanted))


def _wholeness(text: str, start: int, end: int) -> float:
    """1 for whole words, 0.7 for parts that a stroke or point joins to more, 0 for part of a word or number."""
    before, after = text[max(start - 2, 0) : start], text[end : end + 2]
    if _runs_on(before[-1:], text[start]) or _runs_on(text[end - 1], after[:1]):
        return 0.0
    number_before = len(before) == 2 and before[0].isdigit() and before[1] in ".,'" and text[start].isdigit()
    number_after = len(after) == 2 and after[1].isdigit() and after[0] in ".,'" and text[end - 1].isdigit()
    if number_before or number_after:
        return 0.0
    joined_before = len(before) == 2 and before[0].isalnum() and before[1] in "-/_.@"
    joined_after = len(after) == 2 and after[1].isalnum() and after[0] in "-/_.@"
    return 0.7 if joined_before or joined_after else 1.0


def _runs_on(a: str, b: str) -> bool:
    """Whether two characters side by side are of one word, or of one number."""
    if a.isdigit() and b.isdigit():
        return True
    return a.isalpha() and b.isalpha() and not (_unspaced(a) or _unspaced(b))


def _unspaced(letter: str) -> bool:
    """A letter of a script that puts no spaces between words: Chinese, Japanese, Thai."""
    return letter >= "\u2e80" or "\u0e00" <= letter <= "\u0eff"


def _ranked(found: Sequence[Anchor], near: Sequence[Span], taken: Sequence[Span]) -> list[Anchor]:
    """Each place once, best first: how it matches, whether it is free, how near it stands, its score, reading order."""
    places: dict[tuple[int, int, int], Anchor] = {}
    for item in sorted(found, key=lambda a: (_RANKS[a.how], a.how != "exact", -a.score)):
        box = item.span.box
        key = (item.span.page, int(box.center[0] / 4), int(box.center[1] / 4))
        if not any(
            (key[0], key[1] + x, key[2] + y) in places
            and _overlap(places[key[0], key[1] + x, key[2] + y].span, item.span)
            for x in (-1, 0, 1)
            for y in (-1, 0, 1)
        ):
            places[key] = item
    kept: list[Anchor] = []
    for item in places.values():
        if len(kept) < 200 and not any(_overlap(other.span, item.span) for other in kept):
            kept.append(item)

    def order(item: Anchor) -> tuple[float, ...]:
        box = item.span.box
        far = min((_far(item.span, place) for place in near), default=0.0)
        used = any(_overlap(item.span, place) for place in taken)
        return (_RANKS[item.how], used, far, item.how != "exact", -item.score, item.span.page, box.y1, box.x1)

    best = sorted(kept, key=order)
    counts = {rank: sum(_RANKS[a.how] == rank for a in best) for rank in set(_RANKS.values())}
    return [replace(item, places=counts[_RANKS[item.how]]) for item in best[:MOST_PLACES]]


def _overlap(a: Span, b: Span) -> bool:
    """Whether two places have more than half of the smaller one in common."""
    if a.page != b.page:
        return False
    one, other = a.box, b.box
    width = min(one.x2, other.x2) - max(one.x1, other.x1)
    height = min(one.y2, other.y2) - max(one.y1, other.y1)
    return width > 0 and height > 0 and 2 * width * height > min(one.area, other.area)


def _far(span: Span, near: Span) -> float:
    """How far a place is from its neighbour, in letter heights: on, right of and below it count as they are; a line
    more is worse than a column more, and what stands before or above is further away than it looks."""
    if span.page != near.page:
        return 1e6 * abs(span.page - near.page)
    a, b = span.box, near.box
    across = max(a.x1 - b.x2, 1.5 * (b.x1 - a.x2), 0.0)
    down = max(a.y1 - b.y2, 1.5 * (b.y1 - a.y2), 0.0)
    return (across + 3 * down) / max(near.words[0].size, 1.0)
