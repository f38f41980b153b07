"""``<ul>``, ``<ol>`` and ``<div class="list">`` to list_items, or to one list block.

What it is: levels and numbers out of nested lists, and the rule that tells the two apart. A list whose
items all have boxes, or that has none itself, is only a frame: its items are blocks of the page. A list
with a box and an item without one is one ``list`` block, since the box says where the items are. Blocks
that stand in an item follow it; those of a ``list`` block follow the list.
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
class Item:
    """An item before it is a block. ``element`` is None for text that stands in the list itself."""

    element: Element | None
    level: int
    number: int | None
    runs: list[Run] = field(default_factory=list)
    stretches: list[Stretch] = field(default_factory=list)
    bbox: BBox | None = None
    span: Stretch = (0, 0)


Parts = list["Item | Element"]
"""What stands in a list, in order: its items, and elements that are blocks of their own."""


def read_list(reader: Reader, element: Element, inherited: BBox | None) -> None:
    """Add the blocks of the list ``element``; ``inherited`` is the box of what it stands in."""
    page = reader.page
    own = page.box(element.attributes, element.start)
    parts: Parts = []
    if element.tag == "div":
        _collect_div(reader, element, parts)
    else:
        _collect(reader, element, 1, parts)
    items = [part for part in parts if isinstance(part, Item)]
    box = own or inherited
    whole = element.tag == "div" and page.trusted  # only there for what no other list can say
    if not items and not whole:
        page.log.add("empty-block", "a list without items", element.start)
    elif not whole and (box is None or all(item.bbox is not None for item in items)):
        _add(reader, parts, box)
        return
    else:
        if own is None and not whole:
            page.log.add("box-inherited", "the list has the box of the element it stands in", element.start)
        page.add(
            "list",
            (element.start, element.end),
            own if whole else box,
            (),
            [stretch for item in items for stretch in item.stretches],
            element.attributes,
            items=tuple(_block(reader, item, expect_box=False) for item in items),
        )
    reader.blocks((part for part in parts if isinstance(part, Element)), box)


def read_lone_item(reader: Reader, element: Element, inherited: BBox | None) -> None:
    """Add the list_item that stands in no list: ``<li>`` by itself, or a ``div`` that says so."""
    item, inside = _item(reader, element, 1, None)
    if item.bbox is None and inherited is not None:
        item.bbox = inherited
        reader.log.add("box-inherited", "the item has the box of the element it stands in", element.start)
    if item.runs and (match := _MARKER.match(item.runs[0].text)):
        # Only the marker says what kind of item this is.
        item.runs[0] = Run(item.runs[0].text[match.end() :], item.runs[0].marks)
        item.number = int(match[2]) if match[2] else None
    parts: Parts = []
    _take(reader, item, inside, 1, parts)
    _add(reader, parts, None)


def _add(reader: Reader, parts: Parts, box: BBox | None) -> None:
    """Add items and other blocks to the page; blocks without a box take the one of the item before, or ``box``."""
    for part in parts:
        if isinstance(part, Item):
            reader.page.put(_block(reader, part), part.span[0])
            box = part.bbox or box
        else:
            reader.block(part, box)


def _block(reader: Reader, item: Item, *, expect_box: bool = True) -> Block:
    return reader.page.block(
        "list_item",
        item.span,
        item.bbox,
        item.runs,
        item.stretches,
        item.element.attributes if item.element else {},
        expect_box=expect_box,
        level=item.level,
        number=item.number,
    )


def _collect_div(reader: Reader, element: Element, parts: Parts) -> None:
    for child in element.children:
        if isinstance(child, Element) and child.tag in ("ul", "ol"):
            _collect(reader, child, 1, parts)
        elif isinstance(child, Element) or not child.text.isspace():
            _stray(reader, child, 1, None, parts)


def _collect(reader: Reader, element: Element, level: int, parts: Parts) -> None:
    """The items of a list of ``level``, deeper ones after the item they stand in."""
    reader.check_attributes(element)
    said = reader.page.integer(element.attributes, "data-level", element.start)
    level = min(max(level if said is None else said, 1), 9)
    ordered = element.tag == "ol"
    start = reader.page.integer(element.attributes, "start", element.start) if ordered else None
    number = (1 if start is None else start) - 1
    for child in element.children:
        if isinstance(child, Leaf) and child.text.isspace():
            continue
        if isinstance(child, Element) and child.tag in ("ul", "ol"):
            reader.log.add("list-malformed", f"<{child.tag}> directly in a list", child.start)
            _collect(reader, child, level + 1, parts)
            continue
        if isinstance(child, Leaf) or child.tag != "li":
            number += _stray(reader, child, level, number + 1 if ordered else None, parts)
            continue
        value = reader.page.integer(child.attributes, "value", child.start) if ordered else None
        number = number + 1 if value is None else value
        item, inside = _item(reader, child, level, number if ordered else None)
        _take(reader, item, inside, level, parts)


def _take(reader: Reader, item: Item, inside: list[Element], level: int, parts: Parts) -> None:
    """``item`` and what stands in it: items of deeper lists, and other blocks."""
    parts.append(item)
    for block in inside:
        if block.tag in ("ul", "ol"):
            _collect(reader, block, level + 1, parts)
        else:
            parts.append(block)


def _stray(reader: Reader, child: Element | Leaf, level: int, number: int | None, parts: Parts) -> bool:
    """What stands in a list and is no item: its text becomes one, a block stays one. Whether it has text."""
    reader.log.add("list-malformed", "something other than an item stands in a list", child.start)
    if isinstance(child, Element) and not reader.is_inline(child) and child.tag not in ("p", "div"):
        parts.append(child)
        return False
    text = Inline(reader.log).gather([child])
    if text.has_text:
        item = Item(None, level, number, text.runs, text.stretches, span=(child.start, child.end))
        if isinstance(child, Element):
            item.bbox = reader.page.box(child.attributes, child.start)
        parts.append(item)
    parts += text.blocks
    return text.has_text


def _item(reader: Reader, element: Element, level: int, number: int | None) -> tuple[Item, list[Element]]:
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
    return Item(element, level, number, text.runs, text.stretches, bbox, (element.start, element.end)), text.blocks
