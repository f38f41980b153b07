"""Parts of a page that were read one after the other, put together again.

A part was read from a region of the page. Its boxes are moved to the page's, what an earlier part has
already is left out, and a table that was cut goes on. What it is not: a judge of what to read again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from docparse.document import Block, Cell
from docparse.geometry import BBox
from docparse.verify import likeness

SAME_PLACE = 0.5
"""Share of the smaller box that two readings of one element have in common."""
SAME_TEXT = 0.8


def moved(blocks: Sequence[Block], dx: float, dy: float) -> list[Block]:
    """Blocks with all their boxes moved."""
    return [_moved(block, dx, dy) for block in blocks]


def _moved(block: Block, dx: float, dy: float) -> Block:
    return replace(
        block,
        id="",  # a part does not know what the others call theirs
        bbox=block.bbox and block.bbox.moved(dx, dy),
        cells=tuple(replace(cell, bbox=cell.bbox and cell.bbox.moved(dx, dy)) for cell in block.cells),
        items=tuple(_moved(item, dx, dy) for item in block.items),
    )


def joined(first: Sequence[Block], second: Sequence[Block]) -> list[Block]:
    """The blocks of an earlier part and those of one that goes on after it.

    What both have is said once. A table at the seam goes on where the columns are the same.
    """
    fresh = [block for block in second if not any(_same(block, old) for old in first)]
    if first and fresh and first[-1].kind == fresh[0].kind == "table" and _one_table(first[-1], fresh[0]):
        return [*first[:-1], _longer(first[-1], fresh[0]), *fresh[1:]]
    return [*first, *fresh]


def _same(new: Block, old: Block) -> bool:
    if new.bbox is None or old.bbox is None:
        return bool(new.text) and new.text == old.text and new.kind == old.kind
    common = new.bbox.overlap(old.bbox)
    if not common or common < SAME_PLACE * min(new.bbox.area, old.bbox.area):
        return False
    return (not new.text and not old.text) or likeness(new.text, old.text) >= SAME_TEXT


def _one_table(first: Block, second: Block) -> bool:
    if first.num_cols != second.num_cols:
        return False
    if first.bbox is None or second.bbox is None:
        return True
    beside = min(first.bbox.x2, second.bbox.x2) - max(first.bbox.x1, second.bbox.x1)
    return beside > 0.5 * min(first.bbox.width, second.bbox.width)


def _longer(first: Block, second: Block) -> Block:
    """A table with the rows of another below its own; a row that both have, at the seam, is there once."""
    rows, again = first.rows(), second.rows()
    skip = 1 if rows and again and _texts(rows[-1]) == _texts(again[0]) and any(_texts(again[0])) else 0
    below = first.num_rows - skip
    cells = [cell for cell in second.cells if cell.row >= skip]
    boxes = [block.bbox for block in (first, second) if block.bbox is not None]
    confidences = [block.confidence for block in (first, second) if block.confidence is not None]
    return replace(
        first,
        cells=(*first.cells, *(replace(cell, row=cell.row + below) for cell in cells)),
        bbox=BBox.around(boxes) if boxes else None,
        confidence=min(confidences, default=None),
    )


def _texts(row: Sequence[Cell]) -> list[str]:
    return [cell.text for cell in row]
