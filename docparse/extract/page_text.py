"""The text of a page as extraction sees it: words in rows, each with its place and its element.

``page_text`` joins two things: the ``Page`` (elements, cells) and the words that were seen on it (the
text layer's, or the OCR's), which have boxes of their own. Without words, as for a document that was
read from JSON, they are made from the elements, and stand about where they should.

    PageText > Row (one visual line) > Segment (no large gap, one element, one cell) > TextWord

A ``Span`` is any stretch of words on one page; evidence is made of it. Pixels of the page image,
origin top left. What this file is not: interpretation. It knows no labels and no values.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from docparse.document import Block, Document, Page
from docparse.geometry import BBox
from docparse.textlayer import Word

GAP = 1.2
"""Letter heights between two words above which they are two segments: columns, or a label and its value."""
NEAR = 0.6
"""The same where they stand in different elements."""
SAME_ROW = 0.5
"""Share of the lower word's height that two words of one row have in common."""
_NARROW, _WIDE = frozenset("iljtfrI1.,:;'|!()[]{}-/·"), frozenset("mwMW@%&—€")


@dataclass(frozen=True, slots=True, eq=False)
class TextWord:
    """A word on a page. ``size``: height of its letters' em in pixels; ``cell``: row and column in ``block``."""

    text: str
    box: BBox
    size: float
    bold: bool = False
    confidence: float | None = None
    block: str | None = None
    cell: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Span:
    """A stretch of words on one page, in reading order; it may go over several rows."""

    page: int
    words: tuple[TextWord, ...]
    text: str
    """As printed; may begin or end inside of a word."""

    @property
    def box(self) -> BBox:
        return BBox.around(word.box for word in self.words)

    @property
    def block(self) -> str | None:
        return self.words[0].block

    @property
    def confidence(self) -> float | None:
        """That of the least sure word; None where nobody knows (a text layer is as it is)."""
        known = [word.confidence for word in self.words if word.confidence is not None]
        return min(known) if known else None

    def __add__(self, other: Span) -> Span:
        """This span and one after it, on the same page."""
        return Span(self.page, self.words + other.words, f"{self.text} {other.text}")


class _Text:
    """Words joined by single spaces, and the way from its characters back to them."""

    __slots__ = ("_starts", "page", "text", "words")

    def __init__(self, page: int, words: Sequence[TextWord]) -> None:
        self.page = page
        self.words = tuple(words)
        self.text = " ".join(word.text for word in words)
        starts, at = [], 0
        for word in words:
            starts.append(at)
            at += len(word.text) + 1
        self._starts = starts

    def span(self, start: int = 0, end: int | None = None) -> Span:
        """The words that hold the characters ``start`` to ``end``; a word that is cut gives its part of the box.

        Raises ``ValueError`` for no characters.
        """
        stop = len(self.text) if end is None else min(end, len(self.text))
        text = self.text[start:stop]
        start += len(text) - len(text.lstrip())
        stop -= len(text) - len(text.rstrip())
        if start >= stop:
            raise ValueError("no words there")
        first = bisect_right(self._starts, start) - 1
        last = bisect_right(self._starts, stop - 1) - 1
        words = list(self.words[first : last + 1])
        for at in {first, last}:
            word, begin = self.words[at], self._starts[at]
            a, b = max(start - begin, 0), min(stop - begin, len(word.text))
            if (a, b) != (0, len(word.text)):
                words[at - first] = _part(word, a, b)
        return Span(self.page, tuple(words), self.text[start:stop])


def _part(word: TextWord, start: int, end: int) -> TextWord:
    """Some characters of a word; their box by the share of its width that such characters usually have."""
    widths = [_width(char) for char in word.text]
    step = word.box.width / (sum(widths) or 1.0)
    x1 = word.box.x1 + sum(widths[:start]) * step
    box = BBox(x1, word.box.y1, min(x1 + sum(widths[start:end]) * step, word.box.x2), word.box.y2)
    return TextWord(word.text[start:end], box, word.size, word.bold, word.confidence, word.block, word.cell)


def _width(char: str) -> float:
    """Of a character, in those of a digit. In the samples this halves the error of equal widths, to 0.05 em."""
    return 0.55 if char in _NARROW else 1.5 if char in _WIDE else 1.25 if char.isupper() else 1.0


class Segment(_Text):
    """Words of a row that stand together: of one element and one cell, with no large gap."""

    __slots__ = ("box", "row", "size")

    def __init__(self, page: int, words: Sequence[TextWord], row: int) -> None:
        super().__init__(page, words)
        self.row = row
        self.box = BBox.around(word.box for word in words)
        self.size = sorted(word.size for word in words)[len(words) // 2]

    @property
    def block(self) -> str | None:
        return self.words[0].block

    @property
    def cell(self) -> tuple[int, int] | None:
        return self.words[0].cell

    @property
    def bold(self) -> bool:
        return sum(len(w.text) for w in self.words if w.bold) * 2 > len(self.text)

    def __repr__(self) -> str:
        return f"Segment({self.text!r}, row {self.row})"


class Row(_Text):
    """One visual line of a page, over all columns. ``index``: from the top, from 0."""

    __slots__ = ("box", "index", "segments")

    def __init__(self, page: int, segments: Sequence[Segment], index: int) -> None:
        super().__init__(page, [word for segment in segments for word in segment.words])
        self.segments = tuple(segments)
        self.index = index
        self.box = BBox.around(segment.box for segment in segments)

    def __repr__(self) -> str:
        return f"Row({self.index}, {' | '.join(s.text for s in self.segments)!r})"


@dataclass(frozen=True, slots=True, eq=False)
class PageText:
    """A page in rows, top to bottom. ``ocr``: its words were read from pixels and may be misread."""

    page: Page
    rows: tuple[Row, ...]
    ocr: bool = False
    blocks: Mapping[str, Block] = field(default_factory=dict)

    @property
    def number(self) -> int:
        return self.page.number

    @property
    def segments(self) -> tuple[Segment, ...]:
        return tuple(segment for row in self.rows for segment in row.segments)

    @property
    def text(self) -> str:
        return "\n".join("  ".join(s.text for s in row.segments) for row in self.rows)

    def right_of(self, segment: Segment) -> list[Segment]:
        """The segments of its row that stand right of it, nearest first."""
        return [s for s in self.rows[segment.row].segments if s.box.x1 >= segment.box.x2 - 0.5 * segment.size]

    def below(self, box: BBox, *, within: float, slack: float = 0.0) -> list[Segment]:
        """Segments under ``box`` that share columns with it (or come ``slack`` near), at most ``within`` pixels
        lower, nearest first."""
        found = [
            s
            for row in self.rows
            if box.y2 - 0.3 * (row.box.height) <= row.box.y2 and row.box.y1 <= box.y2 + within
            for s in row.segments
            if s.box.center[1] > box.y2
            and s.box.y1 <= box.y2 + within
            and min(s.box.x2, box.x2) - max(s.box.x1, box.x1) > -slack
        ]
        return sorted(found, key=lambda s: (s.box.y1, abs(s.box.x1 - box.x1)))

    def above(self, box: BBox, *, within: float, slack: float = 0.0) -> list[Segment]:
        """The same upwards, nearest first."""
        found = [
            s
            for row in self.rows
            for s in row.segments
            if s.box.center[1] < box.y1
            and s.box.y2 >= box.y1 - within
            and min(s.box.x2, box.x2) - max(s.box.x1, box.x1) > -slack
        ]
        return sorted(found, key=lambda s: (-s.box.y2, abs(s.box.x1 - box.x1)))


@dataclass(frozen=True, slots=True, eq=False)
class DocumentText:
    """The pages that extraction looks at, in order."""

    document: Document
    pages: tuple[PageText, ...]

    @property
    def rows(self) -> list[Row]:
        return [row for page in self.pages for row in page.rows]

    @property
    def ocr(self) -> bool:
        """Whether most of its text was read from pixels."""
        seen = sum(len(page.rows) for page in self.pages if page.ocr)
        return 2 * seen > sum(len(page.rows) for page in self.pages)

    def page(self, number: int) -> PageText:
        return next(page for page in self.pages if page.number == number)

    def part(self, numbers: Iterable[int]) -> DocumentText:
        """Some pages of it."""
        wanted = set(numbers)
        return DocumentText(self.document, tuple(page for page in self.pages if page.number in wanted))


def document_text(document: Document, words: Mapping[int, Sequence[Word]] | None = None) -> DocumentText:
    """``words``: those seen on each page, by its number."""
    seen = words or {}
    return DocumentText(document, tuple(page_text(page, seen.get(page.number, ())) for page in document.pages))


def page_text(page: Page, words: Sequence[Word] = ()) -> PageText:
    """A page in rows. Without ``words`` they are made from its elements."""
    blocks = {part.id: part for block in page.blocks for part in (block, *block.items)}
    if words:
        homes = _Homes(blocks.values())
        placed = [homes.settle(word) for word in words if word.text.strip()]
        ocr = any(word.confidence is not None for word in words)
    else:
        placed = [word for block in blocks.values() for word in _made(block)]
        ocr = any(block.origin == "ocr" for block in blocks.values())
    rows = [_segments(page.number, row, index) for index, row in enumerate(_rows(placed))]
    return PageText(page, tuple(Row(page.number, row, index) for index, row in enumerate(rows)), ocr, blocks)


class _Homes:
    """Elements and cells by place."""

    def __init__(self, blocks: Iterable[Block]) -> None:
        placed = [(b.bbox.area, b) for b in blocks if b.bbox is not None]
        # The smallest one that holds a word is its own: list items stand in lists, captions in figures.
        self._blocks = [(b.bbox, b) for _, b in sorted(placed, key=lambda p: p[0]) if b.bbox is not None]

    def settle(self, word: Word) -> TextWord:
        x, y = word.box.center
        style = word.style
        home = next((b for box, b in self._blocks if box.contains(x, y)), None)
        cell = None
        if home is not None and home.cells:
            held = [c for c in home.cells if c.bbox is not None and c.bbox.contains(x, y)]
            cell = (held[0].row, held[0].col) if held else None
        size = style.size or word.box.height
        name = home.id if home is not None else None
        return TextWord(word.text, word.box, size, style.bold, word.confidence, name, cell)


def _made(block: Block) -> list[TextWord]:
    """Words of an element by its text and its box, where nobody saw them."""
    if block.bbox is None:
        return []
    if not block.cells:
        return _spread(block.text, block.bbox, block, None)
    rows, cols = block.num_rows, block.num_cols
    found = []
    for cell in block.cells:
        box = cell.bbox or BBox(
            block.bbox.x1 + block.bbox.width * cell.col / cols,
            block.bbox.y1 + block.bbox.height * cell.row / rows,
            block.bbox.x1 + block.bbox.width * (cell.col + cell.colspan) / cols,
            block.bbox.y1 + block.bbox.height * (cell.row + cell.rowspan) / rows,
        )
        found += _spread(cell.text, box, block, (cell.row, cell.col))
    return found


def _spread(text: str, box: BBox, block: Block, cell: tuple[int, int] | None) -> list[TextWord]:
    """The words of ``text`` over ``box``: its lines share the height, its characters the width."""
    lines = [line for line in text.split("\n") if line.strip()]
    if not lines:
        return []
    widest = max(len(line) for line in lines)
    height = box.height / len(lines)
    step = box.width / widest
    found = []
    for number, line in enumerate(lines):
        at = 0
        top = box.y1 + number * height
        for text in line.split(" "):
            if text:
                place = BBox(box.x1 + at * step, top, box.x1 + (at + len(text)) * step, top + height)
                found.append(TextWord(text, place, height, False, block.confidence, block.id, cell))
            at += len(text) + 1
    return found


def _rows(words: Iterable[TextWord]) -> list[list[TextWord]]:
    """Words by visual line, top to bottom, each left to right.

    A word joins the row whose last word it stands beside: not the row's own height, so that lines which
    slope a little, as on photos, stay whole.
    """
    rows: list[list[TextWord]] = []
    open_at: dict[int, list[int]] = {}  # rows by the bands that their last word reaches into
    items = sorted(words, key=lambda w: (w.box.x1, w.box.y1))
    band = max((sorted(w.box.height for w in items)[len(items) // 2] if items else 0.0), 1.0)
    for word in items:
        best, share = -1, SAME_ROW
        for index in {i for at in _bands(word.box, band) for i in open_at.get(at, ())}:
            common = _beside(rows[index][-1].box, word.box)
            if common > share or (common == share and best > index):
                best, share = index, common
        if best < 0:
            best = len(rows)
            rows.append([])
        else:
            for at in _bands(rows[best][-1].box, band):
                open_at[at].remove(best)
        rows[best].append(word)
        for at in _bands(word.box, band):
            open_at.setdefault(at, []).append(best)
    return sorted(rows, key=lambda row: sum(w.box.center[1] for w in row) / len(row))


def _bands(box: BBox, height: float) -> range:
    """The numbers of the bands of ``height`` that a box reaches into; of a very tall one only its middle's."""
    low, high = int(box.y1 // height), int(box.y2 // height)
    if high - low > 40:
        low = high = int(box.center[1] // height)
    return range(low, high + 1)


def _beside(last: BBox, box: BBox) -> float:
    """Share of the lower one's height that two boxes have in common; 0 where one stands on the other."""
    low = min(last.height, box.height)
    over = min(last.x2, box.x2) - max(last.x1, box.x1)
    if low <= 0 or over > 0.5 * min(last.width, box.width):
        return 0.0
    return (min(last.y2, box.y2) - max(last.y1, box.y1)) / low


def _segments(page: int, row: Sequence[TextWord], index: int) -> list[Segment]:
    cut = [0]
    for at, (a, b) in enumerate(pairwise(row), 1):
        gap = (b.box.x1 - a.box.x2) / max(a.size, b.size, 1.0)
        apart = a.block != b.block and gap > NEAR
        if gap > GAP or apart or (a.cell != b.cell and a.block == b.block):
            cut.append(at)
    return [Segment(page, row[a:b], index) for a, b in pairwise([*cut, len(row)])]
