"""The JSON that models answer with when they are asked where text is: lists of boxes with text.

What it is: ``[{"bbox_2d": [...], "text_content": "..."}]`` and its relatives to blocks. What it is not: a
scanner of JSON (``objects``), nor the answer to a question about places (``docparse.grounding``).
"""

from __future__ import annotations

import dataclasses
import re

from docparse.document import VERBATIM, Kind, Run
from docparse.geometry import BBox
from docparse.qwenvl_html import boxes
from docparse.qwenvl_html.grammar import FIGURES, Meaning, meaning
from docparse.qwenvl_html.issues import IssueLog, shown
from docparse.qwenvl_html.marks import marked
from docparse.qwenvl_html.objects import Entry, Said, Scanner
from docparse.qwenvl_html.page import PageBuilder, Stretch
from docparse.qwenvl_html.reader import Reader
from docparse.qwenvl_html.tables import cells_of
from docparse.qwenvl_html.tabular import rows_of
from docparse.qwenvl_html.tree import parse

_HASHES = re.compile(r"(#{1,6})[ \t]+")
_TEXT_KEYS = ("text_content", "text", "content", "transcription")
_KIND_KEYS = ("label", "category", "type", "class", "sub_type")


class GroundingReader:
    """Reads ``markup[start:end]`` into ``page``. ``truncated``: the list is cut off. ``outside``: what stands
    between and after the lists.
    """

    def __init__(self, page: PageBuilder, markup: str, start: int, end: int) -> None:
        self.page = page
        self.markup = markup
        self.start = start
        self.end = end
        self._scanner = Scanner(markup, start, end)

    @property
    def truncated(self) -> bool:
        return self._scanner.truncated

    @property
    def outside(self) -> list[Stretch]:
        return self._scanner.outside

    def read(self) -> None:
        told = False
        for entry in self._scanner.entries():
            if self.truncated and not told:
                told = True
                self.page.log.add("truncated", "the list ends inside an object", self._scanner.end)
            self._entry(entry)

    def _entry(self, entry: Entry) -> None:
        corners = corners_of(entry)
        said, texts, separator = words_of(entry)
        left_out = {**entry.said, "point_2d": entry.point} if entry.point else entry.said
        for key, values in left_out.items():
            words = shown(" ".join(text for text, _ in values), 200)
            self.page.log.add("unknown-attribute", f"{shown(key)!r} of an object, left out: {words!r}", entry.start)
        if not corners and not texts:
            return
        bbox = None
        if corners:
            bbox = self.page.checked(boxes.parse(corners, polygon=is_polygon(corners)), corners, entry.start)
        text, stretches = separator.join(text for text, _ in texts), [stretch for _, stretch in texts]
        self._add(said, text, (entry.start, entry.end), bbox, stretches)

    def _add(self, said: Meaning | None, text: str, span: Stretch, bbox: BBox | None, stretches: list[Stretch]) -> None:
        page = self.page
        kind, level = _kind(said)
        if kind == "heading" and (match := _HASHES.match(text)):
            text, level = text[match.end() :], len(match[1])
        if "<table" in text.lower():
            # Its places are not those of the markup: its issues are told where the object begins.
            inside = PageBuilder(IssueLog(text), size=page.size, origin=page.origin)
            Reader(inside).walk(parse(text, inside.log).root, bbox)
            for issue in inside.log.issues():
                if issue.code != "box-inherited":
                    page.log.add(issue.code, issue.message, span[0])
            sure = page.confidence(span, stretches)
            page.blocks += [dataclasses.replace(block, confidence=sure) for block in inside.blocks]
        elif said and said[0] == "table" and (tables := cells_of(page, rows_of(text), span[0])):
            for cells in tables:
                page.add("table", span, bbox, (), stretches, cells=cells)
        elif kind in VERBATIM:
            page.add(kind, span, bbox, (Run(text),), stretches)
        else:
            page.add(kind, span, bbox, marked(text), stretches, level=level or int(kind == "list_item"))


def _kind(said: Meaning | None) -> tuple[Kind, int]:
    sense, level = said or ("paragraph", 0)
    if sense == "image caption":
        return "image", 0
    if sense == "container" or sense == "list" or sense == "table":  # a table in text alone has no cells
        return "paragraph", 0
    return sense, level


def corners_of(entry: Entry) -> str:
    """The box of an object as text, empty for none."""
    return " ".join(text for text, _ in entry.corners)


def is_polygon(corners: str) -> bool:
    return corners.count(" ") > 7


def words_of(entry: Entry) -> tuple[Meaning | None, list[Said], str]:
    """What an object is, its text, and what parts that; all of it is then no longer in ``entry.said``."""
    texts, labels = entry.take(_TEXT_KEYS), entry.take(_KIND_KEYS)
    said = meaning(labels[0][0]) if labels else None
    if not texts and said is None:
        texts, labels = labels, []  # what was asked for: the label is the text
    if texts or not entry.corners or (said is not None and said[0] in FIGURES) or not entry.has_words():
        return said, texts, "\n"
    # {"key": "Total", "value": "12,00"}, or the rows of a table
    texts = [value for values in entry.said.values() for value in values]
    entry.said.clear()
    return said, texts, " "
