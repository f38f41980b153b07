"""What every readable format asks about a page: what to show, in which order, and what belongs together.

What it is: the running text of a page, the captions of its figures, and a text that remembers
which block wrote what. What it is not: any format.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from docparse.document import FURNITURE, Block, Page
from docparse.exporters.registry import Span
from docparse.geometry import BBox

CAPTIONED = frozenset({"image", "chart", "table", "music_sheet", "chemical_formula", "code"})
"""Kinds that a caption may belong to."""


def running(page: Page, *, furniture: bool) -> list[Block]:
    """The blocks of a page as a reader wants them: lists taken apart into their items, footnotes at
    the end, and headers, footers and page numbers only if ``furniture``. An item without a place of
    its own has that of its list."""
    body: list[Block] = []
    notes: list[Block] = []
    for block in page.blocks:
        if block.kind == "list":
            body += (item if item.bbox else replace(item, bbox=block.bbox) for item in block.items)
        elif block.kind == "footnote":
            notes.append(block)
        elif furniture or block.kind not in FURNITURE:
            body.append(block)
    return body + notes


def captions(blocks: Sequence[Block]) -> dict[str, Block]:
    """The caption of each figure or table that has one, by the id of the figure.

    A caption belongs to a neighbour in reading order; to the nearer one on the page if it has one
    on both sides, and to the one before it if that cannot be told.
    """
    found: dict[str, Block] = {}
    for index, block in enumerate(blocks):
        if block.kind != "caption":
            continue
        before = blocks[index - 1] if index else None
        after = blocks[index + 1] if index + 1 < len(blocks) else None
        sides = [b for b in (before, after) if b is not None and b.kind in CAPTIONED and b.id not in found]
        if sides:
            owner = min(sides, key=lambda side: gap(block.bbox, side.bbox))
            found[owner.id] = block
    return found


def gap(one: BBox | None, other: BBox | None) -> float:
    """How far two boxes are apart, in pixels; 0 where they touch, and where a place is unknown."""
    if one is None or other is None:
        return 0.0
    across = max(one.x1 - other.x2, other.x1 - one.x2, 0)
    down = max(one.y1 - other.y2, other.y1 - one.y2, 0)
    return float(max(across, down))


class Scroll:
    """A text that grows, and the spans of the blocks that it is made of."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._length = 0
        self.spans: list[Span] = []

    def __len__(self) -> int:
        return self._length

    def add(self, text: str, page: Page | None = None, block: Block | None = None) -> None:
        if page is not None and block is not None:
            self.spans.append(Span(self._length, self._length + len(text), page.number, block.id))
        self._pieces.append(text)
        self._length += len(text)

    def add_all(self, texts: Iterable[str]) -> None:
        for text in texts:
            self.add(text)

    @property
    def text(self) -> str:
        return "".join(self._pieces)
