"""How often a page can hold a passage: where legitimate repetition ends, with the reasons.

What it is: ``Passage``, what is repeated, and the limits by its kind for pages of which nothing else is
known. What it is not: the search for repetition (``periods.py``). A limit is the number of repeats that is
a loop; lower ones may be legitimate.

Where a page could hold it, wait: a loop costs tokens, a table cut off costs the table.
"""

from __future__ import annotations

import html
import re
from typing import NamedTuple

from docparse.engines.periods import Steady

LINES = 150
"""Lines on a page: A4 at 5.6 points from edge to edge."""

CELLS = 120
"""Cells in a row of a table: a landscape page at 7 points each."""

RUN = 400
"""Dots, underscores or blanks in a line: dots of 6 points across a landscape page are 330."""

NUMBERS = 400
"""Numbers that count on with no word between them: a hundred chart, a seating plan, the days of a year."""

PHRASE = 40
"""Characters from which on what repeats within a line is a sentence. Pages have phrases ("copy", "N/A", "0.00")
side by side; a sentence said again and again without a break is what models do (facts/qwen.md 1.9)."""

LATE = 200
"""Bytes after its third repeat by which a loop that no page has must have been found: 64 tokens, less one look. Bytes,
because tokens are made of them: three letters of an alphabet are one, and so is one or two of Chinese."""

PHRASES, PARAGRAPHS, ROWS = 1_200, 3_000, 8_000
"""Characters that a page may hold of one phrase within a line (a dozen lines of handwriting lesson), of one
paragraph (thirty address labels of a hundred, ten coupons of three hundred), of one row (sixty of 130)."""

NESTED, NESTED_BOXES = 8, 4
"""Elements opened in one another with nothing in them. Layout tables stand in tables twice or three times;
four with the box of their parent, but for a pixel, are a spiral (facts/qwen.md 1.9)."""

SAME_PLACE = 3
"""The same text in the same box: a box may stand on two elements, an image and its caption, not on three."""

SHARED_BOX = 20
"""Texts that count on in one box: items that were given the box of their list."""

BESIDE = 2
"""Pixels per repeat by which boxes may move and still be the same place. No line is as low as that."""

ANYTHING = 400
"""Lines with the same words, whatever their numbers and boxes are: two and a half pages full of them."""

_TAG = re.compile(r"<(/?)([a-z][a-z0-9]*)\b[^<>]*?(/?)>", re.IGNORECASE)
_MARKUP = re.compile(r"<!--.*?-->|</?[a-z][^<>]*>", re.IGNORECASE | re.DOTALL)
_CUT_OPEN = re.compile(r"^[^<>]*>|<[^<>]*\Z")
_SAID_IN_JSON = re.compile(r'"(?:text_content|text|content|label)"\s*:\s*"((?:[^"\\]|\\.)*+)"')
_BOX = re.compile(r"(?:bbox(?:_2d)?\W{1,6}|<!--[^<>(]{1,20}\([ ]?)([0-9]+)[ ,]+([0-9]+)[ ,]+([0-9]+)[ ,]+([0-9]+)")
_NO_DEPTH = frozenset(["br", "img", "hr", "input", "wbr", "col", "p", "li", "td", "th", "tr", "dt", "dd"])
_NEW_LINE = re.compile(r"<(?:p|li|h[1-6]|div|br|tr|pre)\b|\n|\}", re.IGNORECASE)
_ROW = re.compile(r"</?tr\b|\|[ ]*\n|\\\\", re.IGNORECASE)
_CELL = re.compile(r"</?t[dh]\b|\|", re.IGNORECASE)
_WIDE = "\u2e80"  # Chinese, Japanese and Korean begin here
_DIGITS = re.compile(r"[0-9]+")
_RULE = re.compile(r"([^\w\s])\1{2,}")

_ENDS = (
    re.compile(r"(?:</(?:tr|p|h[1-6]|li|div|table|ul|ol|pre|section)\s*>|\}\s*,?)\s*+(?!</)", re.IGNORECASE),
    re.compile(r"\n+|<br\s*/?>\s*+", re.IGNORECASE),
    re.compile(r"</[a-z][a-z0-9]*\s*>\s*+(?!</)", re.IGNORECASE),
    re.compile(r"(?<![0-9])[.!?]\s++|[。！？]"),
)
"""Where a passage ends, the best first."""

_WORD_ENDS = (re.compile(r"\s(?=[0-9(\[•])"), re.compile(r"\s"))


class Passage(NamedTuple):
    """What is repeated.

    text   what a reader sees of it, blanks as one space
    words  whether letters or digits are in it
    width  its characters: those of ``text`` without rules and leaders; without words, those that are there;
           a Chinese one has the width of two
    size   bytes of ``text``
    lines  how many lines it makes
    row    whether it holds rows of a table, or its ends
    cell   whether it is a part of a row
    boxed  whether it says where on the page it is
    depth  how many elements it leaves open
    """

    text: str
    words: bool
    width: int
    size: int
    lines: int
    row: bool
    cell: bool
    boxed: bool
    depth: int


def passage(markup: str) -> Passage:
    """What ``markup`` is, one repeat as the model wrote it."""
    whole = _CUT_OPEN.sub("", markup) or markup
    said = _SAID_IN_JSON.findall(markup)
    seen = " ".join(said) if said else html.unescape(_MARKUP.sub(" ", whole)).replace("|", " ")
    text = " ".join(seen.split())
    words = any(map(str.isalnum, text))
    breaks = [mark[:3].lower() for mark in _NEW_LINE.findall(markup)]
    row = bool(_ROW.search(markup))
    tags = [(slash, name.lower(), closed) for slash, name, closed in _TAG.findall(markup)]
    depth = sum(-1 if slash else 1 for slash, name, closed in tags if not closed and name not in _NO_DEPTH)
    return Passage(
        text,
        words,
        width=max(1, _width(_RULE.sub(r"\1", text) if words else html.unescape(_MARKUP.sub("", whole)))),
        size=max(1, len(text.encode("utf-8", "surrogatepass"))),
        lines=max(breaks.count(mark) for mark in {*breaks}) if breaks else 0,
        row=row,
        cell=not row and bool(_CELL.search(markup)),
        boxed=any(x1 != x2 and y1 != y2 for x1, y1, x2, y2 in _BOX.findall(markup)),
        depth=depth,
    )


def _width(text: str) -> int:
    return len(text) if text.isascii() else len(text) + sum(char >= _WIDE for char in text)


def end_of_passage(text: str, start: int, first: int, last: int) -> int:
    """Where in ``text[first:last]``, the second of its repeats, the first copy of a passage ends.

    Repetition is seen from ``start`` on, which is earlier than the first copy begins if the text before it
    happens to end as the passage does.
    """
    for end in _ENDS:
        if (place := _first_end(end, text, first, last)) is not None:
            return place
    if start == 0 or text[start - 1].isspace() or text[start - 1] == ">":
        return first
    for end in _WORD_ENDS:
        if (place := _first_end(end, text, first, last)) is not None:
            return place
    return max(first, last - 1)  # no place is better than another: surely after the first copy


def _first_end(end: re.Pattern[str], text: str, first: int, last: int) -> int | None:
    found = end.finditer(text, max(first - 12, 0), last + 12)
    return next((match.end() for match in found if first <= match.end() < last), None)


def without_numbers(text: str) -> str:
    """``text`` without its numbers and what is left of them at its ends."""
    return " ".join(_DIGITS.sub(" ", text).split()).strip(" .,:;()[]-–#°%")


def most_repeats(of: Passage) -> tuple[str, int]:
    """The kind of loop that a passage makes, and with how many repeats of it."""
    if of.depth > 0 and not of.words:
        return "nesting", NESTED_BOXES if of.boxed else NESTED
    if of.boxed and not of.cell:  # cells may be given the box of their table
        return "element", SAME_PLACE
    if of.cell and not of.lines:
        return "text" if of.words else "run", CELLS
    lines = max(3, LINES // max(of.lines, 1))
    if not of.words:
        return "run", lines if of.lines else max(3, RUN // of.width)
    if of.row:
        return "text", _between(6, ROWS // of.width, lines)
    if of.lines:
        return "text", _between(3, PARAGRAPHS // of.width, lines)
    if of.width >= PHRASE:
        return "text", 3 + LATE // of.size
    return "text", min(PHRASES // of.width, LINES)


def most_steps(of: Passage, steady: Steady, edge: float | None) -> tuple[str, int]:
    """The same for a passage whose numbers grow; ``edge``: the coordinate beyond which there is no page."""
    counting, moving = any(steady.counts), any(abs(step) > BESIDE for step in steady.boxes)
    lines = max(3, LINES // max(of.lines, 1))
    if not steady.boxes:
        if not counting:
            return most_repeats(of)
        return "counting", _most_counted(of, lines)
    if of.depth > 0 and not of.words:
        return "nesting", NESTED if moving else NESTED_BOXES
    if not moving:
        if counting:
            return "counting", SHARED_BOX
        return ("element", SAME_PLACE) if of.boxed and not of.cell else most_repeats(of)
    if edge is not None and max(steady.last) > edge:
        return "moving", 3
    return "counting" if counting else "moving", lines


def _most_counted(of: Passage, lines: int) -> int:
    words = without_numbers(of.text)
    if not any(map(str.isalpha, words)):
        return lines if of.row else NUMBERS
    if of.row:
        return _between(6, ROWS // of.width, lines)
    if of.cell and not of.lines:
        return CELLS
    if of.lines:
        return _between(8, PARAGRAPHS // of.width, lines)
    return _between(6, PHRASES // of.width, LINES)


def _between(low: int, value: int, high: int) -> int:
    return min(max(low, value), max(low, high))
