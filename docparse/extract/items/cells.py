"""What stands in each column of the rows below a heading.

The columns are those of the heading, by place: a table finder may have merged two of them, or cut a row
in two. Numbers go to columns of numbers, words to columns of words, each to the nearest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from docparse.extract.items.header import Column
from docparse.extract.page_text import Row, Segment, Span
from docparse.extract.totals.printed_numbers import Number
from docparse.geometry import BBox

UNIT_LETTERS = 9
"""Letters beside a number up to which the segment is still a number with its unit."""
CURRENCY_LETTERS = 4
SHARED = 6.0
"""What it costs, in letter heights, that two columns of numbers stand under one heading."""
FOREIGN = 3.0
"""Letter heights that a word stands farther from a column of numbers than it does, and a number from words."""


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """Words of one column in a row, and the numbers among them. ``is_number``: a number with no more than a unit."""

    span: Span
    numbers: tuple[Number, ...]
    is_number: bool

    @property
    def box(self) -> BBox:
        return self.span.box


@dataclass(frozen=True, slots=True, eq=False)
class CellRow:
    """A row by the columns of a heading: index of column -> pieces, left to right."""

    row: Row
    page: int
    cells: dict[int, list[Piece]] = field(default_factory=dict)

    def number(self, column: int | None) -> Number | None:
        """The number of a column, the last where there are several."""
        if column is None:
            return None
        found = [n for piece in self.cells.get(column, ()) if piece.is_number for n in piece.numbers]
        return found[-1] if found else None

    def words(self, column: int) -> list[Piece]:
        return [piece for piece in self.cells.get(column, ()) if not piece.is_number]

    def pieces(self, column: int) -> list[Piece]:
        return list(self.cells.get(column, ()))


@dataclass(frozen=True, slots=True)
class Grid:
    """The columns of a table on one page: those of its heading, and where their numbers really stand.

    ``stands``: left and right edge of the numbers, and index of the column. Headings may be set left over
    numbers that are set right, and come to lie over the next column.
    """

    columns: tuple[Column, ...]
    stands: tuple[tuple[float, float, int], ...] = ()
    shares: tuple[float, ...] = ()
    """Share of the rows that have a number at each of ``stands``."""

    def row(self, row: Row, numbers: Sequence[Number], page: int) -> CellRow:
        """The row by columns."""
        found = CellRow(row, page)
        for segment, piece in _all_pieces(row, numbers, self.columns):
            home = self._stand(piece) if piece.is_number else None
            if home is None:
                home = _home(piece, self.columns, segment.size)
            found.cells.setdefault(home, []).append(piece)
        return found

    def _stand(self, piece: Piece) -> int | None:
        box = piece.numbers[0].box
        best = max(self.stands, key=lambda s: min(s[1], box.x2) - max(s[0], box.x1), default=None)
        return best[2] if best is not None and min(best[1], box.x2) > max(best[0], box.x1) else None


def grid(rows: Sequence[Row], numbers: Sequence[Sequence[Number]], columns: tuple[Column, ...]) -> Grid:
    """The grid of a table whose items stand on these rows. ``numbers``: those of each row."""
    boxes, sizes = [], [1.0]
    for row, found in zip(rows, numbers, strict=True):
        pieces = [piece for _, piece in _all_pieces(row, found, columns) if piece.is_number]
        if len(pieces) > 1:
            boxes += [piece.numbers[0].box for piece in pieces]
            sizes += [segment.size for segment in row.segments]
    spans: list[tuple[float, float]] = []
    for box in sorted(boxes, key=lambda b: b.x1):
        if spans and box.x1 < spans[-1][1]:
            spans[-1] = (spans[-1][0], max(spans[-1][1], box.x2))
        else:
            spans.append((box.x1, box.x2))
    homes = _in_order(spans, columns, sorted(sizes)[len(sizes) // 2])
    held = [sum(box.x1 < b and a < box.x2 for box in boxes) / max(len(rows), 1) for a, b in spans]
    return Grid(columns, tuple((a, b, home) for (a, b), home in zip(spans, homes, strict=True)), tuple(held))


def unmerged(table: Grid) -> tuple[Column, ...]:
    """The columns, with those parted that hold several columns of numbers: their headings were read as one.

    What each of them is, nobody knows any more; arithmetic may find out.
    """
    found: list[Column] = []
    for at, column in enumerate(table.columns):
        stands = [
            (a, b) for (a, b, home), share in zip(table.stands, table.shares, strict=True) if home == at and share > 0.5
        ]
        if len(stands) > 1 and (column.numeric or column.role is None):
            found += [Column(None, BBox(a, column.box.y1, b, column.box.y2)) for a, b in stands]
        else:
            found.append(column)
    return tuple(found)


def _in_order(spans: Sequence[tuple[float, float]], columns: Sequence[Column], size: float) -> list[int]:
    """The column of each span of numbers: both from left to right, as near as can be, one to a column of numbers."""
    # best[h]: cost and homes of the spans so far, the last of them at column h.
    best: dict[int, tuple[float, list[int]]] = {-1: (0.0, [])}
    for left, right in spans:
        following: dict[int, tuple[float, list[int]]] = {}
        for last, (cost, homes) in best.items():
            for home in range(max(last, 0), len(columns)):
                column = columns[home]
                distance = max(left - column.box.x2, column.box.x1 - right, 0.0) / size
                edge = min(abs(left - column.box.x1), abs(right - column.box.x2)) / size
                added = distance + 0.05 * min(edge, 4.0)
                if column.role is not None and not column.numeric:
                    added += 0.3 if column.role in ("article_number", "hsn", "date", "unit") else 1.5
                elif home == last:
                    added += SHARED
                if home not in following or cost + added < following[home][0]:
                    following[home] = (cost + added, [*homes, home])
        best = following
    return min(best.values(), key=lambda found: found[0])[1]


def _all_pieces(row: Row, numbers: Sequence[Number], columns: Sequence[Column]) -> list[tuple[Segment, Piece]]:
    found = []
    for segment, start in _starts(row):
        end = start + len(segment.text)
        inside = [n for n in numbers if start <= n.start and n.end <= end]
        found += [(segment, piece) for piece in _pieces(row, segment, start, end, inside, columns)]
    return found


def _starts(row: Row) -> list[tuple[Segment, int]]:
    found, at = [], 0
    for segment in row.segments:
        found.append((segment, at))
        at += len(segment.text) + 1
    return found


def _pieces(
    row: Row, segment: Segment, start: int, end: int, numbers: Sequence[Number], columns: Sequence[Column]
) -> list[Piece]:
    """A segment as one piece, or cut where its numbers belong to other columns."""
    if not numbers:
        return [Piece(row.span(start, end), (), False)]
    if _is_number(segment.text, numbers):
        cuts = [start, *(n.start for n in numbers[1:]), end]
        return [
            Piece(row.span(a, b), (n,), True)
            for a, b, n in zip(cuts, cuts[1:], numbers, strict=False)
            if row.text[a:b].strip()
        ]
    first, last = start, end
    before: list[Piece] = []
    after: list[Piece] = []
    middle = list(numbers)
    # Numbers at the ends of a text that stand under headings of numbers are cells of their own.
    while middle and not row.text[middle[-1].end : last].strip() and _under_numbers(middle[-1].box, columns, segment):
        number = middle.pop()
        after.insert(0, Piece(row.span(number.start, last), (number,), True))
        last = number.start
    while middle and not row.text[first : middle[0].start].strip() and _under_numbers(middle[0].box, columns, segment):
        number = middle.pop(0)
        before.append(Piece(row.span(first, number.end), (number,), True))
        first = number.end
    rest = [Piece(row.span(first, last), tuple(middle), False)] if row.text[first:last].strip() else []
    return before + rest + after


def _is_number(text: str, numbers: Sequence[Number]) -> bool:
    plain = text
    for number in numbers:
        plain = plain.replace(number.text, " ", 1)
    others = [c for c in plain if c.isalnum()]
    before = text[: max(text.find(numbers[0].text), 0)].strip(" (-+€$£¥₹")
    leads = not before or (len(before) <= CURRENCY_LETTERS and numbers[0].amount.currency is not None)
    return (not others) or (leads and len(others) <= UNIT_LETTERS and not any(c.isdecimal() for c in others))


def _under_numbers(box: BBox, columns: Sequence[Column], segment: Segment) -> bool:
    """Whether a heading of numbers is over it, and the heading of the words beside it is another."""
    center = box.center[0]
    over = [
        c for c in columns if c.numeric and c.box.x1 - 0.3 * segment.size <= center <= c.box.x2 + 0.3 * segment.size
    ]
    return bool(over) and not (over[0].box.x1 <= segment.box.center[0] <= over[0].box.x2)


def _home(piece: Piece, columns: Sequence[Column], size: float) -> int:
    """The column of a piece: most in common with its heading, else the nearest that holds such things."""

    def cost(at: int) -> tuple[float, float]:
        column = columns[at]
        shared = min(piece.box.x2, column.box.x2) - max(piece.box.x1, column.box.x1)
        distance = max(-shared, 0.0)
        wrong = column.role is not None and column.numeric != piece.is_number
        if piece.is_number and column.role in ("article_number", "hsn", "date", "unit", None):
            wrong = False
        edge = min(
            abs(piece.box.x1 - column.box.x1),
            abs(piece.box.x2 - column.box.x2),
            abs(piece.box.center[0] - column.box.center[0]),
        )
        return (distance + (FOREIGN * size if wrong else 0.0), edge - 0.5 * max(shared, 0.0))

    return min(range(len(columns)), key=cost)
