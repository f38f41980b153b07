"""From text rows and rules to a grid of cells with spans.

The steps: chunks and columns (``columns``); which columns each chunk covers; which text rows are
one table row (``rows``); then cells are joined over places that no separator parts.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from docparse.engines.embedded.rules import Rules
from docparse.engines.embedded.segments import Segment
from docparse.engines.embedded.tables.columns import Column, Row, chunk_rows, find_columns
from docparse.engines.embedded.tables.rows import Layer, Layout, layers, ruled_columns
from docparse.geometry import BBox


@dataclass(slots=True)
class GridCell:
    """A cell with the chunks in it, in reading order."""

    row: int
    col: int
    rowspan: int = 1
    colspan: int = 1
    chunks: list[Segment] = field(default_factory=list)
    header: bool = False


@dataclass(slots=True)
class Grid:
    """A table: its box in upright page pixels, and its cells, a full rectangle of them."""

    box: BBox
    rows: int
    cols: int
    cells: list[GridCell]
    ruled: bool = False

    @property
    def filled(self) -> int:
        return sum(1 for cell in self.cells if cell.chunks)


def build_grid(text_rows: list[Row], rules: Rules, box: BBox, em: float) -> Grid | None:
    """The grid of the table in ``box``; None where the text has no two columns or rows."""
    if not text_rows:
        return None
    rules = rules.decisive()
    rows = chunk_rows(text_rows, rules.vertical, em)
    columns = find_columns(rows, rules.vertical, box, em)
    if len(columns) < 2:
        return None
    rows = [_fused(row, columns, em) for row in rows]
    reach = [_reach(row, columns, em) for row in rows]
    reach = [_between_rules(row, spans, columns, rules, em) for row, spans in zip(rows, reach, strict=True)]
    layout = Layout(rows, columns, reach, rules, box, em)
    _level(layout)
    table = layers(layout)
    if not table:
        return None
    return _assemble(layout, table)


def _fused(row: Row, columns: list[Column], em: float) -> Row:
    """Neighbouring chunks of one column joined again: the gap between them was no border."""
    done: Row = []
    for chunk in row:
        if done:
            last = done[-1]
            column = _home(last, columns)
            if column == _home(chunk, columns) and not _crosses(last, columns, em) and not _crosses(chunk, columns, em):
                done[-1] = last.cut([*last.words, *chunk.words])
                continue
        done.append(chunk)
    return done


def _home(chunk: Segment, columns: list[Column]) -> int:
    """The column that holds the most of a chunk."""
    return max(range(len(columns)), key=lambda i: _shared(chunk.box, columns[i]))


def _shared(box: BBox, column: Column) -> float:
    inside = min(box.x2, column.right) - max(box.x1, column.left)
    if inside > 0:
        return inside
    return -max(column.left - box.x2, box.x1 - column.right)


def _crosses(chunk: Segment, columns: list[Column], em: float) -> bool:
    first, last = _extent(chunk.box, columns, em)
    return first != last


def _extent(box: BBox, columns: list[Column], em: float) -> tuple[int, int]:
    """First and last column that a box reaches into, beyond a slip of the pen."""
    slack = 0.35 * em
    hit = [
        i
        for i, c in enumerate(columns)
        if min(box.x2, c.right) - max(box.x1, c.left) > min(slack, 0.5 * box.width, 0.5 * (c.right - c.left))
    ]
    if not hit:
        nearest = max(range(len(columns)), key=lambda i: _shared(box, columns[i]))
        return nearest, nearest
    return hit[0], hit[-1]


def _reach(row: Row, columns: list[Column], em: float) -> list[tuple[int, int]]:
    """The columns each chunk of a row covers; chunks of one row never share a column."""
    spans = [_extent(chunk.box, columns, em) for chunk in row]
    for i in range(1, len(spans)):
        if spans[i][0] <= spans[i - 1][1]:
            # Both reach for one column: it belongs to the one that has more of it.
            shared = spans[i][0]
            a = _shared(row[i - 1].box, columns[shared])
            b = _shared(row[i].box, columns[shared])
            if b > a and spans[i - 1][0] < shared:
                spans[i - 1] = (spans[i - 1][0], shared - 1)
            elif spans[i][1] > spans[i - 1][1]:
                spans[i] = (spans[i - 1][1] + 1, spans[i][1])
    return spans


def _between_rules(
    row: Row, spans: list[tuple[int, int]], columns: list[Column], rules: Rules, em: float
) -> list[tuple[int, int]]:
    """Spans widened to the drawn rules on either side, where a border drawn elsewhere is left out here.

    Only for a chunk that has the place to itself, and only over borders that are drawn along most
    of the table: white space between two columns is no rule that somebody left out.
    """
    if not rules.vertical:
        return spans
    y = sum((c.box.y1 + c.box.y2) / 2 for c in row) / len(row)
    height = max(r.stop for r in rules.vertical) - min(r.start for r in rules.vertical)

    def missing(border: float) -> bool:
        near = [r for r in rules.vertical if abs(r.at - border) <= 0.6 * em]
        drawn = sum(r.length for r in near)
        return drawn >= 0.5 * height and not any(r.start - 0.3 * em <= y <= r.stop + 0.3 * em for r in near)

    widened = []
    for i, (a, b) in enumerate(spans):
        before = spans[i - 1][1] if i else -1
        after = spans[i + 1][0] if i + 1 < len(spans) else len(columns)
        while a - 1 > before and missing(columns[a].left):
            a -= 1
        while b + 1 < after and missing(columns[b].right):
            b += 1
        widened.append((a, b))
    return widened


def _level(layout: Layout) -> None:
    """Put the label at half the height of a cell over several rows into the row above it.

    It stands between the texts of two rows, beside the rule that parts them and leaves its column out.
    """
    for r in range(len(layout.rows) - 2, 0, -1):
        here, above, below = layout.filled(r), layout.filled(r - 1), layout.filled(r + 1)
        parted = ruled_columns(layout, r - 1, r + 1)
        if not here & (above | below | parted) and above & below and parted >= above & below:
            at = layout.baseline(r - 1)
            both = [*zip(layout.rows[r - 1], layout.reach[r - 1], strict=True)]
            own = zip(layout.rows[r], layout.reach[r], strict=True)
            both += [(chunk.cut(chunk.words, at), span) for chunk, span in own]
            both.sort(key=lambda one: one[1])
            layout.rows[r - 1], layout.reach[r - 1] = [c for c, _ in both], [span for _, span in both]
            del layout.rows[r], layout.reach[r]


def _assemble(layout: Layout, table: list[Layer]) -> Grid:
    """Cells of all layers; a place that no separator parts from the one above joins it."""
    n_rows, n_cols = len(table), len(layout.columns)
    owner: list[list[GridCell | None]] = [[None] * n_cols for _ in range(n_rows)]
    for r, layer in enumerate(table):
        for c1, c2, chunks in layer.cells:
            if any(owner[r][c] is not None for c in range(c1, c2 + 1)):
                taken = next(cell for c in range(c1, c2 + 1) if (cell := owner[r][c]) is not None)
                taken.chunks += chunks
                continue
            cell = GridCell(r, c1, 1, c2 - c1 + 1, list(chunks), layer.header)
            for c in range(c1, c2 + 1):
                owner[r][c] = cell
        for c in range(n_cols):
            if owner[r][c] is None:
                owner[r][c] = GridCell(r, c, header=layer.header)
    for r in range(1, n_rows):
        for c in range(n_cols):
            below, above = owner[r][c], owner[r - 1][c]
            if below is None or above is None or below.col != c or not table[r].open_above:
                continue
            # Two empty cells stay two: nothing says that they are one.
            joined = above.chunks or below.chunks
            if joined and all(k in table[r].open_above for k in range(c, c + below.colspan)):
                _join_down(owner, above, below)
    cells: list[GridCell] = []
    for line in owner:
        for one in line:
            if one is not None and not any(one is cell for cell in cells[-2 * n_cols :]) and one not in cells:
                cells.append(one)
    for cell in cells:
        cell.chunks.sort(key=lambda s: (s.baseline, s.box.x1))
    cells.sort(key=lambda cell: (cell.row, cell.col))
    return Grid(layout.box, n_rows, n_cols, cells, ruled=bool(layout.rules.vertical))


def _join_down(owner: list[list[GridCell | None]], above: GridCell, below: GridCell) -> None:
    """Make ``below`` part of ``above``, if the two stand over the same columns."""
    if above is below or above.col != below.col or above.colspan != below.colspan:
        return
    if above.row + above.rowspan != below.row:
        return
    above.rowspan += below.rowspan
    above.chunks += below.chunks
    for r in range(below.row, below.row + below.rowspan):
        for c in range(below.col, below.col + below.colspan):
            owner[r][c] = above
