"""Rows of cells with spans to places in a grid, and everything that can be wrong with that.

What it is: the table model of HTML, with overlaps and overhangs mended, shared by reader and
validator. What it is not: a maker of cells; it knows spans only. One integer says which columns are
taken, so that a span of a thousand rows and columns costs no more than one of two.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from docparse.document import MAX_SPAN


class Placed(NamedTuple):
    """Cell ``item`` of source row ``source`` at its place, with the spans it can have there."""

    source: int
    item: int
    row: int
    col: int
    rowspan: int
    colspan: int


@dataclass
class Grid:
    """``missing``: places that no cell covers. ``faults``: issue code, message, source row."""

    cells: list[Placed] = field(default_factory=list)
    num_rows: int = 0
    num_cols: int = 0
    missing: int = 0
    faults: list[tuple[str, str, int]] = field(default_factory=list)


def place(rows: Sequence[Sequence[tuple[int, int]]]) -> Grid | None:
    """Place the cells of ``rows``, each given as (rowspan, colspan), both at least 1.

    None if the table is wider or longer than ``MAX_SPAN``; that is told before it costs anything.
    """
    if len(rows) > MAX_SPAN:
        return None
    grid = Grid()
    kept = _kept_rows(rows, grid)
    grid.num_rows = len(kept)
    rows_taken = []
    ends = [0] * (len(kept) + 1)  # the columns of cells that reach down to the row above
    taken = 0
    for row, source in enumerate(kept):
        taken &= ~ends[row]
        col = 0
        for item, (rowspan, colspan) in enumerate(rows[source]):
            free = ~(taken >> col)
            col += (free & -free).bit_length() - 1
            if col + colspan > MAX_SPAN:
                return None
            if row + rowspan > len(kept):
                grid.faults.append(("span-malformed", f"rowspan {rowspan} reaches below the table", source))
                rowspan = len(kept) - row
            if clash := (taken >> col) & ((1 << colspan) - 1):
                grid.faults.append(("cell-overlap", f"colspan {colspan} reaches into a cell from above", source))
                colspan = (clash & -clash).bit_length() - 1
            places = ((1 << colspan) - 1) << col
            taken |= places
            ends[row + rowspan] |= places
            grid.cells.append(Placed(source, item, row, col, rowspan, colspan))
            col += colspan
        rows_taken.append(taken)
    grid.num_cols = max((columns.bit_length() for columns in rows_taken), default=0)
    for row, columns in enumerate(rows_taken):
        if short := grid.num_cols - columns.bit_count():
            grid.missing += short
            message = f"row {row + 1} covers {columns.bit_count()} of {grid.num_cols} columns"
            grid.faults.append(("table-ragged", message, kept[row]))
    return grid


def _kept_rows(rows: Sequence[Sequence[tuple[int, int]]], grid: Grid) -> list[int]:
    """The rows that count: those with cells, and those that a cell from above reaches into."""
    kept = []
    reach = 0
    for source, row in enumerate(rows):
        if row or source < reach:
            kept.append(source)
        else:
            grid.faults.append(("row-empty", f"row {source + 1} has no cells", source))
        reach = max(reach, source + max((rowspan for rowspan, _ in row), default=0))
    return kept
