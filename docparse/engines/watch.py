"""Loops in what a model writes: found while it writes, and told from repetition that a page really has.

What it is: ``Watch``, which is fed an answer piece by piece. What it is not: the search for repetition
(``periods.py``), the limits of what a page can hold (``repetition.py``), nor the repair (``recovery.py``).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from docparse.engines.complete import last_complete
from docparse.engines.periods import WINDOW, Periods, Shape
from docparse.engines.repetition import (
    ANYTHING,
    LINES,
    Passage,
    end_of_passage,
    most_repeats,
    most_steps,
    passage,
    without_numbers,
)

__all__ = ["Loop", "Watch", "find_loop", "last_complete"]

STEP = 64
"""Characters between two looks: some twenty tokens, a third of those within which a loop is to be found. Half as many
where they are of two bytes and more: a token is a few bytes, in any script."""

SAID_THRICE, SAID_AGAIN = 3, 8
"""What was said before at the same place is a loop when one text is said a third time, or eight are in a row."""

MISFIT = 1.5
"""Boxes may be scaled wrongly, which is repaired elsewhere; beyond this much they are on no page."""

_RAW = 3 * WINDOW  # a shape is shorter than its text
_MANY = 4_096  # elements that are remembered: a page has a thousand
_SHORT = (12, 100)  # below this period and length no limit is reached
_WORDS = 150  # mere words are no loop until so many characters after their third repeat
_LONGEST_TAG = 512
_LONGEST_ELEMENT = 4_096
_CACHED = 256
_WIDE = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | dict.fromkeys((0x3000, 0xA0), 0x20)
_BLANK = str.maketrans("\t\v\f\r", "    ")
_BOXED = re.compile(
    r"<([a-z][a-z0-9]*)\b[^<>]{0,200}?\bdata-bbox\s*=\s*[\"']?([-0-9., ]{7,60})[^<>]{0,200}>"
    r"|\"bbox(?:_2d)?\"\s*:\s*\[([-0-9., ]{7,60})\]"
)
_TAGS = re.compile(r"<[^<>]*>?")
_NUMBER = re.compile(r"[0-9]+")

Allowed = Callable[[str], int]


class Loop(NamedTuple):
    """``text[:start]`` is to be believed: everything before the first repetition too many.

    kind  ``text``      the same words again and again
          ``run``       what has no words: dots, underscores, empty cells, line breaks
          ``element``   the same text at the same place
          ``nesting``   elements opened in one another, with nothing in them
          ``counting``  only numbers grow
          ``moving``    only boxes move on
          ``again``     what was said before, at the same place, in whatever order
    """

    kind: str
    start: int


class Watch:
    """Is fed the pieces of an answer, and says when they have become a loop.

    allowed  how often the page holds a text, as far as is known; 0 is never, or not known. It is asked
             with a text without markup, normalised (``normalise``), blanks as one space. As often as
             that, repetition is legitimate; more than twice as often, it is not.
    size     width and height of the picture in pixels, where boxes beyond it are to be noticed

    What is found does not depend on how the answer is cut into pieces.
    """

    def __init__(self, allowed: Allowed | None = None, *, size: tuple[int, int] | None = None) -> None:
        self._allowed = _Counts(allowed)
        self._edge = MISFIT * max(*size, 1_000) if size else None  # boxes of any picture may count to 1,000
        self._waiting = ""
        self._raw = ""  # the end of the text as it is
        self._length = 0
        self._exact = Periods()
        self._shape = Shape()
        self._elements = _Elements(self._allowed)
        self._exact_runs: dict[tuple[int, int], _Run] = {}
        self._shape_runs: dict[tuple[int, int, bool], _Run] = {}
        self._loop: Loop | None = None

    def feed(self, piece: str) -> Loop | None:
        """The next piece of the answer; None while all is well."""
        if self._loop is not None:
            return self._loop
        self._waiting += piece
        if len(self._waiting) >= STEP // 2:
            self._look()
        return self._loop

    def _look(self) -> None:
        """Take all whole steps of what is waiting. Where they end depends on the text alone."""
        text, at = self._waiting, 0
        while self._loop is None and len(text) - at >= (step := _step(text[at : at + STEP // 2])):
            self._take(text[at : at + step])
            at += step
        self._waiting = text[at:]

    def check(self) -> Loop | None:
        """The same of all that was fed, once the answer has ended."""
        if self._loop is None and self._waiting:
            self._take(self._waiting)
            self._waiting = ""
        return self._loop

    def _take(self, block: str) -> None:
        self._raw = (self._raw + block)[-_RAW:]
        self._length += len(block)
        plain = normalise(block)
        self._exact.add(plain)
        self._shape.add(plain)
        self._loop = self._repeated() or self._grown() or self._elements.add(plain)

    def _repeated(self) -> Loop | None:
        """A loop of the same characters."""
        known, self._exact_runs = self._exact_runs, {}
        for period, start in self._exact.runs():
            length = self._length - start
            if period < _SHORT[0] and length < _SHORT[1]:
                continue
            run = known.get((period, start))
            if run is None:
                if length < 3 * period + _WORDS and "<" not in (tail := self._raw[-period:]) and "bbox" not in tail:
                    continue
                end = self._end(start, start + period, start + 2 * period)
                what = self._passage(end - period, end)
                run = _Run(what, end, self._allowed(what.text) if what.words else 0)
            self._exact_runs[period, start] = run
            kind, most = most_repeats(run.passage)
            if length >= period * run.limit(most):
                return Loop(kind, run.end + period * (run.kept - 1))
        return None

    def _grown(self) -> Loop | None:
        """A loop of the same text, whose numbers and boxes grow."""
        known, self._shape_runs = self._shape_runs, {}
        shape = self._shape
        for (period, start), stretches in shape.runs():
            if period < _SHORT[0] and shape.length - start < _SHORT[1] // 4:  # numbers are one character each
                continue
            for stretch in stretches:
                run = self._shape_run(known, stretch.period, stretch.start, any(stretch.counts))
                if run is None:
                    continue
                kind, most = most_steps(run.passage, stretch, self._edge)
                if shape.length - stretch.start >= stretch.period * run.limit(most):
                    return Loop(kind, run.place)
            times = (shape.length - start) // period
            if times >= LINES + 3:
                run = self._shape_run(known, period, start, counting=True, skipped=times - 3)
                if run is not None and run.passage.lines and times >= ANYTHING:
                    return Loop("moving" if run.passage.boxed else "counting", run.place)
        return None

    def _shape_run(
        self, known: dict[tuple[int, int, bool], _Run], period: int, start: int, counting: bool, skipped: int = 0
    ) -> _Run | None:
        """What is known of a run of the shape; None if its beginning is out of sight.

        ``skipped``: how many repeats are believed as they are, where only the later ones are of interest.
        """
        shape = self._shape
        key = (period, start, skipped > 0)
        run = known.get(key)
        if run is None:
            first, second, third = (shape.place(start + period * (skipped + number)) for number in range(3))
            if first is None or second is None or third is None or first < self._length - len(self._raw):
                return None
            end = self._end(first, second, third)
            index = shape.index(end)
            what = self._passage(shape.place(index - period) or first, end)
            asked = without_numbers(what.text) if counting else what.text
            times = self._allowed(asked) if not skipped and any(map(str.isalnum, asked)) else 0
            run = _Run(what, index, times)
        self._shape_runs[key] = run
        if run.place < 0 and (place := shape.place(run.end + period * (run.kept - 1))) is not None:
            run.place = place
        return run

    def _end(self, first: int, second: int, third: int) -> int:
        """Where the first copy of what is repeated ends, if three repeats begin at these places."""
        base = self._length - len(self._raw)
        return base + end_of_passage(self._raw, first - base, second - base, third - base)

    def _passage(self, start: int, end: int) -> Passage:
        base = self._length - len(self._raw)
        return passage(self._raw[max(0, start - base) : end - base])


class _Run:
    """A repetition under way.

    end    where its first copy ends, in the text or shape it was found in
    kept   how many copies are believed: as many as the page holds
    place  where these end in the text, once they have been seen (for runs of a shape)
    """

    def __init__(self, what: Passage, end: int, times: int) -> None:
        self.passage = what
        self.end = end
        self.times = times
        self.kept = max(1, times)
        self.place = -1

    def limit(self, most: int) -> int:
        """How many repeats are a loop. Counts may be wrong by a quarter: OCR misses words, and reads others."""
        if not self.times:
            return most
        return max(min(most, 2 * self.times + 2), self.times + 2 + self.times // 4)


class _Counts:
    """``allowed``, remembered: the same passage is met over and over."""

    def __init__(self, allowed: Allowed | None) -> None:
        self._allowed = allowed
        self._known: dict[str, int] = {}

    def __call__(self, text: str) -> int:
        if self._allowed is None:
            return 0
        text = normalise(text)
        if text not in self._known:
            if len(self._known) >= _CACHED:
                self._known.clear()
            self._known[text] = max(0, self._allowed(text))
        return self._known[text]


class _Element(NamedTuple):
    """``box`` is empty where it is of no use: a cell's, or no area. ``start`` and ``end``: of its tag."""

    box: str
    start: int
    end: int


class _Elements:
    """Elements with a box and a text that were said before, in whatever order and at whatever distance.

    Cells are left out: models give them the box of their row or table, and their texts are often equal.
    """

    def __init__(self, allowed: _Counts) -> None:
        self._allowed = allowed
        self._times: dict[int, int] = {}
        self._rest = ""  # the end of the text: from the last element on, which may not have ended yet
        self._at = 0  # where that begins
        self._open: _Element | None = None
        self._searched = 0  # up to where there is no element after the open one
        self._again = 0  # elements in a row that were said before
        self._since = 0  # where the first of them begins

    def add(self, plain: str) -> Loop | None:
        self._rest += plain
        at = self._at
        for match in _BOXED.finditer(self._rest, self._searched - at):
            begin = _Element(_box(match), match.start() + at, match.end() + at)
            last, self._open = self._open, begin
            if last is not None and self._is_loop(last, self._rest[last.end - at : match.start()]):
                return Loop("again", self._since)
        end = at + len(self._rest)
        if self._open is not None and end - self._open.start > _LONGEST_ELEMENT:
            self._open = None
        self._searched = max(self._open.end if self._open else at, end - _LONGEST_TAG)
        keep = self._open.start if self._open else self._searched
        self._rest, self._at = self._rest[keep - at :], keep
        return None

    def _is_loop(self, element: _Element, inside: str) -> bool:
        text = " ".join(_TAGS.sub(" ", inside).split())
        if not element.box or not any(map(str.isalnum, text)):
            return False
        key = hash((element.box, text))
        times = self._times.get(key, 0) + 1
        if times > 1 or len(self._times) < _MANY:
            self._times[key] = times
        if times == 1 or times <= self._allowed(text):
            self._again = 0
            return False
        if not self._again:
            self._since = element.start
        self._again += 1
        return self._again >= SAID_AGAIN or (times >= SAID_THRICE and self._again > 1)


def _box(match: re.Match[str]) -> str:
    numbers = _NUMBER.findall(match[2] or match[3])
    if match[1] in ("td", "th") or len(numbers) != 4 or numbers[0] == numbers[2] or numbers[1] == numbers[3]:
        return ""
    return " ".join(numbers)


def normalise(text: str) -> str:
    """``text`` as repetition sees it, character by character: lower case, digits and letters of one width."""
    lower = text.lower()
    if len(lower) != len(text):  # a few letters become two
        lower = "".join(low if len(low := char.lower()) == 1 else char for char in text)
    if lower.isascii():
        return lower.translate(_BLANK) if "\t" in lower or "\r" in lower else lower
    return lower.translate(_WIDE).translate(_BLANK)


def _step(half: str) -> int:
    """How long the step is that begins with this half of one."""
    if half.isascii() or len(half.encode("utf-8", "surrogatepass")) < 1.5 * len(half):
        return STEP
    return STEP // 2


def find_loop(text: str, allowed: Allowed | None = None) -> Loop | None:
    """The loop in a whole answer, if there is one."""
    watch = Watch(allowed)
    return watch.feed(text) or watch.check()
