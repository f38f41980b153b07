"""The page image with what docparse found on it: boxes by kind, order numbers, table cells, verdict.

With ``heat`` the boxes are filled from red to green by how sure docparse is of each: the lower of
the engine's confidence and the agreement with the page's own text; grey where neither is known.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO

from docparse.document import Block, Page
from docparse.errors import ExportError
from docparse.exporters.labels import Board
from docparse.exporters.palette import COLOURS, UNKNOWN, VERDICTS, WHITE, Rgb, heat
from docparse.exporters.pen import Pen, letter_size, line_width
from docparse.exporters.picture_pdf import PicturePdf
from docparse.exporters.registry import Images, Job, Part, register
from docparse.geometry import BBox

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw

FILL, HEAT_FILL = 28, 96
"""How opaque a box is, of 255; the text under it must stay readable."""
JPEG_QUALITY = 85


@register(
    "overlay",
    suffix=".overlay.pdf",
    media_type="application/pdf",
    description="the pages with a box around every element, as a PDF",
    images="required",
)
def overlay(job: Job) -> Iterator[Part]:
    images = _required(job)

    def write(stream: BinaryIO) -> None:
        pdf = PicturePdf(stream, title=job.document.source.name or job.stem)
        for page in job.document.pages:
            image = draw_page(page, images(page.number), with_heat=job.options.heat)
            data = io.BytesIO()
            image.save(data, "JPEG", quality=JPEG_QUALITY)
            pdf.add(data.getvalue(), image.size, page.space.shown_pt)
        pdf.close()

    yield job.main(write)


@register(
    "overlay-png",
    suffix=".overlay-{page:03d}.png",
    media_type="image/png",
    description="the pages with a box around every element, a PNG for each page",
    images="required",
)
def overlay_png(job: Job) -> Iterator[Part]:
    images = _required(job)
    for page in job.document.pages:
        image = draw_page(page, images(page.number), with_heat=job.options.heat)
        data = io.BytesIO()
        image.save(data, "PNG", compress_level=1)
        yield Part(job.stem + job.suffix.format(page=page.number), data.getvalue())


def _required(job: Job) -> Images:
    if job.images is None:
        raise ExportError(
            "an overlay is drawn on the page images, and there are none.",
            file=job.document.source.name or None,
            hint="Give the source file along with the document.",
        )
    return job.images


# -------------------------------------------------------------------------------------- drawing


def draw_page(page: Page, image: Image, *, with_heat: bool = False) -> Image:
    """A copy of ``image`` with the blocks of ``page`` drawn on it, pixel for pixel of the same size.

    Raises ``ExportError`` if the image is not the one the page was read from.
    """
    from PIL.ImageDraw import Draw

    if image.size != (page.width, page.height):
        raise ExportError(
            f"the image is {image.width} x {image.height} pixels, the page was read at {page.width} x {page.height}.",
            page=page.number,
        )
    canvas = image.convert("RGB") if image.mode != "RGB" else image.copy()
    draw = Draw(canvas, "RGBA")
    line = line_width(page.width, page.height)
    named = list(_named(page))
    for _, block in named:
        if block.bbox:
            _draw_box(draw, page, block, line, with_heat=with_heat)
    pen = Pen(draw, letter_size(page.height))
    board = Board(page.width, page.height, pen.height, (_inside(page, b.bbox) for b in page.blocks if b.bbox))
    _draw_strip(page, pen, board, with_heat=with_heat)
    for name, block in named:
        if block.bbox:
            _draw_label(page, block, name, pen, board, with_heat=with_heat)
    return canvas


def certainty(block: Block) -> float | None:
    """How sure docparse is of a block, 0 to 1: the lower of what is known."""
    return min((value for value in (block.confidence, block.agreement) if value is not None), default=None)


def _named(page: Page) -> Iterator[tuple[str, Block]]:
    """The blocks with their order numbers; items of a list as 4.1, 4.2."""
    for number, block in enumerate(page.blocks, 1):
        yield str(number), block
        for place, item in enumerate(block.items, 1):
            yield f"{number}.{place}", item


def _colour(block: Block, *, with_heat: bool) -> Rgb:
    return heat(certainty(block)) if with_heat else COLOURS[block.kind]


def _draw_box(draw: ImageDraw, page: Page, block: Block, line: int, *, with_heat: bool) -> None:
    colour = _colour(block, with_heat=with_heat)
    by_cell = False
    for cell in block.cells:
        if cell.bbox:
            fill = (*heat(cell.confidence), HEAT_FILL) if with_heat and cell.confidence is not None else None
            by_cell |= fill is not None
            draw.rectangle(_edges(page, cell.bbox), fill=fill, outline=(*colour, 200), width=1)
    if block.bbox:
        # The colour of a table would hide those of its cells, which are what one looks for.
        fill = None if by_cell else (*colour, HEAT_FILL if with_heat else FILL)
        draw.rectangle(_edges(page, block.bbox), fill=fill, outline=(*colour, 255), width=line)


def _inside(page: Page, box: BBox) -> BBox:
    return box.clamped(page.width, page.height)


def _edges(page: Page, box: BBox) -> tuple[int, int, int, int]:
    """First and last pixels of a box, inside the page: Pillow draws both."""
    x1, y1, x2, y2 = (int(side) for side in _inside(page, box).as_tuple())
    x1, y1 = min(x1, page.width - 1), min(y1, page.height - 1)
    return x1, y1, max(x1, x2 - 1), max(y1, y2 - 1)


def _draw_label(page: Page, block: Block, name: str, pen: Pen, board: Board, *, with_heat: bool) -> None:
    if block.bbox is None:
        return
    sure, box = certainty(block), _inside(page, block.bbox)
    words = f"{sure:.0%}" if with_heat and sure is not None else block.kind.replace("_", " ")
    # Where the page is too dense for words, the number alone covers less; the colour says the kind.
    for text, clear in ((f"{name} {words}", True), (name, True), (name, False)):
        place = board.place(box, pen.width(text), pen.height, clear=clear)
        if place:
            pen.tag(*place, text, _colour(block, with_heat=with_heat))
            return


def _draw_strip(page: Page, pen: Pen, board: Board, *, with_heat: bool) -> None:
    """The verdict and the legend, along the top or bottom edge, wherever less lies under it."""
    problems = len(page.verdict.issues)
    verdict = f"page {page.number}: {page.verdict.status}" + (f", {problems} remarks" if problems > 1 else "")
    items: list[tuple[str, Rgb]] = [(verdict, VERDICTS[page.verdict.status])]
    if with_heat:
        items += [(f"{share}%", heat(share / 100)) for share in (0, 50, 100)] + [("unknown", UNKNOWN)]
    else:
        kinds = list(dict.fromkeys(block.kind for _, block in _named(page)))
        items += [(kind.replace("_", " "), COLOURS[kind]) for kind in kinds]
    lines: list[list[tuple[int, str, Rgb]]] = []
    x = page.width
    for text, colour in items:
        width = pen.width(text) + pen.gap
        if x + width > page.width:
            x = 0
            lines.append([])
        lines[-1].append((x, text, colour))
        x += width
    height = len(lines) * pen.height
    if height > page.height // 4 or any(pen.width(text) > page.width for text, _ in items):
        return  # a stamp, not a page: the legend would hide it
    boxes = [block.bbox for block in page.blocks if block.bbox]
    top, bottom = BBox(0, 0, page.width, height), BBox(0, page.height - height, page.width, page.height)
    y = page.height - height if _covered(bottom, boxes) < _covered(top, boxes) else 0
    pen.draw.rectangle((0, y, page.width - 1, y + height - 1), fill=(*WHITE, 225))
    board.take(0, y, page.width, height)
    for row, line in enumerate(lines):
        for x, text, colour in line:
            pen.tag(x, y + row * pen.height, text, colour)


def _covered(strip: BBox, boxes: list[BBox]) -> float:
    return sum(strip.overlap(box) for box in boxes)
