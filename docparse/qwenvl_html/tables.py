"""``<table>`` elements to cells.

What it is: rows and cells out of whatever stands in a table, mended to a full grid. What it is not:
the grid itself (``grid.py``). Every text that stands in the table is kept: text between the cells
becomes a paragraph before it, a caption a caption block.

A table inside a cell: with a box of its own it is a table of its own after the outer one, for its place
is known; without one its rows become lines of the cell. An outer table that holds nothing but other
tables is only their frame, and is dissolved.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from docparse.document import MAX_SPAN, Cell, Run, inline
from docparse.qwenvl_html import boxes, grid
from docparse.qwenvl_html.inline import Inline
from docparse.qwenvl_html.issues import shown
from docparse.qwenvl_html.page import PageBuilder, Stretch
from docparse.qwenvl_html.tree import Element, Leaf

if TYPE_CHECKING:
    from docparse.geometry import BBox
    from docparse.qwenvl_html.reader import Reader

_SPAN = re.compile(r"\s*([0-9]{1,9})\s*")
MOST_MISSING = 100_000
"""Empty cells that may be added on one page."""


@dataclass
class Draft:
    """A cell before it has a place."""

    element: Element | None
    header: bool = False
    rowspan: int = 1
    colspan: int = 1
    runs: tuple[Run, ...] = ()
    stretches: list[Stretch] = field(default_factory=list)


@dataclass
class Parts:
    """What stands in a table: its rows, and what should not be there."""

    rows: list[list[Draft]] = field(default_factory=list)
    captions: list[Element] = field(default_factory=list)
    strays: list[Element | Leaf] = field(default_factory=list)
    inside: list[Element] = field(default_factory=list)  # blocks found in cells


def read_table(reader: Reader, element: Element, box: BBox | None, style: str) -> None:
    """Add the blocks of the table ``element``, whose box is ``box``."""
    page = reader.page
    parts = parts_of(reader, element)
    for caption in parts.captions:
        reader.block(caption, box)
    if parts.strays:
        page.log.add("table-malformed", "there is something in the table outside of its cells", element.start)
        for stray in parts.strays:
            reader.walk_children([stray], None)
    tables = [inner for inner in parts.inside if inner.tag == "table"]
    if tables and not any(draft.runs for row in parts.rows for draft in row):
        page.log.once("table-nested", "a table that only holds another one is dissolved", element.start)
        if len(parts.inside) == 1:
            own, outer = boxes.of(tables[0].attributes), boxes.of(element.attributes)
            # A spiral: table in table, each a pixel smaller. The first box is the one to keep.
            same = own is None or (outer is not None and own.iou(outer) > 0.9)
            read_table(reader, tables[0], box if same else page.box(tables[0].attributes, tables[0].start), style)
        else:
            reader.blocks(parts.inside, box)
        return
    span = (element.start, element.end)
    for cells in cells_of(page, parts.rows, element.start) or [()]:
        stretches = [stretch for row in parts.rows for draft in row for stretch in draft.stretches]
        page.add("table", span, box, (), stretches, element.attributes, cells=cells, style=style)
    if tables:
        page.log.add("table-nested", "a table in a cell follows the table it was in", element.start)
    reader.blocks(parts.inside, box)


def cells_of(page: PageBuilder, rows: Sequence[Sequence[Draft]], at: int) -> list[tuple[Cell, ...]]:
    """The cells of each table that ``rows`` make: one, but for a table that is too large."""
    tables = []
    for piece in _pieces(page, rows, at):
        placed = grid.place([[(draft.rowspan, draft.colspan) for draft in row] for row in piece])
        if placed is not None and _is_trap(page, placed):
            page.log.add("table-too-large", "most of the table would be empty cells; its spans are dropped", at)
            placed = grid.place([[(1, 1)] * len(row) for row in piece])
            if placed is not None and _is_trap(page, placed):
                piece = [[_joined(row)] if row else [] for row in piece]
                placed = grid.place([[(1, 1)] * len(row) for row in piece])
        assert placed is not None, "the pieces of a table are small enough"
        page.missing_cells += placed.missing
        for code, message, _ in placed.faults:
            page.log.add(code, message, at)
        tables.append(tuple(_cell(page, piece[spot.source][spot.item], spot) for spot in placed.cells))
    return [cells for cells in tables if cells]


def _is_trap(page: PageBuilder, placed: grid.Grid) -> bool:
    """Whether the table would be nearly all empty cells. A ragged table has far fewer than this."""
    return placed.missing > min(200 + 50 * len(placed.cells), MOST_MISSING - page.missing_cells)


def _pieces(page: PageBuilder, rows: Sequence[Sequence[Draft]], at: int) -> list[list[list[Draft]]]:
    """``rows`` in pieces that have a grid. Whatever is too large loses its spans first, then its columns."""
    if grid.place([[(draft.rowspan, draft.colspan) for draft in row] for row in rows]) is not None:
        return [[list(row) for row in rows]]
    page.log.add("table-too-large", f"more than {MAX_SPAN} rows or columns", at)
    narrow = []
    for row in rows:
        for draft in row:
            draft.rowspan = draft.colspan = 1
        narrow.append([*row[: MAX_SPAN - 1], _joined(row[MAX_SPAN - 1 :])] if len(row) > MAX_SPAN else list(row))
    return [narrow[start : start + MAX_SPAN] for start in range(0, len(narrow), MAX_SPAN)]


def _joined(drafts: Sequence[Draft]) -> Draft:
    """One cell with the text of several."""
    runs: list[Run] = []
    for draft in drafts:
        runs += [*draft.runs, Run(" ")]
    stretches = [stretch for draft in drafts for stretch in draft.stretches]
    return Draft(None, all(draft.header for draft in drafts), runs=tuple(runs), stretches=stretches)


def _cell(page: PageBuilder, draft: Draft, spot: grid.Placed) -> Cell:
    bbox = confidence = None
    if draft.element is not None:
        at, attributes = draft.element.start, draft.element.attributes
        if attributes:
            bbox = page.box(attributes, at)
            confidence = page.probability(attributes, "data-confidence", at)
        if confidence is None:
            confidence = page.confidence((at, draft.element.end), draft.stretches)
    return Cell(
        spot.row, spot.col, spot.rowspan, spot.colspan, draft.runs, draft.header, bbox=bbox, confidence=confidence
    )


# ------------------------------------------------------------------------------ rows and cells


def parts_of(reader: Reader, table: Element) -> Parts:
    parts = Parts()
    _rows_in(reader, table, parts, header=False)
    return parts


def _rows_in(reader: Reader, group: Element, parts: Parts, *, header: bool) -> None:
    """The rows of a table or of one of its groups of rows."""
    loose: list[Draft] | None = None  # cells that stand outside of a row
    for child in group.children:
        if isinstance(child, Leaf):
            if not child.text.isspace():
                parts.strays.append(child)
            continue
        if child.tag in ("td", "th"):
            if loose is None:
                reader.log.add("table-malformed", f"<{child.tag}> outside of a row", child.start)
                loose = []
                parts.rows.append(loose)
            loose.append(_draft(reader, child, parts, header=header))
            continue
        loose = None
        if child.tag == "tr":
            parts.rows.append(_row(reader, child, parts, header=header))
        elif child.tag in ("thead", "tbody", "tfoot"):
            reader.note_structure(child)
            _rows_in(reader, child, parts, header=child.tag == "thead")
        elif child.tag == "caption":
            parts.captions.append(child)
        elif child.tag not in ("col", "colgroup", "style") or (child.tag != "style" and child.text.strip()):
            parts.strays.append(child)


def _row(reader: Reader, row: Element, parts: Parts, *, header: bool) -> list[Draft]:
    reader.note_structure(row)
    drafts = []
    for child in row.children:
        if isinstance(child, Leaf):
            if not child.text.isspace():
                parts.strays.append(child)
        elif child.tag in ("td", "th"):
            drafts.append(_draft(reader, child, parts, header=header))
        else:
            parts.strays.append(child)
    return drafts


def _draft(reader: Reader, cell: Element, parts: Parts, *, header: bool) -> Draft:
    text = Inline(reader.log, in_cell=True).gather(cell.children)
    parts.inside += text.blocks
    draft = Draft(cell, header or cell.tag == "th", runs=inline(text.runs), stretches=text.stretches)
    if cell.attributes:
        draft.rowspan = _span(reader, cell, "rowspan")
        draft.colspan = _span(reader, cell, "colspan")
        reader.check_attributes(cell)
    return draft


def _span(reader: Reader, cell: Element, key: str) -> int:
    if (text := cell.attributes.get(key)) is None:
        return 1
    match = _SPAN.fullmatch(text)
    value = int(match[1]) if match else 0
    if not 1 <= value <= MAX_SPAN:
        reader.log.add("span-malformed", f"{key}={shown(text)!r}", cell.start)
    # A span of 0 reaches to the end in HTML; no model means that.
    return min(max(value, 1), MAX_SPAN)
