"""Places on a picture: boxes and points that somebody asked for, each with its label.

What it is not: the overlay of a page that was read (``overlay``), which knows kinds and order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from docparse.exporters.labels import Board
from docparse.exporters.palette import COLOURS, Rgb, heat
from docparse.exporters.pen import Pen, letter_size, line_width
from docparse.geometry import BBox

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw

FILL = 40
"""How opaque a box is, of 255; what is under it must stay to be seen."""
LONGEST = 40
"""Letters of a label."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A ``box``, or a point as a box without size, in pixels of the picture; ``sure`` from 0 to 1 where known."""

    box: BBox
    label: str = ""
    sure: float | None = None

    @property
    def is_point(self) -> bool:
        return self.box.width == self.box.height == 0


def draw_marks(picture: Image, marks: Sequence[Mark], *, region: BBox | None = None) -> Image:
    """A copy of ``picture``, of the same size, with ``marks`` on it; ``region`` is framed, where it is one."""
    from PIL.ImageDraw import Draw

    canvas = picture.convert("RGB") if picture.mode != "RGB" else picture.copy()
    draw = Draw(canvas, "RGBA")
    line = 2 * line_width(*canvas.size)
    if region is not None:
        draw.rectangle(_edges(canvas, region), outline=(*COLOURS["code"], 255), width=line)
    for mark in marks:
        _draw(draw, canvas, mark, line)
    pen = Pen(draw, letter_size(canvas.height))
    board = Board(*canvas.size, pen.height, (mark.box for mark in marks))
    for number, mark in enumerate(marks, 1):
        _label(pen, board, mark, number)
    return canvas


def _colour(mark: Mark) -> Rgb:
    return COLOURS["heading"] if mark.sure is None else heat(mark.sure)


def _draw(draw: ImageDraw, canvas: Image, mark: Mark, line: int) -> None:
    colour = _colour(mark)
    if not mark.is_point:
        draw.rectangle(_edges(canvas, mark.box), fill=(*colour, FILL), outline=(*colour, 255), width=line)
        return
    x, y = mark.box.center
    for radius in (4 * line, line):  # a ring, so that what it points at can be seen, and its middle
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), outline=(*colour, 255), width=line)


def _edges(canvas: Image, box: BBox) -> tuple[int, int, int, int]:
    """First and last pixels of a box, inside the picture: Pillow draws both."""
    x1, y1, x2, y2 = (int(side) for side in box.clamped(*canvas.size).as_tuple())
    x1, y1 = min(x1, canvas.width - 1), min(y1, canvas.height - 1)
    return x1, y1, max(x1, x2 - 1), max(y1, y2 - 1)


def _label(pen: Pen, board: Board, mark: Mark, number: int) -> None:
    label = " ".join(mark.label[: 4 * LONGEST].split())
    label = label if len(label) <= LONGEST else label[: LONGEST - 1] + "…"
    said = f"{number} {label}".rstrip() + (f" {mark.sure:.0%}" if mark.sure is not None else "")
    # Where there is no room for words, the number alone covers less.
    for text, clear in ((said, True), (str(number), True), (said, False), (str(number), False)):
        place = board.place(mark.box, pen.width(text), pen.height, clear=clear)
        if place:
            pen.tag(*place, text, _colour(mark))
            return
