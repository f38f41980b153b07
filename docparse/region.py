"""A region of a page, read as a page of its own, and the way back.

``part_of`` makes a ``PageImage`` of a rectangle: its pixels are cut out of the page's, its text layer is what of
the page's stands there, moved. Engines and checks see a small page; ``whole_page`` puts what they found back where
it stands, so that the result has boxes of the whole page, and a verdict that is about the region.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable
from dataclasses import dataclass

from docparse.document import Issue, Page
from docparse.errors import PageRangeError
from docparse.geometry import BBox
from docparse.mapping import placed, to_size
from docparse.raster import Draws, PageImage, Part, RawPage
from docparse.textlayer import Line, Picture, Shape, TextLayer, Word

LEAST = 8
"""Pixels of a region's sides: less holds no letter."""
_LIGATURES = ("ff", "fi", "fl", "ft", "st")


@dataclass(frozen=True, slots=True)
class Region:
    """A rectangle in pixels of the image of a page that is ``width`` x ``height`` pixels large."""

    box: BBox
    width: int
    height: int

    def on(self, width: int, height: int) -> BBox:
        """The whole pixels that it touches of the same page's image in another size.

        Raises ``PageRangeError`` where that is (nearly) nothing.
        """
        box = to_size(self.box, (self.width, self.height), (width, height))
        # A hair beyond a pixel is the rounding of the ratio.
        x1, y1 = math.floor(box.x1 + 1e-6), math.floor(box.y1 + 1e-6)
        x2, y2 = math.ceil(box.x2 - 1e-6), math.ceil(box.y2 - 1e-6)
        found = BBox.of(x1, y1, x2, y2).clamped(width, height)
        if found.width < LEAST or found.height < LEAST:
            raise PageRangeError(
                f"the region has {found.width:.0f} x {found.height:.0f} pixels of the page.",
                hint=f"Choose one of at least {LEAST} pixels each way, on the page.",
            )
        return found


def part_of(page: PageImage, region: Region) -> PageImage:
    """What ``region`` shows of ``page``, as a page image with the same number and resolution."""
    box = region.on(page.width, page.height)
    width, height = int(box.width), int(box.height)
    points = 72 / page.dpi
    return PageImage(
        page.number,
        width,
        height,
        page.dpi,
        (width * points, height * points),
        0,
        page.source,
        page.renderer,
        None if page.text is None else _cut_layer(page.text, box),
        _Cut(page, box),
        part=Part(page, box),
    )


def whole_page(page: Page, part: Part) -> Page:
    """A page that was read from a part of it, its boxes where they stand on the whole; said so in its verdict."""
    whole, box = part.page, part.box
    shown = " ".join(f"{side:.0f}" for side in box.as_tuple())
    note = Issue("region", f"Only a region of the page was read: {shown}, in pixels of the page.", "info")
    return Page(
        page.number,
        whole.width,
        whole.height,
        whole.dpi,
        whole.size_pt,
        whole.rotation,
        placed(page.blocks, lambda b: b.moved(box.x1, box.y1).clamped(whole.width, whole.height)),
        dataclasses.replace(page.verdict, issues=(*page.verdict.issues, note)),
        page.renderer,
    )


def whole_words(words: Iterable[Word], part: Part) -> tuple[Word, ...]:
    """Words seen in a part of a page, where they stand on the whole."""
    return tuple(dataclasses.replace(word, box=word.box.moved(part.box.x1, part.box.y1)) for word in words)


class _Cut:
    """``Draws`` of a part: its pixels are cut out of the page's, which is drawn as if all of it were read."""

    def __init__(self, page: PageImage, box: BBox) -> None:
        self._page = page
        self._box = box

    @property
    def renderer(self) -> str:
        return self._page.reader.renderer

    @property
    def num_pages(self) -> int:
        return self._page.reader.num_pages

    def describe(self, number: int) -> RawPage:
        return self._page.reader.describe(number)

    def draw(self, number: int, width: int, height: int) -> bytes:
        from PIL import Image

        page, box = self._page, self._box
        reader: Draws = page.reader
        data = reader.draw(number, page.width, page.height)
        cut = Image.frombytes("RGB", (page.width, page.height), data).crop(box.as_tuple())
        return (cut if cut.size == (width, height) else cut.resize((width, height))).tobytes()


# ------------------------------------------------------------------------ the text layer


def _cut_layer(layer: TextLayer, box: BBox) -> TextLayer:
    """What of a text layer stands in ``box``, in pixels from its corner."""
    lines = tuple(cut for line in layer.lines if (cut := _cut_line(line, box)) is not None)
    kept, letters = (sum(len(w.text) for line in which for w in line.words) for which in (lines, layer.lines))
    words = [word.text for line in lines for word in line.words]
    return TextLayer(
        lines,
        tuple(Shape(s.kind, _cut_box(s.box, box), s.stroke, s.fill) for s in layer.shapes if _touches(s.box, box)),
        # A picture keeps its place beyond the edge: how large its pixels are is told by all of it.
        tuple(Picture(p.box.moved(-box.x1, -box.y1), p.width, p.height) for p in layer.pictures if p.box.overlap(box)),
        # Nobody knows where letters without a meaning stood, nor those of ligatures that were restored.
        round(layer.unmapped * kept / letters) if letters else layer.unmapped,
        min(layer.ligatures, sum(word.count(pair) for word in words for pair in _LIGATURES)),
    )


def _cut_line(line: Line, box: BBox) -> Line | None:
    if not _touches(line.box, box):
        return None
    words = tuple(
        dataclasses.replace(word, box=_cut_box(word.box, box)) for word in line.words if box.contains(*word.box.center)
    )
    if not words:
        return None
    around = BBox.around(word.box for word in words)
    return dataclasses.replace(line, words=words, box=around, baseline=line.baseline - box.y1)


def _cut_box(inner: BBox, box: BBox) -> BBox:
    return inner.moved(-box.x1, -box.y1).clamped(box.width, box.height)


def _touches(inner: BBox, box: BBox) -> bool:
    """Whether they share a point: rules have no thickness."""
    return inner.x1 <= box.x2 and inner.x2 >= box.x1 and inner.y1 <= box.y2 and inner.y2 >= box.y1
