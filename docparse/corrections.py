"""Corrections put on a page, and taken back: what the engine said stays, what a person says stands above it.

What it is: pure functions of values. What it is not: a store (``api.corrected``), a form (``json_form``).

A correction that was applied once says what it replaced. On another reading of the page it is applied only where
that stands again; else it comes back with ``applied`` false and the reason, and is never put on another block.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, replace

from docparse.correction import Correction, Was
from docparse.corrections_edit import NotApplied, edited, inside_page
from docparse.document import Block, Cell, Document, Page
from docparse.errors import SchemaError
from docparse.geometry import BBox

SAME_PLACE = 0.5
"""Two boxes that share this much of their union are of one thing."""
MOST_EFFORT = 3_000_000
"""Blocks, cells and items of a page, once for each of its corrections, as each makes the page anew: some seconds of
work and at worst some hundred MB. A page of 3,000 may have 1,000."""


@dataclass(frozen=True, slots=True)
class Corrected:
    """A page as it stands now, and all its corrections, each with what it replaced or why it was not applied."""

    page: Page
    corrections: tuple[Correction, ...]

    @property
    def dropped(self) -> tuple[tuple[int, str], ...]:
        """Index and reason of each that was not applied."""
        return tuple((i, each.reason) for i, each in enumerate(self.corrections) if not each.applied)


def apply(page: Page, corrections: Iterable[Correction]) -> Corrected:
    """``page`` with ``corrections`` in their order. Whatever cannot be applied is told, not raised.

    Each is of the page as those before it left it. One with ``applied`` false stays as it is.
    """
    asked = tuple(corrections)
    told = {each.added.id for each in asked if each.added is not None}
    effort = 0
    done: list[Correction] = []
    for each in asked:
        if not each.applied:
            done.append(each if each.reason else replace(each, reason="it was set aside."))
            continue
        try:
            if effort > MOST_EFFORT:
                raise NotApplied("the corrections before it change too much for one page.")
            effort += sum(1 + len(block.cells) + len(block.items) for block in page.blocks)
            page, each = _applied(page, each, told)
        except (NotApplied, ValueError, OverflowError) as error:
            each = replace(each, applied=False, reason=str(error))
        done.append(each)
    return Corrected(page, tuple(done))


def correct(document: Document, corrections: Mapping[int, Iterable[Correction]]) -> Document:
    """``document`` with corrections by page number. Those of pages that it does not have are left out."""
    found = [apply(page, corrections.get(page.number, ())) for page in document.pages]
    said = tuple(each for one in found for each in one.corrections)
    return replace(document, pages=tuple(one.page for one in found), corrections=said)


def as_read(document: Document) -> Document:
    """``document`` as it was before its corrections. Raises ``SchemaError`` where they do not fit its pages."""
    pages = []
    for page in document.pages:
        for each in reversed(document.corrections):
            if each.page == page.number and each.applied:
                try:
                    page = _taken_back(page, each)
                except (NotApplied, ValueError) as error:
                    raise SchemaError(
                        f"a correction ({each.op} {each.block}) is not of this page: {error}", page=page.number
                    ) from error
        pages.append(page)
    return replace(document, pages=tuple(pages), corrections=())


def digest(page: Page) -> str:
    """What a page says, as 16 hexadecimal digits: kinds, levels and texts in their order, no places."""
    said = [(block.kind, block.level, block.text) for block in page.blocks]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:16]


def scaled(correction: Correction, sx: float, sy: float) -> Correction:
    """The correction for the page drawn ``sx`` times as wide and ``sy`` times as high."""
    was = correction.was
    if was is not None:
        cells = tuple(_scaled_cell(cell, sx, sy) for cell in was.cells)
        was = replace(was, block=_scaled(was.block, sx, sy), inside=_scaled(was.inside, sx, sy), cells=cells)
    box = correction.bbox
    return replace(correction, bbox=box and box.scaled(sx, sy), added=_scaled(correction.added, sx, sy), was=was)


def _scaled(block: Block | None, sx: float, sy: float) -> Block | None:
    if block is None:
        return None
    return replace(
        block,
        bbox=block.bbox and block.bbox.scaled(sx, sy),
        cells=tuple(_scaled_cell(cell, sx, sy) for cell in block.cells),
        items=tuple(part for item in block.items if (part := _scaled(item, sx, sy))),
    )


def _scaled_cell(cell: Cell, sx: float, sy: float) -> Cell:
    return replace(cell, bbox=cell.bbox and cell.bbox.scaled(sx, sy))


# ------------------------------------------------------------------------------------ one correction

Where = tuple[int, int | None]
"""Index of a block on its page, and of an item in it."""


def _applied(page: Page, said: Correction, told: Set[str]) -> tuple[Page, Correction]:
    """``told``: the ids that corrections give to blocks that they add."""
    if said.op == "confirm":
        now = digest(page)
        if said.was is not None and said.was.digest != now:
            raise NotApplied("the page says something else than what was confirmed.")
        return page, replace(said, was=Was(digest=now))
    if said.op == "add":
        return _added(page, said, told)
    where = _found(page, said)
    index, item = where
    outer = page.blocks[index]
    block = outer if item is None else outer.items[item]
    was = Was(
        index if item is None else item,
        block if said.whole else replace(block, cells=()),
        inside=None if item is None else replace(outer, items=()),
    )
    if said.op == "edit":
        new, old_cells = edited(block, said, page, is_item=item is not None)
        page = _put(page, where, new)
        was = replace(was, cells=old_cells)
    elif said.op == "delete":
        if item is not None and len(outer.items) == 1:
            raise NotApplied("it is the only item of its list: delete the list.")
        page = _without(page, where)
    else:
        assert said.to is not None
        page = _insert(_without(page, where), block, said.to, None if item is None else index)
    return page, replace(said, block=block.id, was=was)


def _added(page: Page, said: Correction, told: Set[str]) -> tuple[Page, Correction]:
    assert said.added is not None
    assert said.to is not None
    block = inside_page(said.added, page)
    for other in page.blocks:
        if other.kind == block.kind and other.text == block.text and _overlap(other.bbox, block.bbox):
            raise NotApplied(f"the page has this already: {other.id}.")
    taken = {part.id for other in page.blocks for part in (other, *other.items)}
    name = block.id
    if not name or name in taken:
        n = 1
        while (name := f"p{page.number}u{n}") in taken or name in told:
            n += 1
    items = tuple(
        replace(item, id=item.id if item.id and item.id not in taken else f"{name}.{i}")
        for i, item in enumerate(block.items, 1)
    )
    block = replace(block, id=name, items=tuple(_by_user(item) for item in items), cells=tuple(map(_sure, block.cells)))
    block = _by_user(block)
    return _insert(page, block, said.to, None), replace(said, added=block)


def _by_user(block: Block) -> Block:
    return replace(block, origin="user", confidence=1.0, agreement=None)


def _sure(cell: Cell) -> Cell:
    return replace(cell, confidence=1.0)


# ------------------------------------------------------------------------------------ finding it again


def _found(page: Page, said: Correction) -> Where:
    """The block that is meant. Raises ``NotApplied``."""
    where = _by_id(page, said.block)
    if said.was is None or said.was.block is None:
        if where is None:
            raise NotApplied(f"the page has no block {said.block}.")
        return where
    if where is not None and _is(_at(page, where), said.was):
        return where
    places = [
        (index, item)
        for index, block in enumerate(page.blocks)
        for item in (range(len(block.items)) if said.was.inside is not None else (None,))
    ]
    same = [place for place in places if _is(_at(page, place), said.was)]
    if len(same) > 1:
        same = [place for place in same if _overlap(_at(page, place).bbox, said.was.block.bbox)]
    if len(same) == 1:
        return same[0]
    if where is None:
        raise NotApplied(f"the page has no block {said.block} any more.")
    raise NotApplied(f"{said.block} says something else than what was corrected.")


def _is(block: Block, was: Was) -> bool:
    """Whether ``block`` says what ``was`` did."""
    assert was.block is not None
    if block.kind != was.block.kind:
        return False
    if was.block.text:
        return block.text == was.block.text
    if not block.cells and block.text:
        return False
    said = {(cell.row, cell.col): cell.text for cell in was.cells}
    # Only of these the text is made: a table may have many thousands.
    now = {place: cell.text for cell in block.cells if (place := (cell.row, cell.col)) in said}
    return now == said and _overlap(block.bbox, was.block.bbox)


def _overlap(one: BBox | None, other: BBox | None) -> bool:
    if one is None or other is None:
        return one is other
    return one == other or one.iou(other) >= SAME_PLACE


def _by_id(page: Page, id: str) -> Where | None:
    for index, block in enumerate(page.blocks):
        if block.id == id:
            return index, None
        for item, part in enumerate(block.items):
            if part.id == id:
                return index, item
    return None


def _at(page: Page, where: Where) -> Block:
    index, item = where
    return page.blocks[index] if item is None else page.blocks[index].items[item]


# ------------------------------------------------------------------------------------ pages


def _put(page: Page, where: Where, block: Block) -> Page:
    index, item = where
    if item is not None:
        outer = page.blocks[index]
        items = (*outer.items[:item], block, *outer.items[item + 1 :])
        block = replace(outer, items=items, confidence=_mean(items))
    return replace(page, blocks=(*page.blocks[:index], block, *page.blocks[index + 1 :]))


def _mean(items: Iterable[Block]) -> float | None:
    known = [(item.confidence, len(item.text)) for item in items if item.confidence is not None and item.text]
    total = sum(size for _, size in known)
    return min(sum(sure * size for sure, size in known) / total, 1.0) if total else None


def _without(page: Page, where: Where) -> Page:
    index, item = where
    if item is None:
        return replace(page, blocks=(*page.blocks[:index], *page.blocks[index + 1 :]))
    outer = page.blocks[index]
    return _swap(page, index, replace(outer, items=(*outer.items[:item], *outer.items[item + 1 :])))


def _insert(page: Page, block: Block, at: int, inside: int | None) -> Page:
    if inside is None:
        return replace(page, blocks=(*page.blocks[:at], block, *page.blocks[at:]))
    outer = page.blocks[inside]
    return _swap(page, inside, replace(outer, items=(*outer.items[:at], block, *outer.items[at:])))


def _swap(page: Page, index: int, block: Block) -> Page:
    return replace(page, blocks=(*page.blocks[:index], block, *page.blocks[index + 1 :]))


# ------------------------------------------------------------------------------------ back


def _taken_back(page: Page, said: Correction) -> Page:
    if said.op == "confirm":
        return page
    was = said.was
    if said.op == "add":
        assert said.added is not None
        return _without(page, _known(page, said.added.id))
    if was is None or was.block is None or was.at is None:
        raise NotApplied("it does not say what it replaced.")
    inside = None if was.inside is None else _known(page, was.inside.id)[0]
    if said.op == "delete":
        return _insert(page, was.block, was.at, inside)
    where = _known(page, said.block)
    if said.op == "move":
        return _insert(_without(page, where), _at(page, where), was.at, inside)
    block = was.block
    if not said.whole:
        old = {(cell.row, cell.col): cell for cell in was.cells}
        block = replace(block, cells=tuple(old.get((c.row, c.col), c) for c in _at(page, where).cells))
    page = _put(page, where, block)
    if was.inside is not None and inside is not None:
        page = _swap(page, inside, replace(was.inside, items=page.blocks[inside].items))
    return page


def _known(page: Page, id: str) -> Where:
    where = _by_id(page, id)
    if where is None:
        raise NotApplied(f"the page has no block {id}.")
    return where
