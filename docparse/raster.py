"""A page as an engine sees it: pixels at native resolution, and what the page itself says.

``PageImage`` draws its pixels only when asked: boxes in page pixels need the size of the image, not
the image. ``page_image`` chooses that size (DESIGN section 2).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from docparse import textlayer
from docparse.geometry import BBox, PageSpace, Rotation
from docparse.textlayer import Raw, TextLayer

if TYPE_CHECKING:
    from PIL.Image import Image

BORN_DIGITAL_DPI = 144.0
MAX_NATIVE_DPI = 300.0
"""Small print raises the resolution of a born-digital page up to this."""
MIN_X_HEIGHT = 10.0
"""Pixels of x-height that body text should have; an x is about half its font's size."""
SCAN_COVERAGE = 0.8
"""Share of the page that pictures must cover for it to count as a scan."""
STAMP = 400
"""Visible characters that a scan may have on it: a stamp, a header, a signature."""


@dataclass(frozen=True, slots=True)
class RawPage:
    """What a reader knows of a page before it is drawn.

    ``size_pt``: unrotated size in points. ``pixels``: a picture's own size, as shown; None for PDF.
    ``dpi``: a picture's own resolution, 72 where it says none. ``raw``: a PDF page's text layer.
    """

    size_pt: tuple[float, float]
    rotation: Rotation = 0
    pixels: tuple[int, int] | None = None
    dpi: float = 72.0
    raw: Raw | None = None


class Draws(Protocol):
    """The part of a reader that a page image needs."""

    @property
    def renderer(self) -> str: ...
    @property
    def num_pages(self) -> int: ...
    def describe(self, number: int) -> RawPage: ...
    def draw(self, number: int, width: int, height: int) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Part:
    """Where a page image lies that shows a part of a page only: ``box`` in pixels of ``page``, which is all of it."""

    page: PageImage
    box: BBox

    @property
    def frame(self) -> BBox:
        """The whole page in pixels of the part."""
        return BBox(0, 0, self.page.width, self.page.height).moved(-self.box.x1, -self.box.y1)


@dataclass(slots=True)
class PageImage:
    """One page of one source. ``text`` is None for pictures, which say nothing of themselves.

    ``part``: None where it shows all of the page, as it does unless only a region is read (``region``).
    """

    number: int
    width: int
    height: int
    dpi: float
    size_pt: tuple[float, float]
    rotation: Rotation
    source: str
    renderer: str
    text: TextLayer | None
    reader: Draws
    _pixels: Image | None = field(default=None, repr=False)
    part: Part | None = field(default=None, repr=False)

    @property
    def space(self) -> PageSpace:
        return PageSpace(self.width, self.height, self.size_pt, self.rotation)

    @property
    def file(self) -> Draws:
        """The reader of the file that the page is in."""
        return self.reader if self.part is None else self.part.page.reader

    def pixels(self) -> Image:
        """The page as an RGB picture of ``width`` x ``height``, kept until ``release``."""
        if self._pixels is None:
            from PIL import Image

            data = self.reader.draw(self.number, self.width, self.height)
            self._pixels = Image.frombytes("RGB", (self.width, self.height), data)
        return self._pixels

    def release(self) -> None:
        """Forget the pixels; they can be drawn again."""
        self._pixels = None


def page_image(reader: Draws, name: str, number: int, *, dpi: float | None, budget: int) -> PageImage:
    """Page ``number`` of an open file, at ``dpi`` or at native resolution, within ``budget`` pixels."""
    page = reader.describe(number)
    if page.pixels is not None:
        shrink = min(1.0, (budget / (page.pixels[0] * page.pixels[1])) ** 0.5)
        width, height = _whole(page.pixels, shrink, budget)
        return PageImage(
            number, width, height, page.dpi * shrink, page.size_pt, page.rotation, name, reader.renderer, None, reader
        )
    shown = page.size_pt[::-1] if page.rotation in (90, 270) else page.size_pt
    wanted = dpi or native_dpi(page.raw, shown)
    most = 72 * (budget / (shown[0] * shown[1])) ** 0.5
    wanted = min(wanted, most)
    width, height = _whole(shown, wanted / 72, budget)
    text = None if page.raw is None else textlayer.build(page.raw, wanted / 72)
    return PageImage(number, width, height, wanted, page.size_pt, page.rotation, name, reader.renderer, text, reader)


def _whole(size: tuple[float, float], scale: float, budget: int) -> tuple[int, int]:
    """``size`` scaled to whole pixels, at least one each way and never more than ``budget``."""
    width, height = max(1, round(size[0] * scale)), max(1, round(size[1] * scale))
    if width * height > budget and min(width, height) == 1:  # a page that is a thread: its other side was rounded up
        return min(width, budget), min(height, budget)
    return width, height


def native_dpi(raw: Raw | None, shown: tuple[float, float]) -> float:
    """The resolution a PDF page asks for: a scan's own, else what its body text needs."""
    if raw is None:
        return BORN_DIGITAL_DPI
    scan = scan_dpi(raw, shown)
    seen = _visible(raw)
    if scan is not None and not seen:
        return max(scan, 72.0)
    size = body_size(raw)
    needed = BORN_DIGITAL_DPI if size is None else MIN_X_HEIGHT / 0.5 * 72 / size
    born = float(round(min(max(needed, BORN_DIGITAL_DPI), MAX_NATIVE_DPI)))
    return max(scan, born) if scan is not None and seen < STAMP else born


def _visible(raw: Raw) -> int:
    """Characters that are painted."""
    return sum(len(s[0].strip()) for line in raw["lines"] for s in line[2] if textlayer.painted(s))


def scan_dpi(raw: Raw, shown: tuple[float, float]) -> float | None:
    """Pixels per inch of the pictures that cover the page; None if they do not."""
    covered, weighted, whole = 0.0, 0.0, 0.0
    for (x1, y1, x2, y2), width, height in raw["pictures"]:
        if x2 - x1 < 1 or y2 - y1 < 1:
            continue
        dpi = 72 * max(width / (x2 - x1), height / (y2 - y1))  # faxes have fewer pixels down than across
        area = max(min(x2, shown[0]) - max(x1, 0.0), 0.0) * max(min(y2, shown[1]) - max(y1, 0.0), 0.0)
        covered += area
        weighted += area * dpi
        if area >= SCAN_COVERAGE * shown[0] * shown[1]:
            whole = max(whole, dpi)  # of several layers the finest holds the text
    if covered < SCAN_COVERAGE * shown[0] * shown[1]:
        return None
    return whole or weighted / covered


def body_size(raw: Raw) -> float | None:
    """The font size that nine tenths of the characters have at least, in points."""
    sizes: Counter[float] = Counter()
    for line in raw["lines"]:
        for span in line[2]:
            if span[1] > 0 and not span[2] & 1:  # superscripts are smaller by nature
                sizes[round(span[1], 1)] += len(span[0].strip())
    total = sum(sizes.values())
    if not total:
        return None
    seen = 0
    for size in sorted(sizes):
        seen += sizes[size]
        if seen >= 0.1 * total:
            return max(size, 1.0)
    return None
