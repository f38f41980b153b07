"""The boxes of an answer from the pixels of one picture to those of another.

What it is: a model sees a page at a size of its own and gives its boxes there; this writes the numbers of
those boxes anew, wherever ``read`` would find a box, and leaves every other character as it is. What it is
not: a reader. Which parts of an answer are markup, and which words are numbers of a box, is said by the
same functions that ``read`` asks.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from docparse.qwenvl_html import boxes
from docparse.qwenvl_html.frame import frame, is_of_the_page
from docparse.qwenvl_html.grounding import corners_of, is_polygon, words_of
from docparse.qwenvl_html.issues import IssueLog
from docparse.qwenvl_html.markdown import PlaceFinder
from docparse.qwenvl_html.objects import Said, Scanner, pieces_of_string
from docparse.qwenvl_html.page import Piece, Stretch
from docparse.qwenvl_html.tokens import attribute_values, pieces_of_text, tokenize, unescape

_MAY_HAVE_BOXES = re.compile(r"box|poly|quad_|point_2d|<!--", re.IGNORECASE)
_GROUNDED = re.compile(r"<\|(box|quad)_start\|>([^<>]{1,400})<\|\1_end\|>")
_LARGEST = 999_999_999  # what ``boxes`` takes for a coordinate
_LEAST = 1e-9  # a probability of 0 would make a mean of any length 0

Confidence = tuple[int, int, float]
"""Start, end and probability of some characters."""


class Edit(NamedTuple):
    """A number that was written anew: ``[start, end)`` of the old text is ``[new_start, new_end)`` of the new."""

    start: int
    end: int
    new_start: int
    new_end: int


@dataclass(frozen=True)
class Rescaled:
    """The new ``markup``, and the numbers in it that differ from the old one, in order."""

    markup: str
    edits: tuple[Edit, ...]

    def offset(self, at: int) -> int:
        """Where character ``at`` of the old markup is in the new one. Never decreases."""
        index = bisect_right(self.edits, at, key=lambda edit: edit.start) - 1
        if index < 0:
            return at
        edit = self.edits[index]
        if at >= edit.end:
            return at - edit.end + edit.new_end
        return min(edit.new_start + at - edit.start, edit.new_end)

    def carry(self, confidences: Iterable[Confidence]) -> tuple[Confidence, ...]:
        """``confidences`` of the old markup as those of the new one; both sorted, not overlapping.

        A number that was written anew has no characters in common with the old one. As a whole it
        gets the geometric mean of the old one's characters, so that none of its digits is forgotten.
        """
        carried: list[Confidence] = []
        logs, length, index, shift = 0.0, 0, 0, 0  # of the number at ``index`` so far

        def number_ended() -> None:
            nonlocal logs, length, index, shift
            edit = self.edits[index]
            if length:
                carried.append((edit.new_start, edit.new_end, math.exp(logs / length)))
            logs, length, index, shift = 0.0, 0, index + 1, edit.new_end - edit.end

        for start, end, probability in confidences:
            at = start
            while at < end:
                while index < len(self.edits) and self.edits[index].end <= at:
                    number_ended()
                edit = self.edits[index] if index < len(self.edits) else None
                stop = min(end, edit.start) if edit else end
                if at < stop:
                    carried.append((at + shift, stop + shift, probability))
                    at = stop
                elif edit:
                    stop = min(end, edit.end)
                    logs += math.log(min(max(probability, _LEAST), 1)) * (stop - at)
                    length += stop - at
                    at = stop
        if length:
            number_ended()
        return tuple(carried)


def rescale(markup: str, scale_x: float, scale_y: float) -> Rescaled:
    """``markup`` with the numbers of its boxes and points multiplied and rounded to whole ones, halves up.

    Every box that ``read`` would read, in any of its formats, and those between ``<|box_start|>`` and
    ``<|box_end|>``; what ``read`` takes for no box is left alone. Raises ``ValueError`` for a scale that is
    not a positive number.
    """
    if not (0 < scale_x < math.inf and 0 < scale_y < math.inf):
        raise ValueError(f"no scale: {scale_x} {scale_y}")
    if scale_x == scale_y == 1 or not _MAY_HAVE_BOXES.search(markup):
        return Rescaled(markup, ())
    pieces: list[str] = []
    edits: list[Edit] = []
    last = length = 0
    for start, end, value, is_y in sorted(_numbers(markup)):
        new = _written(value * (scale_y if is_y else scale_x))
        if start < last or new == markup[start:end]:
            continue
        pieces += (markup[last:start], new)
        length += start - last
        edits.append(Edit(start, end, length, length + len(new)))
        length += len(new)
        last = end
    return Rescaled("".join((*pieces, markup[last:])), tuple(edits))


def _written(value: float) -> str:
    return str(min(max(math.floor(value + 0.5), -_LARGEST), _LARGEST))


# ------------------------------------------------------------------- where the numbers of boxes are

_Number = tuple[int, int, float, bool]
"""``markup[start:end]``, what it says, and whether it is a y."""


def _numbers(markup: str) -> Iterator[_Number]:
    """The numbers of all boxes and points. The same way through an answer as that of ``read``."""
    for match in _GROUNDED.finditer(markup):
        yield from _in_words(markup, match.span(2), polygon=match[1] == "quad")
    log = IssueLog(markup)
    framed = frame(markup, log)
    start, end, outside = framed.start, framed.end, [*framed.before, *framed.after]
    if framed.format == "html":
        yield from _in_elements(markup, (start, end), range(len(markup) + 1))
    elif framed.format == "json":
        scanner = Scanner(markup, start, end)
        found, blocks = _in_objects(scanner)
        yield from found
        if blocks:
            outside += [stretch for stretch in scanner.outside if is_of_the_page(markup, stretch, log)]
        else:  # it only looked like a list of objects
            outside.append((start, end))
    elif framed.format == "markdown":
        outside.append((start, end))
    for stretch in outside:
        yield from _in_markdown(markup, stretch)


def _in_markdown(markup: str, stretch: Stretch) -> Iterator[_Number]:
    if not _MAY_HAVE_BOXES.search(markup, *stretch):
        return
    finder = PlaceFinder(markup, *stretch)
    finder.read()
    for place in finder.places:
        yield from _in_words(markup, place)
    for element in finder.elements:
        if not _MAY_HAVE_BOXES.search(markup, *element):
            continue
        yield from _in_elements(markup, element, range(len(markup) + 1))


def _in_words(markup: str, stretch: Stretch, *, polygon: bool = False) -> Iterator[_Number]:
    for index, number in enumerate(boxes.places(markup[slice(*stretch)], polygon=polygon)):
        yield stretch[0] + number.start, stretch[0] + number.end, number.value, index % 2 == 1


def _in_elements(text: str, stretch: Stretch, places: Sequence[int]) -> Iterator[_Number]:
    """Those in the attributes of tags. ``places``: for each character of ``text`` where it is in the markup."""
    for token in tokenize(text, *stretch):
        if token.kind == "start" and boxes.attribute(token.attributes) is not None:
            for name, start, end in attribute_values(text, token):
                if name in boxes.ATTRIBUTES:
                    yield from _in_value(text, (start, end), places, polygon=name == "data-polygon")


def _in_value(text: str, stretch: Stretch, places: Sequence[int], *, polygon: bool) -> Iterator[_Number]:
    """Those of one attribute, where a digit may be a reference."""
    written = text[slice(*stretch)]
    at = _origins(written, pieces_of_text) if "&" in written else range(len(written) + 1)
    for index, number in enumerate(boxes.places(unescape(written), polygon=polygon)):
        start, end = stretch[0] + at[number.start], stretch[0] + at[number.end]
        yield places[start], places[end], number.value, index % 2 == 1


def _in_objects(scanner: Scanner) -> tuple[list[_Number], bool]:
    """Those of JSON, and whether ``read`` would make blocks of it."""
    found: list[_Number] = []
    blocks = False
    for entry in scanner.entries():
        corners = corners_of(entry)
        found += _in_values(scanner.markup, entry.corners, boxes.places(corners, polygon=is_polygon(corners)))
        point = " ".join(text for text, _ in entry.point)
        found += _in_values(scanner.markup, entry.point, boxes.numbers(point) or [])
        _, texts, separator = words_of(entry)
        blocks = blocks or bool(corners or texts)
        if any("<table" in text.lower() for text, _ in texts):
            text, places = _joined(scanner.markup, texts, separator)
            found += _in_elements(text, (0, len(text)), places)
    return found, blocks


def _in_values(markup: str, values: list[Said], numbers: list[boxes.Number]) -> Iterator[_Number]:
    if numbers:
        _, places = _joined(markup, values, " ")
        for index, number in enumerate(numbers):
            yield places[number.start], places[number.end], number.value, index % 2 == 1


def _joined(markup: str, values: list[Said], separator: str) -> tuple[str, list[int]]:
    """The text of ``values``, and for each of its characters where it is in ``markup``."""
    places: list[int] = []
    for _, (start, end) in values:
        # That of the end stands for the separator, which is one character.
        places += (start + at for at in _origins(markup[start:end], pieces_of_string))
    return separator.join(text for text, _ in values), places


def _origins(written: str, pieces: Callable[[str], Iterator[Piece]]) -> list[int]:
    """For each character that ``written`` stands for its place in it, and at last the end of it."""
    found: list[int] = []
    for text, start, end in pieces(written):
        found += range(start, end) if len(text) == end - start else [start] * len(text)
    return [*found, len(written)]
