"""What overlays are drawn with: lines and tags whose size fits the page."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from docparse.exporters.palette import Rgb, on

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw


def line_width(width: int, height: int) -> int:
    """Pixels of a line on a page of that size."""
    return max(1, round(min(width, height) / 600))


def letter_size(height: int) -> int:
    """Pixels of the letters on a page of that height."""
    return max(9, min(height // 110, 32))


class Pen:
    """Writes tags: text on a ground of one colour."""

    def __init__(self, draw: ImageDraw, size: int) -> None:
        self.draw = draw
        self._font = _font(size)
        self.height = size + size // 3 + 1
        self.gap = size // 2

    def width(self, text: str) -> int:
        return _text_width(text, self._font) + self.gap

    def tag(self, x: int, y: int, text: str, colour: Rgb) -> None:
        self.draw.rectangle((x, y, x + self.width(text) - 1, y + self.height - 1), fill=(*colour, 255))
        place = (x + self.gap // 2, y + self.height / 2)
        self.draw.text(place, text, fill=(*on(colour), 255), font=self._font, anchor="lm")


@lru_cache(maxsize=32)
def _font(size: int) -> Any:
    from PIL import ImageFont

    return ImageFont.load_default(size)


@lru_cache(maxsize=4096)
def _text_width(text: str, font: Any) -> int:
    return int(font.getlength(text)) + 1
