"""Repetition at the end of a growing text: with which periods it repeats, and since when.

What it is: two looks at the same text. ``Periods`` compares characters as they are. ``Shape`` compares the
text with every number replaced by one mark, and the numbers by how they grow, so that "1. foo 2. foo 3. foo"
and boxes that move on by the same step repeat too. What it is not: an opinion about which repetition is
wrong; see ``watch.py``.

Memory is bounded by ``WINDOW``. A look costs a few searches of C speed in the window, and is taken once per
block of text, so that the cost of a character does not depend on how much was said before it.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from typing import NamedTuple

LONGEST = 1_500
"""The longest period that is looked for, in characters: a long paragraph, or ten boxed table cells."""

WINDOW = 3 * LONGEST + 128
"""Three repeats of the longest period, and what comes in between two looks."""

_SEED = 16  # shorter matches are everywhere in markup
_LOOKS = 6  # at most so many periods are tried at once; cells in rows in groups of rows are three
_BOX_DRIFT = 3  # pixels by which a step of a box may differ from the step before: boxes are never exact
_MULTIPLES = (1, 2, 3)  # numbers may repeat only at every second or third repeat of the text around them

NUMBER = "\0"
"""The mark of a number in the text of a ``Shape``."""

_PARTS = re.compile(r"[0-9]{1,15}|[ \n]{2,}")
_OPEN_PART = re.compile(r"(?:[0-9]{1,15}|[ \n]+)\Z")
_BOX = re.compile(
    rf"(?:bbox(?:_{NUMBER}d)?\W{{1,6}}|<!--[^<>({NUMBER}]{{1,20}}\()[ ]?"
    rf"({NUMBER}[ ,]+{NUMBER}[ ,]+{NUMBER}[ ,]+{NUMBER})"
)


class Periods:
    """The periods of the end of a text."""

    def __init__(self) -> None:
        self.length = 0
        self._back = ""  # the end of the text, backwards: str.find is linear where str.rfind is not
        self._starts: dict[int, int] = {}

    def add(self, piece: str) -> None:
        self.length += len(piece)
        self._back = (piece[::-1] + self._back)[:WINDOW]

    def runs(self) -> list[tuple[int, int]]:
        """(period, start) such that the text from ``start`` on has the period, three times or more.

        Shortest period first; only those whose run is longer than that of any shorter one. All of them
        matter: empty cells repeat within a row that repeats.
        """
        back, starts = self._back, dict[int, int]()
        wanted = _SEED
        for _ in range(_LOOKS):
            period = back.find(back[:wanted], 1, wanted + LONGEST)
            if wanted >= len(back) or period < 0:
                break
            same = _same(back, period, wanted)
            if same >= 2 * period:
                start = self.length - same - period
                if same + period == len(back):  # it began before the window
                    start = min(start, self._starts.get(period, start))
                starts[period] = start
            wanted = max(same + 1, 2 * (period + 1))
        self._starts = starts
        return list(starts.items())

    def text(self, start: int, end: int) -> str:
        """A part of the text; only what is in the window."""
        first, last = self.length - end, self.length - start
        return self._back[max(first, 0) : last][::-1]


def _same(text: str, offset: int, known: int) -> int:
    """How many characters ``text`` and ``text[offset:]`` have in common at their beginning; at least ``known``."""
    same, end, step = known, len(text) - offset, 64
    while same < end and text[same : same + step] == text[same + offset : same + offset + step]:
        same += step
        step *= 2
    if same >= end:
        return end
    while step > 1:  # they differ within the next ``step`` characters
        step //= 2
        if text[same : same + step] == text[same + offset : same + offset + step]:
            same += step
    return min(same, end)


class Steady(NamedTuple):
    """A stretch at the end of a ``Shape`` in which text repeats and numbers grow by constant steps.

    period  in characters of the shape
    start   where the stretch begins, in the shape
    boxes   by how much each coordinate of each box moves from one repeat to the next: x1 y1 x2 y2, ...
    counts  by how much each of the other numbers grows
    last    the coordinates of the last box, if there is one
    """

    period: int
    start: int
    boxes: tuple[int, ...]
    counts: tuple[int, ...]
    last: tuple[int, ...]


class Shape:
    """The text with numbers as marks and blanks as one blank, and its numbers beside it."""

    def __init__(self) -> None:
        self.periods = Periods()
        self._rest = ""  # a number or blanks that may go on
        self._taken = 0  # characters of the text that are in the shape
        self._shape_marks = [0]  # places of the shape from which on it is shorter than its text by more,
        self._text_marks = [0]  # and the same places of the text
        self._at: list[int] = []  # of each number: its place in the shape,
        self._values: list[int] = []  # and its value
        self._dropped = 0  # numbers that have left the window
        self._verified: dict[tuple[int, int, int], tuple[int, int]] = {}
        self._in_boxes: dict[tuple[int, int], frozenset[int]] = {}

    def add(self, piece: str) -> None:
        text = self._rest + piece
        open_part = _OPEN_PART.search(text, max(0, len(text) - 64))
        whole = open_part.start() if open_part else len(text)
        out: list[str] = []
        length, last = self.periods.length, 0
        for part in _PARTS.finditer(text, 0, whole):
            start, end = part.span()
            out.append(text[last:start])
            length += start - last
            if text[start] > " ":
                self._at.append(length)
                self._values.append(int(text[start:end]))
                out.append(NUMBER)
            else:
                out.append("\n" if "\n" in part[0] else " ")
            length += 1
            last = end
            if end - start > 1:
                self._shape_marks.append(length)
                self._text_marks.append(self._taken + end)
        out.append(text[last:whole])
        self._rest = text[whole:]
        self._taken += whole
        self.periods.add("".join(out))
        self._shorten()

    def _shorten(self) -> None:
        if len(self._shape_marks) > 2 * WINDOW:
            del self._shape_marks[:-WINDOW], self._text_marks[:-WINDOW]
        if len(self._at) > 2 * WINDOW:
            self._dropped += len(self._at) - WINDOW
            del self._at[:-WINDOW], self._values[:-WINDOW]

    def place(self, index: int) -> int | None:
        """Where a character of the shape stands in the text; None if that is out of sight."""
        mark = bisect_right(self._shape_marks, index) - 1
        if mark < 0 or index > self.length:
            return None
        return self._text_marks[mark] + index - self._shape_marks[mark]

    def index(self, place: int) -> int:
        """The first character of the shape that stands at or after a place of the text, which is in sight."""
        mark = bisect_right(self._text_marks, place) - 1
        index = self._shape_marks[mark] + place - self._text_marks[mark]
        return min(index, self._shape_marks[mark + 1]) if mark + 1 < len(self._shape_marks) else index

    @property
    def length(self) -> int:
        return self.periods.length

    def runs(self) -> Iterator[tuple[tuple[int, int], list[Steady]]]:
        """Each run of the shape, and the stretches of it in which the numbers are steady, if there are any."""
        verified, boxes = self._verified, self._in_boxes
        self._verified, self._in_boxes = {}, {}
        for run in self.periods.runs():
            yield run, list(self._steady(run, verified, boxes))

    def _steady(
        self,
        run: tuple[int, int],
        verified: dict[tuple[int, int, int], tuple[int, int]],
        boxes: dict[tuple[int, int], frozenset[int]],
    ) -> Iterator[Steady]:
        period, start = run
        length, at = self.periods.length, self._at
        slots = len(at) - bisect_left(at, length - period)
        if not slots:
            yield Steady(period, start, (), (), ())
            return
        if run not in boxes:
            boxes[run] = self._boxed(period, slots)
        self._in_boxes[run] = in_boxes = boxes[run]
        earliest = length
        for multiple in _MULTIPLES:
            if length - start < 3 * multiple * period:
                break
            key = (period, start, multiple)
            seen, since = verified.get(key, (self._dropped + bisect_left(at, start), start))
            since = self._since(slots * multiple, slots, in_boxes, seen, since)
            self._verified[key] = (self._dropped + len(at), since)
            if length - since >= 3 * multiple * period and since < earliest:  # else it says nothing new
                earliest = since
                yield self._stretch(period * multiple, since, slots, slots * multiple, in_boxes)

    def _since(self, stride: int, slots: int, in_boxes: frozenset[int], seen: int, since: int) -> int:
        """Where the steps of the numbers begin to be constant, looking at the numbers from ``seen`` on."""
        values, at = self._values, self._at
        first = max(bisect_left(at, since) + 2 * stride, seen - self._dropped, 2 * stride)
        for number in range(len(values) - 1, first - 1, -1):
            middle = values[number - stride]
            change = values[number] - middle - (middle - values[number - 2 * stride])
            if change and not ((number + self._dropped) % slots in in_boxes and -_BOX_DRIFT <= change <= _BOX_DRIFT):
                return at[number - 2 * stride] + 1
        return since

    def _boxed(self, period: int, slots: int) -> frozenset[int]:
        """Which numbers of a repeat are coordinates, as remainders by ``slots`` of how many came before."""
        start = self.periods.length - 2 * period
        first = self._dropped + bisect_left(self._at, start)
        text = self.periods.text(start, self.periods.length)
        found: set[int] = set()
        for box in _BOX.finditer(text):
            before = first + text.count(NUMBER, 0, box.start(1))
            found.update((before + corner) % slots for corner in range(4))
        return frozenset(found)

    def _stretch(self, period: int, since: int, slots: int, stride: int, in_boxes: frozenset[int]) -> Steady:
        values = self._values
        boxes: list[int] = []
        counts: list[int] = []
        last: list[int] = []
        for number in range(len(values) - stride, len(values)):
            step = values[number] - values[number - stride]
            if (number + self._dropped) % slots in in_boxes:
                boxes.append(step)
                last.append(values[number])
            else:
                counts.append(step)
        return Steady(period, since, tuple(boxes), tuple(counts), tuple(last))
