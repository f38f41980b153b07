"""The tree of a page to its blocks.

What it is: one walk over the tree, which asks of each element what it stands for (``grammar``) and
hands it to whoever knows how to read that. What it is not: a parser (``tree``) or a judge
(``validate``). Text is never dropped: what stands in no block becomes a paragraph, what stands in a tag
nobody knows is read as if the tag were not there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from docparse.document import Kind, Run
from docparse.geometry import BBox
from docparse.qwenvl_html import boxes
from docparse.qwenvl_html.figures import read_chart, read_image, read_notation
from docparse.qwenvl_html.grammar import (
    ACTIVE,
    ATTRIBUTES,
    BLOCK_LEVEL,
    CONTAINER,
    CONTAINERS,
    DIV_CLASSES,
    HEADINGS,
    LIKE_BLOCKS,
    MORE_TABLE_PARTS,
    RAW_TEXT,
    TABLE_CLASS,
    TABLE_NUMBER,
    TAGS,
    Meaning,
    Sense,
    meaning,
)
from docparse.qwenvl_html.inline import Inline, Verbatim, note_alt
from docparse.qwenvl_html.issues import shown
from docparse.qwenvl_html.lists import read_list, read_lone_item
from docparse.qwenvl_html.page import PageBuilder
from docparse.qwenvl_html.tables import cells_of, read_table
from docparse.qwenvl_html.tabular import rows_of
from docparse.qwenvl_html.tree import Element, Leaf

_FENCES = re.compile(r"\s*+(?:(?:`{3,}+|~{3,}+)[A-Za-z0-9_+-]{0,20}+\s*+)++")
_ESCAPED_CLOSER = re.compile(r"<(\\*)\\/")
_STRUCTURE = frozenset({"html", "body", "section", "article", "main", "thead", "tbody", "tfoot", "tr", ""})
_NOT_TEXT: frozenset[Sense] = frozenset({"image", "image caption", "chart", "table", "list", "container"})


class Reader:
    """Reads one page into ``page``."""

    def __init__(self, page: PageBuilder) -> None:
        self.page = page
        self.log = page.log
        self._pages = 0
        self._style: tuple[str, int, int] | None = None  # text, where, how many blocks there were
        self._styles: dict[str, str] = {}  # by the number that the text says
        self._unused: dict[str, int] = {}  # style text -> where

    def read(self, root: Element) -> None:
        self._note_outside(root)
        self.walk(root, None)
        for text, at in self._unused.items():
            self.log.add("style-without-table", f"no table follows the style {shown(text)!r}", at)

    # ---------------------------------------------------------------------------------- walking

    def walk(self, element: Element, box: BBox | None) -> None:
        """Read what stands in ``element``; blocks without a box take ``box``."""
        self.walk_children(element.children, box)

    def walk_children(self, children: Iterable[Element | Leaf], box: BBox | None) -> None:
        loose: list[Element | Leaf] = []
        for child in children:
            if isinstance(child, Leaf):
                if loose or not child.text.isspace():
                    loose.append(child)
            elif self.is_inline(child):
                loose.append(child)
            else:
                if loose:
                    self._loose(loose, box)
                    loose = []
                self.block(child, box)
        if loose:
            self._loose(loose, box)

    def blocks(self, elements: Iterable[Element], box: BBox | None) -> None:
        for element in elements:
            self.block(element, box)

    def is_inline(self, element: Element) -> bool:
        tag = element.tag
        return not (
            tag in BLOCK_LEVEL
            or element.has_blocks
            or tag in ("img", "hr", "meta", "title")
            or tag in RAW_TEXT
            or boxes.attribute(element.attributes) is not None
            or element.attributes.get("display") == "block"
        )

    def _loose(self, children: Sequence[Element | Leaf], box: BBox | None) -> None:
        """Text that stands in no block."""
        if box is None and all(isinstance(child, Leaf) and _FENCES.fullmatch(child.text) for child in children):
            self.log.add("fence", "a code fence between the elements", children[0].start)
            return
        text = Inline(self.log).gather(children)
        if text.has_text:
            span = (children[0].start, children[-1].end)
            if box is None:
                self.log.add("text-outside-block", f"{shown(''.join(run.text for run in text.runs))!r}", span[0])
            self.page.add("paragraph", span, box, text.runs, text.stretches, expect_box=False)
        self.blocks(text.blocks, box)

    # ----------------------------------------------------------------------------------- blocks

    def block(self, element: Element, inherited: BBox | None) -> None:
        """Read one element that stands where blocks stand."""
        tag = element.tag
        self.check_attributes(element)
        if tag == "p":
            self._text("paragraph", 0, element, inherited)
        elif level := HEADINGS.get(tag):
            self._text("heading", level, element, inherited)
        elif tag == "table":
            box = self._own_or(element, inherited)
            read_table(self, element, box, self._style_for(element))
        elif tag in ("ul", "ol"):
            read_list(self, element, inherited)
        elif tag == "pre":
            self._code(element, inherited)
        elif tag == "style":
            self._keep_style(element)
        elif tag == "img":
            note_alt(self.log, element)
            span = (element.start, element.end)
            self.page.add("image", span, self._own_or(element, inherited))
        elif tag == "li":
            self.log.add("list-malformed", "<li> outside of a list", element.start)
            read_lone_item(self, element, inherited)
        elif tag == "head":
            self._head(element)
        elif tag == "hr":
            self.log.once("unknown-tag", f"<{tag}> is not in the format", element.start)
        elif tag == "meta":
            pass  # ``documents`` reads it
        elif tag in RAW_TEXT or (tag in ACTIVE and not element.children):
            self.log.add("active-content", f"<{tag}> was left out", element.start)
        else:
            self._by_meaning(element, inherited)

    def _head(self, head: Element) -> None:
        """Style sheets, and what a model put there that belongs on the page."""
        titles = [child for child in head.elements() if child.tag == "title"]
        for title in titles:
            self.log.add("head-text", f"left out: {shown(title.text, 200)!r}", title.start)
        self.walk_children([child for child in head.children if child not in titles], None)

    def _by_meaning(self, element: Element, inherited: BBox | None) -> None:
        kind, level = self._meaning(element)
        if kind == "container":
            self._container(element, inherited)
        elif kind == "table":
            self._table_div(element, inherited)
        elif kind == "list":
            read_list(self, element, inherited)
        elif kind == "list_item":
            read_lone_item(self, element, inherited)
        elif kind == "image" or kind == "image caption":
            read_image(self, element, inherited, caption=kind == "image caption")
        elif kind == "chart":
            read_chart(self, element, inherited)
        elif kind == "formula" or kind == "music_sheet" or kind == "chemical_formula":
            read_notation(self, kind, element, inherited)
        elif kind == "code":
            self._code(element, inherited)
        else:
            self._text(kind, level, element, inherited)

    def _meaning(self, element: Element) -> Meaning:
        """What an element stands for that is no block by its tag alone."""
        tag, attributes = element.tag, element.attributes
        words = attributes.get("data-label") or attributes.get("class", "")
        said = meaning(words) if words else None
        if tag != "div":
            if tag not in TAGS:
                self.log.once("unknown-tag", f"<{tag}> is not in the format", element.start)
            if tag == "math":
                return ("formula", 0)
            if tag == "figure" and {"img", "figcaption"} <= {child.tag for child in element.elements()}:
                return ("image caption", 0)
            if tag in LIKE_BLOCKS:
                return LIKE_BLOCKS[tag]
            if said is None or said[0] in _NOT_TEXT:
                plain = not element.has_blocks and tag not in CONTAINERS and tag not in MORE_TABLE_PARTS
                return ("paragraph", 0) if plain else CONTAINER
            return said
        if said is not None:
            if words not in DIV_CLASSES:
                self.log.once("dialect", f"{shown(words)!r} is another format's word for {said[0]}", element.start)
            return said
        if words:
            self.log.once("unknown-class", f"a div of class {shown(words)!r}", element.start)
        return CONTAINER

    def _container(self, element: Element, inherited: BBox | None) -> None:
        if element.tag in _STRUCTURE:
            self.note_structure(element)
            if element.tag == "section" and element.attributes.get("class") == "page":
                self._pages += 1
                if self._pages == 2:
                    self.log.add("several-pages", "there is more than one page", element.start)
            self.walk(element, None)
            return
        box = self.page.box(element.attributes, element.start)
        if element.tag == "div" and not element.attributes.get("class") and _has_own_text(element):
            self.log.once("unknown-class", "a div of text without a class", element.start)
        self.walk(element, box or inherited)

    def _note_outside(self, root: Element) -> None:
        """Note what stands after the body, or beside it."""
        ended = False
        for child in root.children:
            if isinstance(child, Element) and child.tag in ("html", "body"):
                self._note_outside(child)
                outside, ended = ended, True
            else:
                outside = ended and (isinstance(child, Element) or not child.text.isspace())
            if outside:
                self.log.add("outside-body", "there is more after the end of the body", child.start)
                return

    def note_structure(self, element: Element) -> None:
        """A box on an element that is only structure says nothing that its blocks do not say."""
        if boxes.attribute(element.attributes) is not None:
            self.log.once("box-on-structure", f"<{element.tag}> has a box", element.start)

    def _own_or(self, element: Element, inherited: BBox | None) -> BBox | None:
        own = self.page.box(element.attributes, element.start)
        if own is None and inherited is not None:
            self.log.add("box-inherited", f"<{element.tag}> has the box of what it stands in", element.start)
            return inherited
        return own

    # --------------------------------------------------------------------------- kinds of text

    def _text(self, kind: Kind, level: int, element: Element, inherited: BBox | None) -> None:
        bbox = self._own_or(element, inherited)
        labelled = "data-label" in element.attributes
        text = Inline(self.log, quiet=labelled).gather(element.children)
        if text.blocks and not text.has_text and all(_is_text(block) for block in text.blocks):
            # Boxes on every node: the text of a header may stand in a paragraph with a box of its own.
            text = Inline(self.log, flatten=True, quiet=True).gather(element.children)
        if text.has_text or not text.blocks:
            if labelled and kind == "heading":
                level = next((HEADINGS[c.tag] for c in element.elements() if c.tag in HEADINGS), level)
            span = (element.start, element.end)
            self.page.add(kind, span, bbox, text.runs, text.stretches, element.attributes, level=level)
        self.blocks(text.blocks, bbox)

    def _code(self, element: Element, inherited: BBox | None) -> None:
        bbox = self._own_or(element, inherited)
        code = Verbatim(self.log).gather(element)
        span = (element.start, element.end)
        self.page.add("code", span, bbox, (Run(code.text),), code.stretches, element.attributes)
        self.blocks(code.images, bbox)

    def _table_div(self, element: Element, inherited: BBox | None) -> None:
        """A div around a table, as Qwen3-VL and others write it: the div has the box."""
        bbox = self._own_or(element, inherited)
        if not any(child.tag == "table" for child in element.elements()):
            content = Verbatim(self.log).gather(element)
            pieces = [] if content.images else cells_of(self.page, rows_of(content.text), element.start)
            for cells in pieces:
                span = (element.start, element.end)
                self.page.add("table", span, bbox, (), content.stretches, element.attributes, cells=cells)
            if not pieces:
                self._text("paragraph", 0, element, inherited)
            return
        before: list[Element | Leaf] = []
        for child in element.children:
            if isinstance(child, Element) and child.tag == "table":
                self.walk_children(before, bbox)
                before = []
                own = self.page.box(child.attributes, child.start) or bbox
                read_table(self, child, own, self._style_for(child))
            else:
                before.append(child)
        self.walk_children(before, bbox)

    # ------------------------------------------------------------------------------------ styles

    def _keep_style(self, element: Element) -> None:
        text = _ESCAPED_CLOSER.sub(r"<\1/", element.text).strip()
        if not text:
            return
        self._style = (text, element.start, len(self.page.blocks))
        self._unused[text] = element.start
        for number in TABLE_NUMBER.findall(text):
            self._styles[number] = text

    def _style_for(self, table: Element) -> str:
        """The style of a table: the one right before it or in it, else one that names its class."""
        for child in table.elements():
            if child.tag == "style":
                self.log.add("table-malformed", "a style stands in its table", child.start)
                self._keep_style(child)
        name = table.attributes.get("class", "")
        style = ""
        number = name.removeprefix("table") if TABLE_CLASS.fullmatch(name) else ""
        if self._style and self._style[2] == len(self.page.blocks):
            style = self._style[0]
        if number and (not style or number not in (TABLE_NUMBER.findall(style) or number)):
            style = self._styles.get(number, style)
        if number and not style:
            self.log.add("class-without-style", f"class {name!r} has no style", table.start)
        elif name and not number:
            self.log.once("unknown-class", f"a table of class {shown(name)!r}", table.start)
        self._style = None
        self._unused.pop(style, None)
        return style

    def check_attributes(self, element: Element) -> None:
        """Note attributes that the format does not have. What gives a box is noted with the box."""
        if not element.attributes:
            return
        known = ATTRIBUTES.get(element.tag)
        if known is None or element.attributes.keys() <= known:
            return
        for name in element.attributes.keys() - known:
            if (
                name not in boxes.ATTRIBUTES
                and name not in ("data-label", "alt")
                and element.tag not in ("html", "body", "meta")
            ):
                self.log.once("unknown-attribute", f"{shown(name)} on <{element.tag}>", element.start)


def _is_text(element: Element) -> bool:
    return element.tag in ("p", "div", "span", *HEADINGS) and not element.attributes.get("class")


def _has_own_text(element: Element) -> bool:
    return any(isinstance(child, Leaf) and not child.text.isspace() for child in element.children)
