"""A document cut into the pieces that chunks are made of: sentences, items, lines, rows of tables.

What it is: where text may be cut, and what should rather stay together. What it is not: the
decision how much goes into a chunk; ``chunks.py`` makes it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from docparse.document import VERBATIM, Block, Document, Page
from docparse.exporters.flow import captions, running
from docparse.exporters.inline_html import head_rows
from docparse.exporters.plain import cell_grid, sign
from docparse.geometry import BBox

_SENTENCE_END = re.compile(r"(?<=[.!?;:])[ \n]+|(?<=[.!?;:][\"')\]])[ \n]+|(?<=[。！？；])|\n+")
_BLANK = re.compile(r"[ \n]+")
_LINE_END = re.compile(r"\n")


@dataclass(frozen=True, slots=True)
class Piece:
    """What is never cut. ``joint`` goes between it and the piece before it in the same chunk;
    ``head`` goes before it where a chunk begins with it: the header rows of its table."""

    text: str
    page: Page
    block: Block
    bbox: BBox | None
    joint: str = "\n\n"
    head: str = ""


def groups(document: Document, size: int, *, furniture: bool) -> Iterator[list[Piece]]:
    """The pieces of the running text, in groups that should stay together: a block, or a figure or
    table with its caption. Only blocks longer than ``size`` are cut."""
    was_item = False
    for page in document.pages:
        blocks = running(page, furniture=furniture)
        owned = captions(blocks)
        group: list[Piece] = []
        for index, block in enumerate(blocks):
            is_item = block.kind == "list_item"
            group += _pieces(page, block, size, joint="\n" if is_item and was_item else "\n\n")
            was_item = is_item
            after = blocks[index + 1] if index + 1 < len(blocks) else None
            if after is None or not (owned.get(after.id) is block or owned.get(block.id) is after):
                if any(piece.text for piece in group):
                    yield group
                group = []


def _pieces(page: Page, block: Block, size: int, *, joint: str) -> Iterator[Piece]:
    text = "" if block.cells and not block.runs else block.text
    if block.kind == "list_item":
        text = f"{sign(block)} {text}"
    if text or not block.cells:  # a picture without words is still a place
        for index, (before, part) in enumerate(_cut(text, size, verbatim=block.kind in VERBATIM)):
            yield Piece(part, page, block, block.bbox, before if index else joint)
    if block.cells:
        yield from _rows(page, block, size, joint="\n" if text else joint)


def _rows(page: Page, block: Block, size: int, *, joint: str) -> Iterator[Piece]:
    lines = [f"| {' | '.join(text.replace('|', chr(92) + '|') for text in row)} |" for row in cell_grid(block)]
    boxes = [[cell.bbox for cell in row] for row in block.rows()]
    count = head_rows(block)
    if count:
        lines[count - 1] += "\n|" + " --- |" * block.num_cols
    head = "".join(f"{line}\n" for line in lines[:count])
    head = head if len(head) <= size // 2 else ""  # or there would be no room for the table
    for index, line in enumerate(lines):
        known = [box for box in boxes[index] if box is not None]
        box = BBox.around(known) if known and len(known) == len(boxes[index]) else block.bbox
        yield Piece(line, page, block, box, "\n" if index else joint, head if index >= count else "")


def _cut(text: str, size: int, *, verbatim: bool) -> Iterator[tuple[str, str]]:
    """Parts of ``text`` of at most ``size`` characters, each with the white space before it: all of
    it if that is short enough, else sentences or lines, else words, else what fits."""
    if len(text) <= size:
        yield "", text
        return
    for before, part in _split(text, _LINE_END if verbatim else _SENTENCE_END):
        if len(part) <= size:
            yield before, part
            continue
        for blank, word in _split(part, _BLANK):
            for at in range(0, len(word), size):
                yield (blank or before) if at == 0 else "", word[at : at + size]
            before = ""


def _split(text: str, separator: re.Pattern[str]) -> Iterator[tuple[str, str]]:
    """What stands between separators, each with the separators before it."""
    at, before = 0, ""
    for match in separator.finditer(text):
        if match.start() > at:
            yield before, text[at : match.start()]
            before = ""
        before += match[0]
        at = match.end()
    if at < len(text):
        yield before, text[at:]
