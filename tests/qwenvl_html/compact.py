"""Blocks in one line each, so that a table of cases can be read.

``p@1,2,30,40 text``, ``h2@- text`` (no box), ``li1#3@...`` (level 1, number 3), ``table@... !a|b / c(2x1)|d`` (``!``:
header cell, ``(2x1)``: rowspan x colspan), ``list@... [li1@- a; li1@- b]``. A line break of verbatim text is ``⏎``.
"""

from __future__ import annotations

from docparse.document import VERBATIM, Block, Cell
from docparse.geometry import BBox
from docparse.qwenvl_html.write import inline_html


def compact(block: Block) -> str:
    name = {"heading": f"h{block.level}", "paragraph": "p", "list_item": f"li{block.level}"}.get(block.kind, block.kind)
    number = "" if block.number is None else f"#{block.number}"
    parts = [f"{name}{number}@{_place(block.bbox)}"]
    if block.notation not in ("", "latex"):
        parts.append(f"[{block.notation}]")
    if block.style:
        parts.append(f"<{block.style}>")
    parts += [f"{key}={value}" for key in ("confidence", "agreement", "origin", "id") if (value := getattr(block, key))]
    if block.runs:
        parts.append(block.text.replace("\n", "⏎") if block.kind in VERBATIM else inline_html(block.runs))
    if block.cells:
        parts.append(" / ".join("|".join(map(_cell, row)) for row in block.rows()))
    if block.items:
        parts.append(f"[{'; '.join(map(compact, block.items))}]")
    return " ".join(parts)


def _place(box: BBox | None) -> str:
    return ",".join(str(side) for side in box.as_tuple()) if box else "-"


def _cell(cell: Cell) -> str:
    spans = "" if (cell.rowspan, cell.colspan) == (1, 1) else f"({cell.rowspan}x{cell.colspan})"
    place = f"@{_place(cell.bbox)}" if cell.bbox else ""
    return f"{'!' if cell.header else ''}{inline_html(cell.runs)}{spans}{place}"
