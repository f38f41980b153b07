"""The text of an element: runs with their marks, where the text is, and the blocks found inside it.

What it is: everything between a block's tags turned into ``Run``s, white space as HTML means it (a
line break of the source is a space, ``<br>`` is a line break). What it is not: the owner of the
blocks inside; those are set aside for the reader.
"""

from __future__ import annotations

from collections.abc import Iterable

from docparse.document import Mark, Run
from docparse.qwenvl_html import boxes
from docparse.qwenvl_html.grammar import (
    ACTIVE,
    BLOCK_LEVEL,
    FIGURES,
    LIKE_MARKS,
    MARKS,
    MORE_TABLE_PARTS,
    RAW_TEXT,
    VOID,
    meaning_of_div,
)
from docparse.qwenvl_html.issues import IssueLog, shown
from docparse.qwenvl_html.page import Stretch
from docparse.qwenvl_html.tree import Element, Leaf

_NEVER_TEXT = frozenset({"table", "ul", "ol", "pre", "style"})
_FORM_PARTS = frozenset({"button", "legend", "optgroup", "option", "select", "textarea"})
_SILENT = frozenset({"br", "wbr", "hr"})


class Inline:
    """What was gathered.

    ``runs``       the text
    ``stretches``  where it comes from
    ``blocks``     elements inside that are blocks of their own

    ``flatten``: text blocks inside become lines of this text even if they have boxes. ``in_cell``: so
    does everything but tables with boxes, since a cell has text and nothing else. ``quiet``: blocks
    inside are how this dialect writes, and no issue.
    """

    def __init__(self, log: IssueLog, *, flatten: bool = False, in_cell: bool = False, quiet: bool = False) -> None:
        self.log = log
        self.flatten = flatten or in_cell
        self.in_cell = in_cell
        self.quiet = quiet
        self.runs: list[Run] = []
        self.stretches: list[Stretch] = []
        self.blocks: list[Element] = []

    def gather(self, children: Iterable[Element | Leaf], marks: tuple[Mark, ...] = ()) -> Inline:
        for child in children:
            if isinstance(child, Leaf):
                self.runs.append(Run(child.text.replace("\n", " "), marks))
                if not child.text.isspace():
                    self.stretches.append((child.start, child.end))
            elif child.tag == "br":
                self.runs.append(Run("\n", marks))
            elif (mark := MARKS.get(child.tag)) and not child.has_blocks:
                self.gather(child.children, (*marks, mark))
            else:
                self._other(child, marks)
        return self

    @property
    def has_text(self) -> bool:
        return any(not run.text.isspace() for run in self.runs if run.text)

    def _other(self, child: Element, marks: tuple[Mark, ...]) -> None:
        tag, attributes = child.tag, child.attributes
        if tag in RAW_TEXT or tag in ACTIVE:
            if tag == "style" and not self.in_cell:
                self.blocks.append(child)
            else:
                self.log.add("active-content", f"<{tag}> was left out", child.start)
                if tag not in RAW_TEXT:
                    self.gather(child.children, marks)
        elif tag == "img":
            if boxes.attribute(attributes):
                self.blocks.append(child)
            else:
                note_alt(self.log, child)
        elif tag in BLOCK_LEVEL or child.has_blocks:
            self._block(child, marks)
        elif tag == "input":
            if attributes.get("type", "").lower() in ("checkbox", "radio"):
                self.runs.append(Run("☑" if "checked" in attributes else "☐", marks))
                self.stretches.append((child.start, child.end))
            elif attributes.get("value"):
                self.runs.append(Run(attributes["value"], marks))
                self.stretches.append((child.start, child.end))
        else:
            if tag not in _SILENT:
                self.log.once("unknown-tag", f"<{tag}> is not in the format", child.start)
            if tag not in VOID:
                like = LIKE_MARKS.get(tag)
                self._apart(tag, marks)
                self.gather(child.children, (*marks, like) if like else marks)
                self._apart(tag, marks)

    def _apart(self, tag: str, marks: tuple[Mark, ...]) -> None:
        """Words of a form's parts stand apart, though nothing in the markup says so."""
        if tag in _FORM_PARTS:
            self.runs.append(Run(" ", marks))

    def _block(self, child: Element, marks: tuple[Mark, ...]) -> None:
        """A block-level element inside: lines of this text, or a block to set aside."""
        tag = child.tag
        has_box = boxes.attribute(child.attributes) is not None
        said = meaning_of_div(child.attributes) if tag == "div" else None
        own_block = (
            tag in _NEVER_TEXT
            or (said is not None and (said[0] in FIGURES or said[0] == "table"))
            or (said is not None and said[0] == "caption" and self.flatten)
            or (has_box and not self.flatten)
        )
        if self.in_cell:
            own_block = tag == "table" and has_box
        if own_block:
            if tag not in ("ul", "ol") and not (self.quiet and tag in ("table", "img")):
                self.log.once("block-nested", f"<{tag}> inside another block", child.start)
            self.blocks.append(child)
            self._new_line()  # what follows it does not go on with what came before
            return
        if tag == "table":
            self.log.once("table-nested", "a table in a cell became lines of it", child.start)
        elif not self.quiet and tag not in MORE_TABLE_PARTS:
            self.log.once("block-nested", f"<{tag}> inside another block is taken for lines of its text", child.start)
        if tag in ("td", "th"):  # of a table that became text: they stand side by side
            self.runs.append(Run(" "))
            self.gather(child.children, marks)
            return
        self._new_line()
        self.gather(child.children, marks)
        self._new_line()

    def _new_line(self) -> None:
        """End the line, unless nothing stands in it."""
        for run in reversed(self.runs):
            if "\n" in run.text:
                return
            if run.text and not run.text.isspace():
                self.runs.append(Run("\n"))
                return


class Verbatim:
    """``text`` of an element as it stands, ``<br>`` as a line break; ``stretches`` where it is; ``images`` in it
    that have a place of their own.
    """

    def __init__(self, log: IssueLog) -> None:
        self.log = log
        self.stretches: list[Stretch] = []
        self.images: list[Element] = []
        self._pieces: list[str] = []

    @property
    def text(self) -> str:
        return "".join(self._pieces)

    def gather(self, element: Element) -> Verbatim:
        for child in element.children:
            if isinstance(child, Leaf):
                self._pieces.append(child.text)
                if not child.text.isspace():
                    self.stretches.append((child.start, child.end))
            elif child.tag == "br":
                self._pieces.append("\n")
            elif child.tag == "img" and boxes.attribute(child.attributes):
                self.images.append(child)
            elif child.tag == "img":
                note_alt(self.log, child)
            elif child.tag in RAW_TEXT:
                self.log.add("active-content", f"<{child.tag}> was left out", child.start)
            else:
                if child.tag in ("table", "ul", "ol"):
                    self.log.once("block-nested", f"<{child.tag}> inside another block is taken for text", child.start)
                if child.tag in BLOCK_LEVEL and self._pieces and not self._pieces[-1].endswith("\n"):
                    self._pieces.append("\n")
                self.gather(child)
        return self


def note_alt(log: IssueLog, image: Element) -> None:
    """Words about an image are not words on the page: note them, and leave them out."""
    if alt := image.attributes.get("alt", "").strip():
        log.add("alt-text", f"left out: {shown(alt, 200)!r}", image.start)
