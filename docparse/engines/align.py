"""Boxes for what a model said without: those of the words of the page that say it.

A model may answer in Markdown or plain HTML, or leave boxes out; the page has words with boxes, of its text layer
or of an OCR. Both say mostly the same (``matching``), what remains is found by its place (``strays``). What has a
box keeps it, and what is nowhere on the page has none after it either. Nothing is said anew: text, order and
number of the blocks stay.
"""

from __future__ import annotations

import dataclasses
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from docparse.document import Block, Cell, Issue, Kind
from docparse.engines.cell_places import out_of_line
from docparse.engines.matching import match, squash
from docparse.engines.places import Part, Seen, Text, together
from docparse.engines.strays import Search
from docparse.geometry import BBox
from docparse.textlayer import Word

ENOUGH_OF_TABLE = 0.5
"""Share of a table's characters that must be found for its box; the union of a few cells is no table."""
MAX_STRAYS = 2000
"""Texts that are looked for one by one."""

_UNSAID: frozenset[Kind] = frozenset({"music_sheet", "chemical_formula"})
"""Kinds whose text is a notation that stands on no page."""
_COMMAND = re.compile(r"\\([a-zA-Z]+)\*?")


@dataclass(frozen=True, slots=True)
class Placed:
    """``blocks`` with the boxes that were found, in their order.

    ``share``: of the letters and digits of all blocks, those that are on the page; 1 where there are none.
    ``issues``: ``boxes-recovered``, once, if any box was: ``info`` if only cells lacked one, else ``warning``.
    """

    blocks: tuple[Block, ...]
    share: float
    issues: tuple[Issue, ...] = ()


def place(blocks: Sequence[Block], words: Sequence[Word], *, width: int, height: int) -> Placed:
    """Give each block, cell and item without a box that of the ``words`` that say its text.

    ``words``: seen on the page, in its own order; ``width``, ``height``: pixels of the page image, which all
    boxes are in. A table has the box around its cells, a list that around its items. A paragraph that goes
    on in another column has the box of its larger part. Empty cells and pictures without text have none.
    """
    words = [w for w in words if w.text.strip() and w.box.area > 0]
    parts, said = _parts(blocks)
    if not said.text:
        return Placed(tuple(blocks), 1.0)
    if not words:
        return Placed(tuple(blocks), 0.0)
    found = _Finder(blocks, Seen(words), parts, said)
    found.align()
    found.search()
    share = sum(p.found for p in parts) / len(said.text)
    return _placed(blocks, parts, share, BBox(0, 0, width, height))


def _parts(blocks: Sequence[Block]) -> tuple[list[Part], Text]:
    """All that was said, in order, and which part of it has a box of its own."""
    parts: list[Part] = []
    words: list[str] = []
    at = 0
    for part, text in _texts(blocks):
        spoken = text.split()
        part.start = at
        at += sum(len(squash(word)) for word in spoken)
        part.stop = at
        words += spoken
        if part.size:
            parts.append(part)
    return parts, Text(words)


def _texts(blocks: Sequence[Block]) -> Iterator[tuple[Part, str]]:
    for i, block in enumerate(blocks):
        if block.kind in _UNSAID:
            continue
        if block.runs:
            text = "".join(run.text for run in block.runs)
            yield Part(i, within=block.bbox), _printed(text) if block.kind == "formula" else text
        for j, cell in enumerate(block.cells):
            yield Part(i, cell=j, within=cell.bbox or block.bbox), cell.text
        for j, item in enumerate(block.items):
            yield Part(i, item=j, within=item.bbox or block.bbox), item.text


def _printed(latex: str) -> str:
    """The letters of a formula as they are seen: commands are none, but Greek ones."""

    def letter(match: re.Match[str]) -> str:
        name = match[1]
        try:
            return unicodedata.lookup(f"GREEK {'CAPITAL' if name[0].isupper() else 'SMALL'} LETTER {name.upper()}")
        except KeyError:
            return " "

    return _COMMAND.sub(letter, latex)


class _Finder:
    """Finds the words of parts; ``where`` says for each character of ``said`` which of the page's it is."""

    def __init__(self, blocks: Sequence[Block], seen: Seen, parts: list[Part], said: Text) -> None:
        self._blocks, self._seen, self._parts, self._said = blocks, seen, parts, said
        self._where = match(said.text, seen.text, [(p.start, p.stop) for p in parts], seen.edges)

    def align(self) -> None:
        """The boxes that follow from the order of the text alone."""
        shared = self._seen.shared(self._where, self._parts)
        for part in self._parts:
            self._settle(part, shared)
        for index, block in enumerate(self._blocks):
            if block.cells:
                self._keep_the_grid(index, block.cells)

    def search(self) -> None:
        """The boxes of what is left: what can be only in one place first, for it narrows the places of others."""
        search = Search(self._said, self._seen, self._where, self._parts, self._blocks)
        for sure in (True, True, True, False, False):
            left = [i for i, p in enumerate(self._parts) if p.box is None]
            if len(left) > MAX_STRAYS:
                return
            search.begin()
            for index in sorted(left, key=lambda i: -self._parts[i].size):
                if search.find(index, sure=sure):
                    self._settle(self._parts[index], frozenset())
            for index, part in enumerate(self._parts):
                if part.box is not None and part.found < part.size and search.complete(index):
                    self._settle(part, frozenset())

    def _settle(self, part: Part, shared: frozenset[int]) -> None:
        """The box of a part from the words found, or none if they are too few."""
        pieces = self._seen.pieces(self._said, self._where, part, shared)
        if part.within is not None:
            grown = part.within.grown(0.5 * median(p.box.height for p in pieces)) if pieces else part.within
            pieces = [p for p in pieces if grown.contains(*p.box.center)]
        found = sum(p.size for p in pieces)
        if found < part.enough:
            self._forget(part)
            return
        part.found = found
        part.words = frozenset(p.word for p in pieces)
        part.box = BBox.around(p.box for p in together(pieces))
        for i in range(part.start, part.stop):
            if self._where[i] >= 0 and self._seen.owner[self._where[i]] not in part.words:
                self._where[i] = -1

    def _forget(self, part: Part) -> None:
        part.box, part.found, part.words = None, 0, frozenset()
        self._where[part.start : part.stop] = [-1] * part.size

    def _keep_the_grid(self, block: int, cells: Sequence[Cell]) -> None:
        """Forget cells that stand in no line with their row or column, if most do."""
        parts = [p for p in self._parts if p.block == block and p.cell >= 0]
        placed = [(cells[p.cell], p.box) for p in parts if p.box is not None]
        odd = out_of_line(placed, median(w.box.height for w in self._seen.words))
        if 3 * len(odd) <= len(placed):
            parts = [p for p in parts if p.box is not None]
            for index in odd:
                self._forget(parts[index])


# ------------------------------------------------------------------------------- boxes into blocks


def _placed(blocks: Sequence[Block], parts: Sequence[Part], share: float, page: BBox) -> Placed:
    by_block: dict[int, list[Part]] = {}
    for part in parts:
        by_block.setdefault(part.block, []).append(part)
    made = list(blocks)
    recovered = cells = missing = 0
    for index, own in by_block.items():
        block = _with_boxes(blocks[index], own, page)
        made[index] = block
        lacked = blocks[index].bbox is None
        recovered += lacked and block.bbox is not None
        missing += lacked and block.bbox is None
        cells += sum(a.bbox != b.bbox for a, b in zip(block.cells, blocks[index].cells, strict=True))
        cells += sum(a.bbox != b.bbox for a, b in zip(block.items, blocks[index].items, strict=True))
    return Placed(tuple(made), share, tuple(_notes(recovered, cells, missing, share)))


def _notes(recovered: int, cells: int, missing: int, share: float) -> Iterator[Issue]:
    if not recovered and not cells:
        return
    told = f"{recovered} elements" if recovered else f"{cells} cells or items"
    message = (
        f"{told} had no box and got that of the words of the page that say their text ({share:.0%} of it is there)."
    )
    if missing:
        message += f" {missing} more were not found."
    yield Issue("boxes-recovered", message, "warning" if recovered else "info")


def _with_boxes(block: Block, parts: Sequence[Part], page: BBox) -> Block:
    found = {(p.cell, p.item): p.box.clamped(page.x2, page.y2) for p in parts if p.box is not None}
    if not found:
        return block
    if block.cells and block.bbox is None:
        size = sum(p.size for p in parts)
        if sum(p.found for p in parts) < ENOUGH_OF_TABLE * size:
            return block
    return dataclasses.replace(
        block,
        bbox=block.bbox or BBox.around(found.values()),
        cells=tuple(
            cell if cell.bbox or (j, -1) not in found else dataclasses.replace(cell, bbox=found[j, -1])
            for j, cell in enumerate(block.cells)
        ),
        items=tuple(
            item if item.bbox or (-1, j) not in found else dataclasses.replace(item, bbox=found[-1, j])
            for j, item in enumerate(block.items)
        ),
    )
