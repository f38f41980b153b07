"""Where on a page the names of fields stand, and what stands beside them.

A ``Sighting`` is a stretch of words that is called as a field is called. Its value may follow in the same
segment, stand right of it, below it, or in the next cell. What this file is not: types. Whether a text is a
value of the field is said by the ``read`` that is handed in.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from docparse.extract.page_text import PageText, Segment, Span, TextWord
from docparse.extract.user.names import Ideas, Phrase, best, ideas, likeness
from docparse.extract.user.schema import Wanted

LEAST = 0.6
"""Likeness of a text to a field's name below which it is not its label."""
SURE = 0.8
"""The same from which it is surely some field's label, and so no field's value."""
INSIDE = 0.85
"""What is left of a likeness where the label begins in the middle of a text."""
LONGEST = 7
"""Words of a label that is followed by its value."""
LONGEST_WHOLE = 24
"""Words of a label that has a segment to itself: a question."""
BELOW = 2.4
"""Letter heights under a label in which its value may begin."""
_LEAD = re.compile(r"^(?:\(?[0-9]{1,2}[.)]|\(?[a-z][.)]|[•·▪●◦*–—-]|[☐☑☒□■✓✔✗✘])$", re.IGNORECASE)
_CLOSED = re.compile(r"[:：?？]$")


@dataclass(frozen=True, slots=True, eq=False)
class Name:
    """A field and what it may be called."""

    field: Wanted
    phrases: tuple[Phrase, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Sighting:
    """Words of ``segment`` (``first`` to ``last``, without) that are called as a field. ``closed``: by a colon."""

    name: Name
    page: PageText
    segment: Segment
    first: int
    last: int
    like: float
    closed: bool

    @property
    def words(self) -> tuple[TextWord, ...]:
        return self.segment.words[self.first : self.last]

    @property
    def whole(self) -> bool:
        """Nothing follows in its segment but dots or dashes."""
        rest = "".join(word.text for word in self.segment.words[self.last :])
        return not re.search(r"[\w☐☑☒□■✓✔✗✘]", rest)


@dataclass(frozen=True, slots=True)
class Beside:
    """A stretch of words beside a label. ``trust``: how surely such a place is the value's."""

    span: Span
    how: str
    trust: float


@dataclass(slots=True)
class Labels:
    """The labels of one page: all sightings, and which segments are labels."""

    page: PageText
    sightings: list[Sighting] = field(default_factory=list)
    _by_segment: dict[int, list[Sighting]] = field(default_factory=dict)

    def add(self, found: Sighting) -> None:
        self.sightings.append(found)
        self._by_segment.setdefault(id(found.segment), []).append(found)

    def in_segment(self, segment: Segment) -> list[Sighting]:
        return self._by_segment.get(id(segment), [])

    def is_label(self, segment: Segment) -> bool:
        """Whether a segment begins with a label, of a field or of something else."""
        if _CLOSED.search(segment.text):
            return True
        return any(s.like >= SURE and s.first <= 1 and (s.closed or s.whole) for s in self.in_segment(segment))


def find_labels(page: PageText, names: Sequence[Name]) -> Labels:
    """Every place on the page that is called as one of the fields."""
    labels = Labels(page)
    wanted = {idea for name in names for phrase in name.phrases for idea in phrase.ideas}
    headings = _headings(page, names)
    for segment in page.segments:
        for first, last, closed in _windows(segment):
            if re.sub(r"^\W+", "", segment.words[first].text)[:1].islower() and _goes_on(page, segment, first):
                continue
            text = " ".join(word.text for word in segment.words[first:last])
            about = ideas(text.rstrip(":：?？"))
            if not about & wanted and not page.ocr:
                continue
            for name in names:
                under = _under(segment, headings, name.field)
                like = best(about, name.phrases, ocr=page.ocr, under=under)
                if _inside(segment, first):
                    like *= INSIDE
                if like >= LEAST:
                    _keep(labels, Sighting(name, page, segment, first, last, min(1.0, like + 0.02 * under), closed))
    return labels


def _inside(segment: Segment, first: int) -> bool:
    """Whether a label stands behind other words that are no label and its value."""
    before = [w.text for w in segment.words[:first] if not _LEAD.match(w.text)]
    return bool(before) and not any(_CLOSED.search(word) for word in before)


def _goes_on(page: PageText, segment: Segment, first: int) -> bool:
    """Whether a word in lower case is in the middle of a sentence: "in accordance with their terms:"."""
    if first > 0 and not _LEAD.match(segment.words[first - 1].text):
        return True
    above = page.rows[segment.row - 1].segments if segment.row > 0 else ()
    return any(s.block == segment.block and s.block is not None and len(s.words) > LONGEST for s in above)


def _keep(labels: Labels, new: Sighting) -> None:
    """Of labels of one field that share words, the likest; of equal ones the one with the colon, the longer."""
    for old in labels.in_segment(new.segment):
        if old.name is new.name and old.first < new.last and new.first < old.last:
            if (round(new.like, 3), new.closed, new.last - new.first) > (
                round(old.like, 3),
                old.closed,
                old.last - old.first,
            ):
                labels.sightings.remove(old)
                labels._by_segment[id(new.segment)].remove(old)
            else:
                return
    labels.add(new)


def _windows(segment: Segment) -> Iterator[tuple[int, int, bool]]:
    """Stretches of a segment that may be labels: from its beginning, or up to a colon."""
    words = segment.words
    start = 0
    while start < len(words) - 1 and _LEAD.match(words[start].text):
        start += 1
    seen = set()
    for last in range(start + 1, min(len(words), start + LONGEST) + 1):
        seen.add((start, last))
        yield start, last, _closed(segment, last)
    if len(words) <= LONGEST_WHOLE and (start, len(words)) not in seen:
        seen.add((start, len(words)))
        yield start, len(words), _closed(segment, len(words))
    for last in range(1, len(words) + 1):
        if not _closed(segment, last):
            continue
        for first in range(max(0, last - LONGEST), last):
            if (first, last) not in seen and not any(_CLOSED.search(w.text) for w in words[first : last - 1]):
                seen.add((first, last))
                yield first, last, True


def _closed(segment: Segment, last: int) -> bool:
    words = segment.words
    return bool(_CLOSED.search(words[last - 1].text)) or (last < len(words) and words[last].text in (":", "：", "?"))


Heading = tuple[str, Segment]


def _headings(page: PageText, names: Sequence[Name]) -> list[Heading]:
    """Segments that head a part of the page, with the path of the object that they name ('' for another)."""
    parents = {p.path: p for name in names for p in name.field.parents if p.kind == "object" and p.name}
    if not parents:
        return []
    called: dict[str, list[Ideas]] = {
        path: [ideas(text) for text in (parent.name.replace("_", " "), parent.title) if text]
        for path, parent in parents.items()
    }
    found: list[Heading] = []
    for segment in page.segments:
        if len(segment.words) > LONGEST:
            continue
        about = ideas(segment.text.rstrip(":：?？"))
        path = next((p for p, texts in called.items() if any(likeness(about, t) >= SURE for t in texts)), None)
        block = page.blocks.get(segment.block or "")
        if path is not None:
            found.append((path, segment))
        elif block is not None and block.kind == "heading":
            found.append(("", segment))
    return found


def _under(segment: Segment, headings: Sequence[Heading], wanted: Wanted) -> bool:
    """Whether the last heading above the segment, in its column, names the object that the field is in."""
    paths = {parent.path for parent in wanted.parents if parent.kind == "object"}
    if not paths or not headings:
        return False
    above = [
        (heading.box.y1, heading.box.x1, path)
        for path, heading in headings
        if heading.box.center[1] < segment.box.y1 + 0.2 * segment.size
        and heading.box.x1 <= segment.box.x1 + segment.size
    ]
    return bool(above) and max(above)[2] in paths


def beside(sighting: Sighting, labels: Labels) -> list[Beside]:
    """What may be the value of a label, the likeliest first."""
    rest = _rest(sighting, labels)
    if rest is not None:
        # Without a colon the words after it may just go on: "Date of the meeting was moved".
        return [Beside(rest, "after", 1.0 if sighting.closed else 0.8)]
    if not sighting.whole:
        return []
    if sighting.segment.cell is not None:
        found = list(_cells(sighting, labels))
        if found:
            return found
    return _around(sighting, labels)


def _rest(sighting: Sighting, labels: Labels) -> Span | None:
    """The words after the label in its segment, up to the next label."""
    segment = sighting.segment
    start = sighting.last
    while start < len(segment.words) and not re.search(r"[\w☐☑☒□■✓✔✗✘+#€$£¥]", segment.words[start].text):
        start += 1
    stops = [
        s.first
        for s in labels.in_segment(segment)
        if s.first > sighting.last - 1 and s.closed and s.like >= SURE and s.name is not sighting.name
    ]
    stop = min(stops, default=len(segment.words))
    return _span(segment, start, stop) if start < stop else None


def _span(segment: Segment, first: int, last: int) -> Span:
    words = segment.words[first:last]
    return Span(segment.page, words, " ".join(word.text for word in words))


def _whole(segment: Segment) -> Span:
    return _span(segment, 0, len(segment.words))


def cell_span(page: PageText, block: str, row: int, col: int) -> Span | None:
    """The words of a table's cell; None where it is empty."""
    words = tuple(w for r in page.rows for w in r.words if w.block == block and w.cell == (row, col))
    return Span(page.number, words, " ".join(w.text for w in words)) if words else None


def _cells(sighting: Sighting, labels: Labels) -> Iterator[Beside]:
    """The cell right of a label's; below it where the label is a head of the only row."""
    page, segment = sighting.page, sighting.segment
    block = page.blocks.get(segment.block or "")
    if block is None or segment.cell is None or not block.cells:
        return
    row, col = segment.cell
    heads = {cell.row for cell in block.cells if cell.header}
    here = cell_span(page, block.id, row, col)
    if here is not None and len(here.words) > len(sighting.words):
        return  # the cell says more than the label: its value is not next door
    if row in heads or (row == 0 and block.num_rows == 2 and block.num_cols > 2):
        if block.num_rows - len(heads or {0}) == 1:
            span = cell_span(page, block.id, row + 1, col)
            if span is not None:
                yield Beside(span, "cell", 0.95)
        return
    for at in range(col + 1, block.num_cols):
        span = cell_span(page, block.id, row, at)
        if span is not None:
            yield Beside(span, "cell", 0.97 if sighting.closed or at == col + 1 else 0.85)
            return


def _around(sighting: Sighting, labels: Labels) -> list[Beside]:
    page, segment = sighting.page, sighting.segment
    beyond = [s for s in page.right_of(segment) if s is not segment]
    # A colon may stand by itself, in a column of colons.
    closed = sighting.closed or bool(beyond and beyond[0].text in (":", "："))
    right = [s for s in beyond if re.search(r"\w", s.text)][:1]
    right = [s for s in right if not labels.is_label(s)]
    below = [s for s in page.below(segment.box, within=BELOW * segment.size) if not labels.is_label(s)]
    below = [s for s in below if s.box.y1 - segment.box.y2 <= BELOW * segment.size and _lines_up(segment, s)][:1]
    same = [s for s in below if s.block is not None and s.block == segment.block]
    found = [Beside(_whole(s), "right", 0.97 if closed else 0.85) for s in right]
    under = [Beside(_whole(s), "below", 0.95 if same or not right else 0.8) for s in below]
    if (same and not closed) or _row_of_labels(sighting, labels):
        return under + found
    return found + under


def _lines_up(label: Segment, value: Segment) -> bool:
    """Whether a segment stands under another: from the same left edge, or centred, or right below it."""
    slack = 1.5 * label.size
    return (
        abs(label.box.x1 - value.box.x1) <= slack
        or abs(label.box.x2 - value.box.x2) <= slack
        or abs(label.box.center[0] - value.box.center[0]) <= slack
    )


def _row_of_labels(sighting: Sighting, labels: Labels) -> bool:
    """Whether a label stands in a row of heads: each segment of the row has one under it, and it has no colon."""
    row = sighting.page.rows[sighting.segment.row]
    if len(row.segments) < 2 or sighting.closed:
        return False
    page = sighting.page
    return all(any(_lines_up(s, below) for below in page.below(s.box, within=BELOW * s.size)) for s in row.segments)


def lines_below(page: PageText, span: Span, labels: Labels, *, most: int = 6) -> Span:
    """A value with the lines that go on under it: same left edge, same element, no gap, no label."""
    first = span.words[0]
    bottom = span.box
    for row in page.rows:
        if row.box.center[1] <= bottom.y2 or most == 0:
            continue
        going_on = [s for s in row.segments if abs(s.box.x1 - first.box.x1) <= 0.8 * first.size]
        if not going_on:
            if row.box.y1 - bottom.y2 > 1.2 * first.size:
                break
            continue
        segment = going_on[0]
        apart = segment.block != first.block and segment.box.y1 - bottom.y2 > 0.8 * first.size
        if segment.box.y1 - bottom.y2 > 1.2 * first.size or apart or labels.is_label(segment):
            break
        if any(s.closed for s in labels.in_segment(segment)):
            break
        span = Span(span.page, span.words + segment.words, f"{span.text}\n{segment.text}")
        bottom = segment.box
        most -= 1
    return span
