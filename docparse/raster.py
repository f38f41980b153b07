"""A page as an engine sees it: pixels at native resolution, and what the page itself says.

``PageImage`` draws its pixels only when asked: boxes in page pixels need the size of the image, not
the image. ``page_image`` chooses that size (DESIGN section 2).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from docparse import textlayer
from docparse.geometry import PageSpace, Rotation
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


@dataclass(slots=True)
class PageImage:
    """One page of one source. ``text`` is None for pictures, which say nothing of themselves."""

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

    @property
    def space(self) -> PageSpace:
        return PageSpace(self.width, self.height, self.size_pt, self.rotation)

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
        width, height = page.pixels
        shrink = min(1.0, (budget / (width * height)) ** 0.5)
        width, height = max(1, round(width * shrink)), max(1, round(height * shrink))
        return PageImage(
            number, width, height, page.dpi * shrink, page.size_pt, page.rotation, name, reader.renderer, None, reader
        )
    shown = page.size_pt[::-1] if page.rotation in (90, 270) else page.size_pt
    wanted = dpi or native_dpi(page.raw, shown)
    most = 72 * (budget / (shown[0] * shown[1])) ** 0.5
    wanted = min(wanted, most)
    width = max(1, round(shown[0] * wanted / 72))
    height = max(1, round(shown[1] * wanted / 72))
    text = None if page.raw is None else textlayer.build(page.raw, wanted / 72)
    return PageImage(number, width, height, wanted, page.size_pt, page.rotation, name, reader.renderer, text, reader)


def native_dpi(raw: Raw | None, shown: tuple[float, float]) -> float:
    """The resolution a PDF page asks for: a scan's own, else what its body text needs."""
    if raw is None:
        return BORN_DIGITAL_DPI
    scan = scan_dpi(raw, shown)
    if scan is not None:
        return min(max(scan, 72.0), 600.0)
    size = body_size(raw)
    if size is None:
        return BORN_DIGITAL_DPI
    needed = MIN_X_HEIGHT / 0.5 * 72 / size
    return float(round(min(max(needed, BORN_DIGITAL_DPI), MAX_NATIVE_DPI)))


def scan_dpi(raw: Raw, shown: tuple[float, float]) -> float | None:
    """Pixels per inch of the pictures that cover the page; None if they do not, or text is shown."""
    if not raw["pictures"] or any(span[6] > 0 and span[3] & 48 for line in raw["lines"] for span in line[2]):
        return None
    covered, weighted = 0.0, 0.0
    for (x1, y1, x2, y2), width, _ in raw["pictures"]:
        x1, y1, x2, y2 = max(x1, 0.0), max(y1, 0.0), min(x2, shown[0]), min(y2, shown[1])
        if x2 - x1 < 1 or y2 - y1 < 1:
            continue
        area = (x2 - x1) * (y2 - y1)
        covered += area
        weighted += area * width * 72 / (x2 - x1)
    if covered < SCAN_COVERAGE * shown[0] * shown[1]:
        return None
    return weighted / covered


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
