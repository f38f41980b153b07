"""One edit of one block: another text, kind, level, place, other cells. Pure functions of values."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from docparse.correction import Correction
from docparse.document import TABULAR, VERBATIM, Block, Cell, Kind, Page, Run
from docparse.geometry import BBox

LEVELLED: frozenset[Kind] = frozenset({"heading", "list_item"})
MOST_PARTS = 100_000
"""Cells or items that a text may become."""


class NotApplied(Exception):
    """A correction does not fit the page; why, in a sentence."""


def edited(block: Block, said: Correction, page: Page, *, is_item: bool = False) -> tuple[Block, tuple[Cell, ...]]:
    """``block`` as ``said`` has it, and the cells that were replaced one by one, as they stood.

    Text is plain text. Where it is edited, inline marks (bold, superscript and the like) are lost; where only the
    kind is, they stay as far as the kind has such. A block that a person edited is theirs: its origin is ``user``
    and its confidence 1, that of a table whose cells were edited the mean over its cells.
    Raises ``NotApplied``, or ``ValueError`` from the block itself.
    """
    if is_item and said.kind not in (None, "list_item"):
        raise NotApplied("an item of a list stays one; change the type of its list.")
    replaced: tuple[Cell, ...] = ()
    cells: tuple[Cell, ...] | None = None
    if said.kind is not None and said.kind != block.kind:
        block = _with_kind(block, said.kind)
    if said.text is not None:
        block = _with_text(block, said.text)
    if said.cells:
        cells, replaced = _with_cells(block, said)
    if said.level is not None:
        if block.kind not in LEVELLED:
            raise NotApplied(f"a {block.kind} has no level.")
        block = replace(block, level=said.level)
    if said.bbox is not None:
        block = replace(block, bbox=_box(said.bbox, page))
    says_other = said.whole or bool(said.cells)
    parts: dict[str, Any] = {"origin": "user", "confidence": 1.0}
    if says_other:
        parts["agreement"] = None
    if cells is not None:  # once with all the rest: a block checks its cells whenever it is made
        parts |= {"cells": cells, "confidence": _mean(cells)}
    return replace(block, **parts), replaced


def inside_page(block: Block, page: Page) -> Block:
    """``block`` with all its boxes cut to the page. Raises ``NotApplied`` where it lies outside."""
    return replace(
        block,
        bbox=None if block.bbox is None else _box(block.bbox, page),
        cells=tuple(
            replace(cell, bbox=cell.bbox and cell.bbox.clamped(page.width, page.height)) for cell in block.cells
        ),
        items=tuple(inside_page(item, page) for item in block.items),
    )


def cells_of(text: str) -> tuple[Cell, ...]:
    """The cells of a table that is written as its text: tabs and line breaks."""
    _check_parts(text, "\t\n")
    rows = [row.split("\t") for row in text.split("\n")] if text.strip() else []
    return tuple(
        Cell(row, col, runs=(Run(value),)) for row, values in enumerate(rows) for col, value in enumerate(values)
    )


def _box(box: BBox, page: Page) -> BBox:
    inside = box.rounded().clamped(page.width, page.height)
    if inside.width <= 0 or inside.height <= 0:
        shown = ", ".join(f"{side:g}" for side in box.as_tuple())
        raise NotApplied(f"the box {shown} has no area on the page, which is {page.width} x {page.height} pixels.")
    return inside


def _with_kind(block: Block, kind: Kind) -> Block:
    """The block as another kind, with all its text. A chart that becomes a table loses its words beside the cells."""
    plain = Block(kind, block.bbox, confidence=block.confidence, agreement=block.agreement, id=block.id)
    if kind in TABULAR and block.cells:
        return replace(plain, cells=block.cells, runs=block.runs if kind == "chart" else ())
    if kind == "table":
        return replace(plain, cells=cells_of(block.text))
    if kind == "list":
        return replace(plain, items=_items(block.text))
    if block.runs and not block.cells and kind not in VERBATIM:
        return replace(plain, runs=block.runs)
    return replace(plain, runs=(Run(block.text),))


def _with_text(block: Block, text: str) -> Block:
    if block.kind == "list":
        return replace(block, items=_retyped_items(block, text))
    if block.kind == "table" or (block.cells and not block.runs):
        return replace(block, cells=_retyped_cells(block, text))
    return replace(block, runs=(Run(text),))


def _check_parts(text: str, marks: str) -> None:
    if sum(map(text.count, marks)) >= MOST_PARTS:
        raise NotApplied(f"the text has more than {MOST_PARTS:,} parts.")


def _items(text: str) -> tuple[Block, ...]:
    _check_parts(text, "\n")
    return tuple(Block("list_item", runs=(Run(line),), confidence=1.0) for line in text.split("\n") if line.strip())


def _retyped_items(block: Block, text: str) -> tuple[Block, ...]:
    items = _items(text)
    if len(items) != len(block.items):
        return items
    return tuple(
        old if old.text == new.text else replace(old, runs=new.runs, confidence=1.0, agreement=None, origin="user")
        for old, new in zip(block.items, items, strict=True)
    )


def _retyped_cells(block: Block, text: str) -> tuple[Cell, ...]:
    """The cells with other texts; a table of the same shape keeps its spans, its header cells and their places."""
    new = cells_of(text)
    rows = block.rows()
    lines = [line.split("\t") for line in text.split("\n")]
    if [len(row) for row in rows] == [len(line) for line in lines]:
        return tuple(
            cell if cell.text.replace("\n", " ") == value else _with_cell(cell, value)
            for row, line in zip(rows, lines, strict=True)
            for cell, value in zip(row, line, strict=True)
        )
    headers = {(cell.row, cell.col) for cell in block.cells if cell.header}
    return tuple(replace(cell, header=(cell.row, cell.col) in headers, confidence=1.0) for cell in new)


def _with_cell(cell: Cell, text: str) -> Cell:
    return replace(cell, runs=(Run(text),), confidence=1.0)


def _with_cells(block: Block, said: Correction) -> tuple[tuple[Cell, ...], tuple[Cell, ...]]:
    """The cells of the block with other texts, and those that were replaced."""
    if not block.cells:
        raise NotApplied(f"a {block.kind} has no cells." if block.kind not in TABULAR else "it has no cells.")
    wanted = {(each.row, each.col): each.text for each in said.cells}
    old = {place: cell for cell in block.cells if (place := (cell.row, cell.col)) in wanted}
    for row, col in wanted:
        if (row, col) not in old:
            raise NotApplied(f"no cell begins at row {row}, column {col}.")
    new = (_with_cell(old[place], wanted[place]) if (place := (c.row, c.col)) in wanted else c for c in block.cells)
    return tuple(new), tuple(old[place] for place in wanted)


def _mean(cells: tuple[Cell, ...]) -> float:
    """Over the text of the cells of which it is known."""
    sure, total = 0.0, 0
    for cell in cells:
        if cell.confidence is not None:
            for run in cell.runs:
                sure += cell.confidence * len(run.text)
                total += len(run.text)
    return min(sure / total, 1.0) if total else 1.0
