"""The answer to "where is it" to places on the page.

What it is: every form in which models give boxes and points (facts/qwen.md 6): JSON with ``bbox_2d`` or
``point_2d``, fenced or not, cut off or not quite JSON; ``<|box_start|>`` of Qwen2-VL; ``<points x1= y1=>``; boxes
of QwenVL HTML; bare ``[x1, y1, x2, y2]``. An answer without any is an answer too: nothing was found. What it is
not: a reader of pages (``read``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from docparse.document import Issue
from docparse.geometry import BBox
from docparse.qwenvl_html import boxes
from docparse.qwenvl_html.boxes import Number
from docparse.qwenvl_html.confidence import Confidences
from docparse.qwenvl_html.issues import IssueLog, shown
from docparse.qwenvl_html.objects import Entry, Said, Scanner
from docparse.qwenvl_html.read import read
from docparse.qwenvl_html.tokens import SPECIAL, unescape

_NUMBER = r"[-+]?[0-9]++(?:\.[0-9]*+)?"
_LIST = re.compile(rf"[\[(]\s*+({_NUMBER}(?:(?:\s*+[,;]\s*+|\s++){_NUMBER}){{1,7}}+)\s*+[\])]")
_AROUND = " \t\r\n`"
_NEAR = re.compile(r"[\s,;]{0,10}")
_GROUNDED = re.compile(
    r"<\|object_ref_start\|>(?P<name>[^<>]{0,400})<\|object_ref_end\|>"
    r"|<\|(?:box|quad)_start\|>(?P<box>[^<>]{0,400})(?P<end><\|(?:box|quad)_end\|>)?"
)
_POINTS = re.compile(r"<points?\s(?P<said>[^<>]{0,20000})(?:>(?P<label>[^<>]{0,400}))?", re.IGNORECASE)
_COORDINATE = re.compile(rf"\b([xy])([0-9]{{0,4}})\s{{0,9}}=\s{{0,9}}[\"'“]?({_NUMBER})(?=[^0-9.])", re.IGNORECASE)
_ALT = re.compile(r"\balt\s{0,9}=\s{0,9}(?:\"([^\"]*)|'([^']*))", re.IGNORECASE)
_BOXED_TAG = re.compile(r"<[a-z][^<>]{0,200}?\b(?:data-bbox|bbox|data-polygon)\s*=", re.IGNORECASE)
_LABELS = ("label", "text_content", "text", "name", "object", "content", "category", "description", "class", "type")
_CORNERS = (("x1", "y1", "x2", "y2"), ("xmin", "ymin", "xmax", "ymax"), ("left", "top", "right", "bottom"), ("x", "y"))
_MORE_KEYS = ("point", "points", "coordinates", "coordinate", "position", "location", "center")
_MOST_CORNERS = 200  # of a polygon
_LARGEST = 1e9


@dataclass(frozen=True, slots=True)
class Place:
    """A box or a point of the page in its pixels, origin top left; the other of the two is None.

    ``confidence``, 0 to 1: the geometric mean of the probabilities of its digits, so that it does not
    depend on how many there are; None where nobody knows. How sure the model was of what it wrote, not how
    probable it is that the place is right.
    """

    label: str = ""
    bbox: BBox | None = None
    point: tuple[float, float] | None = None
    confidence: float | None = None


class Places(NamedTuple):
    """What an answer says; ``issues`` are about what in it is no place, or had to be mended."""

    places: tuple[Place, ...]
    issues: tuple[Issue, ...]


def parse_answer(
    text: str,
    *,
    width: int,
    height: int,
    page_width: float,
    page_height: float,
    points: bool = False,
    confidences: Sequence[tuple[int, int, float]] = (),
) -> Places:
    """The places that ``text`` says, in pixels of the page, in the order in which they are said.

    ``width``, ``height``: pixels of the picture as the model saw it, which most answers are in (those of
    ``<|box_start|>`` are in thousandths). ``points``: points were asked for, so that ``(1, 2), (3, 4)`` is two of
    them and no box. ``confidences``: (start, end, probability) by character of ``text``, sorted.

    Corners come sorted and cut to the page. What is no place, has no area or lies outside is left out, and so
    is what is said twice; an issue tells. Never raises for any text.
    """
    log = IssueLog(text)
    answer = _Answer(text, points=points, log=log)
    to_page = _ToPage(width, height, page_width, page_height, Confidences(confidences), log)
    places: dict[object, Place] = {}
    for found in answer.found():
        if (place := to_page.place(found)) is None:
            continue
        same = (place.label, place.bbox, place.point)
        if same in places:
            log.add("duplicate-block", f"{shown(place.label)!r} is said twice at the same place", found.at)
        places.setdefault(same, place)
    return Places(tuple(places.values()), log.issues())


# ----------------------------------------------------------------------- what is said, and where


@dataclass(frozen=True, slots=True)
class _Found:
    """Numbers that say a place, x and y in turn. ``at``: where they begin. ``whole``: the width and height of the
    picture in their unit; None means pixels."""

    label: str
    numbers: Sequence[Number]
    at: int
    whole: int | None = None


class _Answer:
    def __init__(self, text: str, *, points: bool, log: IssueLog) -> None:
        self.text = text
        self.points = points
        self.log = log

    def found(self) -> list[_Found]:
        """By the first form that the answer has anything in: what looks like another one is then a part of it."""
        for form in (self._grounded, self._objects, self._points, self._elements, self._bare):
            if found := list(form()):
                return found
        return []

    def _grounded(self) -> Iterator[_Found]:
        name = ""
        for match in _GROUNDED.finditer(self.text):
            if match["box"] is None:
                name = match["name"].strip()
            elif match["end"] is None:
                self._cut(match.start())
            else:
                yield self._of_words(name, match.span("box"), whole=1000)

    def _points(self) -> Iterator[_Found]:
        for match in _POINTS.finditer(self.text):
            alt = _ALT.search(match["said"])
            label = unescape((match["label"] or "").strip() or (alt[1] or alt[2] or "" if alt else ""))
            halves: dict[str, Number] = {}
            start = match.start("said")
            for said in _COORDINATE.finditer(match["said"] + ("" if match["label"] is None else " ")):
                number = Number(float(said[3]), start + said.start(3), start + said.end(3))
                axis, index = said[1].lower(), said[2]
                other = halves.pop(("y" if axis == "x" else "x") + index, None)
                if other is None:
                    halves[axis + index] = number
                else:
                    yield _Found(label, (other, number) if axis == "y" else (number, other), match.start())
            if match["label"] is None:
                self._cut(match.start())

    def _elements(self) -> Iterator[_Found]:
        if not _BOXED_TAG.search(self.text):
            return
        for block in read(self.text).blocks:
            if block.bbox is not None:  # nobody knows any more where its digits were
                numbers = [Number(side, 0, 0) for side in block.bbox.as_tuple()]
                yield _Found(shown(block.text, 200), numbers, 0)

    def _bare(self) -> Iterator[_Found]:
        """Lists of numbers in a sentence, or nothing but numbers."""
        lists = list(_LIST.finditer(self.text))
        if not lists:
            bare = SPECIAL.sub(lambda match: " " * len(match[0]), self.text)
            span = len(bare) - len(bare.lstrip(_AROUND)), len(bare.rstrip(_AROUND + "."))
            if len(boxes.numbers(self.text[slice(*span)]) or ()) == (2 if self.points else 4):
                yield self._of_words("", span)
            return
        corner: re.Match[str] | None = None  # (x1, y1), and perhaps (x2, y2) follows
        for match in lists:
            if self.points or len(boxes.numbers(match[1]) or ()) != 2:
                yield self._of_words("", match.span(1))
            elif corner and _NEAR.fullmatch(self.text, corner.end(), match.start()):
                yield self._of_words("", (corner.start(1), match.end(1)))
            else:
                corner = match
                continue
            corner = None

    def _of_words(self, label: str, span: tuple[int, int], *, whole: int | None = None) -> _Found:
        numbers = boxes.numbers(self.text[slice(*span)]) or []
        return _Found(label, [_moved(number, span[0]) for number in numbers], span[0], whole)

    def _cut(self, at: int) -> None:
        self.log.add("truncated", "the answer ends inside of a place", at)

    # --------------------------------------------------------------------------------- JSON

    def _objects(self) -> Iterator[_Found]:
        scanner = Scanner(self.text, 0, len(self.text))
        for entry in scanner.entries():
            found = list(self._of_entry(entry))
            if scanner.truncated and found and found[-1].numbers and found[-1].numbers[-1].end == len(self.text):
                found.pop()  # who knows how the number would have gone on
            yield from found
        if scanner.truncated:
            self._cut(len(self.text))

    def _of_entry(self, entry: Entry) -> Iterator[_Found]:
        groups = self._groups(entry.corners)
        if len(groups) > 1 and {len(group) for group in groups} == {2}:
            groups = [[number for corner in groups for number in corner]]
        if not groups:
            for group in self._groups(entry.point or entry.take(_MORE_KEYS)):
                several = len(group) > 2 and (self.points or len(group) != 4)
                groups += _pairs(group) if several else [group]
        groups = groups or self._by_sides(entry)
        labels = [text for text, _ in next((entry.said[key] for key in _LABELS if key in entry.said), [])]
        for index, group in enumerate(groups):
            label = labels[index] if len(labels) == len(groups) else " ".join(labels)
            yield _Found(label.strip(), group, entry.start)
        if not groups:  # {"total": [x1, y1, x2, y2]}
            for key, said in entry.said.items():
                for group in self._groups(said):
                    if len(group) == 4:
                        yield _Found(key, group, entry.start)

    def _groups(self, values: Sequence[Said]) -> list[list[Number]]:
        """The numbers of ``values``, by the inner lists that they stand in; none of what is not only numbers."""
        groups: list[list[Number]] = []
        last: int | None = None
        for value, (start, end) in values:
            numbers = boxes.numbers(value)
            if numbers is None:
                return [[]]
            between = "" if last is None else self.text[last:start]
            if last is None or ("]" in between and "[" in between):
                groups.append([])
            same = len(value) == end - start  # else there were escapes in it, and nobody knows
            groups[-1] += (_moved(n, start) if same else Number(n.value, start, end) for n in numbers)
            last = end
        return groups

    def _by_sides(self, entry: Entry) -> list[list[Number]]:
        """The box or point of an object that says each side under a key of its own."""
        for keys in _CORNERS:
            if all(key in entry.said for key in keys):
                sides = [self._groups(entry.said[key]) for key in keys]
                columns = [[number for group in side for number in group] for side in sides]
                return [list(numbers) for numbers in zip(*columns, strict=False)]
        return []


def _moved(number: Number, by: int) -> Number:
    return Number(number.value, number.start + by, number.end + by)


def _pairs(numbers: Sequence[Number]) -> list[list[Number]]:
    return [list(numbers[at : at + 2]) for at in range(0, len(numbers), 2)]


# -------------------------------------------------------------------------------- onto the page


@dataclass(frozen=True, slots=True)
class _ToPage:
    width: int
    height: int
    page_width: float
    page_height: float
    confidences: Confidences
    log: IssueLog

    def place(self, found: _Found) -> Place | None:
        """The place on the page; None for none, with the issue."""
        values = [number.value for number in found.numbers]
        said = shown(" ".join(f"{value:g}" for value in values[:9]))
        if len(values) < 2 or len(values) % 2 or len(values) > 2 * _MOST_CORNERS:
            return self._not("box-malformed", f"{len(values) or 'no'} numbers where a place should be", found)
        if any(not abs(value) < _LARGEST for value in values):
            return self._not("box-malformed", f"{said!r}: no page has such coordinates", found)
        if max(values) <= 1 and any(value % 1 for value in values):
            return self._not("box-malformed", f"{said!r}: fractions of the page instead of pixels", found)
        x_scale = self.page_width / (found.whole or self.width)
        y_scale = self.page_height / (found.whole or self.height)
        xs, ys = [x * x_scale for x in values[::2]], [y * y_scale for y in values[1::2]]
        sure = self.confidences.of((number.start, number.end) for number in found.numbers)
        sure = None if sure is None else round(sure, 4)
        if len(values) == 2:
            x, y = xs[0], ys[0]
            if not (0 <= x <= self.page_width and 0 <= y <= self.page_height):
                return self._not("box-outside-page", f"the point {said!r} is outside of the page", found)
            return Place(found.label, point=(x, y), confidence=sure)
        if len(values) == 4 and (xs[0] > xs[1] or ys[0] > ys[1]):
            self.log.add("box-reversed", f"{said!r}: the corners are swapped", found.at)
        box = BBox(min(xs), min(ys), max(xs), max(ys))
        cut = box.clamped(self.page_width, self.page_height)
        if cut.area == 0:
            where = "has no area" if box.area == 0 else "is outside of the page"
            return self._not("box-empty", f"{said!r} {where}", found)
        if cut != box:
            self.log.add("box-outside-page", f"{said!r} reaches beyond the page", found.at)
        return Place(found.label, cut, confidence=sure)

    def _not(self, code: str, message: str, found: _Found) -> Place | None:
        self.log.add(code, message, found.at)
        return None
