"""Where a cell of a table stands, by the places of the others: rows go down the page, columns across.

Some of those places may be wrong themselves, so limits leave out one in ten, and a cell is only called out of
line if most of the others say so.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from docparse.document import Cell
from docparse.geometry import BBox

Place = tuple[Cell, BBox]

AWAY = 1.5
"""Heights of a line that a cell may be away from its row."""
FEW = 3
"""Cells of a row or column that have a middle."""


@dataclass(frozen=True, slots=True)
class Frame:
    """What the places of other cells leave to one: between the rows above and below, the columns on both sides,
    and near those of its own row and column (None where none of them is known)."""

    top: float
    bottom: float
    left: float
    right: float
    row: tuple[float, float] | None
    column: tuple[float, float] | None

    def off(self, box: BBox) -> float:
        """How many pixels ``box`` is out of it."""
        x, y = box.center
        off = max(self.top - y, y - self.bottom, 0) + max(self.left - x, x - self.right, 0)
        if self.row:
            off += max(self.row[0] - y, y - self.row[1], 0)
        if self.column:  # a word may stand at the other edge of a column than those known, but not in the next
            off += 0.1 * max(self.column[0] - box.x2, box.x1 - self.column[1], 0)
        return off


def frame(cell: Cell, others: Sequence[Place]) -> Frame:
    """The frame that ``others`` make for ``cell``."""
    end, side = cell.row + cell.rowspan, cell.col + cell.colspan
    row = [box for c, box in others if c.row < end and cell.row < c.row + c.rowspan]
    column = [box for c, box in others if c.col < side and cell.col < c.col + c.colspan]
    return Frame(
        _most(box.center[1] for c, box in others if c.row + c.rowspan <= cell.row),
        -_most(-box.center[1] for c, box in others if c.row >= end),
        _most(box.center[0] for c, box in others if c.col + c.colspan <= cell.col),
        -_most(-box.center[0] for c, box in others if c.col >= side),
        (min(b.y1 for b in row), max(b.y2 for b in row)) if row else None,
        (min(b.x1 for b in column), max(b.x2 for b in column)) if column else None,
    )


def _most(values: Iterable[float]) -> float:
    """The largest, but for one in ten that may be wrong."""
    ordered = sorted(values)
    return ordered[len(ordered) - 1 - len(ordered) // 10] if ordered else float("-inf")


def out_of_line(places: Sequence[Place], line: float) -> list[int]:
    """Indexes of the places that most others say are wrong; ``line``: the height of a line."""
    rows = _middles((cell.row, box.center[1]) for cell, box in places if cell.rowspan == 1)
    columns = _middles((cell.col, box.center[0]) for cell, box in places if cell.colspan == 1)
    known = [(col, middle) for col, (middle, count) in columns.items() if count >= FEW]
    odd = []
    for index, (cell, box) in enumerate(places):
        x, y = box.center
        middle, count = rows.get(cell.row, (y, 0))
        if cell.rowspan == 1 and count >= FEW:
            wrong = abs(y - middle) > max(AWAY * line, box.height)
        else:
            others = sum(n for row, (_, n) in rows.items() if not cell.row <= row < cell.row + cell.rowspan)
            against = sum(
                n
                for row, (m, n) in rows.items()
                if (row < cell.row and m > box.y2) or (row >= cell.row + cell.rowspan and m < box.y1)
            )
            wrong = 2 * against > others
        beside = any(x < m if col < cell.col else x > m for col, m in known if not _spans(cell, col))
        if wrong or beside:
            odd.append(index)
    return odd


def _spans(cell: Cell, col: int) -> bool:
    return cell.col <= col < cell.col + cell.colspan


def _middles(values: Iterable[tuple[int, float]]) -> dict[int, tuple[float, int]]:
    """The median by row or column, and of how many."""
    found: dict[int, list[float]] = {}
    for key, value in values:
        found.setdefault(key, []).append(value)
    return {key: (median(items), len(items)) for key, items in found.items()}
