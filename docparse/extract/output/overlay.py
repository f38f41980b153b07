"""The pages with the evidence on them: a box around the words of every value, with its name and how sure it is.

Boxes go from red to green by confidence. Labels stand where the page is white, near their boxes; where they find no
such place they are shorter, or lie over print but never over evidence or each other.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from docparse.exporters import Images
from docparse.exporters.labels import Board, Rect
from docparse.exporters.palette import Rgb, heat
from docparse.exporters.pen import Pen, letter_size, line_width
from docparse.extract.output.flat import documents
from docparse.extract.result import Evidence, Extraction, plain
from docparse.geometry import BBox

if TYPE_CHECKING:
    from PIL.Image import Image

FILL = 36
"""How opaque a box is, of 255; the value under it must stay readable."""
DARK = 160
"""Grey levels, of 255, below which a pixel is ink."""
MOST_INK = 0.005
"""Share of ink under a label that is still white paper."""
LONGEST = 28
"""Characters of a value in its label: it stands in the box as well."""


@dataclass(frozen=True, slots=True)
class Mark:
    """One box to draw. ``name`` is empty for a box that has its label with another one: the cells of a row."""

    box: BBox
    name: str
    value: str
    confidence: float

    @property
    def colour(self) -> Rgb:
        return heat(self.confidence)

    def labels(self) -> tuple[str, ...]:
        """What may be said of it, the best first."""
        sure = f"{self.confidence:.0%}"
        said = (f"{self.name} {self.value} {sure}",) if self.value else ()
        return (*said, f"{self.name} {sure}", self.name)


def pictures(found: Extraction[Any], images: Images) -> Iterator[tuple[int, bytes]]:
    """A PNG for every page that has evidence, with the page's number."""
    marks: dict[int, list[Mark]] = {}
    for one in documents(found):
        for page, mark in _marks(one):
            marks.setdefault(page, []).append(mark)
    for page in sorted(marks):
        data = io.BytesIO()
        draw_evidence(images(page), marks[page]).save(data, "PNG", compress_level=1)
        yield page, data.getvalue()


def _marks(found: Extraction[Any]) -> Iterator[tuple[int, Mark]]:
    """Plain fields by name; of a row of a list, the first box has a label for the whole row."""
    rows: dict[str, list[Evidence]] = {}
    for name, item in found.evidence.items():
        if item.page is None or not item.bbox:
            continue
        row, cut, _ = name.partition("].")
        if cut:
            rows.setdefault(f"{row}]", []).append(item)
        else:
            yield item.page, Mark(item.bbox, name, _said(found.values, name), item.confidence)
    for name, cells in rows.items():
        lowest = min(cell.confidence for cell in cells)
        cells.sort(key=lambda cell: (cell.page or 0, cell.bbox.x1 if cell.bbox else 0))
        for i, cell in enumerate(cells):
            label, sure = ("", cell.confidence) if i else (_row(name), lowest)
            if cell.page is not None and cell.bbox:
                yield cell.page, Mark(cell.bbox, label, "", sure)


def _row(name: str) -> str:
    """``line_items[0]`` as people count."""
    field, _, number = name.rstrip("]").rpartition("[")
    return f"{field} {int(number) + 1}" if number.isdigit() else name


def _said(values: Mapping[str, Any], name: str) -> str:
    found: Any = values
    for part in name.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    text = "" if found is None or isinstance(found, Mapping | list | tuple) else " ".join(str(plain(found)).split())
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def draw_evidence(image: Image, marks: Sequence[Mark]) -> Image:
    """A copy of ``image``, of the same size, with ``marks`` on it; their boxes are in its pixels."""
    from PIL.ImageDraw import Draw

    canvas = image.convert("RGB") if image.mode != "RGB" else image.copy()
    boxes = [mark.box.clamped(canvas.width, canvas.height) for mark in marks]
    inked = _ink(canvas)
    draw = Draw(canvas, "RGBA")
    line = line_width(canvas.width, canvas.height)
    pen = Pen(draw, letter_size(canvas.height))
    board = Board(canvas.width, canvas.height, pen.height, boxes, inked=inked)
    for mark, box in zip(marks, boxes, strict=True):
        x1, y1, x2, y2 = (int(side) for side in box.as_tuple())
        edges = (x1, y1, max(x1, x2 - 1), max(y1, y2 - 1))
        draw.rectangle(edges, fill=(*mark.colour, FILL), outline=(*mark.colour, 255), width=line)
    for mark, box in zip(marks, boxes, strict=True):
        if mark.name:
            _label(mark, box, pen, board, line)
    return canvas


def _label(mark: Mark, box: BBox, pen: Pen, board: Board, line: int) -> None:
    for near in (False, True):
        for text in mark.labels():
            place = board.place(box, pen.width(text), pen.height, clear=True, near=near)
            if place is not None:
                _tag(mark, box, text, place, pen, line)
                return
    text = mark.labels()[-1]  # over print: it covers as little as it can
    place = board.place(box, pen.width(text), pen.height, clear=False)
    if place is not None:
        _tag(mark, box, text, place, pen, line)


def _tag(mark: Mark, box: BBox, text: str, place: tuple[int, int], pen: Pen, line: int) -> None:
    """The label, and a line to its box where it is not beside it."""
    x, y = place
    width = pen.width(text)
    start = (min(max((box.x1 + box.x2) / 2, x), x + width), y if y > box.y2 else y + pen.height)
    end = (min(max(start[0], box.x1), box.x2), min(max(start[1], box.y1), box.y2))
    if abs(start[0] - end[0]) + abs(start[1] - end[1]) > pen.height // 2:
        pen.draw.line((start, end), fill=(*mark.colour, 255), width=line)
    pen.tag(x, y, text, mark.colour)


def _ink(image: Image) -> Callable[[Rect], bool]:
    """Whether there is print in a place: sums over a table of sums, because many places are tried."""
    dark = np.asarray(image.convert("L")) < DARK
    sums = np.zeros((image.height + 1, image.width + 1), np.int32)
    np.cumsum(dark.cumsum(0, dtype=np.int32), 1, out=sums[1:, 1:])

    def inked(rect: Rect) -> bool:
        x1, y1, x2, y2 = max(rect[0], 0), max(rect[1], 0), min(rect[2], image.width), min(rect[3], image.height)
        if x2 <= x1 or y2 <= y1:
            return False
        ink = sums[y2, x2] - sums[y1, x2] - sums[y2, x1] + sums[y1, x1]
        return bool(ink > MOST_INK * (x2 - x1) * (y2 - y1))

    return inked
