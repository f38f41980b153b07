"""The JSON that models answer with when they are asked where text is: lists of boxes with text.

What it is: a scanner for ``[{"bbox_2d": [...], "text_content": "..."}]`` and its relatives, that minds no
trailing comma, single quotes or missing end. What it is not: a JSON parser: a strict one refuses most
of what models write.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from docparse.document import VERBATIM, Kind, Run
from docparse.geometry import BBox
from docparse.qwenvl_html import boxes
from docparse.qwenvl_html.frame import BOX_KEYS
from docparse.qwenvl_html.grammar import FIGURES, Meaning, meaning
from docparse.qwenvl_html.issues import IssueLog, shown
from docparse.qwenvl_html.marks import marked
from docparse.qwenvl_html.page import PageBuilder, Stretch
from docparse.qwenvl_html.reader import Reader
from docparse.qwenvl_html.tables import cells_of
from docparse.qwenvl_html.tabular import rows_of
from docparse.qwenvl_html.tree import parse

_TOKEN = re.compile(
    # A quote ends a string only where something can follow it: models forget to escape those inside.
    r"""\s*+(?:"(?P<double>(?:[^"\\]++|\\.|"(?!\s*+(?:[,:\]}]|\Z)))*+)\""""
    r"""|'(?P<single>(?:[^'\\]++|\\.|'(?!\s*+(?:[,:\]}]|\Z)))*+)'"""
    r"""|(?P<mark>[\[\]{}:,])|(?P<open>["'])|(?P<word>[^\s\[\]{}:,"']++(?:[ ]++[^\s\[\]{}:,"']++)*+))""",
    re.DOTALL,
)
_DIGITS = re.compile("[-+0-9.eE]*")
_HASHES = re.compile(r"(#{1,6})[ \t]+")
_COLON = re.compile(r"\s*+:")
_OPENING = re.compile(r"[\[{]")
_TEXT_KEYS = ("text_content", "text", "content", "transcription")
_KIND_KEYS = ("label", "category", "type", "class", "sub_type")
_CONSTANTS = frozenset({"true", "false", "null", "True", "False", "None", "NaN"})
_DEEPEST = 20

Said = tuple[str, Stretch]
"""A value, and where it stands."""


@dataclass
class _Entry:
    """One object of the list: what it says under each key."""

    start: int
    said: dict[str, list[Said]] = field(default_factory=dict)

    def put(self, key: str, text: str, stretch: Stretch) -> None:
        self.said.setdefault(key, []).append((text, stretch))

    def has_words(self) -> bool:
        return any(not _DIGITS.fullmatch(text) for values in self.said.values() for text, _ in values)

    def take(self, keys: Iterable[str]) -> list[Said]:
        """All values of the first of ``keys`` that is there, which then is there no more."""
        return next((self.said.pop(key) for key in keys if key in self.said), [])


class GroundingReader:
    """Reads ``markup[start:end]`` into ``page``. ``truncated``: the list is cut off. ``outside``: what stands
    between and after the lists.
    """

    def __init__(self, page: PageBuilder, markup: str, start: int, end: int) -> None:
        self.page = page
        self.markup = markup
        self.start = start
        self.end = end
        self.truncated = False
        self.outside: list[Stretch] = []
        self._opened: list[_Entry] = []
        self._key = ""

    def read(self) -> None:
        at = self.start
        depth: list[str] = []
        while match := _TOKEN.match(self.markup, at, self.end):
            at = match.end()
            mark = match["mark"]
            if not depth and mark not in ("[", "{", ",", "]", "}"):
                # Not even a list: whatever comes before the next one.
                opening = _OPENING.search(self.markup, at, self.end)
                stop = opening.start() if opening else self.end
                self.outside.append((match.start(), stop))
                at = stop
            elif mark in ("[", "{"):
                depth.append(mark)
                if mark == "{" and len(self._opened) < _DEEPEST:
                    self._opened.append(_Entry(match.start("mark")))
            elif mark in ("]", "}"):
                if depth:
                    depth.pop()
                if mark == "}" and self._opened and depth.count("{") < len(self._opened):
                    self._close(at)
            elif mark is None:
                at = self._value(match)
        self.truncated = bool(self._opened)
        if self.truncated:
            self.page.log.add("truncated", "the list ends inside an object", self.end)
        while self._opened:
            self._close(self.end)

    def _value(self, match: re.Match[str]) -> int:
        """A key, or a value of the open object. Returns where to go on."""
        at = match.end()
        if match["open"]:  # a string that does not end
            text, stretch, at = self.markup[at : self.end], (at, self.end), self.end
        elif match["word"]:
            text, stretch = match["word"], (match.start("word"), at)
        else:
            text = match["double"] if match["double"] is not None else match["single"]
            stretch = (at - 1 - len(text), at - 1)
        if not match["open"] and _COLON.match(self.markup, at, self.end):
            self._key = _unescaped(text)
            return at
        if not self._opened:
            self.outside.append(stretch)
        elif text not in _CONSTANTS:
            self._opened[-1].put(self._key, _unescaped(text), stretch)
        return at

    def _close(self, end: int) -> None:
        """The object that was opened last is complete."""
        entry = self._opened.pop()
        corners = " ".join(text for text, _ in entry.take(BOX_KEYS))
        if not corners and self._opened:  # a part of the object around it
            for key, values in entry.said.items():
                self._opened[-1].said.setdefault(key, []).extend(values)
            return
        texts, labels = entry.take(_TEXT_KEYS), entry.take(_KIND_KEYS)
        said = meaning(labels[0][0]) if labels else None
        if not texts and said is None:
            texts, labels = labels, []  # what was asked for: the label is the text
        separator = "\n"
        if not texts and corners and (said is None or said[0] not in FIGURES) and entry.has_words():
            # {"key": "Total", "value": "12,00"}, or the rows of a table
            texts, separator = [value for values in entry.said.values() for value in values], " "
        else:
            for key, values in entry.said.items():
                words = shown(" ".join(text for text, _ in values), 200)
                self.page.log.add("unknown-attribute", f"{shown(key)!r} of an object, left out: {words!r}", entry.start)
        if not corners and not texts:
            return
        bbox = None
        if corners:
            bbox = self.page.checked(boxes.parse(corners, polygon=corners.count(" ") > 7), corners, entry.start)
        text, stretches = separator.join(text for text, _ in texts), [stretch for _, stretch in texts]
        self._add(said, text, (entry.start, end), bbox, stretches)

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


def _unescaped(string: str) -> str:
    if "\\" not in string:
        return string
    try:
        return str(json.loads(f'"{string}"', strict=False))
    except ValueError:
        return string.replace("\\n", "\n").replace('\\"', '"').replace("\\\\", "\\")
