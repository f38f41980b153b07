"""Forms: boxes to be filled in, each with its label, read row by row.

A box of a form stands by itself; the cells of a table share their borders.
"""

from __future__ import annotations

from collections.abc import Iterable

from docparse.engines.embedded.element import Element
from docparse.engines.embedded.rules import WHITE
from docparse.engines.embedded.segments import Segment, rows_of
from docparse.geometry import BBox
from docparse.textlayer import Shape

FEWEST = 4
"""Boxes that make a form."""


def form_fields(shapes: Iterable[Shape], em: float) -> list[BBox]:
    """The boxes to be filled in; none where they are too few to be a form's."""
    boxes = [s.box for s in shapes if s.kind == "rect" and s.stroke not in (None, WHITE) and _fits(s.box, em)]
    alone = []
    for box in boxes:
        near = box.grown(0.25 * em)
        # The ground and the frame of one box are two rectangles in one place.
        others = [b for b in boxes if b is not box and b.overlap(box) < 0.8 * min(b.area, box.area)]
        if not any(near.overlap(b) > 0 for b in others):
            alone.append(box)
    return alone if len(alone) >= FEWEST else []


def is_field(shape: Shape, fields: list[BBox], em: float) -> bool:
    """Whether a shape is a box of a form, or one to be ticked: its sides are no rules of a table."""
    if not fields or shape.kind != "rect":
        return False
    return shape.box in fields or max(shape.box.width, shape.box.height) <= 2.2 * em


def _fits(box: BBox, em: float) -> bool:
    return 1.0 * em <= box.height <= 4 * em and box.width >= 2.5 * em


def take_fields(fields: list[BBox], segments: list[Segment], em: float) -> list[Element]:
    """A paragraph for each box: its label, if one stands right above it, and what was filled in.

    Their segments are removed from ``segments``.
    """
    found: list[Element] = []
    for box in fields:
        value = [s for s in segments if box.covers(s.box, share=0.6)]
        label = [
            s
            for s in segments
            if s not in value
            and -0.2 * em <= box.y1 - s.box.y2 <= 0.9 * em
            and s.box.x1 >= box.x1 - 0.5 * em
            and s.box.x2 <= box.x2 + 0.5 * em
        ]
        own = label + value
        if not own:
            continue
        lines = [joined for row in rows_of(own) for joined in _line(row)]
        found.append(Element("paragraph", BBox.around(s.box for s in own), lines, breaks=True))
        taken = {id(s) for s in own}
        segments[:] = [s for s in segments if id(s) not in taken]
    return found


def _line(row: list[Segment]) -> list[Segment]:
    first, *rest = sorted(row, key=lambda s: s.box.x1)
    return [first.cut([w for s in (first, *rest) for w in s.words])]
