"""``<ul>``, ``<ol>`` and ``<div class="list">`` to list_items, or to one list block.

What it is: levels and numbers out of nested lists, and the rule that tells the two apart. A list whose
items all have boxes, or that has none itself, is only a frame: its items are blocks of the page. A list
with a box and an item without one is one ``list`` block, since the box says where the items are.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from docparse.document import Run
from docparse.qwenvl_html.inline import Inline
from docparse.qwenvl_html.page import Stretch
from docparse.qwenvl_html.tree import Element, Leaf

if TYPE_CHECKING:
    from docparse.document import Block
    from docparse.geometry import BBox
    from docparse.qwenvl_html.reader import Reader

_MARKER = re.compile(r"[ \t\n\r\f]*(?:([•◦▪‣●○■·*-])|([0-9]{1,9})[.)])[ \t\n\r\f\u00a0]+")


@dataclass
class Draft:
    """An item before it is a block. ``element`` is None for text that stands in the list itself."""

    element: Element | None
    level: int
    number: int | None
    runs: list[Run] = field(default_factory=list)
    stretches: list[Stretch] = field(default_factory=list)
    bbox: BBox | None = None
    span: Stretch = (0, 0)


def read_list(reader: Reader, element: Element, inherited: BBox | None) -> None:
    """Add the blocks of the list ``element``; ``inherited`` is the box of what it stands in."""
    page = reader.page
    own = page.box(element.attributes, element.start)
    items: list[Draft] = []
    inside: list[Element] = []
    if element.tag == "div":
        _collect_div(reader, element, items, inside)
    else:
        _collect(reader, element, 1, items, inside)
    whole = element.tag == "div" and page.trusted
    boxed = all(item.bbox is not None for item in items)
    if items and not whole and (boxed or (own is None and inherited is None)):
        for item in items:
            _add_item(reader, item)
    elif items or whole:
        if own is None and not whole:
            page.log.add("box-inherited", "the list has the box of the element it stands in", element.start)
        page.add(
            "list",
            (element.start, element.end),
            own or (None if whole else inherited),
            (),
            [stretch for item in items for stretch in item.stretches],
            element.attributes,
            items=tuple(_item(reader, item) for item in items),
        )
    else:
        page.log.add("empty-block", "a list without items", element.start)
    reader.blocks(inside, own or inherited)


def read_lone_item(reader: Reader, element: Element, inherited: BBox | None) -> None:
    """Add the list_item that stands in no list: ``<li>`` by itself, or a ``div`` that says so."""
    draft, inside = _item_draft(reader, element, 1, None)
    if draft.bbox is None and inherited is not None:
        draft.bbox = inherited
        reader.log.add("box-inherited", "the item has the box of the element it stands in", element.start)
    if draft.runs and (match := _MARKER.match(draft.runs[0].text)):
        # Only the marker says what kind of item this is.
        draft.runs[0] = Run(draft.runs[0].text[match.end() :], draft.runs[0].marks)
        draft.number = int(match[2]) if match[2] else None
    _add_item(reader, draft)
    reader.blocks(inside, draft.bbox)


def _add_item(reader: Reader, draft: Draft) -> None:
    attributes = draft.element.attributes if draft.element else {}
    reader.page.add(
        "list_item",
        draft.span,
        draft.bbox,
        draft.runs,
        draft.stretches,
        attributes,
        level=draft.level,
        number=draft.number,
    )


def _item(reader: Reader, draft: Draft) -> Block:
    """An item of a list block, which has the place of the list."""
    attributes = draft.element.attributes if draft.element else {}
    return reader.page.block(
        "list_item",
        draft.span,
        draft.bbox,
        draft.runs,
        draft.stretches,
        attributes,
        expect_box=False,
        level=draft.level,
        number=draft.number,
    )


def _collect_div(reader: Reader, element: Element, items: list[Draft], inside: list[Element]) -> None:
    for child in element.children:
        if isinstance(child, Element) and child.tag in ("ul", "ol"):
            _collect(reader, child, 1, items, inside)
        elif isinstance(child, Element) or not child.text.isspace():
            _stray(reader, child, 1, None, items, inside)


def _collect(reader: Reader, element: Element, level: int, items: list[Draft], inside: list[Element]) -> None:
    """The items of a list of ``level``, deeper ones after the item they stand in."""
    reader.check_attributes(element)
    said = reader.page.integer(element.attributes, "data-level", element.start)
    level = level if said is None else min(max(said, 1), 9)
    ordered = element.tag == "ol"
    start = reader.page.integer(element.attributes, "start", element.start) if ordered else None
    number = (1 if start is None else start) - 1
    for child in element.children:
        if isinstance(child, Element):
            if child.tag in ("ul", "ol"):
                reader.log.add("list-malformed", f"<{child.tag}> directly in a list", child.start)
                _collect(reader, child, level + 1, items, inside)
                continue
            if child.tag == "li":
                value = reader.page.integer(child.attributes, "value", child.start) if ordered else None
                number = number + 1 if value is None else value
                draft, blocks = _item_draft(reader, child, level, number if ordered else None)
                items.append(draft)
                for block in blocks:
                    if block.tag in ("ul", "ol"):
                        _collect(reader, block, level + 1, items, inside)
                    else:
                        inside.append(block)
                continue
        elif child.text.isspace():
            continue
        number += 1
        _stray(reader, child, level, number if ordered else None, items, inside)


def _stray(
    reader: Reader,
    child: Element | Leaf,
    level: int,
    number: int | None,
    items: list[Draft],
    inside: list[Element],
) -> None:
    """What stands in a list and is no item: its text becomes one."""
    reader.log.add("list-malformed", "something other than an item stands in a list", child.start)
    if isinstance(child, Element) and not reader.is_inline(child) and child.tag not in ("p", "div"):
        inside.append(child)
        return
    text = Inline(reader.log).gather([child])
    inside += text.blocks
    if text.has_text:
        draft = Draft(None, level, number, text.runs, text.stretches, span=(child.start, child.end))
        if isinstance(child, Element):
            draft.bbox = reader.page.box(child.attributes, child.start)
        items.append(draft)


def _item_draft(reader: Reader, element: Element, level: int, number: int | None) -> tuple[Draft, list[Element]]:
    """The item, and the blocks inside it."""
    reader.check_attributes(element)
    bbox = reader.page.box(element.attributes, element.start)
    text = Inline(reader.log).gather(element.children)
    if bbox is None and not text.has_text:
        # <li><p data-bbox=...>: the box of the only thing inside is the item's.
        paragraphs = [block for block in text.blocks if block.tag in ("p", "div", "span")]
        if len(paragraphs) == 1:
            bbox = reader.page.box(paragraphs[0].attributes, paragraphs[0].start)
            text = Inline(reader.log, flatten=True).gather(element.children)
    return (
        Draft(element, level, number, text.runs, text.stretches, bbox, (element.start, element.end)),
        text.blocks,
    )
