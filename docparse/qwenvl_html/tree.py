"""Tokens to a tree: every tag finds its element, whatever is missing or crossed.

What it is: the tolerant half of an HTML parser. Elements that a start tag implies to be closed are
closed (``<li>``, ``<td>``, ``<p>``, a ``div`` of text that a model forgot), crossed tags are
untangled, what the end of the input leaves open is noted as truncated. What it is not: a browser: no
element moves to another place, and nothing is invented but a table around rows that have none.

Nothing here recurses, and no element is deeper than ``MAX_DEPTH``, so that whoever walks the tree may
recurse. Deeper elements are dropped, their text stays in the deepest that is kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from docparse.qwenvl_html import boxes
from docparse.qwenvl_html.grammar import (
    BLOCK_LEVEL,
    FIGURES,
    HEADINGS,
    LEAVES,
    LIKE_MARKS,
    MARKS,
    MORE_TABLE_PARTS,
    RAW_TEXT,
    VOID,
    meaning_of_div,
)
from docparse.qwenvl_html.issues import IssueLog, shown
from docparse.qwenvl_html.tokens import Token, tokenize

MAX_DEPTH = 64
"""Elements inside each other. Real pages need about twelve: a list of four levels in a section."""


class Leaf:
    """Text, entities resolved; ``markup[start:end]`` is where it comes from."""

    __slots__ = ("end", "start", "text")

    def __init__(self, text: str, start: int, end: int) -> None:
        self.text = text
        self.start = start
        self.end = end


class Element:
    """An element, tags included. ``has_blocks``: whether a block-level element is inside."""

    __slots__ = ("attributes", "children", "end", "has_blocks", "implied", "start", "tag")

    def __init__(self, tag: str, attributes: Mapping[str, str], start: int, *, implied: bool = False) -> None:
        self.tag = tag
        self.attributes = attributes
        self.start = start
        self.end = start
        self.implied = implied
        self.has_blocks = False
        self.children: list[Element | Leaf] = []

    def elements(self) -> Iterator[Element]:
        return (child for child in self.children if isinstance(child, Element))

    @property
    def text(self) -> str:
        return "".join(leaf.text for leaf in self.leaves())

    def leaves(self) -> Iterator[Leaf]:
        """All text inside, in order."""
        for child in self.children:
            if isinstance(child, Leaf):
                yield child
            else:
                yield from child.leaves()


@dataclass(frozen=True)
class Tree:
    """``root`` is a nameless element around everything. ``truncated``: where the input ends, if inside of
    something, and inside of what.
    """

    root: Element
    truncated: tuple[str, int] | None


def parse(markup: str, log: IssueLog, start: int = 0, end: int | None = None) -> Tree:
    """The tree of ``markup[start:end]``. Never raises; what was mended is in ``log``."""
    builder = _Builder(markup, log, len(markup) if end is None else end)
    for token in tokenize(markup, start, end):
        builder.take(token)
    return builder.finish()


# What an end tag may close, besides its own name.
_TWINS = {
    **{name: frozenset(HEADINGS) for name in HEADINGS},
    **dict.fromkeys(("td", "th"), frozenset({"td", "th"})),
    **dict.fromkeys(("ul", "ol"), frozenset({"ul", "ol"})),
    **dict.fromkeys(("dt", "dd"), frozenset({"dt", "dd"})),
}
# Where an end tag stops to look for its element: it means nothing outside of a cell, say.
_CELL = frozenset({"td", "th"})
_OPTIONAL = frozenset({"p", "li", "dt", "dd", "tr", "td", "th", "thead", "tbody", "tfoot"})
_MARKS = frozenset({*MARKS, *LIKE_MARKS, "span", "font", "a", "small", "big", "mark"})
_MOST_CROSSED = 4  # so that crossed tags cannot multiply
_HOLDERS = frozenset({"table", "p", "div", *HEADINGS})
_BARRIERS = {
    **dict.fromkeys(MORE_TABLE_PARTS, frozenset({"table"})),
    "li": frozenset({"ul", "ol", "table", "td", "th"}),
    **dict.fromkeys(("table", "section", "body", "html"), frozenset()),
}
# Which open elements a start tag of a table part or list item ends, and what it must not reach past.
_ROWS = frozenset({"thead", "tbody", "tfoot"})
_ENDED_BY = {
    "li": (frozenset({"li"}), frozenset({"ul", "ol", "table", "td", "th"})),
    **dict.fromkeys(("dt", "dd"), (frozenset({"dt", "dd"}), frozenset({"dl", "table", "td", "th"}))),
    **dict.fromkeys(("td", "th"), (_CELL, frozenset({"tr", "table", *_ROWS}))),
    "tr": (_CELL | {"tr"}, frozenset({"table", *_ROWS})),
    **dict.fromkeys(_ROWS, (_CELL | {"tr"} | _ROWS, frozenset({"table"}))),
}
_TABLE_PART = re.compile(r"<(/?(?:table|thead|tbody|tfoot|tr|td|th))\b", re.IGNORECASE)
_NOT_IN_P = BLOCK_LEVEL - MORE_TABLE_PARTS - {"style"}


class _Builder:
    def __init__(self, markup: str, log: IssueLog, end: int) -> None:
        self.markup = markup
        self.log = log
        self.end = end
        self.root = Element("", {}, 0)
        self.stack = [self.root]
        self.too_deep: list[str] = []  # start tags dropped for their depth, still open
        self.too_deep_count: dict[str, int] = {}
        self.head = self.root  # the <head>, once there is one
        self.cut: Token | None = None
        self.half_reference = False
        self.table_part = (0, -1, False)  # searched from, found at, whether it goes on with a table

    def take(self, token: Token) -> None:
        kind = token.kind
        for code, message in token.faults:
            self.half_reference |= code == "truncated"
            if code != "truncated":
                self.log.add(code, message, token.start)
        if kind != "raw" and kind != "end" and self.stack[-1].tag in RAW_TEXT:
            self._pop_to(len(self.stack) - 1, token.start, "before other markup")
        if kind == "text" or kind == "raw":
            self.stack[-1].children.append(Leaf(token.text, token.start, token.end))
        elif kind == "start":
            self._open(token)
        elif kind == "end":
            self._close(token)
        elif kind == "cut":
            self.cut = token
        elif kind == "special":
            self.log.once("special-token", f"{token.text} is no part of the page", token.start)
        else:
            said = f"a comment, left out: {shown(token.text, 200)!r}" if token.text else "a doctype or empty comment"
            self.log.once("declaration", said, token.start)

    # ------------------------------------------------------------------------------------ opening

    def _open(self, token: Token) -> None:
        name = token.name
        if name in BLOCK_LEVEL and not self.too_deep:
            self._make_room(token)
            for element in reversed(self.stack):
                if element.has_blocks:
                    break
                element.has_blocks = True
        stack = self.stack
        element = Element(name, token.attributes, token.start)
        element.end = token.end
        if name in VOID or token.closed:
            stack[-1].children.append(element)
            return
        if len(stack) > MAX_DEPTH or self.too_deep:
            self.log.once("nesting-too-deep", f"more than {MAX_DEPTH} elements inside each other", token.start)
            self.too_deep.append(name)
            self.too_deep_count[name] = self.too_deep_count.get(name, 0) + 1
            return
        stack[-1].children.append(element)
        stack.append(element)
        if name == "head":
            self.head = element

    def _make_room(self, token: Token) -> None:
        """Close what cannot hold the block-level element that ``token`` starts."""
        name, stack = token.name, self.stack
        if (ended := _ENDED_BY.get(name)) is not None:
            names, barrier = ended
            last = 0
            for index in range(len(stack) - 1, 0, -1):
                tag = stack[index].tag
                if tag in barrier:
                    break
                if tag in names:
                    last = index
            if last:
                self._pop_to(last, token.start, f"before <{name}>")
        if name in MORE_TABLE_PARTS:
            if not any(element.tag == "table" for element in stack):
                self.log.add("table-malformed", f"<{name}> without a table", token.start)
                self._push(Element("table", {}, token.start, implied=True))
            return
        if stack[-1].implied:
            stack.pop()
        if self.head is not self.root and self.head in stack and name != "style":
            self._pop_to(stack.index(self.head), token.start, f"before <{name}>")
        if len(stack) > 1 and (index := self._first_ended(token)):
            self._pop_to(index, token.start, f"before <{name}>")

    def _first_ended(self, token: Token) -> int:
        """The outermost open element that the start of ``token`` ends, as its place in the stack; 0 for none."""
        stack = self.stack
        # What has its own box elsewhere is not inside: the model forgot a closing tag.
        around = [i for i, element in enumerate(stack) if element.tag in _HOLDERS and _holds_little(element, token)]
        if not around:
            return 0
        new = boxes.of(token.attributes)
        if new is not None:
            for index in around:
                own = boxes.of(stack[index].attributes)
                if own is None or own.contains(*new.center):
                    continue
                if stack[index].tag != "table" or not self._table_goes_on(token.end):
                    return index
        index = len(stack) - 1
        while index > 0 and stack[index].tag not in BLOCK_LEVEL:
            index -= 1
        tag = stack[index].tag
        if tag == "p":
            # HTML ends a paragraph here as well, but then its text would lose its box.
            plain = token.name == "div" and new is None and "class" not in token.attributes
            ends = token.name in _NOT_IN_P and not plain
        else:
            ends = tag in HEADINGS and (token.name in HEADINGS or new is not None)
        return index if ends else 0

    def _table_goes_on(self, at: int) -> bool:
        """Whether the next part of a table after ``at`` belongs to one that is open: a cell, or an end tag."""
        since, found, goes_on = self.table_part
        if not since <= at <= found:
            match = _TABLE_PART.search(self.markup, at, self.end)
            goes_on = match is not None and match[1].lower() != "table"
            self.table_part = (at, match.start() if match else self.end, goes_on)
        return goes_on

    def _push(self, element: Element) -> None:
        if len(self.stack) <= MAX_DEPTH:
            self.stack[-1].children.append(element)
            self.stack.append(element)

    # ------------------------------------------------------------------------------------ closing

    def _close(self, token: Token) -> None:
        name = token.name
        if self.too_deep_count.get(name):
            while True:
                dropped = self.too_deep.pop()
                self.too_deep_count[dropped] -= 1
                if dropped == name:
                    return
        names = _TWINS.get(name, frozenset({name}))
        barrier = _BARRIERS.get(name, _CELL)
        stack = self.stack
        for index in range(len(stack) - 1, 0, -1):
            element = stack[index]
            if element.tag in names:
                if name in _MARKS and all(above.tag in _MARKS for above in stack[index + 1 :]):
                    self._close_mark(index, token)
                    return
                if element.tag != name:
                    self.log.add("misnested", f"<{element.tag}> is closed by </{name}>", token.start)
                self._pop_to(index, token.start, f"before </{name}>", closed=True)
                element.end = token.end
                return
            if element.tag in barrier:
                break
        if name not in ("br", "img", "html", "body"):  # the last two: told where they crossed
            self.log.add("stray-closer", f"</{name}> closes nothing", token.start)
        elif name == "br":
            stack[-1].children.append(Element("br", {}, token.start))

    def _close_mark(self, index: int, token: Token) -> None:
        """Close a mark. Marks that opened inside of it and are still open go on after it."""
        crossed = self.stack[index + 1 :]
        for element in self.stack[index:]:
            element.end = token.end
        del self.stack[index:]
        if crossed:
            self.log.add("misnested", f"</{token.name}> comes before </{crossed[-1].tag}>", token.start)
        for element in crossed[:_MOST_CROSSED]:
            self._push(Element(element.tag, element.attributes, token.end))

    def _pop_to(self, index: int, at: int, where: str, *, closed: bool = False) -> None:
        """Close the elements from the top down to ``index``; all but a ``closed`` last one lack their end tag."""
        stack = self.stack
        self.too_deep.clear()  # they were inside
        self.too_deep_count.clear()
        for element in reversed(stack[index + closed :]):
            element.end = at
            if element.implied:
                continue
            if element.tag in ("html", "body") and closed:
                self.log.add("misnested", f"</{stack[index].tag}> comes before </{element.tag}>", at)
            else:
                code = "closer-omitted" if element.tag in _OPTIONAL else "unclosed-element"
                self.log.add(code, f"<{element.tag}> is not closed {where}", element.start)
        del stack[index:]

    def finish(self) -> Tree:
        for element in self.stack:
            element.end = self.end
        left = [element.tag for element in self.stack[1:] if not element.implied]
        if left == ["html"] and any(element.tag == "body" for element in self.stack[1].elements()):
            self.log.add("closer-omitted", "<html> is not closed at the end", self.stack[1].start)
            left = []
        if not left and not self.cut and not self.half_reference:
            return Tree(self.root, None)
        inside = f"inside <{'> <'.join(left[-4:])}>" if left else "inside a tag or a reference"
        return Tree(self.root, (f"the markup ends {inside}", self.cut.start if self.cut else self.end))


def _holds_little(element: Element, token: Token) -> bool:
    """Whether ``element`` holds only text, cells or one figure, so that ``token`` may not belong into it."""
    tag = element.tag
    if tag == "table" or tag == "p" or tag in HEADINGS:
        return True
    if tag != "div" or (said := meaning_of_div(element.attributes)) is None:
        return False
    return said[0] in LEAVES or (said[0] in FIGURES and token.name not in ("p", "table"))
