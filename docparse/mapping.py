"""Boxes of one page carried from image to image: of another size, or from a part of it to the whole.

Readings of one page differ in resolution. Their boxes compare once they are in pixels of one image; the way
there is the ratio of the widths and of the heights, and it is taken here and nowhere else.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable

from docparse.document import Block, Page
from docparse.geometry import BBox


def to_size(box: BBox, was: tuple[float, float], size: tuple[float, float]) -> BBox:
    """``box`` in pixels of an image of ``was`` (width, height), in pixels of one of ``size``."""
    return box if was == size else box.scaled(size[0] / was[0], size[1] / was[1])


def resized(page: Page, width: int, height: int) -> Page:
    """``page`` as if its image had ``width`` x ``height`` pixels. Ids, texts and the verdict stay."""
    was, size = (page.width, page.height), (width, height)
    if was == size:
        return page
    blocks = placed(page.blocks, lambda box: to_size(box, was, size))
    return dataclasses.replace(page, width=width, height=height, dpi=page.dpi * width / page.width, blocks=blocks)


def placed(blocks: Iterable[Block], where: Callable[[BBox], BBox]) -> tuple[Block, ...]:
    """Blocks with every box in them, of cells and items too, where ``where`` says; else as they were."""

    def there(box: BBox | None) -> BBox | None:
        return None if box is None else where(box)

    return tuple(
        dataclasses.replace(
            block,
            bbox=there(block.bbox),
            cells=tuple(dataclasses.replace(cell, bbox=there(cell.bbox)) for cell in block.cells),
            items=placed(block.items, where),
        )
        for block in blocks
    )
