"""Pages made of words: what tests of places compare blocks with."""

from __future__ import annotations

import dataclasses
import random
import string
from collections.abc import Iterable, Sequence

from docparse.document import Block, Cell, Run
from docparse.geometry import BBox
from docparse.textlayer import Word

WIDTH, HEIGHT = 1200, 1600
LETTER, LINE = 8, 20
"""Pixels of a letter's width and of a line's height."""


def line(x: float, y: float, text: str) -> list[Word]:
    """The words of a line that starts at ``x``, ``y``."""
    words = []
    for word in text.split(" "):
        if word:
            words.append(Word(word, BBox(x, y, x + LETTER * len(word), y + LINE)))
        x += LETTER * (len(word) + 1)
    return words


def lines(*places: tuple[float, float, str]) -> list[Word]:
    return [word for place in places for word in line(*place)]


def area(x: float, y: float, *texts: str) -> tuple[int, int, int, int]:
    """The box of lines below each other, 25 px apart, the first at ``x``, ``y``."""
    width = LETTER * max(len(text) for text in texts)
    return int(x), int(y), int(x + width), int(y + 25 * (len(texts) - 1) + LINE)


def said(text: str, kind: str = "paragraph", box: tuple[int, int, int, int] | None = None) -> Block:
    return Block(kind, BBox(*box) if box else None, (Run(text),))  # type: ignore[arg-type]


def table(*rows: Sequence[str], box: tuple[int, int, int, int] | None = None) -> Block:
    cells = tuple(Cell(r, c, runs=(Run(text),)) for r, row in enumerate(rows) for c, text in enumerate(row))
    return Block("table", BBox(*box) if box else None, cells=cells)


def boxes(blocks: Iterable[Block]) -> list[tuple[float, float, float, float] | None]:
    return [block.bbox.as_tuple() if block.bbox else None for block in blocks]


def cell_boxes(block: Block) -> list[tuple[float, float, float, float] | None]:
    return [cell.bbox.as_tuple() if cell.bbox else None for cell in block.cells]


def without_boxes(block: Block) -> Block:
    return dataclasses.replace(
        block,
        bbox=None,
        cells=tuple(dataclasses.replace(cell, bbox=None) for cell in block.cells),
        items=tuple(map(without_boxes, block.items)),
    )


def misread(words: Iterable[Word], share: float, seed: int = 0) -> list[Word]:
    """The words as a poor OCR sees them: of their letters ``share`` are others, missing or doubled."""
    chance = random.Random(seed)

    def letter(char: str) -> str:
        if chance.random() >= share:
            return char
        return chance.choice((chance.choice(string.ascii_lowercase), "", char + char))

    seen = [dataclasses.replace(word, text="".join(map(letter, word.text))) for word in words]
    return [word for word in seen if word.text]
