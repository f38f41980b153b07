"""Strict: is this QwenVL HTML, word for word?

What it is: the format's rules asked of every element, each breach an issue with line and column.
What it is not: tolerant, and not a reader: it knows no dialect and mends nothing. The rules are the
tables of ``grammar``; the tree is the reader's, so that what the two see is the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from docparse.document import MAX_SPAN, NOTATIONS, Issue
from docparse.geometry import BBox
from docparse.qwenvl_html import boxes, grid
from docparse.qwenvl_html.documents import check_page
from docparse.qwenvl_html.frame import frame
from docparse.qwenvl_html.grammar import (
    ATTRIBUTES,
    BOXED,
    CONTENT,
    DIV_CLASSES,
    MARKS,
    NOTATION_HOLDERS,
    RAW_TEXT,
    TABLE_CLASS,
    TABLE_NUMBER,
    TAGS,
    TEXT_HOLDERS,
)
from docparse.qwenvl_html.issues import IssueLog, shown
from docparse.qwenvl_html.page import PageBuilder, same_place
from docparse.qwenvl_html.tree import Element, Leaf, parse

_SPAN = re.compile("[1-9][0-9]{0,3}")
_OUT_OF_ORDER = frozenset({"div.header", "div.footer", "div.footnote", "div.page-number", "div.caption"})
"""Blocks whose place in the reading order is not their place on the page."""
_SLACK = 2
"""Pixels by which a box may reach beyond the one around it: both are rounded."""


def validate(markup: str, *, width: int | None = None, height: int | None = None) -> tuple[Issue, ...]:
    """Everything that is not as the format wants it, in the order of the markup; empty for canonical markup.

    ``width``, ``height``: pixels of the page, where the markup itself does not say.
    """
    log = IssueLog(markup)
    framed = frame(markup, log)
    if framed.format == "html":
        tree = parse(markup, log, framed.start, framed.end)
        if tree.truncated:
            log.add("truncated", *tree.truncated)
        size = (width, height) if width is not None and height is not None else None
        _Validator(markup, log, size).document(tree.root)
    elif framed.format != "empty":
        log.add("not-html", "there are no elements", framed.start)
    return log.issues()


@dataclass(frozen=True)
class _Around:
    """What an element stands in: its role, the box that must hold it, whether a list around it has a box."""

    role: str
    bbox: BBox | None = None
    boxed_list: bool = False


class _Validator:
    def __init__(self, markup: str, log: IssueLog, size: tuple[int, int] | None) -> None:
        self.markup = markup
        self.log = log
        self.size = size
        self.page = PageBuilder(log, size=size)
        self.last_page = 0
        self.seen: set[tuple[BBox, str, str]] = set()  # blocks of this page: place, what they are, text

    def document(self, root: Element) -> None:
        if any(child.tag in ("html", "body", "head") for child in root.elements()):
            self._children(root, _Around(""))
        else:  # html-missing was noted
            self._blocks(root, _Around("body"))

    # --------------------------------------------------------------------------------- elements

    def _element(self, element: Element, around: _Around) -> BBox | None:
        """Check an element and all inside it. Returns its box."""
        tag = element.tag
        if tag in RAW_TEXT and tag != "style":
            self.log.add("active-content", f"<{tag}> is not in the format", element.start)
            return None
        if tag not in TAGS:
            self.log.add("unknown-tag", f"<{tag}> is not in the format", element.start)
            self._children(element, around)
            return None
        role = self._role(element, around.role)
        fits = tag in CONTENT[around.role]
        if not fits:
            where = f"in <{around.role}>" if around.role else "outside of <html>"
            self.log.add("outside-body" if not around.role else "misplaced", f"<{tag}> {where}", element.start)
        self._attributes(element)
        bbox = self._box(element, around, needed=fits)
        if tag == "section":
            self._section(element)
        elif tag == "body":
            self._blocks(element, _Around(role))
        elif tag in ("ul", "ol"):
            self._list(element, role, bbox, around)
        elif tag == "style":
            pass
        else:
            if tag == "table":
                self._table(element)
            inner = bbox if tag in ("table", "div") else around.bbox
            self._children(element, _Around(role, inner, around.boxed_list))
            if tag in BOXED and tag not in ("img", "table") and not _has_content(element):
                self.log.add("empty-block", f"<{role}> is empty", element.start)
        return bbox

    def _children(self, element: Element, around: _Around) -> None:
        seen: set[str] = set()
        for child in element.children:
            if isinstance(child, Element):
                if child.tag in seen and child.tag in ("html", "head", "body"):
                    self.log.add("outside-body", f"a second <{child.tag}>", child.start)
                seen.add(child.tag)
                self._element(child, around)
            elif around.role not in TEXT_HOLDERS and not child.text.isspace():
                self._stray_text(child, around.role)

    def _stray_text(self, leaf: Leaf, role: str) -> None:
        code = {
            "table": "table-malformed",
            "tr": "table-malformed",
            "thead": "table-malformed",
            "tbody": "table-malformed",
            "ul": "list-malformed",
            "ol": "list-malformed",
        }.get(role, "text-outside-block")
        start = leaf.start + len(self.markup[leaf.start : leaf.end]) - len(self.markup[leaf.start : leaf.end].lstrip())
        self.log.add(code, f"{shown(leaf.text)!r} stands in <{role or 'nothing'}>", start)

    def _role(self, element: Element, parent: str) -> str:
        """The tag, or ``div.class``; notes a class that there is not."""
        tag, name = element.tag, element.attributes.get("class")
        if tag == "div":
            if name in DIV_CLASSES:
                return f"div.{name}"
            if name is not None or parent not in NOTATION_HOLDERS:
                self.log.add("unknown-class", f"a div of class {shown(name or '')!r}", element.start)
        elif tag == "table" and name is not None and not TABLE_CLASS.fullmatch(name):
            self.log.add("unknown-class", f"a table of class {shown(name)!r}", element.start)
        elif tag == "section" and name != "page":
            self.log.add("unknown-class", f"a section of class {shown(name or '')!r}", element.start)
        return tag

    def _attributes(self, element: Element) -> None:
        tag, attributes = element.tag, element.attributes
        for name in attributes:
            if name not in ATTRIBUTES[tag] and name not in boxes.ATTRIBUTES:
                self.log.add("unknown-attribute", f"{shown(name)} on <{tag}>", element.start)
        self.page.said(attributes, element.start)
        for name in ("start", "value", "data-level"):
            self.page.integer(attributes, name, element.start)
        if (notation := attributes.get("format")) is not None:
            kind = DIV_CLASSES.get(attributes.get("class", ""))
            if kind is None or notation not in NOTATIONS.get(kind, ()):
                self.log.add("value-malformed", f"format={shown(notation)!r} on <{tag}>", element.start)

    def _box(self, element: Element, around: _Around, *, needed: bool) -> BBox | None:
        tag, at = element.tag, element.start
        if boxes.attribute(element.attributes) is None:
            inner = around.role.startswith("div.") and tag in ("p", "div", "table")
            if needed and tag in BOXED and not inner:
                self.log.add("box-missing", f"<{tag}> has no box", at)
            elif tag == "li" and not around.boxed_list:
                self.log.add("box-missing", "neither the item nor its list has a box", at)
            return None
        if "data-bbox" not in ATTRIBUTES[tag]:
            self.log.add("box-on-structure", f"<{tag}> has a box", at)
            return None
        bbox = self.page.box(element.attributes, at)
        if bbox and around.bbox and not around.bbox.grown(_SLACK).covers(bbox):
            self.log.add("box-outside-parent", f"<{tag}> reaches beyond the box of <{around.role}>", at)
        return bbox

    # ---------------------------------------------------------------------------------- pages

    def _section(self, section: Element) -> None:
        self.last_page, size = check_page(section, self.last_page, self.log)
        self.page = PageBuilder(self.log, size=size or self.size)
        self.seen = set()
        self._blocks(section, _Around("section"))
        self.page = PageBuilder(self.log, size=self.size)

    def _blocks(self, element: Element, around: _Around) -> None:
        """The blocks of a page, one after the other."""
        before: tuple[Element, BBox] | None = None
        style: Element | None = None
        for child in element.children:
            if isinstance(child, Leaf):
                if not child.text.isspace():
                    self._stray_text(child, around.role)
                continue
            bbox = self._element(child, around)
            style = self._style(child, style)
            if bbox and child.tag != "section":
                self._compare(child, bbox, before)
                before = (child, bbox)
        if style:
            self.log.add("style-without-table", "no table follows the style", style.start)

    def _style(self, element: Element, style: Element | None) -> Element | None:
        """A style and the table right after it say the same number. Returns the style that waits for a table."""
        name = element.attributes.get("class", "") if element.tag == "table" else ""
        if style is not None and element.tag != "table":
            self.log.add("style-without-table", "no table follows the style", style.start)
        if element.tag == "style":
            return element
        if style is None and name:
            self.log.add(
                "class-without-style", f"no style stands before the table of class {shown(name)!r}", element.start
            )
        if style is not None and element.tag == "table":
            said = TABLE_NUMBER.search(style.text)
            if not name or (said and name != said[0]):
                self.log.add(
                    "style-without-table", f"the table after the style is of class {shown(name)!r}", style.start
                )
        return None

    def _compare(self, element: Element, bbox: BBox, before: tuple[Element, BBox] | None) -> None:
        """Whether the block was there before, and whether it stands where the one before lets expect it."""
        at, name, text = element.start, self._name(element), element.text
        seen = (bbox, name, text) in self.seen
        self.seen.add((bbox, name, text))
        if before is None:
            return  # nothing of the page was seen yet, or nothing of the list
        last, box = before
        if seen or (same_place(bbox, box) and (name, text) == (self._name(last), last.text)):
            self.log.add("duplicate-block", f"<{element.tag}> is there twice", at)
        elif bbox == box:
            self.log.add("box-repeated", f"<{element.tag}> has the box of the one before it", at)
        elif bbox.y2 <= box.y1 and not {name, self._name(last)} & _OUT_OF_ORDER:
            shared = min(bbox.x2, box.x2) - max(bbox.x1, box.x1)
            if shared * 2 > min(bbox.width, box.width):
                self.log.add("order-broken", f"<{element.tag}> stands above the one before it", at)

    @staticmethod
    def _name(element: Element) -> str:
        return f"div.{element.attributes.get('class', '')}" if element.tag == "div" else element.tag

    # -------------------------------------------------------------------------- lists and tables

    def _list(self, element: Element, role: str, bbox: BBox | None, around: _Around) -> None:
        boxed = around.boxed_list or bbox is not None or (around.role == "div.list" and around.bbox is not None)
        inside = _Around(role, bbox or around.bbox, boxed)
        before: tuple[Element, BBox] | None = None
        for child in element.children:
            if isinstance(child, Leaf):
                if not child.text.isspace():
                    self._stray_text(child, role)
                continue
            box = self._element(child, inside)
            if box:
                self._compare(child, box, before)
                before = (child, box)
        if not any(child.tag == "li" for child in element.elements()):
            self.log.add("empty-block", f"<{role}> has no items", element.start)

    def _table(self, table: Element) -> None:
        rows = list(_rows(table))
        placed = grid.place([[self._spans(cell) for cell in _cells(row)] for row in rows])
        if placed is None:
            self.log.add("table-too-large", f"more than {MAX_SPAN} rows or columns", table.start)
            return
        for code, message, row in placed.faults:
            self.log.add(code, message, rows[row].start)

    def _spans(self, cell: Element) -> tuple[int, int]:
        spans = []
        for key in ("rowspan", "colspan"):
            text = cell.attributes.get(key, "1")
            good = _SPAN.fullmatch(text) is not None and int(text) <= MAX_SPAN
            if not good:
                self.log.add("span-malformed", f"{key}={shown(text)!r}", cell.start)
            spans.append(int(text) if good else 1)
        return spans[0], spans[1]


def _rows(table: Element) -> Iterator[Element]:
    for child in table.elements():
        if child.tag == "tr":
            yield child
        elif child.tag in ("thead", "tbody"):
            yield from _rows(child)


def _cells(row: Element) -> Sequence[Element]:
    return [child for child in row.elements() if child.tag in ("td", "th")]


def _has_content(element: Element) -> bool:
    """Whether there is text in the element, or a picture."""
    if any(child.tag == "img" for child in element.elements()):
        return True
    return any(not leaf.text.isspace() for leaf in element.leaves()) or element.tag in MARKS
