"""Where the value of a label stands: after it, right of it, below it, before it.

``places`` gives the stretches of text that may hold the value, the likeliest first. They end where the
next label begins, so that an empty field stays empty and does not take its neighbour's value.

What this file is not: it reads no values; ``header`` and others look into the places for theirs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from docparse.extract.page_text import PageText, Row, Segment, Span
from docparse.extract.vocabulary import Label

Relation = Literal["after", "right", "below", "before"]

STANDS = 0.8
"""Standing from which a label ends the place of another's value."""
LEADING = re.compile(r"[\s:：=*.\-–—|>)]*")
FAR = 0.45
"""Share of the page's width that a value may stand right of its label."""
LINES_BELOW = 2.6
"""Letter heights between a label and the value below it."""


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """Some text that may hold a label's value.

    ``start`` and ``end`` are characters of ``row.text``; ``fit`` (0 to 1) is how usual such a place is.
    """

    label: Label
    row: Row
    start: int
    end: int
    relation: Relation
    fit: float

    @property
    def text(self) -> str:
        return self.row.text[self.start : self.end]

    def span(self, start: int, end: int) -> Span:
        """Characters of ``text`` as words on the page."""
        return self.row.span(self.start + start, self.start + end)


class Surroundings:
    """The labels of a page, and the places of their values."""

    def __init__(self, page: PageText, labels: Sequence[Label]) -> None:
        self.page = page
        self.labels = labels
        self._in_row: dict[int, list[Label]] = {}
        self._known: dict[Label, list[Place]] = {}
        for label in labels:
            self._in_row.setdefault(label.row.index, []).append(label)

    def places(self, label: Label) -> list[Place]:
        """The likeliest first; none for a label in the midst of a sentence but the words after it."""
        if label not in self._known:
            self._known[label] = self._places(label)
        return self._known[label]

    def _places(self, label: Label) -> list[Place]:
        row = label.row
        at, segment = _segment_at(row, label.start)
        stop = at + len(segment.text)
        found = []
        after = self._until_label(row, label.end, stop, label)
        if after is not None:
            found.append(Place(label, row, *after, "after", 1.0))
        if label.standing < 0.5 and label.row.text[label.end : label.end + 1] not in (":", "："):
            return found
        if after is None and not self._labels_between(row, label.end, stop):
            found += self._right(label, segment)
            found += self._below(label, segment)
        before = row.text[at : label.start].strip(" :|-")
        if before and after is None:
            found.append(Place(label, row, at, label.start, "before", 0.5))
        elif not found and not before:
            found += self._left(label, segment)
        return found

    def _left(self, label: Label, segment: Segment) -> Iterator[Place]:
        """The segment before it, where nothing follows: a label after its value."""
        row = label.row
        left = [(at, s) for at, s in _segments(row) if s.box.x2 <= segment.box.x1 + 0.5 * segment.size]
        if left and segment is row.segments[-1]:
            at, other = left[-1]
            if len(left) > 1 and self.begins_with_label(row, left[-2][0], left[-2][0] + len(left[-2][1].text)):
                return  # that is its own neighbour's value
            near = segment.box.x1 - other.box.x2 < 0.5 * FAR * self.page.page.width
            if near and not self.begins_with_label(row, at, at + len(other.text)):
                yield Place(label, row, at, at + len(other.text), "before", 0.6)

    def in_headings(self, label: Label) -> bool:
        """Whether it stands alone among other labels of its row, as the headings of a table do."""
        others = {
            x.start for x in self._in_row.get(label.row.index, ()) if x.standing == 1.0 and x.start != label.start
        }
        return label.standing == 1.0 and len(others) >= 2

    def begins_with_label(self, row: Row, start: int, end: int, own: Label | None = None) -> bool:
        """Whether what stands there is a label of its own; of "Terms: Net 30" the value is none."""
        terms = own is not None and own.field == "payment_terms"
        return any(
            label.standing >= STANDS
            and start <= label.start <= start + 2
            and label.end <= end
            and not (terms and label.standing < 1.0)
            for label in self._in_row.get(row.index, ())
        )

    def _until_label(self, row: Row, start: int, end: int, own: Label) -> tuple[int, int] | None:
        """The text up to the next label, without what leads to it; None where nothing is left."""
        for other in self._in_row.get(row.index, ()):
            if own.end <= other.start < end and other.start >= start and _parts(other, own):
                end = min(end, other.start)
        lead = LEADING.match(row.text, start, end)
        start = lead.end() if lead else start
        return (start, end) if row.text[start:end].strip(" :|,;(") else None

    def _labels_between(self, row: Row, start: int, end: int) -> bool:
        return any(
            start <= other.start < end and not other.field.startswith("column.") and other.standing >= 0.7
            for other in self._in_row.get(row.index, ())
        )

    def _right(self, label: Label, segment: Segment) -> Iterator[Place]:
        row, edge = label.row, segment.box.x2
        width = self.page.page.width
        for start, other in _segments(row):
            if other.box.x1 < segment.box.x2 - 0.5 * segment.size or not other.text.strip(" :：.-=|"):
                continue
            gap = other.box.x1 - edge
            if gap > FAR * width or self.begins_with_label(row, start, start + len(other.text), label):
                return
            place = self._until_label(row, start, start + len(other.text), label)
            if place is None:
                continue
            yield Place(label, row, *place, "right", 0.95 - 0.6 * min(gap / width, 0.5))
            return

    def _below(self, label: Label, segment: Segment) -> Iterator[Place]:
        box = label.span.box
        headings = sum(
            other.standing >= STANDS for other in self._in_row.get(label.row.index, ()) if other is not label
        )
        slack = 0.5 * segment.size
        seen = 0
        for other in self.page.below(box, within=LINES_BELOW * max(segment.size, box.height), slack=slack):
            row = self.page.rows[other.row]
            if row is label.row or not other.text.strip(" :：.-=|"):
                continue
            start = next(s for s, item in _segments(row) if item is other)
            if self.begins_with_label(row, start, start + len(other.text), label):
                return
            aligned = abs(other.box.x1 - segment.box.x1) < 1.5 * segment.size
            aligned = aligned or abs(other.box.x2 - segment.box.x2) < 1.5 * segment.size
            fit = 0.8 + 0.05 * bool(headings) + 0.05 * aligned - 0.1 * seen
            place = self._until_label(row, start, start + len(other.text), label)
            if place is not None:
                yield Place(label, row, *place, "below", fit)
            seen += 1
            if seen == 2:
                return


def _parts(other: Label, own: Label) -> bool:
    """Whether ``other`` begins something new after ``own``: not a word of the value."""
    if other.field == own.field or other.field.startswith("column."):
        return False
    if other.field in ("number", "date", "title", "buyer", "seller"):
        return False
    if own.field == "payment_terms" and other.field in ("net_total", "due_date"):
        return False  # "Net 30", "Due on receipt"
    return other.standing >= 0.5 or other.row.text[other.end : other.end + 2].lstrip()[:1] in (":", "：")


def _segments(row: Row) -> Iterator[tuple[int, Segment]]:
    at = 0
    for segment in row.segments:
        yield at, segment
        at += len(segment.text) + 1


def _segment_at(row: Row, place: int) -> tuple[int, Segment]:
    found = (0, row.segments[0])
    for at, segment in _segments(row):
        if at <= place:
            found = (at, segment)
    return found
