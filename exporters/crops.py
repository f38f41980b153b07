"""Pieces of a page image: the figures that Markdown and the standalone page show.

A page is asked for once, when its first figure is, and let go with its last.
"""

from __future__ import annotations

import io
from itertools import chain, count
from typing import TYPE_CHECKING, Literal

from docparse.document import Block, Page
from docparse.exporters.registry import Images

if TYPE_CHECKING:
    from PIL.Image import Image

PICTURED = frozenset({"image", "chart"})
"""Kinds whose content is the picture itself."""


class Crops:
    """The crops of one page."""

    def __init__(self, page: Page, images: Images | None) -> None:
        self._page = page
        self._images = images
        self._image: Image | None = None

    def crop(self, block: Block) -> Image | None:
        """The part of the page inside the block's box; None where there is none to show."""
        if self._images is None or block.bbox is None:
            return None
        box = block.bbox.clamped(self._page.width, self._page.height)
        if box.width < 1 or box.height < 1:
            return None
        if self._image is None:
            self._image = self._images(self._page.number)
        return self._image.crop((int(box.x1), int(box.y1), int(box.x2), int(box.y2)))


class CropNames:
    """File names for crops: the id of the block, with its page where that is not enough."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._taken: set[str] = set()

    def next(self, page: Page, block: Block) -> str:
        plain = block.id.replace(":", "_")  # which Windows does not allow
        names = chain((plain, f"p{page.number}-{plain}"), (f"p{page.number}-{plain}-{n}" for n in count(2)))
        name = next(name for name in names if name.lower() not in self._taken)
        self._taken.add(name.lower())  # many disks do not tell A from a
        return f"{self._folder}/{name}.png"


def encoded(image: Image, kind: Literal["PNG", "JPEG"]) -> bytes:
    out = io.BytesIO()
    # Level 1 writes a page-wide figure four times as fast as level 6 and makes it a fifth larger.
    image.save(out, kind, **({"compress_level": 1} if kind == "PNG" else {"quality": 80}))
    return out.getvalue()
